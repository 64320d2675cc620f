package io.github.jbatchnorm.nn.io;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The header of a .npy file (NumPy's NEP 1): 6 bytes of magic, the version, the length of a text,
 * and the text, a Python dictionary of descr, fortran_order and shape. What it says is not believed
 * but checked.
 *
 * @param type the elements' type
 * @param fortran whether the first axis is the fastest
 * @param shape the axes' sizes
 */
record NpyHeader(Stored.Type type, boolean fortran, List<Integer> shape) {
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  private static final int MOST = 1 << 16;
  private static final int MOST_AXES = 32;
  private static final int ALIGNMENT = 64;
  private static final Pattern ENTRY =
      Pattern.compile("\\s*'(\\w+)'\\s*:\\s*('[^']*'|True|False|\\([0-9,\\s]*\\))\\s*(,|(?=\\}))");
  private static final Map<String, Stored.Type> TYPES =
      Map.of(
          "<f2",
          Stored.Type.F16,
          "<f4",
          Stored.Type.F32,
          "<f8",
          Stored.Type.F64,
          "<i8",
          Stored.Type.I64);

  /** Returns the length of the elements, of which {@link #read} checked that it is an int. */
  int bytes() {
    return shape.stream().reduce(type.bytes(), (a, b) -> a * b);
  }

  static NpyHeader read(String where, InputStream in) throws IOException {
    byte[] start = in.readNBytes(MAGIC.length + 2);
    if (start.length < MAGIC.length + 2
        || !Arrays.equals(MAGIC, Arrays.copyOf(start, MAGIC.length))) {
      throw new NpyException(where, "does not begin as a .npy file does");
    }
    int version = start[MAGIC.length];
    if (version < 1 || version > 3) {
      throw new NpyException(where, "has version %d, expected 1 to 3".formatted(version));
    }
    byte[] size = in.readNBytes(version == 1 ? 2 : 4);
    long length = 0;
    for (int i = size.length - 1; i >= 0; i--) {
      length = (length << Byte.SIZE) | Byte.toUnsignedLong(size[i]);
    }
    if (length > MOST) {
      throw new NpyException(
          where, "says that its header has %d bytes, expected at most %d".formatted(length, MOST));
    }
    byte[] text = in.readNBytes((int) length);
    if (text.length < length) {
      throw new NpyException(where, "ends within its header");
    }
    return parse(where, new String(text, StandardCharsets.UTF_8).strip());
  }

  private static NpyHeader parse(String where, String text) throws NpyException {
    Map<String, String> entries = new HashMap<>();
    Matcher matcher = ENTRY.matcher(text);
    int at = 1;
    while (text.startsWith("{") && at < text.length() && matcher.find(at)) {
      if (matcher.start() != at || entries.put(matcher.group(1), matcher.group(2)) != null) {
        break;
      }
      at = matcher.end();
    }
    boolean whole = at < text.length() && text.substring(at).strip().equals("}");
    if (!whole || !entries.keySet().equals(Set.of("descr", "fortran_order", "shape"))) {
      throw new NpyException(
          where, "has a header that is no dictionary of descr, fortran_order and shape");
    }
    return checked(where, entries);
  }

  private static NpyHeader checked(String where, Map<String, String> entries) throws NpyException {
    String descr = entries.get("descr").replace("'", "");
    Stored.Type type = TYPES.get(descr);
    if (type == null) {
      throw new NpyException(
          where, "has elements of type %s, expected <f2, <f4, <f8 or <i8".formatted(descr));
    }
    String order = entries.get("fortran_order");
    String axes = entries.get("shape");
    if (!axes.startsWith("(") || order.startsWith("'") || order.startsWith("(")) {
      throw new NpyException(where, "has a header whose values are of other types");
    }
    return new NpyHeader(type, order.equals("True"), shape(where, axes, type));
  }

  private static List<Integer> shape(String where, String text, Stored.Type type)
      throws NpyException {
    String inner = text.substring(1, text.length() - 1).strip();
    String[] parts = inner.isEmpty() ? new String[0] : inner.split(",", MOST_AXES + 2);
    int count = inner.endsWith(",") ? parts.length - 1 : parts.length;
    List<Integer> shape = new ArrayList<>();
    long size = type.bytes();
    for (int i = 0; i < count; i++) {
      String part = parts[i].strip();
      if (!part.matches("\\d{1,10}") || count > MOST_AXES) {
        throw new NpyException(where, "has shape %s".formatted(text));
      }
      long axis = Long.parseLong(part);
      size = axis > Integer.MAX_VALUE ? Long.MAX_VALUE : size * axis;
      if (size > Integer.MAX_VALUE) {
        throw new NpyException(where, "has shape %s, which is past 2 GiB".formatted(text));
      }
      shape.add((int) axis);
    }
    return shape;
  }

  /** Returns magic, version and text, so long that the elements begin aligned to 64 bytes. */
  static byte[] text(Stored array) {
    String descr =
        TYPES.entrySet().stream()
            .filter(entry -> entry.getValue() == array.type())
            .map(Map.Entry::getKey)
            .findFirst()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "array: NumPy has no type for %s".formatted(array)));
    String axes =
        Arrays.stream(array.shape())
            .mapToObj(Integer::toString)
            .collect(Collectors.joining(", ", "(", array.shape().length == 1 ? ",)" : ")"));
    String text = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }".formatted(descr, axes);
    int before = MAGIC.length + 4 + text.length() + 1;
    int padding = (ALIGNMENT - before % ALIGNMENT) % ALIGNMENT;
    int length = text.length() + padding + 1;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(MAGIC);
    out.write(1);
    out.write(0);
    out.write(length & 0xff);
    out.write(length >> Byte.SIZE);
    out.writeBytes((text + " ".repeat(padding) + "\n").getBytes(StandardCharsets.US_ASCII));
    return out.toByteArray();
  }
}
