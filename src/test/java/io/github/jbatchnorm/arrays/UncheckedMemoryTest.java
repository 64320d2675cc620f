package io.github.jbatchnorm.arrays;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.kernel.BatchNormKernel;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.BatchNormShape;
import io.github.jbatchnorm.kernel.ForwardArguments;
import io.github.jbatchnorm.kernel.Kernels;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.platform.Isa;
import io.github.jbatchnorm.platform.Sizes;
import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Nothing that native code follows, an index, a length, an address, is followed unchecked. */
class UncheckedMemoryTest {
  static Stream<ArrayKernel> arrays() {
    return Stream.of(new NativeArrays(0, Isa.BEST), new JavaArrays());
  }

  static Stream<BatchNormKernel> kernels() {
    return Stream.of(Kernels.nativeKernel(), Kernels.javaKernel());
  }

  @ParameterizedTest
  @MethodSource("arrays")
  void picksOfAPoolingThatFailedAreNotFollowed(ArrayKernel kernel) {
    Pooling pooling = Pooling.of(new int[] {8, 2, 2}, new int[] {2, 2}, new int[] {2, 2});
    Storage closed;
    try (MemoryScope scope = MemoryScope.open()) {
      closed = Storage.allocate(DType.F32, 32);
      assertThat(scope).isNotNull();
    }
    Storage y = Storage.allocate(DType.F32, 8);
    PickedElements picks = new PickedElements(8);
    assertThatThrownBy(() -> kernel.maxPool(pooling, closed, y, picks))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(picks::toArray).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> kernel.maxUnpool(pooling, y, picks, Storage.allocate(DType.F32, 32)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("picks: expected those that maxPool found for this shape");
  }

  @ParameterizedTest
  @MethodSource("arrays")
  void picksThatLeadOutOfTheirPlaneAreNamed(ArrayKernel kernel) {
    Pooling pooling = Pooling.of(new int[] {3, 4}, new int[] {2}, new int[] {2});
    Storage x = Storage.allocate(DType.F32, 12);
    Storage y = Storage.allocate(DType.F32, 6);
    for (int bad : new int[] {-1, 3, 8, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
      PickedElements picks = new PickedElements(6);
      kernel.maxPool(pooling, x, y, picks);
      picks.set(3, bad);
      assertThatThrownBy(() -> kernel.maxUnpool(pooling, y, picks, x))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("picks: expected elements 4 to 7 in plane 1, got " + bad);
    }
  }

  /** Sizes whose products wrap around to something small, or to anything. */
  private static int size(SplittableRandom random) {
    return switch (random.nextInt(4)) {
      case 0 -> random.nextInt(3);
      case 1 -> 1 << random.nextInt(31);
      case 2 -> Integer.MAX_VALUE - random.nextInt(3);
      default -> random.nextInt(1, 70_000);
    };
  }

  private static boolean fits(long... sizes) {
    double product = 1;
    for (long size : sizes) {
      product *= Math.max(1, size);
    }
    return product <= Integer.MAX_VALUE;
  }

  @ParameterizedTest
  @MethodSource("arrays")
  void productsOfSizesThatWrapAroundAreRefused(ArrayKernel kernel) {
    Storage none = Storage.allocate(DType.F32, 0);
    SplittableRandom random = new SplittableRandom(64);
    for (int round = 0; round < 5000; round++) {
      int m = size(random);
      int n = size(random);
      int pairs = size(random);
      MatrixProducts products =
          new MatrixProducts(m, n, 0, none, false, none, false, none)
              .pairs(new int[] {pairs}, new int[] {0}, new int[] {0});
      boolean empty = m == 0 || n == 0 || pairs == 0;
      if (empty && fits(m, n, pairs)) {
        kernel.multiply(products);
      } else {
        assertThatThrownBy(() -> kernel.multiply(products))
            .isInstanceOf(IllegalArgumentException.class);
      }
    }
  }

  @Test
  void sizesAreMultipliedExactlyOrRefused() {
    SplittableRandom random = new SplittableRandom(65);
    for (int round = 0; round < 20_000; round++) {
      int a = size(random);
      int b = size(random);
      int c = size(random);
      if (fits(a, b, c)) {
        assertThat(Sizes.product("x", a, b, c)).isEqualTo(a * b * c);
        assertThat(new BatchNormShape(DType.F32, Layout.NCHW, a, b, c).size()).isEqualTo(a * b * c);
      } else {
        assertThatThrownBy(() -> Sizes.product("x", a, b, c))
            .hasMessageStartingWith("x: expected sizes of 0 or more and at most 2^31-1 elements");
        assertThatThrownBy(() -> new BatchNormShape(DType.F32, Layout.NCHW, a, b, c))
            .isInstanceOf(IllegalArgumentException.class);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("arrays")
  void matricesOfMoreElementsThanThereAreAreRefused(ArrayKernel kernel) {
    Storage some = Storage.allocate(DType.F32, 4);
    assertThatThrownBy(
            () ->
                kernel.multiply(
                    new MatrixProducts(1 << 20, 1, 1 << 20, some, false, some, false, some)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("a (m, k): expected sizes");
    assertThatThrownBy(
            () ->
                kernel.multiply(
                    new MatrixProducts(1, 1, 0, some, false, some, false, some)
                        .pairs(new int[] {2, 2}, new int[] {0}, new int[] {0, 0})))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("pairs: expected a stride for each of 2 axes, got 1 and 2");
  }

  @Test
  void elementsOfAnotherDtypeAreNotCopied() {
    Storage some = Storage.allocate(DType.F32, 4);
    assertThatThrownBy(() -> some.copy(Storage.allocate(DType.F64, 4), 0, 0, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("source: expected dtype F32, got F64");
  }

  @Test
  void copyRefusesClosedMemory() {
    Storage closed;
    try (MemoryScope scope = MemoryScope.open()) {
      closed = Storage.allocate(DType.F32, 16);
      assertThat(scope).isNotNull();
    }
    NativeArrays kernel = new NativeArrays(1, Isa.BEST);
    Storage open = Storage.allocate(DType.F32, 16);
    assertThatThrownBy(() -> kernel.copy(closed, open, false))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> kernel.copy(open, closed, false))
        .isInstanceOf(IllegalStateException.class);
  }

  @ParameterizedTest
  @MethodSource("kernels")
  @EnabledForJreRange(min = JRE.JAVA_22)
  void memoryOfAClosedArenaIsRefused(BatchNormKernel kernel) throws Exception {
    Class<?> type = Class.forName("java.lang.foreign.Arena");
    AutoCloseable arena = (AutoCloseable) type.getMethod("ofConfined").invoke(null);
    Object segment = type.getMethod("allocate", long.class, long.class).invoke(arena, 64L, 64L);
    ByteBuffer buffer =
        (ByteBuffer)
            Class.forName("java.lang.foreign.MemorySegment")
                .getMethod("asByteBuffer")
                .invoke(segment);
    Storage x = Storage.wrap(DType.F32, buffer.order(ByteOrder.nativeOrder()));
    Storage y = Storage.allocate(DType.F32, 16);
    ForwardArguments call =
        new ForwardArguments(
                new BatchNormShape(DType.F32, Layout.NCHW, 4, 4, 1), BatchNormOptions.DEFAULT, x)
            .y(y);
    kernel.forward(call);
    arena.close();
    assertThatThrownBy(() -> kernel.forward(call)).isInstanceOf(IllegalStateException.class);
    for (ArrayKernel arrays : arrays().toList()) {
      assertThatThrownBy(() -> arrays.logSoftmax(4, x, y))
          .isInstanceOf(IllegalStateException.class);
    }
    assertThatThrownBy(() -> new NativeArrays(0, Isa.BEST).copy(x, y, false))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void noSymbolIsCalledByACallersWord() {
    assertThat(Modifier.isPublic(NativeText.class.getModifiers())).isFalse();
    assertThat(NativeText.values()).hasSize(1);
    assertThat(OpenBlas.configuration()).startsWith("OpenBLAS");
  }
}
