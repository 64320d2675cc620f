package io.github.jbatchnorm.batchnorm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Exact moments against decimals, and the same bits however the data are cut. */
class ExactMomentsTest {
  private static final MathContext DIGITS = new MathContext(2500);

  /** Kinds of data, from tame to what overflows and cancels. */
  private enum Kind {
    NORMAL,
    OFFSET,
    ANY_BITS,
    DENORMAL,
    HUGE,
    CANCELLING,
    CONSTANT;

    double next(Random random, DType dtype, int i) {
      boolean wide = dtype == DType.F64;
      double value =
          switch (this) {
            case NORMAL -> random.nextGaussian();
            case OFFSET -> 1e6 + 1e-3 * random.nextGaussian();
            case ANY_BITS -> anyBits(random, wide);
            case DENORMAL -> (random.nextInt(2001) - 1000) * (wide ? 0x1p-1074 : 0x1p-149);
            case HUGE -> (random.nextDouble() - 0.25) * (wide ? Double.MAX_VALUE : Float.MAX_VALUE);
            case CANCELLING -> (i % 2 == 0 ? 1 : -1) * (wide ? 1e300 : 1e38) + (i % 3) * 1e-30;
            case CONSTANT -> 0.1;
          };
      return dtype.round(value);
    }

    private static double anyBits(Random random, boolean wide) {
      double value;
      do {
        value =
            wide
                ? Double.longBitsToDouble(random.nextLong())
                : Float.intBitsToFloat(random.nextInt());
      } while (!Double.isFinite(value));
      return value;
    }
  }

  private static Tensor tensor(DType dtype, double[] values, int... shape) {
    Storage storage = Storage.allocate(dtype, values.length);
    storage.write(0, values, 0, values.length);
    return Tensor.constant(storage, shape);
  }

  private static double[] values(Kind kind, DType dtype, long seed, int count) {
    Random random = new Random(seed);
    return IntStream.range(0, count).mapToDouble(i -> kind.next(random, dtype, i)).toArray();
  }

  private static double nearest(BigDecimal exact, DType dtype) {
    String digits = exact.toString();
    return dtype == DType.F64 ? Double.parseDouble(digits) : Float.parseFloat(digits);
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void meanAndVarianceAreTheExactOnesRoundedOnce(Kind kind) {
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      for (int count : new int[] {2, 3, 7}) {
        double[] x = values(kind, dtype, count, count);
        ExactMoments moments = ExactMoments.none(dtype, 1);
        moments.add(tensor(dtype, x, count, 1), Layout.NCHW);
        BigDecimal m = BigDecimal.valueOf(count);
        BigDecimal sum = BigDecimal.ZERO;
        BigDecimal squares = BigDecimal.ZERO;
        for (double value : x) {
          BigDecimal exact = new BigDecimal(value);
          sum = sum.add(exact);
          squares = squares.add(exact.multiply(exact));
        }
        // Decimals end here but for the last division, whose rest is far below half of a last
        // place.
        BigDecimal m2 = m.multiply(squares).subtract(sum.multiply(sum));
        BigDecimal unbiased = m.multiply(m.subtract(BigDecimal.ONE));
        for (DType to : List.of(DType.F32, DType.F64)) {
          assertThat(moments.mean(to)).containsExactly(nearest(sum.divide(m, DIGITS), to));
          assertThat(moments.var(to))
              .containsExactly(nearest(m2.divide(m.multiply(m), DIGITS), to));
          assertThat(moments.unbiasedVar(to))
              .containsExactly(nearest(m2.divide(unbiased, DIGITS), to));
        }
      }
    }
  }

  @Test
  void aConstantChannelHasItsValueAndNoVariance() {
    double[] x = new double[49];
    Arrays.fill(x, 0.1);
    ExactMoments moments = ExactMoments.none(DType.F64, 1);
    moments.add(tensor(DType.F64, x, 49, 1), Layout.NCHW);
    assertThat(moments.mean(DType.F64)).containsExactly(0.1);
    assertThat(moments.var(DType.F64)).containsExactly(0);
  }

  @Test
  void tiesGoToTheEvenNumber() {
    ExactMoments moments = ExactMoments.none(DType.F64, 2);
    double next = Math.nextUp(1.0);
    double afterNext = Math.nextUp(next);
    moments.add(tensor(DType.F64, new double[] {1, next, next, afterNext}, 2, 2), Layout.NCHW);
    assertThat(moments.mean(DType.F64)).containsExactly(1, afterNext);
    // Its half is denormal; the nearest numbers are 0 and 2^-1074.
    ExactMoments denormal = ExactMoments.none(DType.F64, 2);
    double least = Double.MIN_VALUE;
    denormal.add(tensor(DType.F64, new double[] {0, least, least, 2 * least}, 2, 2), Layout.NCHW);
    assertThat(denormal.mean(DType.F64)).containsExactly(0, 2 * least);
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void theSameBytesHoweverTheDataAreCut(Kind kind) {
    int n = 60;
    int channels = 3;
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      double[] x = values(kind, dtype, 1, n * channels);
      byte[] expected =
          ExactMoments.none(dtype, channels)
              .add(tensor(dtype, x, n, channels), Layout.NCHW)
              .toBytes();
      Random random = new Random(2);
      for (int attempt = 0; attempt < 20; attempt++) {
        List<Integer> rows = new ArrayList<>(IntStream.range(0, n).boxed().toList());
        Collections.shuffle(rows, random);
        List<ExactMoments> parts = new ArrayList<>(List.of(ExactMoments.none(dtype, channels)));
        for (int row : rows) {
          Tensor one =
              tensor(
                  dtype, Arrays.copyOfRange(x, row * channels, (row + 1) * channels), 1, channels);
          if (random.nextInt(4) == 0) {
            parts.add(ExactMoments.none(dtype, channels));
          }
          parts.get(random.nextInt(parts.size())).add(one, Layout.NCHW);
        }
        while (parts.size() > 1) {
          ExactMoments last = parts.remove(random.nextInt(parts.size()));
          parts.get(random.nextInt(parts.size())).merge(ExactMoments.of(last.toBytes()));
        }
        assertThat(parts.get(0).toBytes()).isEqualTo(expected);
      }
    }
  }

