package io.github.jbatchnorm.interop.onnx;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.nn.io.Stored;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Graphs that are not read, each with a message on the node and what of it. */
class OnnxRefusedTest {
  static Stream<Arguments> refused() {
    Stored[] none = {};
    Stored[] weight = {OnnxFiles.random(1, 4, 3, 2, 3)};
    Stored[] turned = {OnnxFiles.random(1, 3, 4, 2, 3)};
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
            Map.of("strides", OnnxFiles.ints(1)),
            weight,
            "node n (Conv): attribute strides: expected 2 numbers, got 1"),
        arguments(
            17L,
            "Conv",
            Map.of("strides", OnnxFiles.ints(0, 1)),
            weight,
            "expected windows, strides and dilations of 1 or more"),
        arguments(
            17L,
            "Conv",
            Map.of("kernel_shape", OnnxFiles.ints(3, 3)),
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
            Map.of("kernel_shape", OnnxFiles.ints(2, 2), "ceil_mode", 1L),
            none,
            "node n (MaxPool): attribute ceil_mode: expected 0, got 1"),
        arguments(
            17L, "Reshape", Map.of(), new Stored[] {OnnxFiles.integers(-1, -1)}, "is no shape"),
        arguments(
            17L,
            "Reshape",
            Map.of(),
            new Stored[] {OnnxFiles.random(1, 2)},
            "node n (Reshape): input 1: expected integers, got F32(2)"),
        arguments(
            17L,
            "Pad",
            Map.of("mode", "reflect"),
            new Stored[] {OnnxFiles.integers(0, 0)},
            "node n (Pad): attribute mode: expected constant, got reflect"),
        arguments(
            17L,
            "Cast",
            Map.of("to", 9L),
            none,
            "node n (Cast): attribute to: expected a floating-point type, I32 or I64"),
        arguments(
            17L,
            "ConvTranspose",
            Map.of("auto_pad", "SAME_UPPER"),
            turned,
            "node n (ConvTranspose): attribute auto_pad: expected pads instead, got SAME_UPPER"),
        arguments(
            17L,
            "ConvTranspose",
            Map.of("output_shape", OnnxFiles.ints(9, 9)),
            turned,
            "node n (ConvTranspose): attribute output_shape: expected pads and output_padding"),
        arguments(
            17L,
            "ConvTranspose",
            Map.of("output_padding", OnnxFiles.ints(1)),
            turned,
            "node n (ConvTranspose): attribute output_padding: expected 2 numbers, got 1"),
        arguments(
            17L,
            "ConvTranspose",
            Map.of("group", 2L),
            turned,
            "node n (ConvTranspose): groups: expected a divisor of 3"),
        arguments(
            17L,
            "Resize",
            Map.of("mode", "cubic"),
            OnnxFiles.scales(1, 1, 2, 2),
            "node n (Resize): attribute mode: expected nearest or linear, got cubic"),
        arguments(
            17L,
            "Resize",
            Map.of("mode", "linear", "coordinate_transformation_mode", "align_corners"),
            OnnxFiles.scales(1, 1, 2, 2),
            "node n (Resize): attribute coordinate_transformation_mode: align_corners is not read"
                + " with mode linear"),
        arguments(
            17L,
            "Resize",
            Map.of("nearest_mode", "ceil"),
            OnnxFiles.scales(1, 1, 2, 2),
            "half_pixel is not read with mode nearest and nearest_mode ceil"),
        arguments(
            9L,
            "Upsample",
            Map.of("mode", "linear"),
            new Stored[] {OnnxFiles.scales(1, 1, 2, 2)[1]},
            "asymmetric is not read with mode linear"),
        arguments(
            17L,
            "Resize",
            Map.of(),
            OnnxFiles.scales(1, 1, 1.5f, 2),
            "node n (Resize): input 2: expected 1, 1 and whole factors, got [1.0, 1.0, 1.5, 2.0]"),
        arguments(
            17L,
            "Resize",
            Map.of("antialias", 1L),
            OnnxFiles.scales(1, 1, 2, 2),
            "node n (Resize): attribute antialias: expected 0, got 1"),
        arguments(
            18L,
            "Resize",
            Map.of("axes", OnnxFiles.ints(2, 3)),
            OnnxFiles.scales(1, 1, 2, 2),
            "node n (Resize): attribute axes: is not read with opset 18"),
        arguments(17L, "Resize", Map.of(), none, "node n (Resize): has no input 3"),
        arguments(
            17L,
            "ConstantOfShape",
            Map.of("value", OnnxFiles.integers(1, 2)),
            new Stored[0],
            "node n (ConstantOfShape): attribute value: expected one number, got I64(2)"),
        arguments(
            17L,
            "Gather",
            Map.of(),
            new Stored[] {OnnxFiles.random(1, 2)},
            "node n (Gather): input 1: expected integers, got F32(2)"),
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
            OnnxFiles.statistics(),
            "node n (BatchNormalization): attribute spatial: expected 1, got 0"));
  }

  @ParameterizedTest
  @MethodSource("refused")
  void whatIsNotReadIsRefusedByNodeAndAttribute(
      long opset, String operator, Map<String, Object> attributes, Stored[] fixed, String message) {
    byte[] file = OnnxFiles.file(opset, operator, attributes, fixed);
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
    byte[] file = OnnxFiles.file(17, List.of(nodes), Map.of());
    assertThatThrownBy(() -> Onnx.read(file))
        .isInstanceOf(FileFormatException.class)
        .hasMessageContaining(message);
  }
}
