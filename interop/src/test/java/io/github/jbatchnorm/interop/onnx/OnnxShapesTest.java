package io.github.jbatchnorm.interop.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.nn.io.Stored;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Shapes that a file computes from x's, as exporters write them where axes are open. */
class OnnxShapesTest {
  /** Nodes one after the other, and tensors. */
  private static final class Graph {
    private final List<OnnxFile.Node> nodes = new ArrayList<>();
    private final Map<String, Stored> fixed = new LinkedHashMap<>();

    Graph node(String output, String operator, Map<String, Object> attributes, String... inputs) {
      nodes.add(
          new OnnxFile.Node(
              output + "_node", operator, "", List.of(inputs), List.of(output), attributes));
      return this;
    }

    Graph node(String output, String operator, String... inputs) {
      return node(output, operator, Map.of(), inputs);
    }

    Graph fixed(String name, Stored value) {
      fixed.put(name, value);
      return this;
    }

    byte[] file(long opset) {
      return OnnxFiles.file(opset, nodes, fixed);
    }

    /** Checks that it computes as ONNX Runtime for one and for several samples. */
    void check(long opset) throws Exception {
      byte[] file = file(opset);
      OnnxNetwork network = OnnxFiles.read(file);
      for (int samples : new int[] {1, 2, 5}) {
        Tensor x = Models.random(41, samples, 3, 4, 6);
        Tensor found = NoAutodiff.call(() -> network.forward(x, Mode.EVALUATION));
        OnnxRuntime.assertClose(found, OnnxRuntime.run(file, x).get("y"));
      }
    }
  }

  /** x.view(x.size(0), -1). */
  @Test
  void flatteningOfAnyNumberOfSamples() throws Exception {
    new Graph()
        .fixed("first", OnnxFiles.integer(0))
        .fixed("axes", OnnxFiles.integers(0))
        .fixed("rest", OnnxFiles.integers(-1))
        .node("shape", "Shape", "x")
        .node("samples", "Gather", Map.of("axis", 0L), "shape", "first")
        .node("one", "Unsqueeze", "samples", "axes")
        .node("sizes", "Concat", Map.of("axis", 0L), "one", "rest")
        .node("y", "Reshape", Map.of("allowzero", 0L), "x", "sizes")
        .check(17);
  }

  /** What torch.export writes: Shape of one axis, allowzero = 1. */
  @Test
  void flatteningByAPartOfTheShape() throws Exception {
    new Graph()
        .fixed("rest", OnnxFiles.integers(72))
        .node("one", "Shape", Map.of("start", 0L, "end", 1L), "x")
        .node("sizes", "Concat", Map.of("axis", 0L), "one", "rest")
        .node("y", "Reshape", Map.of("allowzero", 1L), "x", "sizes")
        .check(18);
  }

  /** x.view(n, c // 3, 3 * h * w), by arithmetic of whole numbers. */
  @Test
  void arithmeticOfSizes() throws Exception {
    Graph graph =
        new Graph()
            .node("shape", "Shape", Map.of("start", -4L), "x")
            .fixed("five", OnnxFiles.integers(5))
            .fixed("two", OnnxFiles.integers(2));
    for (int axis = 0; axis < 4; axis++) {
      graph
          .fixed("i" + axis, OnnxFiles.integers(axis))
          .node("d" + axis, "Gather", "shape", "i" + axis);
    }
    graph
        .node("nine", "Add", "d3", "d1")
        .node("one", "Div", "nine", "five") // 9 / 5 is 1
        .node("hw", "Mul", "d2", "d3")
        .node("chw", "Mul", "hw", "d1")
        .node("sizes", "Concat", Map.of("axis", 0L), "d0", "one", "chw")
        .node("y", "Reshape", "x", "sizes")
        .check(17);
  }

  /** Group norm as torch.onnx.export writes it before opset 21: the shape comes back. */
  @Test
  void groupNormOfPyTorch() throws Exception {
    new Graph()
        .fixed("groups", OnnxFiles.integers(0, 3, -1))
        .fixed("ones", OnnxFiles.stored(Tensor.of(new float[] {1, 1, 1})))
        .fixed("zeros", OnnxFiles.stored(Tensor.of(new float[] {0, 0, 0})))
        .fixed("weight", OnnxFiles.random(1, 3, 1, 1))
        .fixed("bias", OnnxFiles.random(2, 3, 1, 1))
        .node("grouped", "Reshape", "x", "groups")
        .node("normal", "InstanceNormalization", "grouped", "ones", "zeros")
        .node("shape", "Shape", "x")
        .node("whole", "Reshape", "normal", "shape")
        .node("scaled", "Mul", "whole", "weight")
        .node("y", "Add", "scaled", "bias")
        .check(17);
  }

  /** F.interpolate to a size, beside a part of the shape. */
  @Test
  void resizeToSizes() throws Exception {
    new Graph()
        .fixed("zero", OnnxFiles.integers(0))
        .fixed("two", OnnxFiles.integers(2))
        .fixed("sizes", OnnxFiles.integers(8, 18))
        .node("shape", "Shape", "x")
        .node("first", "Slice", "shape", "zero", "two", "zero")
        .node("all", "Concat", Map.of("axis", 0L), "first", "sizes")
        .node(
            "y",
            "Resize",
            Map.of(
                "coordinate_transformation_mode", "asymmetric",
                "mode", "nearest",
                "nearest_mode", "floor"),
            "x",
            "",
            "",
            "all")
        .check(13);
  }

