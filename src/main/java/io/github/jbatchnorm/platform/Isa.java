package io.github.jbatchnorm.platform;

import java.util.Locale;

/**
 * The instruction sets that the native kernel is compiled for. Results are the same to the bit for
 * each; only the speed differs.
 */
public enum Isa {
  /** The best that this machine has. */
  BEST(0),
  /** Any x86-64. */
  SSE2(1),
  /** x86-64-v3: AVX2. */
  AVX2(2),
  /** x86-64-v4: AVX-512. */
  AVX512(3),
  /** Any 64-bit ARM. */
  NEON(4),
  /** 64-bit ARM with SVE, of any vector length. */
  SVE(5);

  /** The C ABI's number. */
  final int code;

  Isa(int code) {
    this.code = code;
  }

  static Isa of(int code) {
    for (Isa isa : values()) {
      if (isa.code == code) {
        return isa;
      }
    }
    throw new IllegalStateException("the native library named instruction set " + code);
  }

  /**
   * Returns the instruction set of that name, in any case.
   *
   * @throws IllegalArgumentException if there is none, naming those there are
   */
  public static Isa parse(String name) {
    for (Isa isa : values()) {
      if (isa.name().equalsIgnoreCase(name)) {
        return isa;
      }
    }
    throw new IllegalArgumentException(
        "isa: expected best, sse2, avx2, avx512, neon or sve, got " + name);
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
