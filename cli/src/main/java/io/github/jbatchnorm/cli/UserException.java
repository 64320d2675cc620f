package io.github.jbatchnorm.cli;

/** Something that the user can put right. The message is the one line that he sees. */
final class UserException extends Exception {
  private static final long serialVersionUID = 1L;

  UserException(String message) {
    super(message);
  }

  /** Refuses what an option is set to, in words that name it, what it may be and what it is. */
  static void unless(boolean holds, String option, String expected, Object got)
      throws UserException {
    if (!holds) {
      throw new UserException("%s: expected %s, got %s".formatted(option, expected, got));
    }
  }
}
