package io.github.jbatchnorm.cli;

/** Something that the user can put right. The message is the one line that he sees. */
final class UserException extends Exception {
  private static final long serialVersionUID = 1L;

  UserException(String message) {
    super(message);
  }
}
