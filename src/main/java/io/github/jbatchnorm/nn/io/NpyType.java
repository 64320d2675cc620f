package io.github.jbatchnorm.nn.io;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * NumPy's texts for types of elements: the order of bytes, {@code <}, {@code >}, {@code =} (the
 * machine's own, which is taken for little-endian) or {@code |} (none, or as {@code =}), or nothing
 * for {@code =}; then a kind and a size in bytes, or a letter, or a name without an order.
 *
 * @param type the elements' type
 * @param bigEndian whether the highest byte comes first
 */
record NpyType(Stored.Type type, boolean bigEndian) {
  private static final Map<String, Stored.Type> KINDS =
      Map.ofEntries(
          Map.entry("f2", Stored.Type.F16),
          Map.entry("f4", Stored.Type.F32),
          Map.entry("f8", Stored.Type.F64),
          Map.entry("i1", Stored.Type.I8),
          Map.entry("i2", Stored.Type.I16),
          Map.entry("i4", Stored.Type.I32),
          Map.entry("i8", Stored.Type.I64),
          Map.entry("u1", Stored.Type.U8),
          Map.entry("u2", Stored.Type.U16),
          Map.entry("u4", Stored.Type.U32),
          Map.entry("u8", Stored.Type.U64),
          Map.entry("b1", Stored.Type.BOOL));

  private static final Map<String, String> LETTERS =
      Map.ofEntries(
          Map.entry("e", "f2"),
          Map.entry("f", "f4"),
          Map.entry("d", "f8"),
          Map.entry("b", "i1"),
          Map.entry("h", "i2"),
          Map.entry("i", "i4"),
          Map.entry("q", "i8"),
          Map.entry("B", "u1"),
          Map.entry("H", "u2"),
          Map.entry("I", "u4"),
          Map.entry("Q", "u8"),
          Map.entry("?", "b1"));

  private static final Map<String, String> NAMES =
      Map.ofEntries(
          Map.entry("float16", "f2"),
          Map.entry("float32", "f4"),
          Map.entry("float64", "f8"),
          Map.entry("int8", "i1"),
          Map.entry("int16", "i2"),
          Map.entry("int32", "i4"),
          Map.entry("int64", "i8"),
          Map.entry("uint8", "u1"),
          Map.entry("uint16", "u2"),
          Map.entry("uint32", "u4"),
          Map.entry("uint64", "u8"),
          Map.entry("bool", "b1"));

  /** Returns the type of a text, or null where it is none of these. */
  static @Nullable NpyType of(String descr) {
    boolean ordered = !descr.isEmpty() && "<>=|".indexOf(descr.charAt(0)) >= 0;
    String kind = ordered ? descr.substring(1) : NAMES.getOrDefault(descr, descr);
    Stored.Type type = KINDS.get(LETTERS.getOrDefault(kind, kind));
    return type == null ? null : new NpyType(type, descr.startsWith(">"));
  }

  /** Returns NumPy's own text for an array's type. */
  static String descr(Stored array) {
    for (Map.Entry<String, Stored.Type> kind : KINDS.entrySet()) {
      if (kind.getValue() == array.type()) {
        return (array.type().bytes() == 1 ? "|" : "<") + kind.getKey();
      }
    }
    throw new IllegalArgumentException("array: NumPy has no type for %s".formatted(array));
  }

  /** Makes the elements little-endian, in place. */
  void toLittleEndian(byte[] data) {
    int width = type.bytes();
    for (int at = 0; bigEndian && width > 1 && at < data.length; at += width) {
      for (int low = at, high = at + width - 1; low < high; low++, high--) {
        byte swapped = data[low];
        data[low] = data[high];
        data[high] = swapped;
      }
    }
  }
}
