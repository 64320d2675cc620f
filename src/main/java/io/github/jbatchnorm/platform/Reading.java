package io.github.jbatchnorm.platform;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.Objects;

/** Reading a file, so that whatever goes wrong is an IOException that names it. */
public final class Reading {
  /** The most bytes that one byte of deflate, the compression of gzip and zip, stands for. */
  private static final long MOST_INFLATED = 1032;

  private Reading() {}

  /** Reads contents from a file that it knows. */
  @FunctionalInterface
  public interface Reader<T> {
    /** Returns the contents. */
    T read() throws IOException;
  }

  /**
   * Returns what a reader reads.
   *
   * @param file the file, for the message
   * @throws IOException if it cannot be read, or takes more memory than there is
   */
  public static <T> T of(Path file, Reader<T> reader) throws IOException {
    Objects.requireNonNull(file, "file");
    Objects.requireNonNull(reader, "reader");
    try {
      return inMemory(file, reader);
    } catch (FileSystemException e) {
      throw e;
    } catch (IOException e) {
      String message = String.valueOf(e.getMessage());
      throw message.startsWith(file.toString()) ? e : new IOException(file + ": " + message, e);
    }
  }

  /**
   * Returns what a reader reads.
   *
   * @param what the file or files, for the message
   * @throws IOException as the reader, or if the contents take more memory than there is
   */
  public static <T> T inMemory(Object what, Reader<T> reader) throws IOException {
    Objects.requireNonNull(what, "what");
    Objects.requireNonNull(reader, "reader");
    try {
      return reader.read();
    } catch (OutOfMemoryError e) { // all that was read is garbage by now
      throw new IOException(what + ": takes more memory than the Java heap has left (-Xmx)", e);
    }
  }

  /** Returns the most bytes that so many bytes of gzip or zip, at most 2 GiB, can become. */
  public static long mostInflated(long compressed) {
    return MOST_INFLATED * Math.min(compressed, Integer.MAX_VALUE);
  }
}
