package io.github.jbatchnorm.programs;

import io.github.jbatchnorm.autograd.Complex;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Matrix products, Einstein's notation, dense layers and pooling. */
final class Products {
  private Products() {}

  static @Nullable Step step(Draft draft, int x) {
    Value value = draft.value(x);
    int which = draft.choices.below(8);
    if (which < 3) {
      return value.ndim() == 0 ? null : matmul(draft, x);
    }
    return switch (which) {
      case 3 -> einsum(draft, x);
      case 4 -> dense(draft, x);
      case 5 -> pool(draft, x);
      default -> Convolutions.step(draft, x);
    };
  }

  /** The product over the last axis of a and the last but one of b; those before broadcast. */
  private static Value product(Value a, Value b) {
    int k = a.dim(a.ndim() - 1);
    int[] batch =
        Value.broadcast(
            Arrays.copyOf(a.shape(), a.ndim() - 2), Arrays.copyOf(b.shape(), b.ndim() - 2));
    int[] shape = Arrays.copyOf(batch, batch.length + 2);
    shape[batch.length] = a.dim(a.ndim() - 2);
    shape[batch.length + 1] = b.dim(b.ndim() - 1);
    return Value.of(
        shape,
        i -> {
          int[] left = i.clone();
          int[] right = i.clone();
          Complex sum = Complex.of(0);
          for (int j = 0; j < k; j++) {
            left[i.length - 1] = j;
            right[i.length - 2] = j;
            sum = sum.plus(a.cast(left).times(b.cast(right)));
          }
          return sum;
        });
  }

  private static Value turned(Value value, boolean turn) {
    int[] axes = IntStream.range(0, value.ndim()).toArray();
    if (turn) {
      axes[value.ndim() - 1]--;
      axes[value.ndim() - 2]++;
    }
    return value.transpose(axes);
  }

  private static Step matmul(Draft draft, int x) {
    Value value = draft.value(x);
    Choices choices = draft.choices;
    int columns = 1 + choices.below(4);
    if (value.ndim() == 1) {
      int other = draft.leaf(-1, 1, value.dim(0), columns);
      return Step.of(
          "matmul of a row",
          in -> in.get(0).matmul(in.get(1)),
          in -> product(in.get(0).reshape(1, in.get(0).size()), in.get(1)).reshape(columns),
          x,
          other);
    }
    boolean turnThis = choices.flag();
    boolean turnOther = choices.flag();
    int k = value.dim(value.ndim() - (turnThis ? 2 : 1));
    int[] batch = Arrays.copyOf(value.shape(), choices.below(value.ndim() - 1));
    int[] shape = new int[batch.length + 2];
    for (int axis = 0; axis < batch.length; axis++) {
      int whole = value.dim(value.ndim() - 2 - batch.length + axis);
      shape[axis] = choices.flag() ? 1 : whole;
    }
    shape[batch.length] = turnOther ? columns : k;
    shape[batch.length + 1] = turnOther ? k : columns;
    int other = draft.leaf(-1, 1, shape);
    return Step.of(
        "matmul%s%s".formatted(turnThis ? " turned" : "", turnOther ? " by turned" : ""),
        in -> in.get(0).matmul(in.get(1), turnThis, turnOther),
        in -> product(turned(in.get(0), turnThis), turned(in.get(1), turnOther)),
        x,
        other);
  }

  private static @Nullable Step einsum(Draft draft, int x) {
    Value value = draft.value(x);
    if (value.ndim() != 2) {
      return null;
    }
    int[] shape = value.shape();
    if (draft.choices.flag()) {
      int other = draft.leaf(-1, 1, shape);
      return Step.of(
          "einsum ij,ij->j",
          in -> Tensors.einsum("ij,ij->j", in.get(0), in.get(1)),
          in ->
              in.get(0)
                  .zip(in.get(1), Complex::times)
                  .reduce(new boolean[] {true, false}, Value::sum)
                  .reshape(shape[1]),
          x,
          other);
    }
    int other = draft.leaf(-1, 1, 2, shape[0]);
    return Step.of(
        "einsum ij,ki->kj",
        in -> Tensors.einsum("ij,ki->kj", in.get(0), in.get(1)),
        in -> product(in.get(1), in.get(0)),
        x,
        other);
  }

  private static @Nullable Step dense(Draft draft, int x) {
    Value value = draft.value(x);
    if (value.ndim() != 2) {
      return null;
    }
    int out = 1 + draft.choices.below(4);
    int weight = draft.leaf(-1, 1, out, value.dim(1));
    int bias = draft.leaf(-1, 1, out);
    return Step.of(
        "dense",
        in -> Functions.dense(in.get(0), in.get(1), in.get(2)),
        in -> product(in.get(0), turned(in.get(1), true)).zip(in.get(2), Complex::plus),
        x,
        weight,
        bias);
  }

  private static @Nullable Step pool(Draft draft, int x) {
    Value value = draft.value(x);
    int axes = Math.min(value.ndim(), 1 + draft.choices.below(3));
    if (axes == 0 || value.size() == 0) {
      return null;
    }
    int first = value.ndim() - axes;
    int[] window = new int[axes];
    int[] stride = new int[axes];
    for (int i = 0; i < axes; i++) {
      window[i] = 1 + draft.choices.below(value.dim(first + i));
      stride[i] = 1 + draft.choices.below(2);
    }
    String text = "%s by %s".formatted(Arrays.toString(window), Arrays.toString(stride));
    if (draft.choices.flag()) {
      return Step.of(
          "avgPool " + text,
          in -> Functions.avgPool(in.get(0), window, stride),
          in -> pooled(in.get(0), window, stride, Value::mean),
          x);
    }
    boolean[] all = new boolean[value.ndim()];
    Arrays.fill(all, true);
    return Reducing.areApart(value, all)
        ? Step.of(
            "maxPool " + text,
            in -> Functions.maxPool(in.get(0), window, stride),
            in -> pooled(in.get(0), window, stride, Value::largest),
            x)
        : null;
  }

  private static Value pooled(
      Value x,
      int[] window,
      int[] stride,
      java.util.function.Function<java.util.List<Complex>, Complex> f) {
    int first = x.ndim() - window.length;
    int[] shape = x.shape();
    for (int i = 0; i < window.length; i++) {
      shape[first + i] = (shape[first + i] - window[i]) / stride[i] + 1;
    }
    return Value.of(
        shape,
        at ->
            f.apply(
                IntStream.range(0, Value.size(window))
                    .mapToObj(
                        place -> {
                          int[] within = Value.index(window, place);
                          int[] index = at.clone();
                          for (int i = 0; i < window.length; i++) {
                            index[first + i] = at[first + i] * stride[i] + within[i];
                          }
                          return x.get(index);
                        })
                    .toList()));
  }
}
