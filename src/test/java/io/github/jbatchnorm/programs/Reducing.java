package io.github.jbatchnorm.programs;

import io.github.jbatchnorm.autograd.Complex;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.functional.Losses;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Reductions over axes, and functions that are made of them. */
final class Reducing {
  /** A reduction, and its definition. */
  private record Case(
      String text, Library library, Function<List<Complex>, Complex> oracle, boolean bends) {}

  /** A method of a tensor. */
  private interface Library {
    Tensor apply(Tensor x, boolean keepDims, int... axes);
  }

  private static final List<Case> CASES =
      List.of(
          new Case("sum", Tensor::sum, Value::sum, false),
          new Case("mean", Tensor::mean, Value::mean, false),
          new Case("var", Tensor::var, Value::variance, false),
          new Case("std", Tensor::std, z -> Value.variance(z).sqrt(), false),
          new Case(
              "prod", Tensor::prod, z -> z.stream().reduce(Complex.of(1), Complex::times), false),
          new Case("norm", Tensor::norm, z -> Value.sum(squares(z)).sqrt(), false),
          new Case(
              "var less one",
              (x, keep, axes) -> x.var(1, keep, axes),
              z -> Value.variance(z).times(z.size()).over(z.size() - 1),
              false),
          new Case("max", Tensor::max, Value::largest, true),
          new Case("min", Tensor::min, z -> Value.largest(negated(z)).times(-1), true));

  private Reducing() {}

  private static List<Complex> negated(List<Complex> values) {
    return values.stream().map(z -> z.times(-1)).toList();
  }

  private static List<Complex> squares(List<Complex> values) {
    return values.stream().map(z -> z.times(z)).toList();
  }

  static @Nullable Step step(Draft draft, int x) {
    int which = draft.choices.below(CASES.size() + 7);
    Value value = draft.value(x);
    if (which < CASES.size()) {
      return reduction(draft, x, CASES.get(which));
    }
    if (value.ndim() == 0 || value.size() == 0) {
      return null;
    }
    return switch (which - CASES.size()) {
      case 0 -> cumsum(draft, x);
      case 1 -> softmax(draft, x);
      case 2 -> crossentropy(draft, x);
      case 3 -> sumTo(draft, x);
      case 4 -> cumprod(draft, x);
      case 5 -> softmaxOverAll(draft, x);
      default -> globalAvgPool(draft, x);
    };
  }

  private static @Nullable Step reduction(Draft draft, int x, Case c) {
    Value value = draft.value(x);
    boolean keepDims = draft.choices.flag();
    boolean[] reduced = new boolean[value.ndim()];
    int[] axes =
        IntStream.range(0, value.ndim())
            .filter(axis -> reduced[axis] = draft.choices.flag())
            .toArray();
    if (axes.length == 0) { // as in the library
      Arrays.fill(reduced, true);
    }
    boolean isEmpty = value.size() == 0;
    if (c.bends && (isEmpty || !areApart(value, reduced))) {
      return null;
    }
    if (c.text.equals("std")
        && (isEmpty || !value.reduce(reduced, Value::variance).isWithin(1e-2, 99))) {
      return null;
    }
    if (c.text.equals("norm")
        && (isEmpty || !value.reduce(reduced, z -> Value.sum(squares(z))).isWithin(1e-2, 1e4))) {
      return null;
    }
    if (c.text.equals("var less one")
        && (isEmpty || value.reduce(reduced, Value::sum).size() == value.size())) {
      return null;
    }
    return Step.of(
        "%s over %s%s".formatted(c.text, Arrays.toString(axes), keepDims ? ", kept" : ""),
        in -> c.library.apply(in.get(0), keepDims, axes),
        in -> {
          Value result = in.get(0).reduce(reduced, c.oracle);
          return keepDims ? result : result.without(reduced);
        },
        x);
  }

  /** Whether the two largest and the two smallest are no equals. */
  static boolean areApart(Value value, boolean... reduced) {
    return value
        .reduce(
            reduced, z -> Complex.of(gap(z.stream().mapToDouble(Complex::re).sorted().toArray())))
        .isWithin(1e-3, Double.MAX_VALUE);
  }

  private static double gap(double... sorted) {
    return IntStream.range(1, sorted.length)
        .mapToDouble(i -> sorted[i] - sorted[i - 1])
        .min()
        .orElse(1);
  }

