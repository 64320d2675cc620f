package io.github.jbatchnorm.programs;

import io.github.jbatchnorm.autograd.Index;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** What moves elements: views, permutations, indexing, joining. */
final class Rearrangements {
  private final Draft draft;
  private final Choices choices;
  private final int x;
  private final Value value;

  private Rearrangements(Draft draft, int x) {
    this.draft = draft;
    this.choices = draft.choices;
    this.x = x;
    this.value = draft.value(x);
  }

  static @Nullable Step step(Draft draft, int x) {
    Rearrangements all = new Rearrangements(draft, x);
    int which = draft.choices.below(18);
    return which < 4 || all.value.ndim() > 0 ? all.step(which) : null;
  }

  private @Nullable Step step(int which) {
    return switch (which) {
      case 0 -> reshape();
      case 1 -> view("flatten", Tensor::flatten, value.size());
      case 2 -> expandDims();
      case 3 -> broadcastTo();
      case 4 -> transpose();
      case 5 -> swapAxes();
      case 6 -> moveAxis();
      case 7 -> squeeze();
      case 8, 9 -> slice();
      case 10 -> take();
      case 11 -> repeat();
      case 12 -> roll();
      case 13 -> select();
      case 14, 15, 16 -> Indexings.step(draft, x);
      default -> join();
    };
  }

  /** A tensor method of one argument. */
  private interface Method {
    Tensor of(Tensor x);
  }

  private Step view(String text, Method library, int... shape) {
    return Step.of(text, in -> library.of(in.get(0)), in -> in.get(0).reshape(shape), x).asView();
  }

  private Step along(String text, int axis, Method library, int... places) {
    return Step.of(text, in -> library.of(in.get(0)), in -> in.get(0).take(axis, places), x);
  }

  private Step permuted(String text, Method library, int... axes) {
    return Step.of(text, in -> library.of(in.get(0)), in -> in.get(0).transpose(axes), x);
  }

  private Step reshape() {
    int rest = Math.max(1, value.size());
    List<Integer> sizes = new ArrayList<>();
    for (int divisor = 2; divisor <= 4; divisor++) {
      if (rest % divisor == 0 && choices.flag()) {
        sizes.add(divisor);
        rest /= divisor;
      }
    }
    sizes.add(choices.below(sizes.size() + 1), value.size() == 0 ? 0 : rest);
    int[] shape = sizes.stream().mapToInt(Integer::intValue).toArray();
    return view("reshape " + Arrays.toString(shape), t -> t.reshape(shape), shape);
  }

  private Step expandDims() {
    int axis = choices.below(value.ndim() + 1);
    int[] shape =
        IntStream.range(0, value.ndim() + 1)
            .map(i -> i == axis ? 1 : value.dim(i < axis ? i : i - 1))
            .toArray();
    return view("expandDims " + axis, t -> t.expandDims(axis), shape);
  }

  private Step squeeze() {
    int[] shape = IntStream.of(value.shape()).filter(size -> size != 1).toArray();
    return view("squeeze", Tensor::squeeze, shape);
  }

  private Step broadcastTo() {
    int[] shape = new int[value.ndim() + 1];
    shape[0] = 1 + choices.below(3);
    for (int axis = 0; axis < value.ndim(); axis++) {
      shape[axis + 1] = value.dim(axis) == 1 ? 1 + choices.below(3) : value.dim(axis);
    }
    return Step.of(
        "broadcastTo " + Arrays.toString(shape),
        in -> in.get(0).broadcastTo(shape),
        in -> Value.of(shape, i -> in.get(0).cast(i)),
        x);
  }

  private Step transpose() {
    List<Integer> left = new ArrayList<>(IntStream.range(0, value.ndim()).boxed().toList());
    int[] axes =
        IntStream.range(0, value.ndim())
            .map(i -> left.remove(choices.below(left.size())))
            .toArray();
    return permuted("transpose " + Arrays.toString(axes), t -> t.transpose(axes), axes);
  }

  private Step swapAxes() {
    int a = draft.axis(value);
    int b = draft.axis(value);
    int[] axes = IntStream.range(0, value.ndim()).map(i -> i == a ? b : i == b ? a : i).toArray();
    return permuted("swapAxes %s %s".formatted(a, b), t -> t.swapAxes(a, b - t.ndim()), axes);
  }

