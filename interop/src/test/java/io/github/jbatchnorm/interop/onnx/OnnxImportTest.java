package io.github.jbatchnorm.interop.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.StoredTensors;
import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.nn.io.Stored;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Graphs that other tools may write, beside ONNX Runtime; and those that are refused. */
class OnnxImportTest {
  /** One node with fixed inputs after x. */
  private static byte[] file(
      long opset, String operator, Map<String, Object> attributes, Stored... fixed) {
    Map<String, Stored> initializers = new LinkedHashMap<>();
    List<String> inputs = new ArrayList<>(List.of("x"));
    for (int i = 0; i < fixed.length; i++) {
      initializers.put("c" + i, fixed[i]);
      inputs.add("c" + i);
    }
    OnnxFile.Node node =
        new OnnxFile.Node("n", operator, "", inputs, List.of("y"), new LinkedHashMap<>(attributes));
    return file(opset, List.of(node), initializers);
  }

  private static byte[] file(long opset, List<OnnxFile.Node> nodes, Map<String, Stored> fixed) {
    List<Long> open = List.of(OnnxFile.ANY, OnnxFile.ANY, OnnxFile.ANY, OnnxFile.ANY);
    OnnxFile file =
        new OnnxFile(
            opset,
            Map.of(),
            nodes,
            fixed,
            List.of(new OnnxFile.Value("x", ElementType.of(DType.F32), open)),
            List.of(new OnnxFile.Value("y", ElementType.of(DType.F32), open)));
    return OnnxExport.bytes(ModelWriter.model(file));
  }

  private static Stored stored(Tensor tensor) {
    return StoredTensors.of(tensor);
  }

  private static Stored random(long seed, int... shape) {
    return stored(Models.random(seed, shape));
  }

  private static Stored integers(long... values) {
    GraphBuilder graph = new GraphBuilder();
    graph.integers("i", values);
    return graph.file(1, Map.of(), new OnnxFile.Value("x", 1, List.of())).initializers().get("i");
  }

  private static Stored scalar(double value) {
    return stored(Tensor.scalar(value).astype(DType.F32));
  }

  private static long[] ints(long... values) {
    return values;
  }

  static Stream<Arguments> nodes() {
    long[] three = {3, 3};
    long[] two = {2, 2};
    return Stream.of(
        arguments(
            17L,
            "Conv",
            Map.of("auto_pad", "SAME_UPPER", "strides", two),
            new Stored[] {random(1, 4, 3, 2, 3)}),
        arguments(
            17L,
            "Conv",
            Map.of("auto_pad", "SAME_LOWER", "strides", two),
            new Stored[] {random(1, 4, 3, 2, 3), random(2, 4)}),
        arguments(17L, "Conv", Map.of("auto_pad", "VALID"), new Stored[] {random(1, 4, 3, 2, 3)}),
        arguments(
            17L, "Conv", Map.of("pads", ints(0, 1, 2, 0)), new Stored[] {random(1, 4, 3, 2, 3)}),
        arguments(
            17L,
            "MaxPool",
            Map.of("kernel_shape", three, "strides", two, "pads", ints(1, 1, 1, 1)),
            new Stored[0]),
        arguments(
            17L,
            "MaxPool",
            Map.of("kernel_shape", three, "auto_pad", "SAME_UPPER", "strides", two),
            new Stored[0]),
        arguments(
            17L,
            "AveragePool",
            Map.of("kernel_shape", three, "pads", ints(1, 0, 0, 1), "count_include_pad", 1L),
            new Stored[0]),
        arguments(17L, "GlobalMaxPool", Map.of(), new Stored[0]),
        arguments(12L, "Softmax", Map.of(), new Stored[0]),
        arguments(12L, "LogSoftmax", Map.of("axis", 2L), new Stored[0]),
        arguments(17L, "Softmax", Map.of("axis", 1L), new Stored[0]),
        arguments(17L, "ReduceMean", Map.of("axes", ints(-1, 1)), new Stored[0]),
        arguments(18L, "ReduceMean", Map.of("keepdims", 0L), new Stored[] {integers(1, 2)}),
        arguments(17L, "ReduceMax", Map.of("axes", ints(2)), new Stored[0]),
        arguments(17L, "ReduceMin", Map.of("axes", ints(2), "keepdims", 0L), new Stored[0]),
        arguments(17L, "Flatten", Map.of("axis", 3L), new Stored[0]),
        arguments(17L, "Flatten", Map.of("axis", 0L), new Stored[0]),
        arguments(17L, "Reshape", Map.of(), new Stored[] {integers(0, -1, 2)}),
        arguments(
            17L,
            "Slice",
            Map.of(),
            new Stored[] {
              integers(-1, 1),
              integers(Long.MIN_VALUE, Long.MAX_VALUE),
              integers(2, 3),
              integers(-2, 1)
            }),
        arguments(17L, "Slice", Map.of(), new Stored[] {integers(1), integers(-1), integers(-2)}),
        arguments(
            9L,
            "Slice",
            Map.of("starts", ints(1), "ends", ints(3), "axes", ints(1)),
            new Stored[0]),
        arguments(9L, "Clip", Map.of("min", -0.5f, "max", 0.25f), new Stored[0]),
        arguments(17L, "Clip", Map.of(), new Stored[] {scalar(-0.5)}),
        arguments(
            17L, "Pad", Map.of(), new Stored[] {integers(0, 1, 0, 2, 0, 0, 1, 0), scalar(0.5)}),
        arguments(17L, "Expand", Map.of(), new Stored[] {integers(2, 1, 1, 1, 1)}),
        arguments(17L, "Unsqueeze", Map.of(), new Stored[] {integers(1, -1)}),
        arguments(11L, "Unsqueeze", Map.of("axes", ints(0)), new Stored[0]),
        arguments(17L, "Transpose", Map.of(), new Stored[0]),
        arguments(17L, "Max", Map.of(), new Stored[] {random(3, 6), random(4, 5, 1)}),
        arguments(17L, "Sum", Map.of(), new Stored[] {random(3, 6), random(4, 5, 1)}),
        arguments(17L, "Softsign", Map.of(), new Stored[0]),
        arguments(17L, "Reciprocal", Map.of(), new Stored[0]),
        arguments(17L, "Elu", Map.of(), new Stored[0]),
        arguments(17L, "LeakyRelu", Map.of(), new Stored[0]),
        arguments(9L, "BatchNormalization", Map.of("epsilon", 1e-3f), statistics()),
        arguments(17L, "BatchNormalization", Map.of(), statistics()));
  }

