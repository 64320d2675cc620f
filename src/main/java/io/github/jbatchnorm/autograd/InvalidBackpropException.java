package io.github.jbatchnorm.autograd;

/** A gradient was asked for that can no longer be computed right. The message says why. */
public final class InvalidBackpropException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  InvalidBackpropException(String message) {
    super(message);
  }
}
