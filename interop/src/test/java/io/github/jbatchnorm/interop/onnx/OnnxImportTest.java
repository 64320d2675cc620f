package io.github.jbatchnorm.interop.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.io.Stored;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Graphs that other tools may write, beside ONNX Runtime. */
class OnnxImportTest {
  static Stream<Arguments> nodes() {
    long[] three = {3, 3};
    long[] two = {2, 2};
    long[] ones = {1, 1};
    return Stream.of(
        arguments(
            17L,
            "Conv",
            Map.of("auto_pad", "SAME_UPPER", "strides", two),
            new Stored[] {OnnxFiles.random(1, 4, 3, 2, 3)}),
        arguments(
            17L,
            "Conv",
            Map.of("auto_pad", "SAME_LOWER", "strides", two),
            new Stored[] {OnnxFiles.random(1, 4, 3, 2, 3), OnnxFiles.random(2, 4)}),
        arguments(
            17L,
            "Conv",
            Map.of("auto_pad", "VALID"),
            new Stored[] {OnnxFiles.random(1, 4, 3, 2, 3)}),
        arguments(
            17L,
            "Conv",
            Map.of("pads", OnnxFiles.ints(0, 1, 2, 0)),
            new Stored[] {OnnxFiles.random(1, 4, 3, 2, 3)}),
        arguments(
            17L,
            "MaxPool",
            Map.of("kernel_shape", three, "strides", two, "pads", OnnxFiles.ints(1, 1, 1, 1)),
            new Stored[0]),
        arguments(
            17L,
            "MaxPool",
            Map.of("kernel_shape", three, "auto_pad", "SAME_UPPER", "strides", two),
            new Stored[0]),
        arguments(
            17L,
            "AveragePool",
            Map.of(
                "kernel_shape", three, "pads", OnnxFiles.ints(1, 0, 0, 1), "count_include_pad", 1L),
            new Stored[0]),
        arguments(17L, "GlobalMaxPool", Map.of(), new Stored[0]),
        arguments(12L, "Softmax", Map.of(), new Stored[0]),
        arguments(12L, "LogSoftmax", Map.of("axis", 2L), new Stored[0]),
        arguments(17L, "Softmax", Map.of("axis", 1L), new Stored[0]),
        arguments(17L, "ReduceMean", Map.of("axes", OnnxFiles.ints(-1, 1)), new Stored[0]),
        arguments(
            18L, "ReduceMean", Map.of("keepdims", 0L), new Stored[] {OnnxFiles.integers(1, 2)}),
        arguments(17L, "ReduceMax", Map.of("axes", OnnxFiles.ints(2)), new Stored[0]),
        arguments(
            17L, "ReduceMin", Map.of("axes", OnnxFiles.ints(2), "keepdims", 0L), new Stored[0]),
        arguments(17L, "Flatten", Map.of("axis", 3L), new Stored[0]),
        arguments(17L, "Flatten", Map.of("axis", 0L), new Stored[0]),
        arguments(17L, "Reshape", Map.of(), new Stored[] {OnnxFiles.integers(0, -1, 2)}),
        arguments(
            17L,
            "Slice",
            Map.of(),
            new Stored[] {
              OnnxFiles.integers(-1, 1),
              OnnxFiles.integers(Long.MIN_VALUE, Long.MAX_VALUE),
              OnnxFiles.integers(2, 3),
              OnnxFiles.integers(-2, 1)
            }),
        arguments(
            17L,
            "Slice",
            Map.of(),
            new Stored[] {OnnxFiles.integers(1), OnnxFiles.integers(-1), OnnxFiles.integers(-2)}),
        arguments(
            9L,
            "Slice",
            Map.of(
                "starts", OnnxFiles.ints(1), "ends", OnnxFiles.ints(3), "axes", OnnxFiles.ints(1)),
            new Stored[0]),
        arguments(9L, "Clip", Map.of("min", -0.5f, "max", 0.25f), new Stored[0]),
        arguments(17L, "Clip", Map.of(), new Stored[] {OnnxFiles.scalar(-0.5)}),
        arguments(
            17L,
            "Pad",
            Map.of(),
            new Stored[] {OnnxFiles.integers(0, 1, 0, 2, 0, 0, 1, 0), OnnxFiles.scalar(0.5)}),
        arguments(17L, "Expand", Map.of(), new Stored[] {OnnxFiles.integers(2, 1, 1, 1, 1)}),
        arguments(17L, "Unsqueeze", Map.of(), new Stored[] {OnnxFiles.integers(1, -1)}),
        arguments(11L, "Unsqueeze", Map.of("axes", OnnxFiles.ints(0)), new Stored[0]),
        arguments(17L, "Transpose", Map.of(), new Stored[0]),
        arguments(
            17L, "Max", Map.of(), new Stored[] {OnnxFiles.random(3, 6), OnnxFiles.random(4, 5, 1)}),
        arguments(
            17L, "Sum", Map.of(), new Stored[] {OnnxFiles.random(3, 6), OnnxFiles.random(4, 5, 1)}),
        arguments(
            17L,
            "InstanceNormalization",
            Map.of("epsilon", 1e-3f),
            new Stored[] {OnnxFiles.random(1, 3), OnnxFiles.random(2, 3)}),
        arguments(
            17L,
            "LayerNormalization",
            Map.of("axis", 2L),
            new Stored[] {OnnxFiles.random(1, 5, 6), OnnxFiles.random(2, 5, 6)}),
        arguments(17L, "LayerNormalization", Map.of(), new Stored[] {OnnxFiles.random(1, 6)}),
        arguments(
            21L,
            "GroupNormalization",
            Map.of("num_groups", 3L),
            new Stored[] {OnnxFiles.random(1, 3), OnnxFiles.random(2, 3)}),
        arguments(
            18L,
            "GroupNormalization",
            Map.of("num_groups", 1L, "epsilon", 1e-3f),
            new Stored[] {OnnxFiles.random(1, 1), OnnxFiles.random(2, 1)}),
        arguments(
            17L,
            "ConvTranspose",
            Map.of("strides", two, "pads", OnnxFiles.ints(1, 0, 1, 0), "output_padding", ones),
            new Stored[] {OnnxFiles.random(1, 3, 4, 2, 3), OnnxFiles.random(2, 4)}),
        arguments(
            17L,
            "ConvTranspose",
            Map.of("strides", two, "pads", OnnxFiles.ints(0, 2, 1, 1), "output_padding", ones),
            new Stored[] {OnnxFiles.random(1, 3, 4, 2, 3), OnnxFiles.random(2, 4)}),
        arguments(
            17L,
            "ConvTranspose",
            Map.of("auto_pad", "VALID", "group", 3L, "dilations", two, "kernel_shape", three),
            new Stored[] {OnnxFiles.random(1, 3, 2, 3, 3)}),
        arguments(17L, "Resize", Map.of(), OnnxFiles.scales(1, 1, 2, 3)),
        arguments(
            17L,
            "Resize",
            Map.of(
                "coordinate_transformation_mode", "asymmetric",
                "cubic_coeff_a", -0.75f,
                "mode", "nearest",
                "nearest_mode", "floor"),
            OnnxFiles.scales(1, 1, 2, 3)),
        arguments(
            13L,
            "Resize",
            Map.of(
                "coordinate_transformation_mode", "pytorch_half_pixel",
                "cubic_coeff_a", -0.75f,
                "mode", "linear",
                "nearest_mode", "floor"),
            OnnxFiles.scales(1, 1, 2, 3)),
        arguments(
            17L,
            "Resize",
            Map.of("mode", "linear"),
            new Stored[] {
              OnnxFiles.scales()[0], OnnxFiles.scales()[0], OnnxFiles.integers(2, 3, 10, 6)
            }),
        arguments(10L, "Resize", Map.of(), new Stored[] {OnnxFiles.scales(1, 1, 2, 3)[1]}),
        arguments(9L, "Upsample", Map.of(), new Stored[] {OnnxFiles.scales(1, 1, 2, 3)[1]}),
        arguments(17L, "Gather", Map.of("axis", 2L), new Stored[] {OnnxFiles.integers(1, -1, 1)}),
        arguments(17L, "Gather", Map.of("axis", -1L), new Stored[] {OnnxFiles.integer(-2)}),
        arguments(17L, "Gather", Map.of(), new Stored[] {OnnxFiles.integers(1)}),
        arguments(
            17L, "Reshape", Map.of("allowzero", 1L), new Stored[] {OnnxFiles.integers(-1, 9)}),
        arguments(17L, "Floor", Map.of(), new Stored[0]),
        arguments(17L, "Ceil", Map.of(), new Stored[0]),
        arguments(17L, "Softsign", Map.of(), new Stored[0]),
        arguments(17L, "Reciprocal", Map.of(), new Stored[0]),
        arguments(17L, "Elu", Map.of(), new Stored[0]),
        arguments(17L, "LeakyRelu", Map.of(), new Stored[0]),
        arguments(9L, "BatchNormalization", Map.of("epsilon", 1e-3f), OnnxFiles.statistics()),
        arguments(17L, "BatchNormalization", Map.of(), OnnxFiles.statistics()));
  }

