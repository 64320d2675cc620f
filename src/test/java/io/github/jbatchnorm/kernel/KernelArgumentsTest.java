package io.github.jbatchnorm.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.memory.Storage;
import java.nio.ByteOrder;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What both kernels refuse, and what a refusal leaves alone. */
class KernelArgumentsTest {
  private static final BatchNormShape SHAPE = new BatchNormShape(DType.F32, Layout.NCHW, 2, 3, 4);

  static Stream<BatchNormKernel> kernels() {
    return Stream.of(new NativeKernel(), new JavaKernel());
  }

  private static Storage floats(int length) {
    return Storage.allocate(DType.F32, length);
  }

  private static void assertRefused(String message, Runnable call) {
    assertThatThrownBy(call::run).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void wrongLengthsAreNamed(BatchNormKernel kernel) {
    Storage x = floats(24);
    Storage y = floats(24);
    Storage c = floats(3);
    assertRefused(
        "x: expected 24 elements (N*C*S), got 23",
        () -> kernel.forward(SHAPE, floats(23), null, null, 1e-5, y, null, null, null));
    assertRefused(
        "gamma: expected 3 elements (C), got 4",
        () -> kernel.forward(SHAPE, x, floats(4), null, 1e-5, y, null, null, null));
    assertRefused(
        "given var: expected 3 elements (C), got 2",
        () -> kernel.infer(SHAPE, x, null, null, c, floats(2), 1e-5, y));
    assertRefused(
        "dy: expected 24 elements (N*C*S), got 1",
        () -> kernel.backward(SHAPE, x, floats(1), null, saved(), 1e-5, y, null, null));
    assertRefused(
        "saved: expected 12 elements (4*C), got 3",
        () ->
            kernel.backward(
                SHAPE, x, y, null, Storage.allocate(DType.F64, 3), 1e-5, null, null, null));
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void wrongDtypesAreNamed(BatchNormKernel kernel) {
    assertRefused(
        "beta: expected dtype F32, got F64",
        () ->
            kernel.forward(
                SHAPE,
                floats(24),
                null,
                Storage.allocate(DType.F64, 3),
                1e-5,
                floats(24),
                null,
                null,
                null));
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void epsOutOfRangeIsRefusedAndNothingIsWritten(BatchNormKernel kernel) {
    Storage y = floats(24);
    y.set(5, 42);
    for (double eps : new double[] {-1e-300, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertRefused(
          "eps: expected a finite value of 0 or more, got " + eps,
          () -> kernel.forward(SHAPE, floats(24), null, null, eps, y, null, null, null));
    }
    assertThat(y.get(5)).isEqualTo(42);
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void outputThatIsAnotherArgumentIsRefused(BatchNormKernel kernel) {
    Storage x = floats(24);
    Storage c = floats(3);
    Storage y = floats(24);
    assertRefused(
        "dz: is the same memory as dx",
        () ->
            kernel.backward(
                new BackwardArguments(SHAPE, BatchNormOptions.DEFAULT, x, floats(24), saved())
                    .dx(y)
                    .dz(y)));
    assertRefused(
        "gx: is the same memory as dy",
        () -> kernel.second(new SecondArguments(SHAPE, 1e-5, x, y, saved()).gx(y)));
    assertRefused(
        "var: is the same memory as mean",
        () -> kernel.forward(SHAPE, x, null, null, 1e-5, floats(24), c, c, null));
  }

  private static Storage saved() {
    return Storage.allocate(DType.F64, 12);
  }

  private static ForwardArguments forward(BatchNormOptions options) {
    return new ForwardArguments(SHAPE, options, floats(24)).y(floats(24));
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void weightsOutOfRangeAreRefused(BatchNormKernel kernel) {
    Storage weights = Storage.allocate(DType.F64, SHAPE.m());
    for (double bad : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
      weights.set(2, bad);
      assertRefused(
          "weights: expected finite values of 0 or more, got %s at index 2".formatted(bad),
          () -> kernel.forward(forward(BatchNormOptions.DEFAULT).weights(Weights.of(weights))));
    }
    assertRefused(
        "weights: expected 8 elements (N*S), got 3",
        () ->
            kernel.forward(
                forward(BatchNormOptions.DEFAULT)
                    .weights(Weights.of(Storage.allocate(DType.F64, 3)))));
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void whatCannotBeInvertedIsRefused(BatchNormKernel kernel) {
    Storage gamma = floats(3);
    gamma.set(0, 1);
    gamma.set(1, -1);
    gamma.set(2, 1e-4);
    assertRefused(
        "gamma: xHat is recovered from y only where |gamma| is 9.765625E-4 or more, got "
            + gamma.get(2)
            + " in channel 2",
        () -> kernel.forward(forward(BatchNormOptions.DEFAULT).gamma(gamma).invertible()));
    assertRefused(
        "slope: a tail that is to be inverted needs 9.765625E-4 or more, got 0.0",
        () -> kernel.forward(forward(BatchNormOptions.DEFAULT.withRelu()).invertible()));
    assertRefused(
        "inverted: x cannot be recovered where forward had weights or z, nor is y needed",
        () -> kernel.forward(forward(BatchNormOptions.DEFAULT).z(floats(24)).invertible()));
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void everyOutputIsOptional(BatchNormKernel kernel) {
    Storage mean = floats(3);
    kernel.forward(
        new ForwardArguments(SHAPE, BatchNormOptions.DEFAULT, floats(24)).mean(mean).y(null));
    kernel.backward(
        new BackwardArguments(SHAPE, BatchNormOptions.DEFAULT, floats(24), floats(24), saved()));
    kernel.second(new SecondArguments(SHAPE, 1e-5, floats(24), floats(24), saved()));
    assertThat(mean.get(0)).isZero();
  }

  @Test
  void slopeOutOfRangeIsRefused() {
    for (double bad : new double[] {-0.1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThatThrownBy(() -> BatchNormOptions.DEFAULT.withLeakyRelu(bad))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("slope: expected a finite value of 0 or more, got " + bad);
    }
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void overlapInPartIsRefusedOfSlicesAndOfBuffers(BatchNormKernel kernel) {
    Storage whole = floats(40);
    List<Storage> parts = List.of(whole.slice(0, 24), buffer(whole, 0));
    List<Storage> others = List.of(whole.slice(16, 24), buffer(whole, 16));
    for (Storage x : parts) {
      for (Storage y : others) {
        assertRefused(
            "y: overlaps x", () -> kernel.forward(SHAPE, x, null, null, 1e-5, y, null, null, null));
        assertRefused(
            "y: overlaps x", () -> kernel.forward(SHAPE, y, null, null, 1e-5, x, null, null, null));
      }
      kernel.forward(SHAPE, x, null, null, 1e-5, whole.slice(0, 24), null, null, null);
    }
  }

  private static Storage buffer(Storage whole, int from) {
    return Storage.wrap(
        DType.F32, whole.bytes().slice(from * 4, 24 * 4).order(ByteOrder.nativeOrder()));
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void nullsAreNamed(BatchNormKernel kernel) {
    Storage x = floats(24);
    BatchNormOptions options = BatchNormOptions.DEFAULT;
    assertRefused(
        "x: expected a storage, got null",
        () -> kernel.forward(new ForwardArguments(SHAPE, options, null).y(x)));
    assertRefused(
        "x: expected a storage, got null",
        () -> kernel.backward(new BackwardArguments(SHAPE, options, null, x, saved())));
    assertRefused(
        "dy: expected a storage, got null",
        () -> kernel.backward(new BackwardArguments(SHAPE, options, x, null, saved())));
    assertRefused(
        "saved: expected a storage, got null",
        () -> kernel.backward(new BackwardArguments(SHAPE, options, x, x, null)));
    assertRefused(
        "saved: expected a storage, got null",
        () -> kernel.second(new SecondArguments(SHAPE, 1e-5, x, x, null)));
    assertRefused(
        "shape: expected a value, got null", () -> new ForwardArguments(null, options, x));
    assertRefused(
        "options: expected a value, got null", () -> new ForwardArguments(SHAPE, null, x));
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void meanIsNotGivenWithoutVar(BatchNormKernel kernel) {
    Storage x = floats(24);
    Storage c = floats(3);
    assertRefused(
        "given var: expected a value, got null",
        () -> kernel.infer(SHAPE, x, null, null, c, null, 1e-5, floats(24)));
    assertRefused(
        "given mean: expected a value, got null",
        () -> kernel.infer(SHAPE, x, null, null, null, c, 1e-5, floats(24)));
    assertRefused(
        "given: expected a value, got null",
        () -> new ForwardArguments(SHAPE, BatchNormOptions.DEFAULT, x).given(null));
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void closedMemoryIsRefusedBeforeAnythingIsWritten(BatchNormKernel kernel) {
    Storage closed;
    try (MemoryScope scope = MemoryScope.open()) {
      closed = floats(3);
      assertThat(scope).isNotNull();
    }
    Storage y = floats(24);
    y.set(0, 42);
    assertThatThrownBy(
            () -> kernel.forward(SHAPE, floats(24), null, null, 1e-5, y, null, closed, null))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("MemoryScope");
    assertThat(y.get(0)).isEqualTo(42);
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void argumentsBelongToTheThreadThatMadeThem(BatchNormKernel kernel) {
    Storage x = floats(24);
    ForwardArguments forward = new ForwardArguments(SHAPE, BatchNormOptions.DEFAULT, x);
    BackwardArguments backward =
        new BackwardArguments(SHAPE, BatchNormOptions.DEFAULT, x, x, saved());
    SecondArguments second = new SecondArguments(SHAPE, 1e-5, x, x, saved());
    List<Runnable> uses =
        List.of(
            () -> forward.y(x),
            () -> forward.given(saved()),
            () -> kernel.forward(forward),
            () -> backward.dx(x),
            () -> backward.inverted(),
            () -> kernel.backward(backward),
            () -> second.gx(x),
            () -> kernel.second(second));
    for (Runnable use : uses) {
      assertThatThrownBy(() -> CompletableFuture.runAsync(use).join())
          .hasCauseInstanceOf(IllegalStateException.class)
          .hasMessageContaining("arguments: expected the thread that made them");
    }
    kernel.forward(forward.y(x));
  }

  @Test
  void sizesOutOfRangeAreRefused() {
    assertThatThrownBy(() -> new BatchNormShape(DType.F32, Layout.NCHW, -1, 3, 4))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "shape (N, C, S): expected sizes of 0 or more and at most 2^31-1 elements, got (-1, 3,"
                + " 4)");
    assertThatThrownBy(() -> new BatchNormShape(DType.F32, Layout.NCHW, 1 << 20, 1 << 10, 4))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at most 2^31-1 elements, got (1048576, 1024, 4)");
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void storageIsCheckedAtItsBounds(BatchNormKernel kernel) {
    assertThat(kernel.name()).isNotEmpty();
    Storage storage = floats(3);
    assertThatThrownBy(() -> storage.get(3)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> storage.read(1, new double[3], 0, 3))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> Storage.allocate(DType.F64, 1L << 30))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("length: expected 0 to");
    assertThatThrownBy(storage::doubles).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void concurrentCallsGiveTheSameBits() {
    BatchNormShape shape = new BatchNormShape(DType.F32, Layout.NCHW, 8, 16, 400);
    CaseData in = new CaseData(shape, "plain");
    NativeKernel kernel = new NativeKernel();
    Storage expected = Storage.allocate(DType.F32, shape.size());
    kernel.forward(shape, in.x, in.gamma, in.beta, 1e-5, expected, null, null, null);
    Stream<CompletableFuture<Storage>> calls =
        IntStream.range(0, 16)
            .mapToObj(
                i ->
                    CompletableFuture.supplyAsync(
                        () -> {
                          Storage y = Storage.allocate(DType.F32, shape.size());
                          kernel.forward(shape, in.x, in.gamma, in.beta, 1e-5, y, null, null, null);
                          return y;
                        }));
    for (CompletableFuture<Storage> call : calls.toList()) {
      assertThat(call.join().bytes()).isEqualTo(expected.bytes());
    }
  }
}
