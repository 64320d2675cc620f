package io.github.jbatchnorm.interop.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.github.jbatchnorm.autograd.Index;
import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.batchnorm.BatchNormOp;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.GroupNorm;
import io.github.jbatchnorm.nn.InstanceNorm;
import io.github.jbatchnorm.nn.Layer;
import io.github.jbatchnorm.nn.LayerNorm;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.Serving;
import io.github.jbatchnorm.nn.StateFile;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.models.ResNet;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Exported models beside ONNX Runtime: the same values within 1e-6 of the largest. */
class OnnxExportTest {
  private static Tensor evaluated(Layer model, Tensor x) {
    return NoAutodiff.call(() -> model.forward(x, Mode.EVALUATION));
  }

  private static void assertSame(Layer model, Tensor x) throws Exception {
    int[] shape = x.shape();
    int[] sample = Arrays.copyOfRange(shape, 1, shape.length);
    byte[] file = Onnx.export(model, sample).toBytes();
    Map<String, Tensor> outputs = OnnxRuntime.run(file, x);
    assertThat(outputs).containsOnlyKeys("output");
    OnnxRuntime.assertClose(evaluated(model, x), outputs.get("output"));
    Tensor again = evaluated(Onnx.read(file), x);
    assertThat(again.toFloatArray()).isEqualTo(evaluated(model, x).toFloatArray());
  }

  @Test
  void convolutionalNetwork() throws Exception {
    Sequential model = Models.convolutional();
    Tensor x = Models.random(7, 5, 3, 14, 12);
    assertSame(model, x);
    assertSame(Serving.folded(model), x);
  }

  @Test
  void residualNetwork() throws Exception {
    Sequential model = Models.residual();
    Tensor x = Models.random(7, 3, 3, 32, 32);
    assertSame(model, x);
    assertSame(Serving.folded(model), x);
  }

  /** Functions of tensors that stand for one operator of ONNX each, or a few. */
  static Stream<Arguments> functions() {
    Tensor scale = Models.random(11, 3, 1, 1);
    Tensor matrix = Models.random(12, 6, 4);
    return Stream.of(
        arguments("Relu", function(Tensor::relu)),
        arguments("LeakyRelu", function(x -> x.leakyRelu(0.3))),
        arguments("Elu", function(x -> x.elu(0.7))),
        arguments("Sigmoid", function(Tensor::sigmoid)),
        arguments("Tanh", function(Tensor::tanh)),
        arguments("Exp", function(Tensor::exp)),
        arguments("Log", function(x -> x.abs().add(0.5).log())),
        arguments("Sqrt", function(x -> x.abs().sqrt())),
        arguments("Neg", function(Tensor::negate)),
        arguments("Mul", function(x -> x.square().multiply(scale))),
        arguments("Sub", function(x -> x.subtract(scale))),
        arguments("Div", function(x -> x.divide(scale))),
        arguments("Pow", function(x -> x.abs().pow(1.5))),
        arguments("Max", function(x -> x.maximum(scale))),
        arguments("Min", function(x -> x.minimum(scale))),
        arguments("Sin", function(x -> x.sin().add(x.cos()).add(x.arctan()))),
        arguments("Asin", function(x -> x.divide(4).arcsin().add(x.divide(4).arccos()))),
        arguments("Asinh", function(x -> x.arcsinh().add(x.divide(4).arctanh()))),
        arguments("Acosh", function(x -> x.abs().add(1.5).arccosh())),
        arguments("Clip", function(x -> x.clip(-0.5, 1))),
        arguments("Softmax", function(x -> Functions.softmax(x))),
        arguments("LogSoftmax", function(x -> Functions.logSoftmax(x, 1))),
        arguments("ReduceSum", function(x -> x.sum(true, 2))),
        arguments("ReduceMean", function(x -> x.mean(1, 3))),
        arguments("GlobalAveragePool", function(Functions::globalAvgPool)),
        arguments("GlobalAveragePool", function(x -> x.mean(true, 2, 3))),
        arguments("MaxPool", function(x -> Functions.maxPool(x, 3, 2))),
        arguments(
            "AveragePool", function(x -> Functions.avgPool(x, new int[] {3, 2}, new int[] {2, 1}))),
        arguments("Flatten", function(x -> x.reshape(x.dim(0), -1))),
        arguments("Reshape", function(x -> x.reshape(x.dim(0), 3, -1))),
        arguments("Transpose", function(x -> x.transpose(0, 2, 3, 1))),
        arguments(
            "Slice",
            function(x -> x.slice(Index.all(), Index.range(1, 3), Index.step(-2), Index.from(2)))),
        arguments("Concat", function(x -> Tensors.concatenate(1, x, x.relu()))),
        arguments(
            "Pad",
            function(
                x ->
                    Tensors.concatenate(
                        3, x, Tensors.zeros(x.dtype(), x.dim(0), 3, 5, 2).asConstant()))),
        arguments("Expand", function(x -> x.mean(true, 1).broadcastTo(x.dim(0), 2, 5, 6).add(1))),
        arguments("MatMul", function(x -> x.matmul(matrix))),
        arguments(
            "MatMul", function(x -> x.reshape(x.dim(0), -1).matmul(Models.random(13, 90, 7)))),
        arguments(
            "Gemm",
            function(
                x -> Functions.dense(x.reshape(x.dim(0), -1), Models.random(13, 7, 90), null))),
        arguments(
            "MatMul",
            function(x -> Functions.dense(x, Models.random(14, 4, 6), Models.random(15, 4)))));
  }

