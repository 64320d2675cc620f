package io.github.jbatchnorm.nn.io;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** Text that goes to a file, and text from a file in a message about it. */
final class FileText {
  private static final int MOST = 500;

  private FileText() {}

  /**
   * Checks a name that is written.
   *
   * @param argument what holds it, for the message
   * @param most bytes of UTF-8
   * @throws IllegalArgumentException if it is longer, null, or has half of a surrogate pair
   */
  static void checkName(String argument, @Nullable String name, int most) {
    if (name == null || !isWhole(name)) {
      throw new IllegalArgumentException(
          "%s: expected texts of whole characters, got %s"
              .formatted(argument, name == null ? "null" : printable(name)));
    }
    int bytes = name.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > most) {
      throw new IllegalArgumentException(
          "%s: expected names of at most %s bytes in UTF-8, got %s"
              .formatted(argument, most, bytes));
    }
  }

  /** Returns whether there is no half of a surrogate pair, which UTF-8 has not got. */
  static boolean isWhole(String text) {
    return text.codePoints().noneMatch(c -> Character.getType(c) == Character.SURROGATE);
  }

  /** Returns the text with escapes for what is no printable character, cut where it is long. */
  static String printable(String text) {
    StringBuilder result = new StringBuilder();
    for (int i = 0; i < text.length() && result.length() < MOST; i++) {
      char c = text.charAt(i);
      boolean plain = !Character.isISOControl(c) && !isLineEnd(c) && !Character.isSurrogate(c);
      result.append(plain ? c : escaped(c));
    }
    return result.length() < MOST ? result.toString() : result.append("...").toString();
  }

  private static boolean isLineEnd(char c) {
    int type = Character.getType(c);
    return type == Character.LINE_SEPARATOR
        || type == Character.PARAGRAPH_SEPARATOR
        || type == Character.FORMAT; // turns the direction of the text after it
  }

  private static String escaped(char c) {
    return "\\u" + HexFormat.of().toHexDigits(c);
  }
}
