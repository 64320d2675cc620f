package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.memory.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The text of a tensor, as NumPy 2.4 prints arrays with its default settings: as many digits as
 * tell an element from its neighbours, at most 8 after the point; the middle of more than 1000
 * elements left out; lines of 75 characters.
 */
final class TensorText {
  private static final int MOST_SHOWN = 1000;
  private static final int EDGE = 3;
  private static final int LINE = 75;
  private static final String BEGIN = "Tensor(";

  private final Tensor x;
  private final int[] strides;
  private final boolean cut;
  private final Digits digits;
  private final StringBuilder text = new StringBuilder(BEGIN);

  private TensorText(Tensor x) {
    this.x = x;
    this.strides = Shapes.strides(x.axes());
    this.cut = x.size() > MOST_SHOWN;
    double[] shown = new double[x.size()];
    int count = collect(0, 0, shown, 0);
    this.digits = new Digits(Arrays.copyOf(shown, count), x.dtype());
  }

  static String of(Tensor x) {
    TensorText text = new TensorText(x);
    if (x.size() == 0) {
      text.text.append("[]");
    } else if (x.ndim() == 0) {
      text.text.append(text.digits.text(x.storage().get(0)).strip());
    } else {
      text.append(0, 0);
    }
    text.appendExtras();
    return text.text.append(')').toString();
  }

  /** Adds shape and dtype where they are not plain to see, on a line of their own if need be. */
  private void appendExtras() {
    List<String> extras = new ArrayList<>();
    if (cut || (x.size() == 0 && x.ndim() > 1)) {
      extras.add("shape=" + (x.ndim() == 1 ? "(%s,)".formatted(x.dim(0)) : Shapes.text(x.axes())));
    }
    if (x.dtype() != DType.F64 || x.size() == 0) {
      extras.add("dtype=" + dtype(x.dtype()));
    }
    if (extras.isEmpty()) {
      return;
    }
    String all = String.join(", ", extras);
    int line = text.length() - (text.lastIndexOf("\n") + 1);
    boolean fits = line + 1 + all.length() + 2 <= LINE;
    text.append(',').append(fits ? " " : "\n" + " ".repeat(BEGIN.length())).append(all);
  }

  private static String dtype(DType dtype) {
    return switch (dtype) {
      case F64 -> "float64";
      case F32 -> "float32";
      case F16 -> "float16";
      case BF16 -> "bfloat16";
    };
  }

  /** Returns the index after {@code i} that is shown along an axis. */
  private int next(int axis, int i) {
    int size = x.dim(axis);
    return cut && size > 2 * EDGE && i == EDGE - 1 ? size - EDGE : i + 1;
  }

  private int collect(int axis, int from, double[] into, int count) {
    if (axis == x.ndim()) {
      into[count] = x.storage().get(from);
      return count + 1;
    }
    int found = count;
    for (int i = 0; i < x.dim(axis) && x.size() > 0; i = next(axis, i)) {
      found = collect(axis + 1, from + i * strides[axis], into, found);
    }
    return found;
  }

  private void append(int axis, int from) {
    if (axis == x.ndim() - 1) {
      appendRow(axis, from);
      return;
    }
    text.append('[');
    String separator = "," + "\n".repeat(x.ndim() - 1 - axis) + indent(axis);
    for (int i = 0; i < x.dim(axis); i = next(axis, i)) {
      append(axis + 1, from + i * strides[axis]);
      if (next(axis, i) < x.dim(axis)) {
        text.append(separator);
        text.append(next(axis, i) > i + 1 ? "..." + separator : "");
      }
    }
    text.append(']');
  }

  private static String indent(int axis) {
    return " ".repeat(BEGIN.length() + axis + 1);
  }

  private void appendRow(int axis, int from) {
    text.append('[');
    int column = BEGIN.length() + axis + 1;
    for (int i = 0; i < x.dim(axis); i = next(axis, i)) {
      column = appendWord(digits.text(x.storage().get(from + i)), axis, i > 0, column);
      if (next(axis, i) > i + 1) {
        column = appendWord("...", axis, true, column);
      }
    }
    text.append(']');
  }

  private int appendWord(String word, int axis, boolean separated, int column) {
    int start = column;
    if (separated) {
      text.append(',');
      start++;
      if (start + 1 + word.length() >= LINE) {
        text.append('\n').append(indent(axis));
        start = BEGIN.length() + axis + 1;
      } else {
        text.append(' ');
        start++;
      }
    }
    text.append(word);
    return start + word.length();
  }
}
