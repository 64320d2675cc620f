package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Products;
import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.memory.DType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Einstein's notation, as transpositions, sums and matrix products: operands are taken in pairs,
 * from the left.
 */
final class Einsum {
  private static final String ELLIPSIS = "...";

  /** Axes of an ellipsis are named by characters from here on, the last of them first. */
  private static final char UNNAMED = '\uE000';

  private final String subscripts;
  private final Map<Character, Integer> sizes = new HashMap<>();

  /** A tensor whose axes have names. */
  private record Named(Tensor tensor, String names) {}

  private Einsum(String subscripts) {
    this.subscripts = subscripts;
  }

  static Tensor of(String subscripts, Tensor... operands) {
    return new Einsum(subscripts.replace(" ", "")).compute(operands);
  }

  private Tensor compute(Tensor... operands) {
    String[] sides = subscripts.split("->", -1);
    String[] inputs = sides[0].split(",", -1);
    if (sides.length > 2 || inputs.length != operands.length) {
      throw new IllegalArgumentException(
          "subscripts: expected names for %s operands, got %s"
              .formatted(operands.length, subscripts));
    }
    DType dtype = dtype(operands);
    // Of 16 bits the products and their sums are f32's, rounded once at the end.
    DType inner = operands.length == 1 ? dtype : Products.computed(dtype);
    List<Named> rest = new ArrayList<>();
    for (int i = 0; i < inputs.length; i++) {
      String names = names(inputs[i], operands[i].ndim(), i);
      collectSizes(operands[i], names);
      rest.add(new Named(operands[i].astype(inner), names));
    }
    rest.replaceAll(operand -> diagonal(withoutRepeated(operand)));
    String output = sides.length == 2 ? output(sides[1]) : implicit(rest, sides[0]);
    while (rest.size() > 1) {
      Named left = rest.remove(0);
      Named right = rest.remove(0);
      rest.add(0, contract(left, right, needed(rest, output)));
    }
    Named last = sumOver(rest.get(0), output);
    return ordered(last, output).tensor.astype(dtype);
  }

  /** The dtype that holds all operands. */
  private static DType dtype(Tensor... operands) {
    DType dtype = operands[0].dtype();
    for (Tensor operand : operands) {
      dtype = DType.promote(dtype, operand.dtype());
    }
    return dtype;
  }

  /** Returns a name for each axis of an operand. */
  private String names(String given, int ndim, int operand) {
    int at = given.indexOf(ELLIPSIS);
    String letters = given.replace(ELLIPSIS, "");
    int unnamed = ndim - letters.length();
    if (!letters.chars().allMatch(c -> c < 128 && Character.isLetter(c))
        || unnamed < 0
        || (at < 0 && unnamed > 0)) {
      throw new IllegalArgumentException(
          "subscripts: %s does not name the %s axes of operand %s".formatted(given, ndim, operand));
    }
    return at < 0 ? letters : letters.substring(0, at) + unnamed(unnamed) + letters.substring(at);
  }

  private static String unnamed(int count) {
    StringBuilder names = new StringBuilder();
    for (int i = count - 1; i >= 0; i--) {
      names.append((char) (UNNAMED + i));
    }
    return names.toString();
  }

  private int mostUnnamed() {
    return (int) sizes.keySet().stream().filter(name -> name >= UNNAMED).count();
  }

  private String output(String given) {
    if (mostUnnamed() > 0 && !given.contains(ELLIPSIS)) {
      throw new IllegalArgumentException(
          "subscripts: the operands' ... has axes, but the result has no ...: " + subscripts);
    }
    String output = given.replace(ELLIPSIS, unnamed(mostUnnamed()));
    for (int i = 0; i < output.length(); i++) {
      char name = output.charAt(i);
      if (!sizes.containsKey(name) || output.indexOf(name) != i) {
        throw new IllegalArgumentException(
            "subscripts: the result's %s is not an axis of the operands, or there twice"
                .formatted(name));
      }
    }
    return output;
  }

  private String implicit(List<Named> operands, String given) {
    String once =
        given
            .chars()
            .filter(c -> Character.isLetter(c) && given.indexOf(c) == given.lastIndexOf(c))
            .sorted()
            .mapToObj(Character::toString)
            .collect(Collectors.joining());
    return unnamed(mostUnnamed()) + (operands.isEmpty() ? "" : once);
  }

