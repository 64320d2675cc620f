package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.batchnorm.BatchNormBuilder;
import io.github.jbatchnorm.batchnorm.BatchNormOp;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.functional.Losses;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Every tensor argument is checked by its shape, and its dtype is promoted or refused by name. */
class ArgumentShapesTest {
  private static final int ROUNDS = 3000;

  @SafeVarargs
  private static <T> T pick(SplittableRandom random, T... choices) {
    return choices[random.nextInt(choices.length)];
  }

  /** An argument that fits in some shape, or one that does not. */
  private record Argument(Tensor tensor, boolean fits) {}

  /** One random batch normalization. */
  private static final class Call {
    private final SplittableRandom random;
    private final Layout layout;
    private final int[] shape;
    private final int channels;
    private final Tensor x;
    private final Map<String, Argument> arguments = new LinkedHashMap<>();

    Call(SplittableRandom random) {
      this.random = random;
      layout = pick(random, Layout.values());
      shape = IntStream.range(0, random.nextInt(2, 5)).map(i -> random.nextInt(1, 5)).toArray();
      channels = shape[layout == Layout.NCHW ? 1 : shape.length - 1];
      x = tensor(shape);
      for (String name : List.of("gamma", "beta", "mean", "var")) {
        add(name, ofChannels());
      }
      add("z", like(shape));
      add("mask", like(withoutChannels()));
      add("sampleWeights", like(shape[0]));
      if (arguments.containsKey("mean") != arguments.containsKey("var")) {
        arguments.remove("mean");
        arguments.remove("var");
      }
    }

    private void add(String name, Argument argument) {
      if (random.nextInt(3) == 0) {
        arguments.put(name, argument);
      }
    }

    private int[] withoutChannels() {
      int channel = layout == Layout.NCHW ? 1 : shape.length - 1;
      return IntStream.range(0, shape.length)
          .filter(i -> i != channel)
          .map(i -> shape[i])
          .toArray();
    }

    private Tensor tensor(int... axes) {
      DType dtype = pick(random, DType.values());
      return Tensors.uniform(dtype, random, 0.5, 2, axes);
    }

    private Argument ofChannels() {
      int[] axes = new int[random.nextInt(1, 5)];
      Arrays.fill(axes, 1);
      axes[random.nextInt(axes.length)] = channels;
      if (random.nextInt(6) > 0) {
        return new Argument(tensor(axes), true);
      }
      if (channels == 4) {
        return new Argument(tensor(2, 2), false);
      }
      return new Argument(tensor(channels + 1), false);
    }

    /** A tensor of a shape, or of as many elements in another, or of others. */
    private Argument like(int... axes) {
      if (random.nextInt(6) > 0) {
        return new Argument(tensor(axes), true);
      }
      int[] other = random.nextBoolean() ? Arrays.copyOf(axes, axes.length + 1) : axes.clone();
      other[other.length - 1] += 1;
      return new Argument(tensor(other), false);
    }

    private @Nullable Tensor of(String name) {
      Argument argument = arguments.get(name);
      return argument == null ? null : argument.tensor;
    }

    private boolean has(String name) {
      return arguments.containsKey(name);
    }

    /** The call; {@code plain} with parameters of shape (C). */
    Tensor apply(boolean plain) {
      BatchNormBuilder call =
          BatchNormOp.on(x)
              .options(BatchNormOptions.DEFAULT.withLayout(layout))
              .gamma(parameter("gamma", plain))
              .beta(parameter("beta", plain))
              .add(of("z"))
              .mask(of("mask"))
              .sampleWeights(of("sampleWeights"));
      Tensor mean = parameter("mean", plain);
      Tensor var = parameter("var", plain);
      return mean == null || var == null ? call.apply() : call.given(mean, var).apply();
    }

    private @Nullable Tensor parameter(String name, boolean plain) {
      Tensor tensor = of(name);
      return tensor == null || !plain ? tensor : tensor.reshape(channels);
    }

