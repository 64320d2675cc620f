package io.github.jbatchnorm.arrays;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is computed of 16 bits is what f32 gives for the widened elements, rounded once. */
@Tag("machine")
class SixteenBitsTest extends SameArrays {
  private static Storage cast(Storage storage, DType dtype) {
    Storage result = Storage.allocate(dtype, storage.length());
    for (int i = 0; i < storage.length(); i++) {
      result.set(i, storage.get(i));
    }
    return result;
  }

  private List<ArrayKernel> kernels() {
    List<ArrayKernel> kernels = new ArrayList<>(natives());
    kernels.add(java);
    return kernels;
  }

  /** A call with two arguments that writes one storage. */
  @FunctionalInterface
  private interface OfTwo {
    void run(ArrayKernel kernel, Storage a, Storage b, Storage result);
  }

  private void check(DType dtype, int aLength, int bLength, int length, OfTwo call) {
    Storage a = finite(dtype, aLength);
    Storage b = finite(dtype, bLength);
    for (ArrayKernel kernel : kernels()) {
      Storage wide = Storage.allocate(DType.F32, length);
      call.run(kernel, cast(a, DType.F32), cast(b, DType.F32), wide);
      Storage result = Storage.allocate(dtype, length);
      call.run(kernel, a, b, result);
      assertThat(bits(result)).isEqualTo(bits(cast(wide, dtype)));
      // An argument of f32 beside 16 bits, and a result of f32, stay as they are.
      Storage mixed = Storage.allocate(DType.F32, length);
      call.run(kernel, a, cast(b, DType.F32), mixed);
      assertThat(bits(mixed)).isEqualTo(bits(wide));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16"})
  void products(DType dtype) {
    int[] pairs = {3};
    check(
        dtype,
        3 * 20 * 7,
        7 * 33,
        3 * 20 * 33,
        (kernel, a, b, c) ->
            kernel.multiply(
                new MatrixProducts(20, 33, 7, a, true, b, false, c)
                    .pairs(pairs, new int[] {20 * 7}, new int[] {0})));
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16"})
  void convolutions(DType dtype) {
    Convolution shape =
        Convolution.of(
            new int[] {3, 4, 9, 8},
            new int[] {6, 2, 3, 3},
            new int[] {2, 1},
            new int[] {1, 1},
            new int[] {1, 2},
            2);
    int x = size(shape.xShape());
    int filters = size(shape.filterShape());
    int y = size(shape.outShape());
    Storage bias = finite(dtype, 6);
    check(
        dtype,
        x,
        filters,
        y,
        (kernel, a, b, to) -> {
          Storage own = cast(bias, b.dtype());
          kernel.convolve(shape, new ConvolutionArguments(a, b, own, 0, to));
        });
    check(dtype, y, filters, x, (kernel, a, b, to) -> kernel.convolveInput(shape, a, b, to));
    check(dtype, x, y, filters, (kernel, a, b, to) -> kernel.convolveFilters(shape, a, b, to));
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16"})
  void pooling(DType dtype) {
    Pooling shape = Pooling.of(new int[] {2, 3, 9, 8}, new int[] {3, 2}, new int[] {1, 2});
    Storage x = random(dtype, 2 * 3 * 9 * 8);
    Storage grad = finite(dtype, size(shape.outShape()));
    for (ArrayKernel kernel : kernels()) {
      PickedElements picks = new PickedElements(grad.length());
      Storage wide = Storage.allocate(DType.F32, grad.length());
      kernel.maxPool(shape, cast(x, DType.F32), wide, picks);
      PickedElements own = new PickedElements(grad.length());
      Storage y = Storage.allocate(dtype, grad.length());
      kernel.maxPool(shape, x, y, own);
      assertThat(bits(y)).isEqualTo(bits(wide)); // maxima are elements: nothing is rounded
      assertThat(own.toArray()).isEqualTo(picks.toArray());
      Storage sums = Storage.allocate(DType.F32, x.length());
      kernel.maxUnpool(shape, cast(grad, DType.F32), picks, sums);
      Storage dx = Storage.allocate(dtype, x.length());
      kernel.maxUnpool(shape, grad, own, dx);
      assertThat(bits(dx)).isEqualTo(bits(cast(sums, dtype)));
    }
  }
}