  private static Step cumsum(Draft draft, int x) {
    int axis = draft.axis(draft.value(x));
    return Step.of(
        "cumsum along " + axis,
        in -> in.get(0).cumsum(axis),
        in ->
            Value.of(
                in.get(0).shape(),
                i -> {
                  Complex sum = Complex.of(0);
                  int[] at = i.clone();
                  for (at[axis] = 0; at[axis] <= i[axis]; at[axis]++) {
                    sum = sum.plus(in.get(0).get(at));
                  }
                  return sum;
                }),
        x);
  }

  private static Step cumprod(Draft draft, int x) {
    int axis = draft.axis(draft.value(x));
    return Step.of(
        "cumprod along " + axis,
        in -> in.get(0).cumprod(axis),
        in ->
            Value.of(
                in.get(0).shape(),
                i -> {
                  Complex product = Complex.of(1);
                  int[] at = i.clone();
                  for (at[axis] = 0; at[axis] <= i[axis]; at[axis]++) {
                    product = product.times(in.get(0).get(at));
                  }
                  return product;
                }),
        x);
  }

  private static Step softmaxOverAll(Draft draft, int x) {
    int ndim = draft.value(x).ndim();
    int[] others = IntStream.range(1, ndim).toArray();
    boolean[] all = new boolean[ndim];
    Arrays.fill(all, true);
    return Step.of(
        "softmax over all axes",
        in -> Functions.softmax(in.get(0), 0, others),
        in -> {
          Value sums = in.get(0).reduce(all, z -> Value.sum(z.stream().map(Complex::exp).toList()));
          return in.get(0).map(Complex::exp).zip(sums, Complex::over);
        },
        x);
  }

  private static Value logSoftmax(Value x, int axis) {
    boolean[] along = new boolean[x.ndim()];
    along[axis] = true;
    Value sums = x.reduce(along, z -> Value.sum(z.stream().map(Complex::exp).toList()).log());
    return x.zip(sums, Complex::minus);
  }

  private static Step softmax(Draft draft, int x) {
    int axis = draft.axis(draft.value(x));
    return draft.choices.flag()
        ? Step.of(
            "softmax along " + axis,
            in -> Functions.softmax(in.get(0), axis),
            in -> logSoftmax(in.get(0), axis).map(Complex::exp),
            x)
        : Step.of(
            "logSoftmax along " + axis,
            in -> Functions.logSoftmax(in.get(0), axis),
            in -> logSoftmax(in.get(0), axis),
            x);
  }

  private static @Nullable Step crossentropy(Draft draft, int x) {
    Value value = draft.value(x);
    if (value.ndim() != 2) {
      return null;
    }
    int[] labels =
        IntStream.range(0, value.dim(0)).map(i -> draft.choices.below(value.dim(1))).toArray();
    return Step.of(
        "softmaxCrossentropy with " + Arrays.toString(labels),
        in -> Losses.softmaxCrossentropy(in.get(0), labels),
        in -> {
          Value scores = logSoftmax(in.get(0), 1);
          Complex sum = Complex.of(0);
          for (int i = 0; i < labels.length; i++) {
            sum = sum.plus(scores.get(i, labels[i]));
          }
          return new Value(new int[0], sum.over(-labels.length));
        },
        x);
  }

  private static Step sumTo(Draft draft, int x) {
    int[] shape = draft.value(x).shape();
    int from = draft.choices.below(shape.length + 1);
    boolean[] reduced = new boolean[shape.length];
    boolean[] gone = new boolean[shape.length];
    for (int axis = 0; axis < shape.length; axis++) {
      gone[axis] = axis < from;
      reduced[axis] = gone[axis] || draft.choices.flag();
    }
    int[] to =
        IntStream.range(from, shape.length).map(axis -> reduced[axis] ? 1 : shape[axis]).toArray();
    return Step.of(
            "sumTo " + Arrays.toString(to),
            in -> in.get(0).sumTo(to),
            in -> in.get(0).reduce(reduced, Value::sum).without(gone),
            x)
        .asView();
  }

  private static @Nullable Step globalAvgPool(Draft draft, int x) {
    int ndim = draft.value(x).ndim();
    if (ndim < 2) {
      return null;
    }
    boolean[] reduced = new boolean[ndim];
    Arrays.fill(reduced, 2, ndim, true);
    return Step.of(
        "globalAvgPool",
        in -> Functions.globalAvgPool(in.get(0)),
        in -> in.get(0).reduce(reduced, Value::mean).without(reduced),
        x);
  }
}
