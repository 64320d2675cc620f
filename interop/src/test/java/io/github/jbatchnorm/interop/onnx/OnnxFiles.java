package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.StoredTensors;
import io.github.jbatchnorm.nn.io.Stored;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Files that are put together node by node. */
final class OnnxFiles {
  private OnnxFiles() {}

  /** One node with fixed inputs after x. */
  static byte[] file(long opset, String operator, Map<String, Object> attributes, Stored... fixed) {
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

  static byte[] file(long opset, List<OnnxFile.Node> nodes, Map<String, Stored> fixed) {
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

  static Stored stored(Tensor tensor) {
    return StoredTensors.of(tensor);
  }

  static Stored random(long seed, int... shape) {
    return stored(Models.random(seed, shape));
  }

  static Stored integers(long... values) {
    GraphBuilder graph = new GraphBuilder();
    graph.integers("i", values);
    return graph.file(1, Map.of(), new OnnxFile.Value("x", 1, List.of())).initializers().get("i");
  }

  /** Returns an empty region of interest and scales. */
  static Stored[] scales(float... scales) {
    return new Stored[] {stored(Tensor.zeros(DType.F32, 0)), stored(Tensor.of(scales))};
  }

  static Stored scalar(double value) {
    return stored(Tensor.scalar(value).astype(DType.F32));
  }

  static Stored integer(long value) {
    return new Stored(Stored.Type.I64, new int[0], integers(value).bytes());
  }

  static long[] ints(long... values) {
    return values;
  }

  static Stored[] statistics() {
    Tensor var = Models.random(8, 3).abs().add(0.5);
    return new Stored[] {random(5, 3), random(6, 3), random(7, 3), stored(var)};
  }

  static OnnxNetwork read(byte[] file) {
    try {
      return Onnx.read(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
