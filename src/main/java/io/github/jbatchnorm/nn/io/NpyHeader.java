package io.github.jbatchnorm.nn.io;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The header of a .npy file (NumPy's NEP 1): 6 bytes of magic, the version, the length of a text,
 * and the text, a Python dictionary of descr, fortran_order and shape. What it says is not believed
 * but checked.
 *
 * @param type the elements' type and order of bytes
 * @param fortran whether the first axis is the fastest
 * @param shape the axes' sizes
 */
record NpyHeader(NpyType type, boolean fortran, List<Integer> shape) {
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};

  /** NumPy's own limit. */
  private static final int MOST = 10_000;

  private static final int ALIGNMENT = 64;

  static NpyHeader read(String where, InputStream in) throws IOException {
    byte[] start = in.readNBytes(MAGIC.length + 2);
    if (start.length < MAGIC.length + 2
        || !Arrays.equals(MAGIC, Arrays.copyOf(start, MAGIC.length))) {
      throw new FileFormatException(where, "does not begin as a .npy file does");
    }
    int version = start[MAGIC.length];
    if (version < 1 || version > 3) {
      throw new FileFormatException(where, "has version %s, expected 1 to 3".formatted(version));
    }
    byte[] size = in.readNBytes(version == 1 ? 2 : 4);
    if (size.length < (version == 1 ? 2 : 4)) {
      throw new FileFormatException(where, "ends within its header");
    }
    long length = 0;
    for (int i = size.length - 1; i >= 0; i--) {
      length = (length << Byte.SIZE) | Byte.toUnsignedLong(size[i]);
    }
    if (length > MOST) {
      throw new FileFormatException(
          where, "says that its header has %s bytes, expected at most %s".formatted(length, MOST));
    }
    byte[] text = in.readNBytes((int) length);
    if (text.length < length) {
      throw new FileFormatException(where, "ends within its header");
    }
    return new NpyHeaderParser(where, new String(text, StandardCharsets.UTF_8)).parse();
  }

  int[] axes() {
    return shape.stream().mapToInt(Integer::intValue).toArray();
  }

  /**
   * Returns the length of the elements, of which {@link NpyHeaderParser} checked that it is an int.
   */
  int bytes() {
    return (int) Stored.size(type.type(), axes());
  }

  /**
   * Returns magic, version and text, so long that the elements begin aligned to 64 bytes.
   *
   * @throws IllegalArgumentException if NumPy has no such type
   */
  static byte[] text(Stored array) {
    String axes =
        Arrays.stream(array.shape())
            .mapToObj(Integer::toString)
            .collect(Collectors.joining(", ", "(", array.shape().length == 1 ? ",)" : ")"));
    String text =
        "{'descr': '%s', 'fortran_order': False, 'shape': %s, }"
            .formatted(NpyType.descr(array), axes);
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
