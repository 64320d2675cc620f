package io.github.jbatchnorm.arrays;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Convolutions and their gradients: native bits are Java's. */
@Tag("machine")
class ConvolutionKernelTest extends SameArrays {
  private static final Convolution BANDS =
      square(new int[] {1, 8, 40, 40}, new int[] {3, 8, 5, 5}, 1, 2);
  private static final Convolution SHARED =
      square(new int[] {11, 5, 5, 6}, new int[] {7, 5, 3, 3}, 1, 1);
  private static final Convolution PIECES =
      Convolution.of(
          new int[] {1, 16, 3000},
          new int[] {2, 16, 9},
          new int[] {1},
          new int[] {4},
          new int[] {1},
          1);

  private static Convolution square(int[] x, int[] filters, int stride, int padding) {
    int[] both = {stride, stride};
    return Convolution.of(x, filters, both, new int[] {padding, padding}, new int[] {1, 1}, 1);
  }

  @Test
  void convolutionsAreCutIntoPanelsOfTheCache() {
    assertThat(BANDS.tiles.bands()).isGreaterThan(1);
    assertThat(BANDS.inputTiles.bands()).isGreaterThan(1);
    assertThat(SHARED.tiles.samples()).isGreaterThan(1);
    assertThat(SHARED.inputTiles.samples()).isGreaterThan(1);
    assertThat(PIECES.tiles.pieces()).isGreaterThan(1);
    Convolution large = square(new int[] {1, 64, 512, 512}, new int[] {64, 64, 3, 3}, 1, 1);
    assertThat(large.tiles.panel()).isLessThan(1 << 20); // patches in one would be 151 million
    assertThat(large.inputTiles.panel()).isLessThan(1 << 20);
    for (Convolution shape : List.of(BANDS, PIECES, large)) {
      assertThat(shape.tiles.bandStart(0)).isZero();
      assertThat(shape.tiles.bandStart(shape.tiles.bands())).isEqualTo(shape.positions());
    }
  }

  @Test
  void imagesOfFewChannelsAndManyPixelsFit() {
    int[] two = {1, 1};
    for (int[] x :
        List.of(
            new int[] {1, 1, 5000, 5000},
            new int[] {1, 3, 2500, 2500},
            new int[] {1, 64, 1400, 1400})) {
      for (int side : new int[] {1, 3, 5}) {
        int[] filters = {8, x[1], side, side};
        Convolution shape = Convolution.of(x, filters, two, two, two, 1);
        assertThat(shape.tiles.panel()).isBetween(1L, 1L << 22);
        assertThat(shape.inputTiles.panel()).isBetween(1L, 1L << 22);
      }
    }
    int[] large = {8192, 8192, 1, 1};
    Convolution wide = Convolution.of(new int[] {8, 8192, 2, 2}, large, two, new int[2], two, 1);
    assertThat((long) wide.parts() * (1 << 26)).isLessThan(Integer.MAX_VALUE / 4);
  }

  static Stream<Convolution> convolutions() {
    int[] one = {1};
    int[] two = {1, 1};
    return Stream.of(
        Convolution.of(new int[] {5, 3, 9}, new int[] {4, 3, 3}, one, new int[] {1}, one, 1),
        Convolution.of(new int[] {3, 2, 7, 6}, new int[] {3, 2, 3, 3}, two, two, two, 1),
        Convolution.of(
            new int[] {9, 4, 8, 8}, new int[] {6, 2, 3, 2}, new int[] {2, 1}, two, two, 2),
        Convolution.of(new int[] {2, 3, 20, 20}, new int[] {5, 3, 1, 1}, two, new int[2], two, 1),
        Convolution.of(
            new int[] {2, 2, 9, 8},
            new int[] {2, 1, 3, 3},
            two,
            new int[] {3, 2},
            new int[] {2, 3},
            2),
        Convolution.of(
            new int[] {2, 2, 4, 5, 6},
            new int[] {3, 2, 2, 3, 3},
            new int[] {1, 2, 1},
            new int[] {1, 0, 1},
            new int[] {1, 1, 2},
            1),
        BANDS,
        PIECES,
        SHARED,
        square(new int[] {2, 40, 30, 30}, new int[] {3, 40, 3, 3}, 1, 1),
        square(new int[] {2, 3, 32, 32}, new int[] {16, 3, 3, 3}, 1, 1),
        square(new int[] {3, 17, 16, 16}, new int[] {19, 17, 3, 3}, 2, 1),
        square(new int[] {2, 9, 8, 8}, new int[] {33, 9, 1, 1}, 2, 0),
        square(new int[] {2, 3, 12, 12}, new int[] {9, 3, 4, 4}, 4, 0),
        Convolution.of(
            new int[] {1, 4, 6, 20, 20},
            new int[] {2, 4, 3, 3, 3},
            new int[] {1, 1, 1},
            new int[] {1, 1, 1},
            new int[] {1, 1, 1},
            1),
        Convolution.of(
            new int[] {1, 8, 61, 60},
            new int[] {2, 8, 5, 4},
            new int[] {2, 1},
            new int[] {4, 1},
            new int[] {1, 3},
            1),
        Convolution.of(new int[] {0, 2, 5, 5}, new int[] {3, 2, 3, 3}, two, two, two, 1));
  }

