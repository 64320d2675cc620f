package io.github.jbatchnorm.programs;

import io.github.jbatchnorm.autograd.Complex;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BinaryOperator;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/** The oracle's tensor, of complex numbers: each result element by element, index by index. */
final class Value {
  private final int[] shape;
  private final Complex[] elements;

  Value(int[] shape, Complex... elements) {
    this.shape = shape.clone();
    this.elements = elements.clone();
  }

  static Value of(int[] shape, Function<int[], Complex> element) {
    Complex[] elements = new Complex[size(shape)];
    for (int i = 0; i < elements.length; i++) {
      elements[i] = element.apply(index(shape, i));
    }
    return new Value(shape, elements);
  }

  static int size(int... shape) {
    return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
  }

  /** Returns the index along each axis of an element by its place, row-major. */
  static int[] index(int[] shape, int place) {
    int[] index = new int[shape.length];
    int rest = place;
    for (int axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = rest % shape[axis];
      rest /= shape[axis];
    }
    return index;
  }

  int[] shape() {
    return shape.clone();
  }

  int ndim() {
    return shape.length;
  }

  int dim(int axis) {
    return shape[axis];
  }

  int size() {
    return elements.length;
  }

  Complex at(int place) {
    return elements[place];
  }

  Complex get(int... index) {
    int place = 0;
    for (int axis = 0; axis < shape.length; axis++) {
      place = place * shape[axis] + index[axis];
    }
    return elements[place];
  }

  /** Returns the element that broadcasting puts at an index of a larger shape. */
  Complex cast(int... index) {
    int[] own = Arrays.copyOfRange(index, index.length - shape.length, index.length);
    for (int axis = 0; axis < own.length; axis++) {
      own[axis] = shape[axis] == 1 ? 0 : own[axis];
    }
    return get(own);
  }

  boolean all(Predicate<Complex> predicate) {
    return Arrays.stream(elements).allMatch(predicate);
  }

  boolean isWithin(double low, double high) {
    return all(z -> z.re() >= low && z.re() <= high);
  }

  /** Whether no element is so near to a bend that a step of a difference may pass it. */
  boolean isAwayFrom(double bend) {
    return all(z -> Math.abs(z.re() - bend) > 1e-3);
  }

  Value map(UnaryOperator<Complex> f) {
    return new Value(shape, Arrays.stream(elements).map(f).toArray(Complex[]::new));
  }

  Value zip(Value other, BinaryOperator<Complex> f) {
    return of(broadcast(shape, other.shape), i -> f.apply(cast(i), other.cast(i)));
  }

  /** Returns this as a constant. */
  Value stopped() {
    return map(z -> Complex.of(z.re()));
  }

  static int[] broadcast(int[] a, int[] b) {
    int ndim = Math.max(a.length, b.length);
    return IntStream.range(0, ndim)
        .map(
            axis -> {
              int i = axis - ndim + a.length;
              int j = axis - ndim + b.length;
              return i < 0 || (j >= 0 && a[i] == 1) ? b[j] : a[i];
            })
        .toArray();
  }

  Value reshape(int... newShape) {
    return new Value(newShape, elements);
  }

  Value transpose(int... axes) {
    return of(
        Arrays.stream(axes).map(axis -> shape[axis]).toArray(),
        i -> {
          int[] own = new int[axes.length];
          for (int axis = 0; axis < axes.length; axis++) {
            own[axes[axis]] = i[axis];
          }
          return get(own);
        });
  }

  /** Returns this with the places along an axis that are named, in their order. */
  Value take(int axis, int... places) {
    int[] taken = shape.clone();
    taken[axis] = places.length;
    return of(
        taken,
        i -> {
          int[] own = i.clone();
          own[axis] = places[i[axis]];
          return get(own);
        });
  }

  /** Returns what f makes of the elements along some axes, which stay with size 1. */
  Value reduce(boolean[] reduced, Function<List<Complex>, Complex> f) {
    int[] kept = shape.clone();
    int[] gone = shape.clone();
    for (int axis = 0; axis < shape.length; axis++) {
      (reduced[axis] ? kept : gone)[axis] = 1;
    }
    return of(
        kept,
        i -> {
          List<Complex> all = new ArrayList<>();
          for (int place = 0; place < size(gone); place++) {
            int[] own = index(gone, place);
            for (int axis = 0; axis < own.length; axis++) {
              own[axis] += i[axis];
            }
            all.add(get(own));
          }
          return f.apply(all);
        });
  }

  Value without(boolean... axes) {
    return reshape(
        IntStream.range(0, shape.length).filter(i -> !axes[i]).map(i -> shape[i]).toArray());
  }

  static Complex sum(List<Complex> values) {
    return values.stream().reduce(Complex.of(0), Complex::plus);
  }

  static Complex mean(List<Complex> values) {
    return sum(values).over(values.size());
  }

  static Complex variance(List<Complex> values) {
    Complex mean = mean(values);
    return mean(values.stream().map(z -> z.minus(mean)).map(z -> z.times(z)).toList());
  }

  static Complex largest(List<Complex> values) {
    return values.stream().reduce((a, b) -> b.re() > a.re() ? b : a).orElseThrow();
  }
}
