package io.github.jbatchnorm.nn.io;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Changes of bytes, some of them blind, some that know what a number or a text looks like. */
final class Mutations {
  private static final long[] NUMBERS = {
    0,
    1,
    -1,
    2,
    7,
    8,
    127,
    128,
    255,
    256,
    65_535,
    65_536,
    1 << 20,
    1L << 31,
    (1L << 31) - 1,
    1L << 32,
    1L << 40,
    1L << 62,
    Long.MAX_VALUE,
    Long.MIN_VALUE,
    3_037_000_500L,
    715_827_883L
  };

  private static final String[] TOKENS = {
    "",
    "null",
    "true",
    "-0",
    "1e9",
    "1.5",
    "[]",
    "{}",
    "[[[[[[[[",
    "{\"a\":{\"a\":{\"a\":{\"a\":",
    "\"F64\"",
    "\"U8\"",
    "'<f8'",
    "'>f4'",
    "'|O'",
    "(1,)",
    "()",
    "(",
    "\\u0000",
    "\u202e",
    "\n",
    "18446744073709551616",
    "99999999999999999999999999",
    "__metadata__",
    "shape",
    "'descr': "
  };

  private final SplittableRandom random;

  Mutations(SplittableRandom random) {
    this.random = random;
  }

  /** Returns changed bytes, of at most about a megabyte. */
  byte[] change(byte[] from) {
    byte[] bytes = from;
    for (int i = 1 + random.nextInt(3); i > 0; i--) {
      bytes = once(bytes);
    }
    return bytes;
  }

  private byte[] once(byte[] bytes) {
    int at = random.nextInt(bytes.length + 1);
    int end = at + random.nextInt(Math.min(64, bytes.length - at) + 1);
    return switch (random.nextInt(10)) {
      case 0 -> Arrays.copyOf(bytes, at);
      case 1 -> joined(bytes, 0, at, new byte[1 << random.nextInt(14)], at);
      case 2 -> flipped(bytes);
      case 3, 4 -> numbered(bytes);
      case 5 -> joined(bytes, 0, at, new byte[0], end);
      case 6 -> joined(bytes, 0, end, Arrays.copyOfRange(bytes, at, end), end);
      case 7 -> joined(bytes, 0, at, token(), end);
      case 8 -> retold(bytes);
      default -> joined(bytes, 0, at, repeated(token()), at);
    };
  }

  private static byte[] joined(byte[] bytes, int from, int to, byte[] middle, int rest) {
    if (bytes.length + middle.length > 1 << 20) {
      return bytes;
    }
    ByteBuffer all = ByteBuffer.allocate(to - from + middle.length + bytes.length - rest);
    return all.put(bytes, from, to - from)
        .put(middle)
        .put(bytes, rest, bytes.length - rest)
        .array();
  }

  private byte[] flipped(byte[] bytes) {
    byte[] changed = bytes.clone();
    for (int i = random.nextInt(8); i >= 0 && bytes.length > 0; i--) {
      changed[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
    }
    return changed;
  }

  /** Puts a number that means trouble over 2, 4 or 8 bytes, mostly near the beginning. */
  private byte[] numbered(byte[] bytes) {
    int width = 2 << random.nextInt(3);
    if (bytes.length < width) {
      return bytes;
    }
    int most = random.nextBoolean() ? Math.min(32, bytes.length) : bytes.length;
    int at = random.nextInt(Math.max(1, most - width + 1));
    ByteBuffer number =
        ByteBuffer.allocate(8)
            .order(random.nextBoolean() ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
    long value = NUMBERS[random.nextInt(NUMBERS.length)];
    number.putLong(number.order() == ByteOrder.BIG_ENDIAN ? value << (64 - 8 * width) : value);
    byte[] changed = bytes.clone();
    System.arraycopy(number.array(), 0, changed, at, width);
    return changed;
  }

  /** Writes another number, in digits, where there is one. */
  private byte[] retold(byte[] bytes) {
    int start = random.nextInt(bytes.length + 1);
    while (start < bytes.length && !isDigit(bytes[start])) {
      start++;
    }
    int end = start;
    while (end < bytes.length && isDigit(bytes[end])) {
      end++;
    }
    long value = NUMBERS[random.nextInt(NUMBERS.length)];
    return joined(bytes, 0, start, Long.toString(value).getBytes(StandardCharsets.US_ASCII), end);
  }

  private static boolean isDigit(byte b) {
    return b >= '0' && b <= '9';
  }

  private byte[] token() {
    return TOKENS[random.nextInt(TOKENS.length)].getBytes(StandardCharsets.UTF_8);
  }

  private byte[] repeated(byte[] token) {
    ByteBuffer all = ByteBuffer.allocate(token.length << random.nextInt(12));
    while (all.hasRemaining()) {
      all.put(token);
    }
    return all.array();
  }
}