  private static UnaryOperator<Tensor> function(UnaryOperator<Tensor> function) {
    return function;
  }

  @ParameterizedTest
  @MethodSource("functions")
  void function(String operator, UnaryOperator<Tensor> function) throws Exception {
    Sequential model = Sequential.builder().add("f", function).build();
    Tensor x = Models.random(21, 4, 3, 5, 6);
    byte[] file = Onnx.export(model, 3, 5, 6).toBytes();
    OnnxRuntime.assertClose(evaluated(model, x), OnnxRuntime.run(file, x).get("output"));
    OnnxRuntime.assertClose(evaluated(model, x), evaluated(Onnx.read(file), x));
    assertThat(ModelReader.read("file", file, null).nodes())
        .extracting(OnnxFile.Node::operator)
        .contains(operator);
  }

  /** Batch norms of each kind, alone or twice the same. */
  static Stream<Layer> batchNorms() {
    BatchNorm tied = BatchNorm.builder(6).withoutShift().build();
    BatchNormOptions last = BatchNormOptions.DEFAULT.withLayout(Layout.NHWC);
    return Stream.of(
        BatchNorm.builder(6).options(last.withLeakyRelu(0.1)).build(),
        BatchNorm.builder(3).withoutStatistics().build(),
        BatchNorm.builder(3).withoutScale().withoutShift().build(),
        Sequential.builder()
            .add("turned", x -> x.transpose(0, 3, 1, 2))
            .add("tied1", tied)
            .add("tied2", tied)
            .build());
  }

  @ParameterizedTest
  @MethodSource("batchNorms")
  void batchNormsOfEachKind(Layer model) throws Exception {
    assertSame(Models.trained(model), Models.random(22, 4, 3, 5, 6));
  }

  static Stream<Layer> normsOfParts() {
    return Stream.of(
        GroupNorm.builder(2, 6).build(),
        InstanceNorm.builder(6).build(),
        InstanceNorm.builder(6).affine().withStatistics().build(),
        InstanceNorm.builder(4).layout(Layout.NHWC).withStatistics().build(),
        LayerNorm.builder(4).build(),
        LayerNorm.builder(6, 5, 4).build(),
        Sequential.builder().add("f", x -> Functions.instanceNorm(x, null, null, 1e-3)).build());
  }

  @ParameterizedTest
  @MethodSource("normsOfParts")
  void normsOfPartsOfSamples(Layer model) throws Exception {
    assertSame(Models.trained(model), Models.random(26, 5, 6, 5, 4));
  }

  static Stream<Layer> normsOfPartsLast() {
    return Stream.of(
        GroupNorm.builder(2, 4).layout(Layout.NHWC).build(),
        GroupNorm.builder(4, 4).layout(Layout.NHWC).withoutScale().build(),
        GroupNorm.builder(1, 4).layout(Layout.NHWC).withoutShift().build(),
        InstanceNorm.builder(4).layout(Layout.NHWC).build(),
        InstanceNorm.builder(4).affine().layout(Layout.NHWC).build());
  }

