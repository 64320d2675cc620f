package io.github.jbatchnorm.arrays;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.kernel.BatchNormShape;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** What sizes and parts that fail lead to, in both kernels. */
class ArrayArgumentsTest extends SameArrays {
  @Test
  void sizesWhoseProductsOverflowAreRefused() {
    ArrayKernel kernel = natives().get(0);
    Storage one = Storage.allocate(DType.F32, 1);
    Storage two16 = Storage.allocate(DType.F32, 1 << 16);
    Storage two17 = Storage.allocate(DType.F32, 1 << 17);
    int[] ones = {1, 1};
    int[] far = {1 << 15, 1 << 15};
    List<Consumer<ArrayKernel>> calls =
        List.of(
            k ->
                k.sum(
                    new int[] {65537, 2, 65536}, two17, new boolean[] {false, true, false}, two16),
            k ->
                k.multiply(
                    new MatrixProducts(1, 1, 1, one, false, one, false, two16)
                        .pairs(new int[] {65536, 65537}, new int[2], new int[2])),
            k ->
                k.zip(
                    ArrayFunction.COPY,
                    0,
                    0,
                    new int[] {-5, 3, -5},
                    Strided.of(one, 0, 0, 0, 0),
                    Strided.of(one, 0, 0, 0, 0),
                    Strided.of(one, 0, 0, 0, 0)),
            k -> Convolution.of(new int[] {1, 1, 1, 1}, new int[] {1, 1, 1, 1}, ones, far, ones, 1),
            k ->
                Convolution.of(
                    new int[] {1, 1, 1, 1}, new int[] {1, 1, 65537, 65537}, ones, far, ones, 1),
            k ->
                Convolution.of(
                    new int[] {1, 1, 65536, 65536},
                    new int[] {1, 1, 1, 1},
                    ones,
                    new int[2],
                    ones,
                    1),
            k ->
                Convolution.of(
                    new int[] {1, 0, Integer.MAX_VALUE},
                    new int[] {1, 0, 1},
                    new int[] {1},
                    new int[] {5},
                    new int[] {1},
                    1),
            k -> Pooling.of(new int[] {65536, 65537}, ones, ones),
            k -> new BatchNormShape(DType.F32, Layout.NCHW, 65537, 0, 65536));
    for (Consumer<ArrayKernel> call : calls) {
      assertThatThrownBy(() -> call.accept(kernel)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> call.accept(java)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void aPartThatThrowsEndsTheOperationOnceNoOtherRuns() {
    Storage x = Storage.allocate(DType.F64, 1 << 20);
    Storage y = Storage.allocate(DType.F64, 1 << 20);
    AtomicInteger running = new AtomicInteger();
    assertThatThrownBy(
            () ->
                java.map(
                    a -> {
                      running.incrementAndGet();
                      try {
                        throw new IllegalStateException("thrown");
                      } finally {
                        running.decrementAndGet();
                      }
                    },
                    x,
                    y))
        .hasMessage("thrown");
    assertThat(running).hasValue(0);
  }

  @Test
  void sizesThatDoNotFitAreRefused() {
    ArrayKernel kernel = natives().get(0);
    Storage ten = Storage.allocate(DType.F32, 10);
    Storage nine = Storage.allocate(DType.F32, 9);
    Storage wide = Storage.allocate(DType.F64, 10);
    Update update = new Update(Update.Rule.ADAM, 0.1, 0, 0, 0.9, 0.999, 1e-8, 1, 1, false);
    Convolution shape = ConvolutionKernelTest.convolutions().toList().get(0);
    Pooling pooling = Pooling.of(new int[] {10}, new int[] {2}, new int[] {2});
    List<Consumer<ArrayKernel>> calls =
        List.of(
            k -> k.sum(new int[] {10}, nine, new boolean[] {true}, ten),
            k -> k.sum(new int[] {10}, ten, new boolean[] {true}, ten),
            k -> k.multiply(new MatrixProducts(2, 5, 2, ten, false, ten, false, nine)),
            k -> k.multiply(new MatrixProducts(3, 3, 5, ten, false, ten, false, nine)),
            k -> k.multiply(new MatrixProducts(3, 3, 3, ten, false, wide, false, nine)),
            k -> k.convolve(shape, new ConvolutionArguments(ten, ten, null, 1, ten)),
            k -> k.convolveInput(shape, ten, ten, ten),
            k -> k.convolveFilters(shape, ten, ten, ten),
            k -> k.logSoftmax(3, ten, ten),
            k -> k.logSoftmax(5, ten, nine),
            k -> k.maxPool(pooling, ten, ten, new PickedElements(5)),
            k -> k.maxUnpool(pooling, nine, new PickedElements(5), ten),
            k -> k.update(update, ten, nine, ten, ten),
            k -> k.update(update, ten, ten, wide, ten));
    for (Consumer<ArrayKernel> call : calls) {
      assertThatThrownBy(() -> call.accept(kernel)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> call.accept(java)).isInstanceOf(IllegalArgumentException.class);
    }
  }
}
