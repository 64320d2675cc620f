package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;

/**
 * The graph that a tensor was computed by, drawn: tensors with their dtypes and shapes, operations
 * with their names, an arrow from what goes in to what comes out. A graph that a backward cleared
 * has one tensor left.
 */
public final class Graph {
  private final List<Tensor> tensors = new ArrayList<>();
  private final IdentityHashMap<Node, Integer> numbers = new IdentityHashMap<>();

  private Graph(Tensor root) {
    List<Tensor> open = new ArrayList<>(List.of(root));
    while (!open.isEmpty()) {
      Tensor tensor = open.remove(open.size() - 1);
      if (numbers.putIfAbsent(tensor.node(), tensors.size()) == null) {
        tensors.add(tensor);
        List<Tensor> inputs = inputs(tensor);
        for (int i = inputs.size() - 1; i >= 0; i--) {
          open.add(inputs.get(i));
        }
      }
    }
  }

  private static List<Tensor> inputs(Tensor tensor) {
    Operation creator = tensor.creator();
    return creator == null ? List.of() : creator.inputs();
  }

  private String label(Tensor tensor) {
    return "%s%s%s"
        .formatted(
            tensor.dtype(), Shapes.text(tensor.axes()), tensor.isConstant() ? " constant" : "");
  }

  /**
   * {@return the graph as lines: {@code %0 = Multiply(%1, %2): F32(2, 3)}, the result first, each
   * tensor once}
   *
   * @param root the tensor whose history is drawn
   */
  public static String text(Tensor root) {
    Objects.requireNonNull(root, "root");
    Graph graph = new Graph(root);
    StringBuilder text = new StringBuilder();
    for (Tensor tensor : graph.tensors) {
      text.append('%').append(graph.numbers.get(tensor.node()));
      Operation creator = tensor.creator();
      if (creator != null) {
        List<String> names = new ArrayList<>();
        creator.inputs().forEach(input -> names.add("%" + graph.numbers.get(input.node())));
        text.append(" = ").append(creator.name()).append('(');
        text.append(String.join(", ", names)).append(')');
      }
      text.append(": ").append(graph.label(tensor)).append('\n');
    }
    return text.toString();
  }

  /**
   * {@return the graph in Graphviz's language, DOT}
   *
   * @param root the tensor whose history is drawn
   */
  public static String graphviz(Tensor root) {
    Objects.requireNonNull(root, "root");
    return new Graph(root)
        .draw(
            "digraph {\n",
            "  t%s [shape=box, label=\"%s\"];\n",
            "  o%s [label=\"%s\"];\n",
            "  %s -> %s;\n",
            "}\n");
  }

  /**
   * {@return the graph in Mermaid's language}
   *
   * @param root the tensor whose history is drawn
   */
  public static String mermaid(Tensor root) {
    Objects.requireNonNull(root, "root");
    return new Graph(root)
        .draw("flowchart TD\n", "  t%s[\"%s\"]\n", "  o%s([\"%s\"])\n", "  %s --> %s\n", "");
  }

  private String draw(String begin, String box, String oval, String arrow, String end) {
    StringBuilder text = new StringBuilder(begin);
    for (Tensor tensor : tensors) {
      text.append(box.formatted(numbers.get(tensor.node()), label(tensor)));
    }
    for (Tensor tensor : tensors) {
      Operation creator = tensor.creator();
      if (creator != null) {
        int number = numbers.get(tensor.node());
        text.append(oval.formatted(number, creator.name()));
        for (Tensor input : creator.inputs()) {
          text.append(arrow.formatted("t" + numbers.get(input.node()), "o" + number));
        }
        text.append(arrow.formatted("o" + number, "t" + number));
      }
    }
    return text.append(end).toString();
  }
}
