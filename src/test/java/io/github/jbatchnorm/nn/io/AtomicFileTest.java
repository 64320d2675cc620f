package io.github.jbatchnorm.nn.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.platform.AtomicFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever writes files keeps modes and links, and changes all of a file or nothing. */
class AtomicFileTest {
  private static final byte[] NEW = {1, 2, 3};
  private static final byte[] OLD = {9};

  @TempDir private Path folder;

  /** What writes a file. */
  @FunctionalInterface
  private interface Writer {
    void write(Path file) throws IOException;
  }

  private static Stream<Writer> writers() {
    Stored one = Stored.count(1);
    return Stream.of(
        file -> AtomicFile.write(file, NEW),
        file -> Npy.write(file, one),
        file -> Npy.writeAll(file, Map.of("a", one)),
        file -> new Safetensors(Map.of("a", one), Map.of()).write(file));
  }

  private static String mode(Path file) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
  }

  private void assertOnly(Path... files) throws IOException {
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).containsExactlyInAnyOrder(files);
    }
  }

  @Test
  void aNewFileHasTheModeOfAnyNewFile() throws IOException {
    Path plain = Files.writeString(folder.resolve("plain"), "x");
    for (Writer writer : writers().toList()) {
      Path file = folder.resolve("new");
      writer.write(file);
      assertThat(mode(file)).isEqualTo(mode(plain));
      Files.delete(file);
    }
    assertOnly(plain);
  }

  @ParameterizedTest
  @ValueSource(strings = {"rw-rw-r--", "rw-------", "rwxrwxrwx", "r--r--r--", "rw-r-----"})
  void aFileThatIsReplacedKeepsItsMode(String mode) throws IOException {
    for (Writer writer : writers().toList()) {
      Path file = Files.write(folder.resolve("old"), OLD);
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
      writer.write(file);
      assertThat(mode(file)).isEqualTo(mode);
      assertThat(Files.readAllBytes(file)).isNotEqualTo(OLD);
      Files.delete(file);
    }
  }

  @Test
  void symbolicLinksStayAndWhatTheyLeadToIsReplaced() throws IOException {
    Path inner = Files.createDirectory(folder.resolve("inner"));
    Path real = Files.write(inner.resolve("real"), OLD);
    Path second = Files.createSymbolicLink(inner.resolve("second"), Path.of("real"));
    Path first = Files.createSymbolicLink(folder.resolve("first"), Path.of("inner", "second"));
    AtomicFile.write(first, NEW);
    assertThat(first).isSymbolicLink();
    assertThat(second).isSymbolicLink();
    assertThat(Files.readAllBytes(real)).isEqualTo(NEW);
    Path dangling = Files.createSymbolicLink(folder.resolve("dangling"), Path.of("inner", "later"));
    AtomicFile.write(dangling, NEW);
    assertThat(dangling).isSymbolicLink();
    assertThat(inner.resolve("later")).hasBinaryContent(NEW);
    assertOnly(inner, first, dangling);
  }

  @Test
  void aLongNameIsWritten() throws IOException {
    Path file = folder.resolve("x".repeat(255));
    AtomicFile.write(file, NEW);
    assertOnly(file);
  }

  @Test
  void whatCannotBeWrittenIsRefusedByName() throws IOException {
    assertThatThrownBy(() -> AtomicFile.write(Path.of("/"), NEW))
        .isInstanceOf(FileSystemException.class)
        .hasMessage("/: is a folder");
    assertThatThrownBy(() -> AtomicFile.write(folder, NEW))
        .isInstanceOf(FileSystemException.class)
        .hasMessage(folder + ": is a folder");
    assertThatThrownBy(() -> AtomicFile.write(folder.resolve("none").resolve("a"), NEW))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessage(folder.resolve("none").toString());
    Path file = Files.write(folder.resolve("file"), NEW);
    assertThatThrownBy(() -> AtomicFile.write(file.resolve("a"), NEW))
        .isInstanceOf(NotDirectoryException.class)
        .hasMessage(file.toString());
    Path loop = Files.createSymbolicLink(folder.resolve("loop"), Path.of("loop"));
    assertThatThrownBy(() -> AtomicFile.write(loop, NEW))
        .isInstanceOf(FileSystemException.class)
        .hasMessage(loop + ": too many symbolic links");
    assertOnly(file, loop);
  }

  @Test
  void whatFailsHalfwayNamesTheFileAndLeavesTheOldOne() throws IOException {
    Path file = Files.write(folder.resolve("file"), NEW);
    assertThatThrownBy(
            () ->
                AtomicFile.write(
                    file,
                    channel -> {
                      AtomicFile.writeAll(channel, ByteBuffer.allocate(9));
                      throw new IOException("No space left on device");
                    }))
        .isInstanceOf(IOException.class)
        .hasMessage(file + ": No space left on device");
    assertThat(file).hasBinaryContent(NEW);
    assertOnly(file);
  }
}
