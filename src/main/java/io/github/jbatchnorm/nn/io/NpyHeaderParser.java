package io.github.jbatchnorm.nn.io;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads the text of a .npy header in one pass: a dictionary of texts, True or False, and tuples of
 * integers as Python 2 and 3 write them, of which a header needs three.
 */
final class NpyHeaderParser {
  private static final Set<String> KEYS = Set.of("descr", "fortran_order", "shape");
  private static final String SPACE = " \t\n\r\f";

  private final String where;
  private final String text;
  private int at;

  NpyHeaderParser(String where, String text) {
    this.where = where;
    this.text = text;
  }

  NpyHeader parse() throws FileFormatException {
    Map<String, Object> entries = entries();
    if (!entries.keySet().equals(KEYS)) {
      throw noDictionary();
    }
    if (!(entries.get("descr") instanceof String descr)
        || !(entries.get("fortran_order") instanceof Boolean fortran)
        || !(entries.get("shape") instanceof List<?> numbers)) {
      throw new FileFormatException(where, "has a header whose values are of other types");
    }
    NpyType type = NpyType.of(descr);
    if (type == null) {
      throw new FileFormatException(
          where,
          "has elements of type %s, expected f2 to f8, i1 to i8, u1 to u8 or b1".formatted(descr));
    }
    return new NpyHeader(type, fortran, shape(numbers, type.type()));
  }

  private Map<String, Object> entries() throws FileFormatException {
    Map<String, Object> entries = new HashMap<>();
    expect('{');
    boolean more = !accept('}');
    while (more) {
      String key = quoted();
      expect(':');
      if (!KEYS.contains(key) || entries.put(key, value()) != null) {
        throw noDictionary();
      }
      more = accept(',');
      if (accept('}')) {
        more = false;
      } else if (!more) {
        throw noDictionary();
      }
    }
    skipSpace();
    if (at < text.length()) {
      throw noDictionary();
    }
    return entries;
  }

  private Object value() throws FileFormatException {
    skipSpace();
    if (acceptWord("True")) {
      return true;
    }
    if (acceptWord("False")) {
      return false;
    }
    return accept('(') ? tuple() : quoted();
  }

  /** A text in single or double quotes, with u or U before it in Python 2; without escapes. */
  private String quoted() throws FileFormatException {
    boolean prefixed = accept('u') || accept('U');
    if (prefixed && at < text.length() && SPACE.indexOf(text.charAt(at)) >= 0) {
      throw noDictionary();
    }
    char quote = accept('"') ? '"' : '\'';
    if (quote == '\'') {
      expect('\'');
    }
    int end = text.indexOf(quote, at);
    String inner = end < 0 ? "\n" : text.substring(at, end);
    if (inner.indexOf('\n') >= 0 || inner.indexOf('\\') >= 0) {
      throw noDictionary();
    }
    at = end + 1;
    return inner;
  }

  private List<Integer> tuple() throws FileFormatException {
    List<Integer> numbers = new ArrayList<>();
    boolean comma = true;
    while (!accept(')')) {
      if (!comma) {
        throw shapeOf(numbers);
      }
      numbers.add(number(numbers));
      comma = accept(',');
    }
    if (numbers.size() == 1 && !comma) {
      throw shapeOf(numbers); // in Python a number in brackets, no tuple
    }
    return numbers;
  }

  private int number(List<Integer> before) throws FileFormatException {
    skipSpace();
    int start = at;
    while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
      at++;
    }
    int digits = at - start;
    boolean leading = digits > 1 && text.charAt(start) == '0';
    if (digits == 0 || digits > 10 || leading || before.size() == Stored.MOST_AXES) {
      throw shapeOf(before);
    }
    long number = Long.parseLong(text.substring(start, at));
    if (number > Integer.MAX_VALUE) {
      throw new FileFormatException(where, "has an axis of %s".formatted(number));
    }
    if (at < text.length() && text.charAt(at) == 'L') {
      at++;
    }
    return (int) number;
  }

  private List<Integer> shape(List<?> numbers, Stored.Type type) throws FileFormatException {
    List<Integer> shape = numbers.stream().map(Integer.class::cast).toList();
    int[] axes = shape.stream().mapToInt(Integer::intValue).toArray();
    if (!Stored.fits(type, axes)) {
      throw new FileFormatException(where, "has shape %s, which is past 2 GiB".formatted(shape));
    }
    return shape;
  }

  private FileFormatException shapeOf(List<Integer> before) {
    return new FileFormatException(
        where,
        "has a shape that is no tuple of at most %s numbers from 0 on, after %s"
            .formatted(Stored.MOST_AXES, before));
  }

  private FileFormatException noDictionary() {
    return new FileFormatException(
        where, "has a header that is no dictionary of descr, fortran_order and shape");
  }

  private void expect(char c) throws FileFormatException {
    if (!accept(c)) {
      throw noDictionary();
    }
  }

  private boolean accept(char c) {
    skipSpace();
    boolean found = at < text.length() && text.charAt(at) == c;
    at += found ? 1 : 0;
    return found;
  }

  private boolean acceptWord(String word) {
    boolean found = text.startsWith(word, at);
    at += found ? word.length() : 0;
    return found;
  }

  private void skipSpace() {
    while (at < text.length() && SPACE.indexOf(text.charAt(at)) >= 0) {
      at++;
    }
  }
}
