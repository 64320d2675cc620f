package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.platform.Parallel;

/** Convolutions in Java, ordered: each element a sum in f64, in the order of the filters' taps. */
final class JavaConvolution {
  private final Convolution g;
  private final Adding adding;

  JavaConvolution(Convolution shape) {
    this(shape, (sum, a, b) -> sum + a * b);
  }

  /** Makes one whose sums are others. */
  JavaConvolution(Convolution shape, Adding adding) {
    this.g = shape;
    this.adding = adding;
  }

  /** How a product is added to a sum. */
  @FunctionalInterface
  interface Adding {
    double add(double sum, double a, double b);
  }

  /** What is summed for one tap: its index in a filter, and what it reads of a plane, or -1. */
  @FunctionalInterface
  private interface Tap {
    void see(int tap, int at);
  }

  /** Shows the taps of an output. */
  private void eachTap(int position, Tap each) {
    int[] at = coordinates(position, g.out);
    int tap = 0;
    for (int i = 0; i < g.taps[0]; i++) {
      for (int j = 0; j < g.taps[1]; j++) {
        for (int k = 0; k < g.taps[2]; k++) {
          each.see(tap++, index(read(at, 0, i), read(at, 1, j), read(at, 2, k), g.in));
        }
      }
    }
  }

  private int read(int[] at, int d, int tap) {
    return at[d] * g.stride[d] + tap * g.dilation[d] - g.padding[d];
  }

  /** Shows the taps by which outputs see an element of x; -1 for outputs that there are not. */
  private void eachTapOf(int element, Tap each) {
    int[] at = coordinates(element, g.in);
    int tap = 0;
    for (int i = 0; i < g.taps[0]; i++) {
      for (int j = 0; j < g.taps[1]; j++) {
        for (int k = 0; k < g.taps[2]; k++, tap++) {
          if (isSeen(at, 0, i) && isSeen(at, 1, j) && isSeen(at, 2, k)) {
            each.see(tap, index(output(at, 0, i), output(at, 1, j), output(at, 2, k), g.out));
          }
        }
      }
    }
  }

  private boolean isSeen(int[] at, int d, int tap) {
    return (at[d] + g.padding[d] - tap * g.dilation[d]) % g.stride[d] == 0;
  }

  private int output(int[] at, int d, int tap) {
    return (at[d] + g.padding[d] - tap * g.dilation[d]) / g.stride[d];
  }

  private static int[] coordinates(int position, int... sizes) {
    int line = position / sizes[2];
    return new int[] {line / sizes[1], line % sizes[1], position % sizes[2]};
  }

  private static int index(int i, int j, int k, int... sizes) {
    boolean inside = i >= 0 && i < sizes[0] && j >= 0 && j < sizes[1] && k >= 0 && k < sizes[2];
    return inside ? (i * sizes[1] + j) * sizes[2] + k : -1;
  }

  /** A sum of products. */
  private final class Sum {
    private double value;

    void add(double a, double b) {
      value = adding.add(value, a, b);
    }
  }

  private static double get(Storage from, int plane, int size, int at) {
    return at < 0 ? 0 : from.get(plane * size + at);
  }

  void convolve(ConvolutionArguments a) {
    DType dtype = a.x().dtype();
    ArrayFunction f = a.slope() == 1 ? ArrayFunction.COPY : ArrayFunction.BEND;
    Parallel.run(
        g.n * g.groups * g.o,
        plane -> {
          int o = plane % (g.groups * g.o);
          int x = (plane / (g.groups * g.o) * g.groups + o / g.o) * g.c;
          for (int p = 0; p < g.positions(); p++) {
            Sum sum = new Sum();
            for (int c = 0; c < g.c; c++) {
              int filter = (o * g.c + c) * g.filter();
              int from = x + c;
              eachTap(
                  p,
                  (tap, at) ->
                      sum.add(a.filters().get(filter + tap), get(a.x(), from, g.plane(), at)));
            }
            double value = rounded(sum.value, dtype);
            value = a.bias() == null ? value : rounded(value + a.bias().get(o), dtype);
            a.y().set(plane * g.positions() + p, f.apply(value, 0, a.slope(), 0, dtype));
          }
        });
  }

  private static double rounded(double value, DType dtype) {
    return dtype == DType.F64 ? value : (float) value;
  }

  void input(Storage dy, Storage filters, Storage dx) {
    Parallel.run(
        g.n * g.groups * g.c,
        plane -> {
          int group = plane / g.c % g.groups;
          int y = plane / g.c * g.o;
          for (int p = 0; p < g.plane(); p++) {
            Sum sum = new Sum();
            for (int o = 0; o < g.o; o++) {
              int filter = ((group * g.o + o) * g.c + plane % g.c) * g.filter();
              int from = y + o;
              eachTapOf(
                  p,
                  (tap, at) ->
                      sum.add(filters.get(filter + tap), get(dy, from, g.positions(), at)));
            }
            dx.set(plane * g.plane() + p, sum.value);
          }
        });
  }

  /**
   * Items, batches and bands of positions, are summed one by one, each in f64, in so many parts.
   */
  void filters(Storage x, Storage dy, Storage dFilters) {
    int size = g.groups * g.o * g.patch();
    Storage parts = Storage.allocate(x.dtype(), (long) g.parts() * size);
    Parallel.run(
        g.parts() * g.groups * g.o,
        task -> {
          int part = task / (g.groups * g.o);
          int o = task % (g.groups * g.o);
          int from = (int) ((long) g.items() * part / g.parts());
          int end = (int) ((long) g.items() * (part + 1) / g.parts());
          for (int item = from; item < end; item++) {
            addItem(x, dy, item, o, item > from, parts, part * size + o * g.patch());
          }
        });
    for (int i = 0; i < size; i++) {
      double sum = parts.get(i);
      for (int part = 1; part < g.parts(); part++) {
        sum += parts.get(part * size + i);
      }
      dFilters.set(i, sum);
    }
  }

  private void addItem(
      Storage x, Storage dy, int item, int o, boolean keep, Storage parts, int to) {
    int bands = g.tiles.bands();
    int first = item / bands * g.tiles.samples();
    int samples = Math.min(g.tiles.samples(), g.n - first);
    int start = g.tiles.bandStart(item % bands);
    int end = g.tiles.bandStart(item % bands + 1);
    for (int c = 0; c < g.c; c++) {
      double[] sums = new double[g.filter()];
      for (int s = first; s < first + samples; s++) {
        int plane = (s * g.groups + o / g.o) * g.c + c;
        int out = (s * g.groups * g.o + o) * g.positions();
        for (int p = start; p < end; p++) {
          double grad = dy.get(out + p);
          eachTap(
              p,
              (tap, at) -> sums[tap] = adding.add(sums[tap], get(x, plane, g.plane(), at), grad));
        }
      }
      for (int tap = 0; tap < sums.length; tap++) {
        int i = to + c * g.filter() + tap;
        double sum = rounded(sums[tap], x.dtype());
        parts.set(i, keep ? parts.get(i) + sum : sum);
      }
    }
  }
}
