package io.github.jbatchnorm.nn.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;

/** Saves one of two contents after the other in a file until it is killed. */
final class SaveForever {
  private SaveForever() {}

  public static void main(String[] args) throws IOException {
    for (int i = 0; ; i++) {
      contents(i % 2).write(Path.of(args[0]));
    }
  }

  /** Returns contents of a megabyte, all of one byte. */
  static Safetensors contents(int which) {
    byte[] bytes = new byte[1 << 20];
    Arrays.fill(bytes, (byte) which);
    Stored stored = new Stored(Stored.Type.U8, new int[] {bytes.length}, ByteBuffer.wrap(bytes));
    return new Safetensors(Map.of("x", stored), Map.of());
  }
}
