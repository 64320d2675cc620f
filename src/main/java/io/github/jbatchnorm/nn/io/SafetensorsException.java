package io.github.jbatchnorm.nn.io;

import java.io.IOException;
import java.nio.file.Path;

/** A file is no safetensors file that can be read. The message names the file and says why. */
public final class SafetensorsException extends IOException {
  private static final long serialVersionUID = 1L;

  SafetensorsException(Path file, String problem) {
    super(file + ": " + FileText.printable(problem));
  }
}
