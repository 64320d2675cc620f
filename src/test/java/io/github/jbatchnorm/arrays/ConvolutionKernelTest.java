package io.github.jbatchnorm.arrays;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Convolutions and their gradients: native bits are Java's. */
@Tag("machine")
class ConvolutionKernelTest extends SameArrays {
  private static final Convolution BANDS =
      Convolution.of(
          new int[] {1, 8, 40, 40},
          new int[] {3, 8, 5, 5},
          new int[] {1, 1},
          new int[] {2, 2},
          new int[] {1, 1},
          1);

  private static final Convolution BLOCKS =
      Convolution.of(
          new int[] {1, 40, 30, 30},
          new int[] {3, 40, 3, 3},
          new int[] {1, 1},
          new int[] {1, 1},
          new int[] {1, 1},
          1);

  private static final Convolution PIECES =
      Convolution.of(
          new int[] {1, 16, 3000},
          new int[] {2, 16, 9},
          new int[] {1},
          new int[] {4},
          new int[] {1},
          1);

  @Test
  void largeConvolutionsAreCutIntoTilesOfTheCache() {
    assertThat(BANDS.tiles.bands()).isGreaterThan(1);
    assertThat(BLOCKS.tiles.inputBlocks()).isGreaterThan(1);
    assertThat(BLOCKS.tiles.filterBlocks()).isGreaterThan(1);
    assertThat(PIECES.tiles.pieces()).isGreaterThan(1);
    Convolution large =
        Convolution.of(
            new int[] {1, 64, 512, 512},
            new int[] {64, 64, 3, 3},
            new int[] {1, 1},
            new int[] {1, 1},
            new int[] {1, 1},
            1);
    assertThat(large.tiles.patches()).isLessThan(1 << 25); // of 151 million in one
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
        assertThat(Convolution.of(x, filters, two, two, two, 1).tiles.patches()).isPositive();
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
        BLOCKS,
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

  @ParameterizedTest
  @MethodSource("convolutions")
  void convolutionsHaveTheSameBits(Convolution shape) {
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      Storage x = finite(dtype, size(shape.xShape()));
      Storage filters = finite(dtype, size(shape.filterShape()));
      Storage dy = finite(dtype, size(shape.outShape()));
      Storage bias = finite(dtype, shape.outShape()[1]);
      for (double slope : new double[] {1, 0, 0.3}) {
        same(
            dy.length(),
            dtype,
            (kernel, y) ->
                kernel.convolve(shape, new ConvolutionArguments(x, filters, bias, slope, y)));
      }
      same(
          dy.length(),
          dtype,
          (kernel, y) -> kernel.convolve(shape, new ConvolutionArguments(x, filters, null, 1, y)));
      same(x.length(), dtype, (kernel, dx) -> kernel.convolveInput(shape, dy, filters, dx));
      same(filters.length(), dtype, (kernel, df) -> kernel.convolveFilters(shape, x, dy, df));
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
    assertThat(plain.patchesAreInput()).isTrue();
    Storage dy = Storage.allocate(DType.F32, 200);
    dy.set(0, 1e-30);
    Storage filters = Storage.allocate(DType.F32, 1);
    filters.set(0, -1e-30);
    same(200, DType.F32, (kernel, dx) -> kernel.convolveInput(plain, dy, filters, dx));
  }
}
