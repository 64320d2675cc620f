package io.github.jbatchnorm.nn.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.jbatchnorm.ChildJvm;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Saving where there is no room, or nothing may be written: the file stays what it was. */
class FullDiskTest {
  @TempDir private Path disk;
  private Path file;

  private static boolean isDone(String... command) throws InterruptedException {
    try {
      return ChildJvm.run(List.of(command)).endsWith("status=0");
    } catch (IOException e) {
      return false; // there is no such command
    }
  }

  private static Safetensors contents(int bytes) {
    Stored stored = new Stored(Stored.Type.U8, new int[] {bytes}, ByteBuffer.wrap(new byte[bytes]));
    return new Safetensors(Map.of("x", stored), Map.of());
  }

  @BeforeEach
  void mount() throws IOException, InterruptedException {
    assumeThat(isDone("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk.toString()))
        .as("mounting a file system, which takes root's rights")
        .isTrue();
    file = disk.resolve("x.safetensors");
    contents(1000).write(file);
  }

  @AfterEach
  void unmount() throws InterruptedException {
    isDone("umount", disk.toString());
  }

  private void checkRefused() throws IOException {
    byte[] before = Files.readAllBytes(file);
    assertThatThrownBy(() -> contents(1 << 20).write(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(disk.toString());
    assertThat(Files.readAllBytes(file)).isEqualTo(before);
    try (Stream<Path> files = Files.list(disk)) {
      assertThat(files).containsExactly(file);
    }
  }

  @Test
  void aFullDisk() throws IOException {
    checkRefused();
  }

  @Test
  void aFolderThatMayOnlyBeRead() throws IOException, InterruptedException {
    assertThat(isDone("mount", "-o", "remount,ro", disk.toString())).isTrue();
    checkRefused();
  }
}
