package io.github.jbatchnorm.interop.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.nn.ConvTranspose;
import io.github.jbatchnorm.nn.Dense;
import io.github.jbatchnorm.nn.Embedding;
import io.github.jbatchnorm.nn.Layer;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.StateFile;
import io.github.jbatchnorm.nn.Upsample;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Layers that make more of their input, to files and back, beside ONNX Runtime. */
class OnnxLayersTest {
  private static Tensor evaluated(Layer model, Tensor x) {
    return NoAutodiff.call(() -> model.forward(x, Mode.EVALUATION));
  }

  private static List<String> operators(byte[] file) throws Exception {
    return ModelReader.read("file", file, null).nodes().stream()
        .map(OnnxFile.Node::operator)
        .toList();
  }

  private static Sequential one(String name, Layer layer) {
    return Sequential.builder().add(name, layer).build();
  }

  private static ConvTranspose.Builder transposed(ConvOptions options) {
    return ConvTranspose.builder(4, 6, 3, 2).options(options);
  }

  static Stream<Arguments> transposedConvolutions() {
    SplittableRandom random = new SplittableRandom(1);
    ConvOptions two = ConvOptions.DEFAULT.withStride(2);
    return Stream.of(
        arguments(transposed(ConvOptions.DEFAULT).build(random), new int[] {3, 4, 5, 6}),
        arguments(
            transposed(two.withPadding(1, 0)).outputPadding(1).build(random),
            new int[] {3, 4, 5, 6}),
        arguments(
            transposed(two.withGroups(2).withDilation(1, 2)).withoutBias().build(random),
            new int[] {3, 4, 5, 6}),
        arguments(
            ConvTranspose.builder(4, 5, 3)
                .options(ConvOptions.DEFAULT.withStride(3).withPadding(1))
                .outputPadding(2)
                .build(random),
            new int[] {3, 4, 5}),
        arguments(
            ConvTranspose.builder(4, 2, 2, 2, 2).options(two).build(random),
            new int[] {3, 4, 2, 3, 2}));
  }

  @ParameterizedTest
  @MethodSource("transposedConvolutions")
  void convTranspose(ConvTranspose layer, int[] shape) throws Exception {
    Sequential model = Models.trained(one("up", layer));
    Tensor x = Models.random(1, shape);
    byte[] file = Onnx.export(model, Arrays.copyOfRange(shape, 1, shape.length)).toBytes();
    assertThat(operators(file)).containsExactly("ConvTranspose", "Identity");
    OnnxRuntime.assertClose(evaluated(model, x), OnnxRuntime.run(file, x).get("output"));
    OnnxNetwork network = Onnx.read(file);
    assertThat(evaluated(network, x).toFloatArray()).isEqualTo(evaluated(model, x).toFloatArray());
    assertThat(network.parameters().keySet()).isEqualTo(model.parameters().keySet());
    assertThat(StateFile.save(network::visit)).isEqualTo(StateFile.save(model::visit));
    assertThat(network.children().get("up")).isInstanceOf(ConvTranspose.class);
  }

  static Stream<Arguments> upsamplings() {
    return Stream.of(
        arguments(Upsample.nearest(2), new int[] {3, 4, 5, 6}),
        arguments(Upsample.nearest(3, 1), new int[] {3, 4, 5, 6}),
        arguments(Upsample.nearest(4), new int[] {3, 4, 5}),
        arguments(Upsample.nearest(2), new int[] {2, 1, 2, 3, 4}),
        arguments(Upsample.linear(2), new int[] {3, 4, 5, 6}),
        arguments(Upsample.linear(3), new int[] {3, 4, 5, 6}),
        arguments(Upsample.linear(1, 4), new int[] {3, 4, 5, 6}),
        arguments(Upsample.linear(2), new int[] {2, 1, 2, 3, 4}));
  }

  @ParameterizedTest
  @MethodSource("upsamplings")
  void upsample(Upsample layer, int[] shape) throws Exception {
    Sequential model =
        Sequential.builder()
            .add("before", x -> x.multiply(0.5))
            .add("up", layer)
            .add("after", Tensor::relu)
            .build();
    Tensor x = Models.random(2, shape);
    byte[] file = Onnx.export(model, Arrays.copyOfRange(shape, 1, shape.length)).toBytes();
    assertThat(operators(file)).containsExactly("Mul", "Resize", "Relu", "Identity");
    OnnxRuntime.assertClose(evaluated(model, x), OnnxRuntime.run(file, x).get("output"));
    assertThat(evaluated(Onnx.read(file), x).toFloatArray())
        .isEqualTo(evaluated(model, x).toFloatArray());
  }

