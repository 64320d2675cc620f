package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.Conv;
import io.github.jbatchnorm.nn.Dense;
import io.github.jbatchnorm.nn.Dropout;
import io.github.jbatchnorm.nn.Initializer;
import io.github.jbatchnorm.nn.StoredTensors;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.nn.io.Stored;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.Objects;
import java.util.SplittableRandom;

/** The operators that are layers, where their weights are the file's. */
final class ImportLayers {
  private static final Initializer ZERO = Initializer.constant(0);

  private ImportLayers() {}

  static void set(Tensor parameter, Stored stored) {
    Tensor value = StoredTensors.tensor(stored);
    parameter.update(storage -> storage.copyFrom(value.storage()));
  }

  static OnnxNetwork.Function conv(NodeArguments node) throws FileFormatException {
    Stored weight = node.fixed(1);
    int[] kernel = kernel(node, weight);
    Windows windows = Windows.of(node, kernel);
    ConvOptions options = windows.options(node.small("group", 1));
    boolean biased = node.hasInput(2);
    boolean layered =
        weight.type() == Stored.Type.F32
            && (!biased || isVector(node.fixed(2), Stored.Type.F32, weight.shape()[0]));
    OnnxNetwork.Function conv =
        layered ? layer(node, weight, options, kernel) : function(node, options, biased);
    return windows.symmetric()
        ? conv
        : (in, mode) -> {
          Tensor[] wide = in.clone();
          wide[0] = windows.pad(in[0], 0);
          return conv.apply(wide, mode);
        };
  }

  static int[] kernel(NodeArguments node, Stored weight) throws FileFormatException {
    int[] shape = weight.shape();
    if (shape.length < 3) {
      throw node.problem("input 1: expected weights of three or more axes, got " + weight);
    }
    int[] kernel = Arrays.copyOfRange(shape, 2, shape.length);
    if (node.has("kernel_shape")
        && !Arrays.equals(kernel, node.sizes("kernel_shape", kernel.length, 0))) {
      throw node.attribute("kernel_shape", "is other than the weights', " + weight);
    }
    return kernel;
  }

  static boolean isVector(Stored stored, Stored.Type type, int length) {
    return stored.type() == type && Arrays.equals(stored.shape(), new int[] {length});
  }

  private static OnnxNetwork.Function layer(
      NodeArguments node, Stored weight, ConvOptions options, int... kernel)
      throws FileFormatException {
    int[] shape = weight.shape();
    int in = Math.multiplyExact(shape[1], options.groups());
    Conv.Builder builder = Conv.builder(in, shape[0], kernel).options(options).initializer(ZERO);
    boolean biased = node.hasInput(2);
    Conv conv = (biased ? builder : builder.withoutBias()).build(new SplittableRandom(0));
    set(conv.weight(), weight);
    Tensor bias = conv.bias();
    if (bias != null) {
      set(bias, node.fixed(2));
    }
    node.layer(node.layerName(1, ".weight"), conv);
    node.take(0);
    return (x, mode) -> conv.forward(x[0], mode);
  }

  private static OnnxNetwork.Function function(
      NodeArguments node, ConvOptions options, boolean biased) throws FileFormatException {
    node.take(0, 1);
    if (biased) {
      node.take(2);
    }
    return (in, mode) -> Functions.conv(in[0], in[1], biased ? in[2] : null, options);
  }

  static OnnxNetwork.Function batchNorm(NodeArguments node) throws FileFormatException {
    Stored scale = node.fixed(1);
    checkVectors(node, scale);
    boolean tracks = tracks(node);
    BatchNorm.Builder builder =
        BatchNorm.builder(scale.shape()[0])
            .options(BatchNormOptions.DEFAULT.withEps(node.number("epsilon", 1e-5)))
            .dtype(scale.type() == Stored.Type.F64 ? DType.F64 : DType.F32)
            .newValueWeight(
                BigDecimal.ONE
                    .subtract(BigDecimal.valueOf(node.number("momentum", 0.9)))
                    .doubleValue())
            .biasedRunningVariance();
    BatchNorm norm = (tracks ? builder : builder.withoutStatistics()).build();
    set(Objects.requireNonNull(norm.gamma()), scale);
    set(Objects.requireNonNull(norm.beta()), node.fixed(2));
    if (tracks) {
      set(norm.runningMean(), node.fixed(3));
      set(norm.runningVar(), node.fixed(4));
    }
    node.layer(node.layerName(1, ".weight"), norm);
    node.take(0);
    return (in, mode) -> norm.forward(in[0], mode);
  }