  /** Notes the size of each name: the largest of an operand's; others may have 1, and repeat. */
  private void collectSizes(Tensor x, String names) {
    for (int axis = 0; axis < names.length(); axis++) {
      char name = names.charAt(axis);
      int size = x.dim(axis);
      int known = sizes.getOrDefault(name, 1);
      if (known != size && known != 1 && size != 1) {
        throw new IllegalArgumentException(
            "operands: axis %s has sizes %s and %s"
                .formatted(name >= UNNAMED ? "of ..." : name, known, size));
      }
      sizes.put(name, known == 1 ? size : known);
    }
  }

  /** Returns the operand without axes of size 1 that stand for more. */
  private Named withoutRepeated(Named x) {
    StringBuilder names = new StringBuilder();
    List<Integer> shape = new ArrayList<>();
    for (int axis = 0; axis < x.names.length(); axis++) {
      if (x.tensor.dim(axis) == sizes.get(x.names.charAt(axis))) {
        names.append(x.names.charAt(axis));
        shape.add(x.tensor.dim(axis));
      }
    }
    int[] kept = shape.stream().mapToInt(Integer::intValue).toArray();
    return new Named(x.tensor.reshape(kept), names.toString());
  }

  /** Returns the tensor with each name once: of axes with the same name, the diagonal. */
  private static Named diagonal(Named operand) {
    Tensor x = operand.tensor;
    String names = operand.names;
    int[] own = Shapes.strides(x.axes());
    StringBuilder distinct = new StringBuilder();
    List<Integer> shape = new ArrayList<>();
    List<Integer> strides = new ArrayList<>();
    for (int axis = 0; axis < names.length(); axis++) {
      char name = names.charAt(axis);
      int known = distinct.indexOf(String.valueOf(name));
      if (known >= 0) {
        strides.set(known, strides.get(known) + own[axis]);
      } else {
        distinct.append(name);
        shape.add(x.dim(axis));
        strides.add(own[axis]);
      }
    }
    if (distinct.length() == names.length()) {
      return operand;
    }
    int[] walk = shape.stream().mapToInt(Integer::intValue).toArray();
    int[] steps = strides.stream().mapToInt(Integer::intValue).toArray();
    return new Named(new Slice(x, 0, walk, steps).apply(), distinct.toString());
  }

  private static String needed(List<Named> rest, String output) {
    return output + rest.stream().map(Named::names).collect(Collectors.joining());
  }

  private static Named sumOver(Named x, String kept) {
    int[] axes =
        x.names.chars().filter(c -> kept.indexOf(c) < 0).map(c -> x.names.indexOf(c)).toArray();
    return axes.length == 0 ? x : new Named(x.tensor.sum(axes), common(x.names, kept));
  }

  /** Returns the names of the first that are, or are not, in the second. */
  private static String common(String names, String others) {
    return filter(names, others, true);
  }

  private static String filter(String names, String others, boolean in) {
    return names
        .chars()
        .filter(c -> others.indexOf(c) >= 0 == in)
        .mapToObj(Character::toString)
        .collect(Collectors.joining());
  }

  private static Named ordered(Named x, String names) {
    if (x.names.equals(names)) {
      return x;
    }
    int[] axes = names.chars().map(c -> x.names.indexOf(c)).toArray();
    return new Named(x.tensor.transpose(axes), names);
  }

  /** Returns the product of two tensors, summed over the names that are not needed any more. */
  private Named contract(Named a, Named b, String needed) {
    Named left = sumOver(a, needed + b.names);
    Named right = sumOver(b, needed + left.names);
    String shared = common(left.names, right.names);
    String pairs = common(shared, needed);
    String inner = filter(shared, needed, false);
    String rows = filter(left.names, shared, false);
    String columns = filter(right.names, shared, false);
    Tensor x =
        ordered(left, pairs + rows + inner).tensor.reshape(size(pairs), size(rows), size(inner));
    Tensor y =
        ordered(right, pairs + inner + columns)
            .tensor
            .reshape(size(pairs), size(inner), size(columns));
    String names = pairs + rows + columns;
    int[] shape = names.chars().map(c -> sizes.get((char) c)).toArray();
    return new Named(x.matmul(y).reshape(shape), names);
  }

  private int size(String names) {
    return Shapes.size(names.chars().map(c -> sizes.get((char) c)).toArray());
  }
}