  @ParameterizedTest
  @MethodSource("nodes")
  void computesAsOnnxRuntime(
      long opset, String operator, Map<String, Object> attributes, Stored[] fixed)
      throws Exception {
    byte[] file = OnnxFiles.file(opset, operator, attributes, fixed);
    Tensor x = Models.random(41, 2, 3, 5, 6);
    Tensor found = NoAutodiff.call(() -> OnnxFiles.read(file).forward(x, Mode.EVALUATION));
    OnnxRuntime.assertClose(found, OnnxRuntime.run(file, x).get("y"));
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
      Stored bias = (form & 4) != 0 ? OnnxFiles.random(2, 4) : OnnxFiles.random(3, 1, 4);
      OnnxFile.Node rows =
          new OnnxFile.Node("r", "Flatten", "", List.of("x"), List.of("rows"), Map.of());
      OnnxFile.Node gemm =
          new OnnxFile.Node("g", "Gemm", "", List.of("rows", "w", "b"), List.of("y"), attributes);
      Map<String, Stored> fixed = new LinkedHashMap<>();
      fixed.put("w", transB ? OnnxFiles.random(1, 4, 90) : OnnxFiles.random(1, 90, 4));
      fixed.put("b", bias);
      byte[] file = OnnxFiles.file(17, List.of(rows, gemm), fixed);
      Tensor x = Models.random(42, 2, 3, 5, 6);
      OnnxRuntime.assertClose(
          OnnxFiles.read(file).forward(x, Mode.EVALUATION), OnnxRuntime.run(file, x).get("y"));
    }
  }

  @Test
  void constantsComeFromNodesToo() throws Exception {
    Map<String, Object> shape = Map.of("value_ints", OnnxFiles.ints(2, 45, 2));
    Map<String, Object> half = Map.of("value_float", 0.5f);
    byte[] file =
        OnnxFiles.file(
            17,
            List.of(
                new OnnxFile.Node("", "Constant", "", List.of(), List.of("shape"), shape),
                new OnnxFile.Node("", "Constant", "", List.of(), List.of("half"), half),
                new OnnxFile.Node("", "Reshape", "", List.of("x", "shape"), List.of("r"), Map.of()),
                new OnnxFile.Node("", "Mul", "", List.of("r", "half"), List.of("y"), Map.of())),
            Map.of());
    Tensor x = Models.random(43, 2, 3, 5, 6);
    OnnxNetwork network = OnnxFiles.read(file);
    OnnxRuntime.assertClose(network.forward(x, Mode.EVALUATION), OnnxRuntime.run(file, x).get("y"));
    assertThat(network.parameters()).isEmpty();
  }

  @Test
  void shapesThatDoNotFitAreRefusedByNode() throws Exception {
    OnnxNetwork network = Onnx.read(OnnxFiles.file(17, "Add", Map.of(), OnnxFiles.random(1, 7)));
    assertThatThrownBy(() -> network.forward(Models.random(44, 2, 3, 5, 6), Mode.EVALUATION))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("node n (Add): ");
  }
}
