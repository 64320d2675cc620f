package io.github.jbatchnorm.nn.io;

import java.io.IOException;
import java.util.Objects;

/**
 * A file is not what a reader reads: no .npy, .npz, safetensors, IDX or CIFAR-10 file, or none of
 * the kind expected. The message names it and says why, in a line.
 */
public final class FileFormatException extends IOException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception.
   *
   * @param where the file, perhaps with a part of it
   * @param problem what is wrong, as in "is a folder"
   */
  public FileFormatException(Object where, String problem) {
    super(
        Objects.requireNonNull(where, "where")
            + ": "
            + FileText.printable(Objects.requireNonNull(problem, "problem")));
  }
}
