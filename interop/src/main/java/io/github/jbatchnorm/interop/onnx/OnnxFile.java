package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.nn.io.Stored;
import java.util.List;
import java.util.Map;

/**
 * What there is in an ONNX file, as far as it is read and written here.
 *
 * @param opset the version of the default domain's operators
 * @param metadata texts by name
 * @param nodes in the order in which they are computed
 * @param initializers tensors by name
 * @param inputs of the graph
 * @param outputs of the graph
 */
record OnnxFile(
    long opset,
    Map<String, String> metadata,
    List<Node> nodes,
    Map<String, Stored> initializers,
    List<Value> inputs,
    List<Value> outputs) {
  /** An axis whose size is not fixed. */
  static final long ANY = -1;

  /**
   * One operator's application.
   *
   * @param inputs names of values; empty where an optional one is not there
   * @param attributes by name: Long, Float, String, long[], float[], Stored, or Unread
   */
  record Node(
      String name,
      String operator,
      String domain,
      List<String> inputs,
      List<String> outputs,
      Map<String, Object> attributes) {
    /** Returns what a message calls this node. */
    String text() {
      String first = outputs.isEmpty() ? "" : outputs.get(0);
      return "node %s (%s)".formatted(name.isEmpty() ? "of " + first : name, operator);
    }
  }

  /** An attribute of a kind that nothing here takes: a graph, several texts or tensors. */
  record Unread(String kind) {}

  /**
   * An input or output of a graph.
   *
   * @param type ONNX's number of the elements' type
   * @param shape the axes, {@link #ANY} for one that is open
   */
  record Value(String name, int type, List<Long> shape) {}
}