  /** Their sums are in another order in the file. */
  @ParameterizedTest
  @MethodSource("normsOfPartsLast")
  void normsOfPartsOfSamplesChannelsLast(Layer model) throws Exception {
    Models.trained(model);
    Tensor x = Models.random(27, 5, 6, 5, 4);
    byte[] file = Onnx.export(model, 6, 5, 4).toBytes();
    OnnxRuntime.assertClose(evaluated(model, x), OnnxRuntime.run(file, x).get("output"));
    OnnxRuntime.assertClose(evaluated(model, x), evaluated(Onnx.read(file), x));
  }

  @Test
  void instanceNormsStatisticsHaveTheirNames() throws Exception {
    Sequential model =
        Sequential.builder().add("in", InstanceNorm.builder(6).withStatistics().build()).build();
    byte[] file = Onnx.export(model, 6, 5).toBytes();
    assertThat(ModelReader.read("file", file, null).initializers())
        .containsKeys("in.running_mean", "in.running_var");
    assertThatThrownBy(() -> Onnx.export(model, 6, 5).training().toBytes())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "model: in cannot be exported: ONNX has no instance norm with running statistics");
  }

  @Test
  void namesOfStateAreTheModelsAndComeBack() throws Exception {
    Sequential model = Models.residual();
    OnnxNetwork network = Onnx.read(Onnx.export(model, 3, 32, 32).toBytes());
    assertThat(network.parameters().keySet()).isEqualTo(model.parameters().keySet());
    Sequential other = ResNet.create(1, 10, 99);
    StateFile.load(StateFile.save(network::visit), other::visit);
    Tensor x = Models.random(23, 2, 3, 32, 32);
    assertThat(evaluated(other, x).toFloatArray()).isEqualTo(evaluated(model, x).toFloatArray());
  }

  @Test
  void readNetworkTrains() throws Exception {
    OnnxNetwork network = Onnx.read(Onnx.export(Models.convolutional(), 3, 14, 12).toBytes());
    Tensor y = network.forward(Models.random(24, 6, 3, 14, 12), Mode.TRAINING);
    y.square().sum().backward();
    network
        .parameters()
        .forEach((name, parameter) -> assertThat(parameter.grad()).as(name).isNotNull());
  }

  @Test
  void fileIsReplacedAsAWhole(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("model.onnx");
    Sequential model = Models.residual();
    Onnx.export(model, 3, 32, 32).write(file);
    assertThat(Files.readAllBytes(file)).isEqualTo(Onnx.export(model, 3, 32, 32).toBytes());
    Tensor x = Models.random(25, 2, 3, 32, 32);
    assertThat(evaluated(Onnx.read(file), x).toFloatArray())
        .isEqualTo(evaluated(model, x).toFloatArray());
    assertThat(folder).isDirectoryNotContaining(other -> !other.equals(file));
  }

  static Stream<Arguments> refused() {
    return Stream.of(
        arguments(
            function(Tensor::exp2),
            "model: f cannot be exported: there is no operator of ONNX for Exp2 here"),
        arguments(function(x -> x.max(1)), "there is no operator of ONNX for Gather here"),
        arguments(
            function(x -> Tensors.where(x.greater(0), x, x.multiply(2))),
            "there is no operator of ONNX for Select here"),
        arguments(
            function(x -> x.multiply(x.greater(0))),
            "input 1 of shape [2, 3, 5, 6] depends on x in a way that the tape does not show"),
        arguments(
            function(x -> x.dim(0) == 2 ? x.relu() : x.relu().relu()),
            "depends on the number of samples, or on what they are"),
        arguments(
            function(x -> x.dim(0) == 4 ? x.relu().multiply(2) : x.relu().multiply(1)),
            "its graph computes other than it does"),
        arguments(
            function(x -> x.slice(Index.all(), Index.at(1))),
            "it takes axes away or adds some: reshape after it instead"),
        arguments(
            function(x -> BatchNormOp.on(x).groups(x.dim(0)).apply()),
            "slices of the batch have statistics of their own"),
        arguments(function(x -> Tensor.of(new float[2], 2).asConstant()), "not computed from x"));
  }

  @ParameterizedTest
  @MethodSource("refused")
  void whatCannotBeExportedIsRefusedByName(UnaryOperator<Tensor> function, String message) {
    Sequential model = Sequential.builder().add("f", function).build();
    assertThatThrownBy(() -> Onnx.export(model, 3, 5, 6).toBytes())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }
}