  @Test
  void bothLayoutsAndNarrowTypesAreTheirElements() {
    int n = 4;
    int c = 3;
    int s = 2000; // longer than a piece with c
    for (DType dtype : DType.values()) {
      double[] first = new double[n * c * s];
      double[] last = new double[n * c * s];
      double[][] channels = new double[c][n * s];
      Random random = new Random(3);
      for (int i = 0; i < n * s; i++) {
        for (int channel = 0; channel < c; channel++) {
          double value = dtype.round(random.nextGaussian());
          channels[channel][i] = value;
          first[(i / s * c + channel) * s + i % s] = value;
          last[i * c + channel] = value;
        }
      }
      byte[] nchw =
          ExactMoments.none(dtype, c).add(tensor(dtype, first, n, c, s), Layout.NCHW).toBytes();
      ExactMoments nhwc = ExactMoments.none(dtype, c);
      nhwc.add(tensor(dtype, last, n, s, c), Layout.NHWC);
      assertThat(nhwc.toBytes()).isEqualTo(nchw);
      assertThat(nhwc.count()).isEqualTo((long) n * s);
      for (int channel = 0; channel < c; channel++) {
        ExactMoments alone = ExactMoments.none(dtype, 1);
        alone.add(tensor(dtype, channels[channel], n * s, 1), Layout.NCHW);
        assertThat(nhwc.mean(DType.F64)[channel]).isEqualTo(alone.mean(DType.F64)[0]);
        assertThat(nhwc.var(DType.F64)[channel]).isEqualTo(alone.var(DType.F64)[0]);
      }
    }
  }

  /** As in the kernel, whose mean of such a channel is not a number either or infinite. */
  @ParameterizedTest
  @ValueSource(strings = {"F32", "F64"})
  void whatIsNoNumberStaysInItsChannel(DType dtype) {
    double inf = Double.POSITIVE_INFINITY;
    double[] x = {1, Double.NaN, inf, -inf, inf, 3, 1, 2, 3, -inf};
    ExactMoments moments = ExactMoments.none(dtype, 5);
    moments.add(tensor(dtype, Arrays.copyOfRange(x, 5, 10), 1, 5), Layout.NCHW);
    ExactMoments other = ExactMoments.none(dtype, 5);
    other.add(tensor(dtype, Arrays.copyOfRange(x, 0, 5), 1, 5), Layout.NCHW);
    moments.merge(ExactMoments.of(other.toBytes()));
    assertThat(moments.mean(dtype)).containsExactly(2, Double.NaN, inf, -inf, Double.NaN);
    assertThat(moments.var(dtype))
        .containsExactly(1, Double.NaN, Double.NaN, Double.NaN, Double.NaN);
  }

  @Test
  void withoutElementsNothingIsKnown() {
    ExactMoments moments = ExactMoments.none(DType.F32, 1);
    assertThat(moments.mean(DType.F32)).containsExactly(Double.NaN);
    assertThat(moments.var(DType.F32)).containsExactly(Double.NaN);
    moments.add(tensor(DType.F32, new double[] {4}, 1, 1), Layout.NCHW);
    assertThat(moments.mean(DType.F32)).containsExactly(4);
    assertThat(moments.var(DType.F32)).containsExactly(0);
    assertThat(moments.unbiasedVar(DType.F32)).containsExactly(Double.NaN);
  }

  /** The largest terms fill the digits fastest. */
  @Test
  void theCarriesOfManyTermsAreNotLost() {
    int n = 100_000;
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      double most = dtype == DType.F64 ? Double.MAX_VALUE : Float.MAX_VALUE;
      double[] x = new double[n];
      Arrays.fill(x, -most);
      Arrays.fill(x, 0, n / 4, most);
      ExactMoments moments = ExactMoments.none(dtype, 1);
      moments.add(tensor(dtype, x, n, 1), Layout.NCHW);
      assertThat(moments.mean(DType.F64)).containsExactly(-most / 2);
      BigDecimal var = new BigDecimal(most).pow(2).multiply(new BigDecimal("0.75"));
      assertThat(moments.var(DType.F64)).containsExactly(var.doubleValue());
    }
  }

  @Test
  void whatDoesNotFitIsRefused() {
    ExactMoments moments = ExactMoments.none(DType.F32, 2);
    assertThatThrownBy(() -> moments.add(tensor(DType.F32, new double[3], 1, 3), Layout.NCHW))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("x: expected 2 channels of F32, got 3 of F32");
    assertThatThrownBy(() -> moments.add(tensor(DType.F64, new double[2], 1, 2), Layout.NCHW))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("x: expected 2 channels of F32, got 2 of F64");
    ExactMoments wide = ExactMoments.none(DType.F64, 2);
    assertThatThrownBy(() -> moments.merge(wide))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("other: expected 2 channels of F32, got 2 of F64");
    assertThatThrownBy(() -> moments.mean(DType.F16))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("to: expected F32 or F64, got F16");
    byte[] bytes = moments.toBytes();
    for (int length : new int[] {0, 1, 13, bytes.length - 1, bytes.length + 1}) {
      assertThatThrownBy(() -> ExactMoments.of(Arrays.copyOf(bytes, length)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("bytes: expected those of exact moments");
    }
  }
}
