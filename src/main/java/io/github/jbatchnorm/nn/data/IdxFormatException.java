package io.github.jbatchnorm.nn.data;

import java.io.IOException;
import java.nio.file.Path;

/**
 * A file is no IDX file of the kind expected. The message names the file and says why, in a line.
 */
public final class IdxFormatException extends IOException {
  private static final long serialVersionUID = 1L;

  IdxFormatException(Path file, String problem) {
    super(file + ": " + problem);
  }
}