  /** Convolutions of drawn sizes, many of them with more padding than taps reach, or strides. */
  static Stream<Convolution> drawn() {
    SplittableRandom random = new SplittableRandom(11);
    return Stream.generate(() -> draw(random)).limit(60);
  }

  private static Convolution draw(SplittableRandom random) {
    int dimensions = random.nextInt(1, 4);
    int groups = random.nextInt(1, 3);
    int[] x = new int[dimensions + 2];
    int[] filters = new int[dimensions + 2];
    int[][] rest = new int[3][dimensions];
    x[0] = random.nextInt(1, 12);
    filters[1] = random.nextInt(1, 7);
    x[1] = groups * filters[1];
    filters[0] = groups * random.nextInt(1, 11);
    for (int d = 0; d < dimensions; d++) {
      filters[d + 2] = random.nextInt(1, 5);
      rest[0][d] = random.nextInt(1, 4);
      rest[1][d] = random.nextInt(4);
      rest[2][d] = random.nextInt(1, 4);
      int least = (filters[d + 2] - 1) * rest[2][d] + 1 - 2 * rest[1][d];
      x[d + 2] = Math.max(1, least) + random.nextInt(dimensions == 1 ? 60 : 9);
    }
    return Convolution.of(x, filters, rest[0], rest[1], rest[2], groups);
  }

  /** What computes one result. */
  @FunctionalInterface
  private interface Result {
    void compute(ArrayKernel kernel, Storage to);
  }

  private record Case(int length, DType dtype, Result result) {}

  private List<Case> cases(Convolution shape) {
    List<Case> cases = new ArrayList<>();
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      Storage x = finite(dtype, size(shape.xShape()));
      Storage filters = finite(dtype, size(shape.filterShape()));
      Storage dy = finite(dtype, size(shape.outShape()));
      Storage bias = finite(dtype, shape.outShape()[1]);
      for (double slope : new double[] {1, 0, 0.3}) {
        cases.add(
            new Case(
                dy.length(),
                dtype,
                (kernel, y) ->
                    kernel.convolve(shape, new ConvolutionArguments(x, filters, bias, slope, y))));
      }
      cases.add(
          new Case(
              dy.length(),
              dtype,
              (kernel, y) ->
                  kernel.convolve(shape, new ConvolutionArguments(x, filters, null, 1, y))));
      cases.add(
          new Case(
              x.length(), dtype, (kernel, dx) -> kernel.convolveInput(shape, dy, filters, dx)));
      cases.add(
          new Case(
              filters.length(), dtype, (kernel, df) -> kernel.convolveFilters(shape, x, dy, df)));
    }
    return cases;
  }

  @ParameterizedTest
  @MethodSource({"convolutions", "drawn"})
  void orderedConvolutionsHaveTheSameBits(Convolution shape) {
    Products.ordered(
        () -> {
          for (Case each : cases(shape)) {
            same(each.length, each.dtype, each.result::compute);
          }
          return shape;
        });
  }

  /** The Java code with fmas of floats instead of sums in f64. */
  private static ArrayKernel fused() {
    JavaConvolution.Adding adding = (sum, a, b) -> Math.fma((float) a, (float) b, (float) sum);
    return new JavaArrays(shape -> new JavaConvolution(shape, adding));
  }

  @ParameterizedTest
  @MethodSource({"convolutions", "drawn"})
  void sumsOfFloatsAreFusedOnEveryInstructionSet(Convolution shape) {
    assertThat(Products.areOrdered()).isFalse();
    for (Case each : cases(shape)) {
      Storage expected = Storage.allocate(each.dtype, each.length);
      each.result.compute(each.dtype == DType.F32 ? fused() : java, expected);
      for (ArrayKernel kernel : natives()) {
        Storage result = Storage.allocate(each.dtype, each.length);
        each.result.compute(kernel, result);
        assertThat(bits(result)).isEqualTo(bits(expected));
      }
    }
  }

  @Test
  void gradientOfAPlainConvolutionKeepsTheSignOfZero() {
    Convolution plain =
        Convolution.of(
            new int[] {1, 1, 200},
            new int[] {1, 1, 1},
            new int[] {1},
            new int[] {0},
            new int[] {1},
            1);
    Storage dy = Storage.allocate(DType.F32, 200);
    dy.set(0, 1e-30);
    Storage filters = Storage.allocate(DType.F32, 1);
    filters.set(0, -1e-30);
    Products.ordered(
        () -> {
          same(200, DType.F32, (kernel, dx) -> kernel.convolveInput(plain, dy, filters, dx));
          return plain;
        });
  }
}