  /** What stands before an upsampling in one layer, or is none of a layer, is as it was. */
  @Test
  void upsamplingsAmongOtherThingsInOneLayer() throws Exception {
    Upsample linear = Upsample.linear(2);
    Upsample nearest = Upsample.nearest(2);
    Tensor x = Models.random(2, 3, 2, 4, 5);
    for (Layer model :
        List.<Layer>of(
            (in, mode) -> linear.forward(in.multiply(2).add(1), mode).relu(),
            (in, mode) -> linear.forward(linear.forward(in, mode), mode),
            (in, mode) -> nearest.forward(nearest.forward(in, mode), mode).multiply(2),
            (in, mode) -> nearest.forward(in.reshape(in.dim(0), 1, 8, 5), mode),
            (in, mode) -> linear.forward(in, mode).add(nearest.forward(in, mode)),
            (in, mode) -> Functions.upsampleLinear(Functions.upsampleNearest(in, 2), 3))) {
      byte[] file = Onnx.export(model, 2, 4, 5).toBytes();
      OnnxRuntime.assertClose(evaluated(model, x), OnnxRuntime.run(file, x).get("output"));
      assertThat(evaluated(Onnx.read(file), x).toFloatArray())
          .isEqualTo(evaluated(model, x).toFloatArray());
    }
  }

  private static Sequential words() {
    SplittableRandom random = new SplittableRandom(3);
    return Sequential.builder()
        .add("words", Embedding.withPadding(20, 6, 0, random))
        .add("mean", x -> x.mean(1))
        .add("fc", new Dense(6, 3, random))
        .build();
  }

  @Test
  void embedding() throws Exception {
    Sequential model = words();
    Tensor x = Tensor.ofInts(new SplittableRandom(4).ints(5 * 7, 0, 20).toArray(), 5, 7);
    byte[] file = Onnx.export(model, 7).indices(20).toBytes();
    assertThat(operators(file)).containsExactly("Gather", "ReduceMean", "Gemm", "Identity");
    OnnxRuntime.assertClose(evaluated(model, x), OnnxRuntime.runIndices(file, x));
    OnnxNetwork network = Onnx.read(file);
    assertThat(evaluated(network, x).toFloatArray()).isEqualTo(evaluated(model, x).toFloatArray());
    assertThat(StateFile.save(network::visit)).isEqualTo(StateFile.save(model::visit));
    assertThat(network.children().get("words")).isInstanceOf(Embedding.class);
    network.forward(x, Mode.TRAINING).square().sum().backward();
    assertThat(network.parameters().get("words.weight").grad()).isNotNull();
  }

  @Test
  void indicesThatAreComputedWithToo() throws Exception {
    Embedding embedding = new Embedding(9, 1, new SplittableRandom(5));
    Layer model = (x, mode) -> embedding.forward(x, mode).reshape(x.shape()).multiply(x).add(x);
    Sequential named = one("m", new Both(embedding, model));
    Tensor x = Tensor.ofInts(new int[] {0, 8, 3, 1}, 2, 2);
    byte[] file = Onnx.export(named, 2).indices(9).toBytes();
    Tensor expected = evaluated(named, x);
    Tensor found = evaluated(Onnx.read(file), x);
    assertThat(found.toDoubleArray()).isEqualTo(expected.toDoubleArray());
  }

  /** A layer with another one inside. */
  private record Both(Embedding inner, Layer whole) implements Layer {
    @Override
    public Tensor forward(Tensor x, Mode mode) {
      return whole.forward(x, mode);
    }

    @Override
    public Map<String, Layer> children() {
      return Map.of("inner", inner);
    }
  }

  @Test
  void indicesAreTheInputAndSaidToBe() {
    Sequential model = words();
    assertRefused(
        "indices: expected whole numbers from 0 to 19", () -> Onnx.export(model, 7).toBytes());
    assertRefused("below: expected 1 or more, got 0", () -> Onnx.export(model, 7).indices(0));
    Layer shifted = (x, mode) -> model.forward(x.divide(2).floor(), mode);
    assertRefused(
        "its indices are not the model's input, but computed",
        () -> Onnx.export(shifted, 7).indices(20).toBytes());
  }

  private static void assertRefused(String message, Runnable call) {
    assertThatThrownBy(call::run)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }
}