  /** F.interpolate by a factor: sizes by way of floating point. */
  @Test
  void sizesByFloatingPoint() throws Exception {
    new Graph()
        .fixed("factor", OnnxFiles.stored(Tensor.of(new float[] {1, 1, 2, 3})))
        .node("shape", "Shape", "x")
        .node("numbers", "Cast", Map.of("to", 1L), "shape")
        .node("larger", "Mul", "numbers", "factor")
        .node("floor", "Floor", "larger")
        .node("sizes", "Cast", Map.of("to", 7L), "floor")
        .node("y", "Resize", Map.of("mode", "linear"), "x", "", "", "sizes")
        .check(17);
  }

  @Test
  void expandToAShape() throws Exception {
    new Graph()
        .fixed("row", OnnxFiles.random(3, 3, 1, 6))
        .node("shape", "Shape", "x")
        .node("wide", "Expand", "row", "shape")
        .node("y", "Mul", "x", "wide")
        .check(17);
  }

  /** token.expand(x.size(0), -1, -1, -1), as torch.onnx.export writes it: -1 becomes 1. */
  @Test
  void expandOfPyTorch() throws Exception {
    new Graph()
        .fixed("token", OnnxFiles.random(3, 1, 3, 1, 6))
        .fixed("first", OnnxFiles.integers(0))
        .fixed("rest", OnnxFiles.integers(-1, -1, -1))
        .fixed("minus", OnnxFiles.integers(-1))
        .node("shape", "Shape", "x")
        .node("n", "Gather", "shape", "first")
        .node("sizes", "Concat", Map.of("axis", 0L), "n", "rest")
        .node("count", "Shape", "sizes")
        .node("ones", "ConstantOfShape", Map.of("value", OnnxFiles.integers(1)), "count")
        .node("negative", "Mul", "ones", "minus")
        .node("open", "Equal", "sizes", "negative")
        .node("whole", "Where", "open", "ones", "sizes")
        .node("tokens", "Expand", "token", "whole")
        .node("y", "Concat", Map.of("axis", 2L), "tokens", "x")
        .check(17);
  }

  @Test
  void choicesAmongNumbers() throws Exception {
    new Graph()
        .fixed("bound", OnnxFiles.scalar(0.25))
        .node("large", "Greater", "x", "bound")
        .node("some", "Where", "large", "x", "bound")
        .node("small", "Less", "some", "x")
        .node("shape", "Shape", "x")
        .node("zeros", "ConstantOfShape", "shape")
        .node("all", "Where", "small", "zeros", "some")
        .node("y", "Add", "all", "zeros")
        .check(17);
  }

  @Test
  void sizesThatDoNotFitAreRefusedByTheNode() {
    byte[] sizes =
        new Graph()
            .fixed("sizes", OnnxFiles.integers(1, 3, 8, 18))
            .node("y", "Resize", Map.of("mode", "linear"), "x", "", "", "sizes")
            .file(17);
    Tensor x = Models.random(41, 2, 3, 4, 6);
    assertThatThrownBy(() -> OnnxFiles.read(sizes).forward(x, Mode.EVALUATION))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "node y_node (Resize): sizes: expected whole multiples of [2, 3, 4, 6], the first two"
                + " axes as they are, got [1, 3, 8, 18]");
    byte[] huge =
        new Graph()
            .fixed("large", OnnxFiles.integers(1L << 40))
            .node("shape", "Shape", "x")
            .node("sizes", "Mul", "shape", "large")
            .node("y", "Reshape", "x", "sizes")
            .file(17);
    assertThatThrownBy(() -> OnnxFiles.read(huge).forward(x, Mode.EVALUATION))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("node y_node (Reshape): shape: expected whole numbers of 32 bits");
    byte[] numbers =
        new Graph()
            .node("shape", "Shape", "x")
            .node("numbers", "Cast", Map.of("to", 1L), "shape")
            .node("y", "Reshape", "x", "numbers")
            .file(17);
    assertThatThrownBy(() -> Onnx.read(numbers))
        .isInstanceOf(FileFormatException.class)
        .hasMessageContaining(
            "node y_node (Reshape): input 1, numbers: expected a tensor of the file");
  }

  /** A network of a flattening that was open is written with Flatten. */
  @Test
  void flatteningIsFlattenWhenWrittenAgain() throws Exception {
    byte[] file =
        new Graph()
            .fixed("rest", OnnxFiles.integers(-1))
            .node("one", "Shape", Map.of("start", 0L, "end", 1L), "x")
            .node("sizes", "Concat", Map.of("axis", 0L), "one", "rest")
            .node("y", "Reshape", "x", "sizes")
            .file(17);
    byte[] again = Onnx.export(OnnxFiles.read(file), 3, 4, 6).toBytes();
    assertThat(ModelReader.read("again", again, null).nodes())
        .extracting(OnnxFile.Node::operator)
        .containsExactly("Flatten", "Identity");
  }
}
