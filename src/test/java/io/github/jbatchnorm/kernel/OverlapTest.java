package io.github.jbatchnorm.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Arguments that lie anywhere in one memory: both kernels refuse the same ones with the same words,
 * those that the C ABI's header excludes.
 */
class OverlapTest {
  private static final int ROUNDS = 4000;
  private static final int REGION = 1024; // bytes

  /** Which outputs may be which inputs: the very same memory. */
  private static final Set<String> IN_PLACE =
      Set.of("y=x", "y=z", "dx=x", "dx=dy", "dx=y", "dz=dy", "dz=y");

  @SafeVarargs
  private static <T> T pick(SplittableRandom random, T... choices) {
    return choices[random.nextInt(choices.length)];
  }

  /** An argument: where it lies, and whether the call writes it. */
  private record Placed(String name, Storage storage, int from, int bytes, boolean output) {
    boolean meets(Placed other) {
      boolean apart = from + bytes <= other.from || other.from + other.bytes <= from;
      boolean inPlace = IN_PLACE.contains(name + "=" + other.name) && from == other.from;
      boolean itself = name.equals(other.name);
      return bytes > 0 && other.bytes > 0 && !apart && !inPlace && !itself;
    }
  }

  /** Places arguments in one memory, most of them apart. */
  private static final class Placer {
    private final SplittableRandom random;
    private final BatchNormShape shape;
    private final Storage region = Storage.allocate(DType.F64, REGION / Double.BYTES);
    private final List<Placed> placed = new ArrayList<>();

    Placer(SplittableRandom random) {
      this.random = random;
      DType dtype = pick(random, DType.values());
      Layout layout = pick(random, Layout.values());
      shape =
          new BatchNormShape(
              dtype, layout, random.nextInt(3), random.nextInt(1, 4), random.nextInt(1, 4));
    }

    Storage data(String name, boolean output) {
      return place(name, shape.dtype(), shape.size(), output);
    }

    @Nullable Storage optionalData(String name, boolean output) {
      return random.nextInt(3) > 0 ? data(name, output) : null;
    }

    @Nullable Storage channels(String name, boolean output) {
      return random.nextInt(3) > 0
          ? place(name, shape.dtype().parameters(), shape.c(), output)
          : null;
    }

    Storage saved(String name, boolean output) {
      return place(name, DType.F64, 4 * shape.c(), output);
    }

    @Nullable Weights weights() {
      return random.nextInt(4) == 0
          ? Weights.of(place("weights", DType.F64, (int) shape.m(), false))
          : null;
    }

    private Storage place(String name, DType dtype, int length, boolean output) {
      if (random.nextInt(12) > 0 || length * dtype.bytes() > REGION / 4) {
        return Storage.allocate(dtype, length);
      }
      boolean again = !placed.isEmpty() && random.nextInt(3) > 0;
      int from = again ? placed.get(random.nextInt(placed.size())).from : random.nextInt(16) * 16;
      int bytes = length * dtype.bytes();
      Storage part =
          dtype == DType.F64 && random.nextBoolean()
              ? region.slice(from / Double.BYTES, length)
              : Storage.wrap(
                  dtype, region.bytes().slice(from, bytes).order(ByteOrder.nativeOrder()));
      placed.add(new Placed(name, part, from, bytes, output));
      return part;
    }

    /** Whether an output lies where the header does not allow it. */
    boolean anyMeets() {
      return placed.stream()
          .filter(Placed::output)
          .anyMatch(out -> placed.stream().anyMatch(out::meets));
    }
  }

  private static Consumer<BatchNormKernel> forward(Placer p) {
    ForwardArguments arguments =
        new ForwardArguments(p.shape, BatchNormOptions.DEFAULT, p.data("x", false))
            .z(p.optionalData("z", false))
            .gamma(p.channels("gamma", false))
            .beta(p.channels("beta", false))
            .weights(p.weights());
    if (p.random.nextInt(4) == 0) {
      arguments.given(p.saved("given", false));
    }
    arguments
        .y(p.optionalData("y", true))
        .mean(p.channels("mean", true))
        .var(p.channels("var", true))
        .saved(p.saved("saved", true));
    return kernel -> kernel.forward(arguments);
  }

