package io.github.jbatchnorm.platform;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Set;

/**
 * Files that replace older ones at once and as a whole, or not at all where something fails. A new
 * file has the mode that any new file gets, by the umask; one that replaces another keeps its mode,
 * and a symbolic link stays one: what it leads to is replaced.
 */
public final class AtomicFile {
  private static final int MOST_LINKS = 40; // Linux's limit

  private AtomicFile() {}

  /** Writes a file's contents. */
  @FunctionalInterface
  public interface Contents {
    void write(FileChannel channel) throws IOException;
  }

  /**
   * Writes a file.
   *
   * @throws IOException if it cannot be written, or is a folder; the message names it
   */
  public static void write(Path file, byte[] contents) throws IOException {
    Objects.requireNonNull(file, "file");
    Objects.requireNonNull(contents, "contents");
    write(file, channel -> writeAll(channel, ByteBuffer.wrap(contents)));
  }

  public static void write(Path file, Contents contents) throws IOException {
    Path target = target(file.toAbsolutePath());
    Path temporary = temporary(target);
    try {
      create(file, target, temporary, contents);
      replace(temporary, target);
    } finally {
      Files.deleteIfExists(temporary); // it is gone where it was moved
    }
  }

  /** Follows symbolic links, to a file that need not be there, in a folder that has to. */
  private static Path target(Path file) throws IOException {
    Path target = file;
    for (int links = 0; Files.isSymbolicLink(target); links++) {
      if (links == MOST_LINKS) {
        throw new FileSystemException(file.toString(), null, "too many symbolic links");
      }
      target = target.resolveSibling(Files.readSymbolicLink(target));
    }
    Path folder = target.getParent();
    if (folder == null || Files.isDirectory(target)) {
      throw new FileSystemException(file.toString(), null, "is a folder");
    }
    if (!Files.exists(folder)) {
      throw new NoSuchFileException(folder.toString());
    }
    if (!Files.isDirectory(folder)) {
      throw new NotDirectoryException(folder.toString());
    }
    return target;
  }

  /** Beside the target, so that it can be moved there, and of a short name, whatever its name. */
  private static Path temporary(Path target) {
    byte[] random = new byte[8];
    new SecureRandom().nextBytes(random);
    return target.resolveSibling(".jbatchnorm-" + HexFormat.of().formatHex(random) + ".tmp");
  }

  private static void create(Path file, Path target, Path temporary, Contents contents)
      throws IOException {
    Set<StandardOpenOption> options =
        Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    boolean keeps = Files.exists(target) && hasMode(target);
    Set<PosixFilePermission> mode = keeps ? Files.getPosixFilePermissions(target) : Set.of();
    // From its creation on, no one may read it who may not read the older file.
    FileAttribute<?>[] attributes =
        keeps
            ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(mode)}
            : new FileAttribute<?>[0];
    try (FileChannel channel = FileChannel.open(temporary, options, attributes)) {
      if (keeps) {
        Files.setPosixFilePermissions(temporary, mode);
      }
      contents.write(channel);
      channel.force(true);
    } catch (AccessDeniedException e) {
      throw withCause(new AccessDeniedException(file.toString()), e);
    } catch (FileSystemException e) {
      throw e;
    } catch (IOException e) {
      throw new IOException(file + ": " + e.getMessage(), e);
    }
  }

  private static boolean hasMode(Path file) {
    return Files.getFileAttributeView(file, PosixFileAttributeView.class) != null;
  }

  private static <T extends Exception> T withCause(T exception, Exception cause) {
    exception.initCause(cause);
    return exception;
  }

  private static void replace(Path temporary, Path target) throws IOException {
    try {
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      throw new IOException(target + ": this file system cannot replace a file at once", e);
    }
  }

  public static void writeAll(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }
}