  private static Stored[] statistics() {
    Tensor var = Models.random(8, 3).abs().add(0.5);
    return new Stored[] {random(5, 3), random(6, 3), random(7, 3), stored(var)};
  }

  @ParameterizedTest
  @MethodSource("nodes")
  void computesAsOnnxRuntime(
      long opset, String operator, Map<String, Object> attributes, Stored[] fixed)
      throws Exception {
    byte[] file = file(opset, operator, attributes, fixed);
    Tensor x = Models.random(41, 2, 3, 5, 6);
    Tensor found = NoAutodiff.call(() -> read(file).forward(x, Mode.EVALUATION));
    OnnxRuntime.assertClose(found, OnnxRuntime.run(file, x).get("y"));
  }

  private static OnnxNetwork read(byte[] file) {
    try {
      return Onnx.read(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void gemmInAllItsForms() throws Exception {
    for (int form = 0; form < 8; form++) {
      boolean transB = (form & 1) != 0;
      Map<String, Object> attributes = new LinkedHashMap<>();
      attributes.put("transB", transB ? 1L : 0L);
      if ((form & 2) != 0) {
        attributes.put("alpha", 0.5f);
        attributes.put("beta", 2f);
      }
      Stored bias = (form & 4) != 0 ? random(2, 4) : random(3, 1, 4);
      OnnxFile.Node rows =
          new OnnxFile.Node("r", "Flatten", "", List.of("x"), List.of("rows"), Map.of());
      OnnxFile.Node gemm =
          new OnnxFile.Node("g", "Gemm", "", List.of("rows", "w", "b"), List.of("y"), attributes);
      Map<String, Stored> fixed = new LinkedHashMap<>();
      fixed.put("w", transB ? random(1, 4, 90) : random(1, 90, 4));
      fixed.put("b", bias);
      byte[] file = file(17, List.of(rows, gemm), fixed);
      Tensor x = Models.random(42, 2, 3, 5, 6);
      OnnxRuntime.assertClose(
          read(file).forward(x, Mode.EVALUATION), OnnxRuntime.run(file, x).get("y"));
    }
  }

  @Test
  void constantsComeFromNodesToo() throws Exception {
    Map<String, Object> shape = Map.of("value_ints", ints(2, 45, 2));
    Map<String, Object> half = Map.of("value_float", 0.5f);
    byte[] file =
        file(
            17,
            List.of(
                new OnnxFile.Node("", "Constant", "", List.of(), List.of("shape"), shape),
                new OnnxFile.Node("", "Constant", "", List.of(), List.of("half"), half),
                new OnnxFile.Node("", "Reshape", "", List.of("x", "shape"), List.of("r"), Map.of()),
                new OnnxFile.Node("", "Mul", "", List.of("r", "half"), List.of("y"), Map.of())),
            Map.of());
    Tensor x = Models.random(43, 2, 3, 5, 6);
    OnnxNetwork network = read(file);
    OnnxRuntime.assertClose(network.forward(x, Mode.EVALUATION), OnnxRuntime.run(file, x).get("y"));
    assertThat(network.parameters()).isEmpty();
  }

  static Stream<Arguments> refused() {
    Stored[] none = {};
    Stored[] weight = {random(1, 4, 3, 2, 3)};
    return Stream.of(
        arguments(
            17L,
            "NonMaxSuppression",
            Map.of(),
            none,
            "node n (NonMaxSuppression): is no operator that is read"),
        arguments(
            24L,
            "Relu",
            Map.of(),
            none,
            "has version 24 of the operators (opset): 9 to 23 are read"),
        arguments(
            8L, "Relu", Map.of(), none, "has version 8 of the operators (opset): 9 to 23 are read"),
        arguments(
            17L,
            "Relu",
            Map.of("surprise", 1L),
            none,
            "node n (Relu): attribute surprise: is not read with opset 17"),
        arguments(
            17L,
            "Conv",
            Map.of("auto_pad", "MAYBE"),
            weight,
            "node n (Conv): attribute auto_pad: got MAYBE"),
        arguments(
            17L,
            "Conv",
            Map.of("strides", ints(1)),
            weight,
            "node n (Conv): attribute strides: expected 2 numbers, got 1"),
        arguments(
            17L,
            "Conv",
            Map.of("strides", ints(0, 1)),
            weight,
            "expected windows, strides and dilations of 1 or more"),
        arguments(
            17L,
            "Conv",
            Map.of("kernel_shape", ints(3, 3)),
            weight,
            "node n (Conv): attribute kernel_shape: is other than the weights'"),
        arguments(
            17L,
            "Conv",
            Map.of("group", 1L << 40),
            weight,
            "node n (Conv): attribute group: 1099511627776 is out of range"),
        arguments(
            17L, "Conv", Map.of("group", 0L), weight, "node n (Conv): groups: expected a divisor"),
        arguments(
            17L,
            "MaxPool",
            Map.of("kernel_shape", ints(2, 2), "ceil_mode", 1L),
            none,
            "node n (MaxPool): attribute ceil_mode: expected 0, got 1"),
        arguments(
            17L,
            "Reshape",
            Map.of("allowzero", 1L),
            new Stored[] {integers(0, 1)},
            "node n (Reshape): attribute allowzero: expected 0, got 1"),
        arguments(17L, "Reshape", Map.of(), new Stored[] {integers(-1, -1)}, "is no shape"),
        arguments(
            17L,
            "Reshape",
            Map.of(),
            new Stored[] {random(1, 2)},
            "node n (Reshape): input 1: expected integers, got F32(2)"),
        arguments(
            17L,
            "Pad",
            Map.of("mode", "reflect"),
            new Stored[] {integers(0, 0)},
            "node n (Pad): attribute mode: expected constant, got reflect"),
        arguments(
            17L,
            "Cast",
            Map.of("to", 7L),
            none,
            "node n (Cast): attribute to: expected a floating-point type"),
        arguments(
            17L,
            "Elu",
            Map.of("alpha", 1L),
            none,
            "node n (Elu): attribute alpha: is of another kind than ONNX has it"),
        arguments(
            17L,
            "BatchNormalization",
            Map.of("spatial", 0L),
            statistics(),
            "node n (BatchNormalization): attribute spatial: expected 1, got 0"));
  }

  @ParameterizedTest
  @MethodSource("refused")
  void whatIsNotReadIsRefusedByNodeAndAttribute(
      long opset, String operator, Map<String, Object> attributes, Stored[] fixed, String message) {
    byte[] file = file(opset, operator, attributes, fixed);
    assertThatThrownBy(() -> Onnx.read(file))
        .isInstanceOf(FileFormatException.class)
        .hasMessageContaining(message);
  }

  @Test
  void brokenGraphsAreRefused() {
    OnnxFile.Node relu = new OnnxFile.Node("a", "Relu", "", List.of("x"), List.of("y"), Map.of());
    OnnxFile.Node early = new OnnxFile.Node("b", "Relu", "", List.of("z"), List.of("y"), Map.of());
    OnnxFile.Node own =
        new OnnxFile.Node("c", "Relu", "com.example", List.of("x"), List.of("y"), Map.of());
    OnnxFile.Node computed =
        new OnnxFile.Node("d", "Reshape", "", List.of("x", "y"), List.of("z"), Map.of());
    assertRefused("gives y twice", relu, relu);
    assertRefused("node b (Relu): takes z, which nothing before it gives", early);
    assertRefused("node c (Relu): is of domain com.example, which is not read", own);
    assertRefused("has an output y, which no node gives");
    assertRefused(
        "node d (Reshape): input 1, y: expected a tensor of the file, got a computed one",
        relu,
        computed);
  }

  private static void assertRefused(String message, OnnxFile.Node... nodes) {
    byte[] file = file(17, List.of(nodes), Map.of());
    assertThatThrownBy(() -> Onnx.read(file))
        .isInstanceOf(FileFormatException.class)
        .hasMessageContaining(message);
  }

  @Test
  void shapesThatDoNotFitAreRefusedByNode() throws Exception {
    OnnxNetwork network = Onnx.read(file(17, "Add", Map.of(), random(1, 7)));
    assertThatThrownBy(() -> network.forward(Models.random(44, 2, 3, 5, 6), Mode.EVALUATION))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("node n (Add): ");
  }
}
