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
