package io.github.jbatchnorm.nn.io;

import java.nio.ByteBuffer;
import java.util.SplittableRandom;

/** Names and contents of files, drawn at random. */
final class RandomEntries {
  private static final int MOST_AXES = Stored.MOST_AXES;

  private RandomEntries() {}

  /** Returns a text of at most so many bytes of UTF-8, of any characters but halves of pairs. */
  static String text(SplittableRandom random, int bytes) {
    StringBuilder text = new StringBuilder();
    int most = random.nextInt(bytes + 1) / 4;
    for (int i = 0; i < most; i++) {
      int c = random.nextInt(random.nextBoolean() ? 0x80 : Character.MAX_CODE_POINT + 1);
      text.appendCodePoint(Character.getType(c) == Character.SURROGATE ? 'x' : c);
    }
    return text.toString();
  }

  /** Returns an entry of any type and shape, of a few bytes. */
  static Stored entry(SplittableRandom random) {
    Stored.Type[] types = Stored.Type.values();
    Stored.Type type = types[random.nextInt(types.length)];
    int[] shape = new int[random.nextInt(MOST_AXES + 1)];
    int size = type.bytes();
    for (int i = 0; i < shape.length; i++) {
      shape[i] = size > 64 ? 1 : 1 + random.nextInt(3);
      size *= shape[i];
    }
    if (shape.length > 0 && random.nextInt(4) == 0) {
      shape[0] = Integer.MAX_VALUE;
      shape[random.nextInt(shape.length)] = 0; // empty, whatever the others are
      size = 0;
    }
    byte[] bytes = new byte[size];
    random.nextBytes(bytes);
    return new Stored(type, shape, ByteBuffer.wrap(bytes));
  }
}