  private Step moveAxis() {
    int from = draft.axis(value);
    int to = draft.axis(value);
    List<Integer> axes = new ArrayList<>(IntStream.range(0, value.ndim()).boxed().toList());
    axes.add(to, axes.remove(from));
    return permuted(
        "moveAxis %s %s".formatted(from, to),
        t -> t.moveAxis(from, to),
        axes.stream().mapToInt(Integer::intValue).toArray());
  }

  private Step slice() {
    Index[] indices = new Index[value.ndim()];
    int[][] places = new int[value.ndim()][];
    boolean[] gone = new boolean[value.ndim()];
    for (int axis = 0; axis < indices.length; axis++) {
      int size = value.dim(axis);
      int from = choices.below(size + 1);
      int to = choices.below(size + 1);
      int step = choices.any(1, 1, 2, -1, -2);
      gone[axis] = size > 0 && choices.rarely(4);
      if (gone[axis]) {
        indices[axis] = Index.at(from % size - (step < 0 ? size : 0));
        places[axis] = new int[] {from % size};
      } else {
        indices[axis] = Index.range(from, to, step);
        places[axis] =
            IntStream.iterate(Math.min(from, step < 0 ? size - 1 : size), i -> i + step)
                .takeWhile(i -> step > 0 ? i < to : i > to)
                .toArray();
      }
    }
    return Step.of(
            "slice " + Arrays.toString(indices),
            in -> in.get(0).slice(indices),
            in -> {
              Value part = in.get(0);
              for (int axis = 0; axis < places.length; axis++) {
                part = part.take(axis, places[axis]);
              }
              return part.without(gone);
            },
            x)
        .asView();
  }

  private @Nullable Step take() {
    int axis = draft.axis(value);
    int size = value.dim(axis);
    if (size == 0) {
      return null;
    }
    int[] places = IntStream.range(0, choices.below(4)).map(i -> choices.below(size)).toArray();
    int[] negative = Arrays.stream(places).map(i -> i - size).toArray();
    boolean fromEnd = choices.flag();
    return along(
        "take along %s of %s".formatted(axis, Arrays.toString(places)),
        axis,
        t -> t.take(axis, fromEnd ? negative : places),
        places);
  }

  private Step repeat() {
    int axis = draft.axis(value);
    int times = choices.below(4);
    int[] places = IntStream.range(0, value.dim(axis) * times).map(i -> i / times).toArray();
    return along("repeat %s %s".formatted(times, axis), axis, t -> t.repeat(times, axis), places);
  }

  private Step roll() {
    int axis = draft.axis(value);
    int by = choices.below(9) - 4;
    int size = value.dim(axis);
    int[] places = IntStream.range(0, size).map(i -> Math.floorMod(i - by, size)).toArray();
    return along("roll %s %s".formatted(by, axis), axis, t -> t.roll(by, axis), places);
  }

  private Step select() {
    boolean[] mask = new boolean[value.size()];
    Arrays.setAll(new Object[mask.length], i -> mask[i] = choices.flag());
    int[] places = IntStream.range(0, mask.length).filter(i -> mask[i]).toArray();
    return Step.of(
        "select " + Arrays.toString(places),
        in -> in.get(0).select(mask),
        in -> in.get(0).reshape(mask.length).take(0, places),
        x);
  }

  private Step join() {
    int axis = draft.axis(value);
    int[] shape = value.shape();
    int other = draft.leaf(-2, 2, shape);
    if (choices.flag()) {
      return Step.of(
          "stack along " + axis,
          in -> Tensors.stack(axis, in.get(0), in.get(1)),
          in -> joined(in.get(0), in.get(1), axis, true),
          x,
          other);
    }
    return Step.of(
        "concatenate along " + axis,
        in -> Tensors.concatenate(axis, in.get(0), in.get(1)),
        in -> joined(in.get(0), in.get(1), axis, false),
        x,
        other);
  }

  private static Value joined(Value a, Value b, int axis, boolean stacked) {
    List<Integer> shape = new ArrayList<>(Arrays.stream(a.shape()).boxed().toList());
    if (stacked) {
      shape.add(axis, 2);
    } else {
      shape.set(axis, 2 * a.dim(axis));
    }
    int half = stacked ? 1 : a.dim(axis);
    return Value.of(
        shape.stream().mapToInt(Integer::intValue).toArray(),
        i -> {
          Value from = i[axis] < half ? a : b;
          List<Integer> own = new ArrayList<>(Arrays.stream(i).boxed().toList());
          if (stacked) {
            own.remove(axis);
          } else {
            own.set(axis, i[axis] % half);
          }
          return from.get(own.stream().mapToInt(Integer::intValue).toArray());
        });
  }
}