  private static void checkVectors(NodeArguments node, Stored scale) throws FileFormatException {
    int channels = scale.shape().length == 1 ? scale.shape()[0] : -1;
    boolean known = scale.type() == Stored.Type.F32 || scale.type() == Stored.Type.F64;
    for (int i = 1; i <= 4; i++) {
      if (!known || !isVector(node.fixed(i), scale.type(), channels)) {
        throw node.problem(
            "input %s: expected a vector as the others, f32 or f64, got %s"
                .formatted(i, node.fixed(i)));
      }
    }
  }

  /** Whether there are running statistics: those of evaluation, or ones that the file gives. */
  private static boolean tracks(NodeArguments node) throws FileFormatException {
    boolean training = node.integer("training_mode", 0) != 0;
    node.expect("spatial", 1);
    boolean more = node.node().outputs().stream().skip(1).anyMatch(name -> !name.isEmpty());
    if (more && !training) {
      throw node.problem("gives running statistics without training_mode = 1");
    }
    node.othersAreState();
    return !training || node.givesState();
  }

  static OnnxNetwork.Function dropout(NodeArguments node) throws FileFormatException {
    double told = node.number("ratio", 0.5);
    double ratio = node.opset() >= 12 && node.hasInput(1) ? node.fixedNumber(1) : told;
    long seed = node.integer("seed", 0);
    String name = node.node().name();
    Dropout dropout =
        node.layer(
            name.isEmpty() ? node.node().outputs().get(0) : name,
            new Dropout(Double.parseDouble(Float.toString((float) ratio)), seed));
    node.take(0);
    return (in, mode) -> dropout.forward(in[0], mode);
  }

  static OnnxNetwork.Function gemm(NodeArguments node) throws FileFormatException {
    double alpha = node.number("alpha", 1);
    double beta = node.number("beta", 1);
    boolean transA = node.integer("transA", 0) != 0;
    boolean transB = node.integer("transB", 0) != 0;
    boolean plain = alpha == 1 && beta == 1 && !transA;
    if (plain && node.isFixed(1) && node.isFixed(2) && node.fixed(1).shape().length == 2) {
      Stored weight = node.fixed(1);
      int out = weight.shape()[transB ? 0 : 1];
      boolean layered =
          weight.type() == Stored.Type.F32 && isVector(node.fixed(2), Stored.Type.F32, out);
      if (layered) {
        return dense(node, weight, transB, out);
      }
    }
    node.take(0, 1);
    boolean adds = node.hasInput(2);
    if (adds) {
      node.take(2);
    }
    return (in, mode) -> {
      Tensor product = in[0].matmul(in[1], transA, transB);
      Tensor y = alpha == 1 ? product : product.multiply(alpha);
      return !adds ? y : y.add(beta == 1 ? in[2] : in[2].multiply(beta));
    };
  }

  private static OnnxNetwork.Function dense(
      NodeArguments node, Stored weight, boolean transB, int out) throws FileFormatException {
    int in = weight.shape()[transB ? 1 : 0];
    Dense dense = new Dense(in, out, new SplittableRandom(0));
    Tensor given = StoredTensors.tensor(weight);
    Tensor turned = transB ? given : given.transpose();
    dense.weight().update(storage -> storage.copyFrom(turned.storage()));
    set(dense.bias(), node.fixed(2));
    node.layer(node.layerName(1, ".weight"), dense);
    node.take(0);
    return (x, mode) -> dense.forward(x[0], mode);
  }
}
