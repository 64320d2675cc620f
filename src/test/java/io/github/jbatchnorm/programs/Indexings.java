package io.github.jbatchnorm.programs;

import io.github.jbatchnorm.autograd.Complex;
import io.github.jbatchnorm.autograd.Index;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Arrays and masks among indices, and changes in place of what indices choose. */
final class Indexings {
  private final Draft draft;
  private final Choices choices;
  private final int x;
  private final Value value;

  private Indexings(Draft draft, int x) {
    this.draft = draft;
    this.choices = draft.choices;
    this.x = x;
    this.value = draft.value(x);
  }

  /** Returns a step from a node that has axes. */
  static @Nullable Step step(Draft draft, int x) {
    Indexings all = new Indexings(draft, x);
    return switch (draft.choices.below(3)) {
      case 0 -> all.pick();
      case 1 -> all.set();
      default -> all.multiplyView();
    };
  }

  /** An integer array along one axis, or a mask. */
  private @Nullable Step pick() {
    int axis = draft.axis(value);
    int size = value.dim(axis);
    if (size == 0) {
      return null;
    }
    int[] places = IntStream.range(0, choices.below(4)).map(i -> choices.below(size)).toArray();
    Index[] indices = new Index[axis + 1];
    Arrays.fill(indices, Index.all());
    boolean masked = choices.flag();
    boolean[] mask = new boolean[size];
    Arrays.stream(places).forEach(i -> mask[i] = true);
    indices[axis] = masked ? Index.mask(mask) : Index.of(places);
    int[] from = masked ? Arrays.stream(places).sorted().distinct().toArray() : places;
    return Step.of(
        "slice " + Arrays.toString(indices),
        in -> in.get(0).slice(indices),
        in -> in.get(0).take(axis, from),
        x);
  }

  /** Sets a place along an axis to a leaf, in a copy. */
  private @Nullable Step set() {
    int axis = draft.axis(value);
    if (value.dim(axis) == 0) {
      return null;
    }
    int at = choices.below(value.dim(axis));
    int leaf = draft.leaf(-2, 2);
    Index[] indices = new Index[axis + 1];
    Arrays.fill(indices, Index.all());
    indices[axis] = Index.at(at);
    return Step.of(
        "set " + Arrays.toString(indices),
        in -> widened(in.get(0), in.get(1)).set(in.get(1), indices),
        in -> Value.of(in.get(0).shape(), i -> i[axis] == at ? in.get(1).get() : in.get(0).get(i)),
        x,
        leaf);
  }

  /** Multiplies a part from the first axis by a leaf, through a view of a copy. */
  private @Nullable Step multiplyView() {
    int size = value.dim(0);
    int from = choices.below(size + 1);
    int to = from + choices.below(size - from + 1);
    int leaf = draft.leaf(-2, 2);
    return Step.of(
        "multiply view %s to %s in place".formatted(from, to),
        in -> {
          Tensor copy = widened(in.get(0), in.get(1));
          Tensor view = copy.slice(Index.range(from, to));
          Tensor before = copy.square();
          view.multiplyInPlace(in.get(1));
          return copy.add(before);
        },
        in ->
            Value.of(
                in.get(0).shape(),
                i -> {
                  Complex own = in.get(0).get(i);
                  boolean inside = i[0] >= from && i[0] < to;
                  return own.times(own).plus(inside ? own.times(in.get(1).get()) : own);
                }),
        x,
        leaf);
  }

  /** Returns x in memory of its own, of the dtype of both, a variable. */
  private static Tensor widened(Tensor x, Tensor leaf) {
    return x.multiply(Tensors.onesLike(leaf));
  }
}