    /** NumPy's promotion, but that 16-bit data stay beside parameters of f32. */
    DType dtype() {
      DType dtype = has("z") ? DType.promote(x.dtype(), of("z").dtype()) : x.dtype();
      for (String name : List.of("gamma", "beta", "mean", "var")) {
        boolean wide = has(name) && of(name).dtype() == DType.F64;
        boolean joins = has(name) && dtype.bytes() > 2;
        dtype = wide || joins ? DType.promote(dtype, of(name).dtype()) : dtype;
      }
      return dtype;
    }

    List<String> unfit() {
      List<String> names = new ArrayList<>();
      arguments.forEach(
          (name, argument) -> {
            if (!argument.fits) {
              names.add(name);
            }
          });
      return names;
    }
  }

  @Test
  void batchNormTakesShapesThatFitAndNamesThoseThatDoNot() {
    SplittableRandom random = new SplittableRandom(41);
    int refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
      Call call = new Call(random);
      List<String> unfit = call.unfit();
      if (unfit.isEmpty()) {
        assertAccepted(call);
      } else {
        refused++;
        assertThatThrownBy(() -> call.apply(false))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageMatching("(%s): expected .*".formatted(String.join("|", unfit)));
      }
    }
    assertThat(refused).isBetween(ROUNDS / 20, ROUNDS / 2);
  }

  private static void assertAccepted(Call call) {
    Tensor y = call.apply(false);
    assertThat(y.dtype()).isEqualTo(call.dtype());
    assertThat(y.toDoubleArray()).isEqualTo(call.apply(true).toDoubleArray());
    y.backward();
    for (String name : List.of("gamma", "beta", "mean", "var", "z")) {
      Tensor variable = call.of(name);
      if (variable != null) {
        assertThat(variable.grad().shape()).as(name).isEqualTo(variable.shape());
        assertThat(variable.grad().dtype()).as(name).isEqualTo(variable.dtype());
      }
    }
  }

  @Test
  void maskHasToBeXWithoutChannels() {
    BatchNormBuilder call = BatchNormOp.on(Tensor.zeros(DType.F32, 2, 3, 4, 4));
    for (int[] shape : List.of(new int[] {2, 16}, new int[] {32}, new int[] {2, 1, 4, 4})) {
      assertRefused(
          "mask: expected shape (2, 4, 4), got " + Shapes.text(shape),
          () -> call.mask(Tensor.zeros(DType.F32, shape)).apply());
    }
  }

  @Test
  void statisticsAreGivenTogether() {
    Tensor c = Tensor.zeros(DType.F32, 3);
    BatchNormBuilder call = BatchNormOp.on(Tensor.zeros(DType.F32, 2, 3));
    assertRefused("mean: expected a tensor, got null", () -> call.given(null, c));
    assertRefused("var: expected a tensor, got null", () -> call.given(c, null));
  }

  @Test
  void denseAndConvolutionNameTheirArguments() {
    Tensor x = Tensor.zeros(DType.F32, 5, 4);
    Tensor weight = Tensor.zeros(DType.F32, 3, 4);
    assertRefused(
        "x: expected shape (N, 4), as the weights have it, got (5, 3)",
        () -> Functions.dense(Tensor.zeros(DType.F32, 5, 3), weight, null));
    assertRefused(
        "weight: expected shape (out, in), got (1, 3, 4)",
        () -> Functions.dense(x, weight.reshape(1, 3, 4), null));
    assertRefused(
        "bias: expected shape (3) (out), got (3, 1)",
        () -> Functions.dense(x, weight, Tensor.zeros(DType.F32, 3, 1)));
    Tensor images = Tensor.zeros(DType.F32, 1, 2, 5, 5);
    Tensor filters = Tensor.zeros(DType.F32, 4, 2, 3, 3);
    assertRefused(
        "bias: expected shape (4) (O), got (2, 2)",
        () -> Functions.conv(images, filters, Tensor.zeros(DType.F32, 2, 2), ConvOptions.DEFAULT));
    assertRefused(
        "probabilities: expected shape (N, K), got (5)",
        () -> Losses.focal(Tensor.zeros(DType.F32, 5), 1, 2, 0));
  }

  private static void assertRefused(String message, Runnable call) {
    assertThatThrownBy(call::run).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
  }
}
