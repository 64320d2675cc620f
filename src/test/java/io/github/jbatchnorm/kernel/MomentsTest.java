package io.github.jbatchnorm.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Moments as values: parts merged are the whole. */
@Tag("machine")
class MomentsTest {
  private static final int C = 4;

  private static Storage data(int n) {
    Storage x = Storage.allocate(DType.F64, shape(n).size());
    SplittableRandom random = new SplittableRandom(n);
    for (int i = 0; i < x.length(); i++) {
      x.set(i, 100 + random.nextGaussian());
    }
    return x;
  }

  private static BatchNormShape shape(int n) {
    return new BatchNormShape(DType.F64, Layout.NCHW, n, C, 5);
  }

  @Test
  void partsMergedAreTheWhole() {
    Storage x = data(12);
    Moments whole = Moments.of(shape(12), x);
    Moments merged = Moments.none(C);
    int from = 0;
    for (int n : new int[] {3, 0, 1, 8}) {
      merged = merged.merge(Moments.of(shape(n), x.slice(from * C * 5, n * C * 5)));
      from += n;
    }
    assertThat(merged.count()).isEqualTo(60);
    for (int c = 0; c < C; c++) {
      assertThat(merged.mean()[c]).isCloseTo(whole.mean()[c], within(1e-13));
      assertThat(merged.var()[c]).isCloseTo(whole.var()[c], within(1e-14));
      assertThat(merged.unbiasedVar()[c]).isCloseTo(whole.var()[c] * 60 / 59, within(1e-14));
    }
  }

  @Test
  void applyingSavedMomentsGivesTheBitsOfTheFusedCall() {
    Storage x = data(6);
    BatchNormKernel kernel = Kernels.current();
    Storage fused = Storage.allocate(DType.F64, x.length());
    Storage saved = Storage.allocate(DType.F64, 4L * C);
    kernel.forward(
        new ForwardArguments(shape(6), BatchNormOptions.DEFAULT, x).y(fused).saved(saved));
    Storage split = Storage.allocate(DType.F64, x.length());
    kernel.forward(
        new ForwardArguments(shape(6), BatchNormOptions.DEFAULT, x).given(saved).y(split));
    assertThat(split.bytes()).isEqualTo(fused.bytes());
    Storage merged = Storage.allocate(DType.F64, x.length());
    Storage value = Moments.of(shape(6), x).saved();
    kernel.forward(
        new ForwardArguments(shape(6), BatchNormOptions.DEFAULT, x).given(value).y(merged));
    for (int i = 0; i < x.length(); i++) {
      assertThat(merged.get(i)).isCloseTo(fused.get(i), within(1e-13));
    }
  }

  @Test
  void noElementsHaveNoMean() {
    Moments none = Moments.none(2);
    assertThat(none.mean()).containsOnly(Double.NaN);
    assertThat(none.merge(none).count()).isZero();
    assertThat(Moments.of(1, new double[] {3}, new double[] {0}).unbiasedVar())
        .containsExactly(Double.NaN);
  }

  @Test
  void whatDoesNotFitIsRefused() {
    assertThatThrownBy(() -> Moments.none(2).merge(Moments.none(3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("other: expected 2 channels, got 3");
    assertThatThrownBy(() -> Moments.of(-1, new double[1], new double[1]))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void statisticsOfOtherSizesAreRefused() {
    assertThatThrownBy(() -> Moments.ofSaved(4, 2, Storage.allocate(DType.F64, 3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("saved: expected 8 F64 elements (4*C), got 3 F64");
    assertThatThrownBy(() -> Moments.ofSaved(4, 2, Storage.allocate(DType.F32, 6)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("saved: expected 8 F64 elements (4*C), got 6 F32");
  }
}
