package io.github.jbatchnorm.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The 16-bit types: every value there and back, and the nearest for what lies between. */
@Tag("machine")
class HalvesTest {
  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16"})
  void everyValueComesBackAsItWas(DType dtype) {
    for (int bits = 0; bits < 1 << 16; bits++) {
      double value = Halves.widen((short) bits, dtype);
      short back = Halves.narrow(value, dtype);
      if (Double.isNaN(value)) {
        assertThat(Halves.widen(back, dtype)).isNaN();
      } else {
        assertThat(back).isEqualTo((short) bits);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16"})
  void roundsToNearestAndTiesToEven(DType dtype) {
    SplittableRandom random = new SplittableRandom(1);
    int finite = dtype == DType.BF16 ? 0x7f7f : 0x7bff;
    for (int round = 0; round < 20_000; round++) {
      int below = random.nextInt(finite);
      double low = Halves.widen((short) below, dtype);
      double high = Halves.widen((short) (below + 1), dtype);
      double middle = (low + high) / 2;
      int even = below % 2 == 0 ? below : below + 1;
      assertThat(Halves.narrow(middle, dtype)).isEqualTo((short) even);
      assertThat(Halves.narrow(Math.nextUp(middle), dtype)).isEqualTo((short) (below + 1));
      assertThat(Halves.narrow(Math.nextDown(middle), dtype)).isEqualTo((short) below);
      assertThat(Halves.narrow(-Math.nextUp(middle), dtype))
          .isEqualTo((short) (below + 1 | 0x8000));
    }
  }

  /** Of floats, many at a time: as of doubles one by one, by another way to round. */
  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16"})
  void floatsAreRoundedAsDoublesAre(DType dtype) {
    SplittableRandom random = new SplittableRandom(2);
    int count = 1 << 17;
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      int upper = i % 2 == 0 ? (i / 2) << 16 : random.nextInt() & 0xffff0000; // each half, and any
      int[] lower = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff, 0x1000, 0x0fff, 0x1001, 0x3000};
      values[i] =
          Float.intBitsToFloat(
              upper | (i % 3 == 0 ? random.nextInt(1 << 16) : lower[i / 2 % lower.length]));
    }
    short[] found = new short[count];
    Halves.narrow(dtype, values, found, count);
    float[] back = new float[count];
    Halves.widen(dtype, found, back, count);
    for (int i = 0; i < count; i++) {
      double expected = Float.isFinite(values[i]) ? nearest(values[i], dtype) : values[i];
      long bits = Double.doubleToLongBits(back[i]); // one NaN is as good as another
      assertThat(bits).as("%s", values[i]).isEqualTo(Double.doubleToLongBits(expected));
      assertThat(bits).isEqualTo(Double.doubleToLongBits(Halves.widen(found[i], dtype)));
    }
  }

  /**
   * The nearest number of the dtype, of ties the even one: a quotient of a power of two is exact.
   */
  private static double nearest(double near, DType dtype) {
    int fraction = dtype == DType.BF16 ? 7 : 10;
    int lowest = dtype == DType.BF16 ? -126 : -14;
    int highest = dtype == DType.BF16 ? 127 : 15;
    int exponent = Math.max(near == 0 ? lowest : Math.getExponent(near), lowest);
    double ulp = Math.scalb(1.0, exponent - fraction);
    double rounded = Math.rint(near / ulp) * ulp;
    double most = Math.scalb(2 - Math.scalb(1.0, -fraction), highest);
    return Math.abs(rounded) > most ? Math.copySign(Double.POSITIVE_INFINITY, near) : rounded;
  }

  @Test
  void whatIsTooLargeBecomesInfinite() {
    assertThat(Halves.widen(Halves.narrow(65519.99, DType.F16), DType.F16)).isEqualTo(65504);
    assertThat(Halves.widen(Halves.narrow(65520, DType.F16), DType.F16))
        .isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(Halves.widen(Halves.narrow(-1e300, DType.BF16), DType.BF16))
        .isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(Halves.widen(Halves.narrow(-0.0, DType.F16), DType.F16)).isEqualTo(-0.0);
  }
}