  private static Consumer<BatchNormKernel> backward(Placer p) {
    BackwardArguments arguments =
        new BackwardArguments(
                p.shape,
                BatchNormOptions.DEFAULT.withRelu(),
                p.data("x", false),
                p.data("dy", false),
                p.saved("saved", false))
            .y(p.optionalData("y", false))
            .gamma(p.channels("gamma", false))
            .beta(p.channels("beta", false))
            .weights(p.weights())
            .dx(p.optionalData("dx", true))
            .dz(p.optionalData("dz", true))
            .dGamma(p.channels("dGamma", true))
            .dBeta(p.channels("dBeta", true));
    return kernel -> kernel.backward(arguments);
  }

  private static Consumer<BatchNormKernel> second(Placer p) {
    SecondArguments arguments =
        new SecondArguments(
                p.shape, 1e-5, p.data("x", false), p.data("dy", false), p.saved("saved", false))
            .gamma(p.channels("gamma", false))
            .v(p.optionalData("v", false))
            .vGamma(p.channels("vGamma", false))
            .vBeta(p.channels("vBeta", false))
            .gGamma(p.channels("gGamma", true))
            .gx(p.optionalData("gx", true))
            .gdy(p.optionalData("gdy", true));
    return kernel -> kernel.second(arguments);
  }

  /** A kind of call. */
  private interface Call {
    Consumer<BatchNormKernel> of(Placer placer);
  }

  static Stream<Call> calls() {
    return Stream.of(OverlapTest::forward, OverlapTest::backward, OverlapTest::second);
  }

  private static String outcome(BatchNormKernel kernel, Consumer<BatchNormKernel> call) {
    try {
      call.accept(kernel);
      return "done";
    } catch (IllegalArgumentException e) {
      return String.valueOf(e.getMessage());
    }
  }

  @ParameterizedTest
  @MethodSource("calls")
  void bothKernelsRefuseWhatTheHeaderExcludes(Call kind) {
    SplittableRandom random = new SplittableRandom(14);
    BatchNormKernel nativeKernel = new NativeKernel();
    BatchNormKernel javaKernel = new JavaKernel();
    int refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
      Placer placer = new Placer(random);
      Consumer<BatchNormKernel> call = kind.of(placer);
      String outcome = outcome(nativeKernel, call);
      assertThat(outcome(javaKernel, call)).isEqualTo(outcome);
      assertThat(outcome)
          .as("%s in %s", placer.placed, placer.shape)
          .matches(placer.anyMeets() ? "\\w+: (overlaps|is the same memory as) .+" : "done");
      refused += outcome.equals("done") ? 0 : 1;
    }
    assertThat(refused).isBetween(ROUNDS / 50, ROUNDS / 2);
  }

  static Stream<BatchNormKernel> kernels() {
    return Stream.of(new NativeKernel(), new JavaKernel());
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void whatIsOverlappedIsNamed(BatchNormKernel kernel) {
    BatchNormShape shape = new BatchNormShape(DType.F32, Layout.NCHW, 1, 6, 1);
    Storage x = Storage.allocate(DType.F32, 6);
    Storage c = Storage.allocate(DType.F32, 9);
    Storage saved = Storage.allocate(DType.F64, 24);
    BatchNormOptions options = BatchNormOptions.DEFAULT;
    Storage gamma = c.slice(0, 6);
    assertRefused(
        "y: is the same memory as gamma",
        () -> kernel.forward(new ForwardArguments(shape, options, x).gamma(gamma).y(gamma)));
    assertRefused(
        "var: overlaps mean",
        () -> kernel.forward(new ForwardArguments(shape, options, x).mean(gamma).var(tail(c))));
    assertRefused(
        "dz: is the same memory as x",
        () -> kernel.backward(new BackwardArguments(shape, options, x, gamma, saved).dz(x)));
    assertRefused(
        "dx: overlaps dy",
        () -> kernel.backward(new BackwardArguments(shape, options, x, gamma, saved).dx(tail(c))));
    kernel.backward(new BackwardArguments(shape, options, x, gamma, saved).dx(x).dz(gamma));
  }

  private static Storage tail(Storage c) {
    return c.slice(3, 6);
  }

  private static void assertRefused(String message, Runnable call) {
    assertThatThrownBy(call::run).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
  }
}
