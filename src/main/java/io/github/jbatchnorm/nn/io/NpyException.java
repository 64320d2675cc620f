package io.github.jbatchnorm.nn.io;

import java.io.IOException;

/** A file is no .npy or .npz file that can be read. The message names it and says why. */
public final class NpyException extends IOException {
  private static final long serialVersionUID = 1L;

  NpyException(String where, String problem) {
    super(where + ": " + FileText.printable(problem));
  }
}
