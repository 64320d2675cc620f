package io.github.jbatchnorm.nn.data;

import java.io.IOException;
import java.nio.file.Path;

/** A file is not in CIFAR-10's binary format. The message names the file and says why. */
public final class CifarFormatException extends IOException {
  private static final long serialVersionUID = 1L;

  CifarFormatException(Path file, String problem) {
    super(file + ": " + problem);
  }
}
