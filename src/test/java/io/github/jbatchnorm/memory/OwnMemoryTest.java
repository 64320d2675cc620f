package io.github.jbatchnorm.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.kernel.BatchNormKernel;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.BatchNormShape;
import io.github.jbatchnorm.kernel.ForwardArguments;
import io.github.jbatchnorm.kernel.Kernels;
import io.github.jbatchnorm.kernel.Layout;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Callers with memory of their own: direct buffers, heap arrays, many threads, no allocation. */
@Tag("machine")
class OwnMemoryTest {
  private static final BatchNormShape SHAPE = new BatchNormShape(DType.F32, Layout.NCHW, 4, 2, 8);

  private static ForwardArguments arguments(Storage x, Storage y) {
    return new ForwardArguments(SHAPE, BatchNormOptions.DEFAULT, x).y(y);
  }

  private static float[] values() {
    float[] values = new float[SHAPE.size() + 5];
    for (int i = 0; i < values.length; i++) {
      values[i] = (i * 37 % 19) - 7;
    }
    return values;
  }

  @Test
  void directBuffersAreUsedInPlaceAndHeapArraysAtOffsets() {
    float[] heap = values();
    ByteBuffer in = ByteBuffer.allocateDirect(SHAPE.size() * 4).order(ByteOrder.nativeOrder());
    ByteBuffer out = ByteBuffer.allocateDirect(SHAPE.size() * 4).order(ByteOrder.nativeOrder());
    in.asFloatBuffer().put(heap, 5, SHAPE.size());
    Kernels.current().forward(arguments(Storage.wrap(DType.F32, in), Storage.wrap(DType.F32, out)));
    Storage x = Storage.allocate(DType.F32, SHAPE.size());
    Storage y = Storage.allocate(DType.F32, SHAPE.size());
    x.copyFrom(heap, 5);
    Kernels.current().forward(arguments(x, y));
    float[] result = new float[SHAPE.size() + 3];
    y.copyTo(result, 3);
    for (int i = 0; i < SHAPE.size(); i++) {
      assertThat(result[i + 3]).isEqualTo(out.getFloat(i * 4));
    }
    assertThat(result[3]).isNotZero();
  }

  @Test
  void arraysThatAreTooShortAreRefused() {
    Storage x = Storage.allocate(DType.F32, 8);
    assertThatThrownBy(() -> x.copyFrom(new float[10], 3))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> x.copyTo(new double[8], 0)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void manyThreadsGetTheBitsOfOne() throws InterruptedException, ExecutionException {
    Storage x = Storage.allocate(DType.F32, SHAPE.size());
    x.copyFrom(values(), 0);
    Storage expected = Storage.allocate(DType.F32, SHAPE.size());
    Kernels.current().forward(arguments(x, expected));
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      for (Future<Storage> y :
          threads.invokeAll(
              IntStream.range(0, 200)
                  .<java.util.concurrent.Callable<Storage>>mapToObj(
                      i ->
                          () -> {
                            Storage y = Storage.allocate(DType.F32, SHAPE.size());
                            Kernels.current().forward(arguments(x, y));
                            return y;
                          })
                  .toList())) {
        assertThat(y.get().bytes()).isEqualTo(expected.bytes());
      }
    } finally {
      threads.shutdown();
    }
  }

  @Test
  void aCallWithReusedArgumentsAllocatesNothing() {
    ForwardArguments arguments =
        arguments(
            Storage.allocate(DType.F32, SHAPE.size()), Storage.allocate(DType.F32, SHAPE.size()));
    com.sun.management.ThreadMXBean threads =
        (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    BatchNormKernel kernel = Kernels.nativeKernel();
    for (int i = 0; i < 50_000; i++) {
      kernel.forward(arguments);
    }
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < 1000; i++) {
      kernel.forward(arguments);
    }
    assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(10_000);
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void elementsAreReadAndWrittenInSteps(DType dtype) {
    Storage storage = Storage.allocate(dtype, 20).slice(2, 16);
    storage.write(1, 5, new double[] {1, 2, 3, 9}, 3);
    double[] read = new double[4];
    storage.read(1, 5, read, 3);
    assertThat(read).containsExactly(1, 2, 3, 0);
    assertThat(storage.get(6)).isEqualTo(2);
    assertThat(storage.get(2)).isZero();
    if (dtype == DType.F64) {
      assertThatThrownBy(() -> storage.read(0, 1, new float[1], 1))
          .isInstanceOf(IllegalStateException.class);
    } else {
      storage.write(0, 3, new float[] {4, 5}, 2);
      float[] narrow = new float[2];
      storage.read(0, 3, narrow, 2);
      assertThat(narrow).containsExactly(4, 5);
    }
    for (int[] bad : new int[][] {{1, 5, 4}, {-1, 1, 1}, {0, 0, 1}, {0, 1, -1}, {15, 1 << 30, 3}}) {
      assertThatThrownBy(() -> storage.read(bad[0], bad[1], new double[9], bad[2]))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> storage.write(bad[0], bad[1], new double[9], bad[2]))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }
}
