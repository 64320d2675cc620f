package io.github.jbatchnorm.kernel;

/** Convolutions in Java: the native kernel's matrices of patches, one element at a time. */
final class JavaConvolution {
  private final Convolution g;

  JavaConvolution(Convolution shape) {
    this.g = shape;
  }

  /** What is done for one element of a matrix of patches. */
  @FunctionalInterface
  private interface Visit {
    /** Is given the element's index, and that of x, or -1 outside of x. */
    void element(int patch, int x);
  }

  private int samplesOf(int batch) {
    return Math.min(g.samples(), g.n - batch * g.samples());
  }

  /** Visits the matrix of patches of a group of a batch, tap by tap. */
  private void visit(int batch, int group, Visit visit) {
    int taps = g.taps[0] * g.taps[1] * g.taps[2];
    for (int row = 0; row < g.patch(); row++) {
      for (int column = 0; column < g.columns(); column++) {
        int sample = batch * g.samples() + column / g.positions();
        int plane = (sample * g.groups + group) * g.c + row / taps;
        int at = inPlane(row % taps, column % g.positions());
        boolean outside = at < 0 || sample >= g.n;
        visit.element(row * g.columns() + column, outside ? -1 : plane * g.plane() + at);
      }
    }
  }

  /** Returns the element of a plane that a tap reads for an output, or -1 outside of it. */
  private int inPlane(int tap, int position) {
    int[] i = {tap / (g.taps[1] * g.taps[2]), tap / g.taps[2] % g.taps[1], tap % g.taps[2]};
    int[] o = {position / (g.out[1] * g.out[2]), position / g.out[2] % g.out[1], 0};
    o[2] = position % g.out[2];
    int at = 0;
    for (int d = 0; d < i.length; d++) {
      int index = o[d] * g.stride[d] + i[d] * g.dilation[d] - g.padding[d];
      if (index < 0 || index >= g.in[d]) {
        return -1;
      }
      at = at * g.in[d] + index;
    }
    return at;
  }

  private Storage patches(Storage x, int batch, int group) {
    Storage patches = Storage.allocate(x.dtype(), (long) g.patch() * g.columns());
    visit(batch, group, (to, from) -> patches.set(to, from < 0 ? 0 : x.get(from)));
    return patches;
  }

  private Blas.Matrix filters(Storage filters, int group) {
    return new Blas.Matrix(filters, group * g.o * g.patch(), g.o, g.patch(), false);
  }

  /** Calls {@code each} with the index in y and in a matrix of outputs, for a group of a batch. */
  private void outputs(int batch, int group, Visit each) {
    for (int o = 0; o < g.o; o++) {
      for (int column = 0; column < samplesOf(batch) * g.positions(); column++) {
        int sample = batch * g.samples() + column / g.positions();
        int plane = (sample * g.groups + group) * g.o + o;
        each.element(o * g.columns() + column, plane * g.positions() + column % g.positions());
      }
    }
  }

  void convolve(ConvolutionArguments a) {
    DType dtype = a.x().dtype();
    Parallel.run(
        g.batches() * g.groups,
        task -> {
          int group = task % g.groups;
          int batch = task / g.groups;
          Storage products = Storage.allocate(dtype, (long) g.o * g.columns());
          JavaProducts.multiply(
              filters(a.filters(), group),
              new Blas.Matrix(patches(a.x(), batch, group), g.patch(), g.columns()),
              false,
              new Blas.Matrix(products, g.o, g.columns()));
          outputs(
              batch,
              group,
              (from, to) -> {
                int channel = group * g.o + from / g.columns();
                double sum = products.get(from);
                sum = a.bias() == null ? sum : rounded(sum + a.bias().get(channel), dtype);
                ArrayFunction f = a.slope() == 1 ? ArrayFunction.COPY : ArrayFunction.BEND;
                a.y().set(to, f.apply(sum, 0, a.slope(), 0, dtype));
              });
        });
  }

  private static double rounded(double value, DType dtype) {
    return dtype == DType.F64 ? value : (float) value;
  }

  private Blas.Matrix gradients(Storage dy, int batch, int group) {
    Storage gathered = Storage.allocate(dy.dtype(), (long) g.o * g.columns());
    outputs(batch, group, (to, from) -> gathered.set(to, dy.get(from)));
    return new Blas.Matrix(gathered, g.o, g.columns());
  }

  void input(Storage dy, Storage filters, Storage dx) {
    for (int i = 0; i < dx.length(); i++) {
      dx.set(i, 0);
    }
    Parallel.run(
        g.batches() * g.groups,
        task -> {
          int group = task % g.groups;
          int batch = task / g.groups;
          Storage patches = Storage.allocate(dy.dtype(), (long) g.patch() * g.columns());
          JavaProducts.multiply(
              filters(filters, group).transpose(),
              gradients(dy, batch, group),
              false,
              new Blas.Matrix(patches, g.patch(), g.columns()));
          visit(
              batch,
              group,
              (from, to) -> {
                if (to >= 0) {
                  dx.set(to, dx.get(to) + patches.get(from));
                }
              });
        });
  }

  void filters(Storage x, Storage dy, Storage dFilters) {
    int size = g.groups * g.o * g.patch();
    Storage parts = Storage.allocate(x.dtype(), (long) g.parts() * size);
    Parallel.run(
        g.parts(),
        part -> {
          int from = (int) ((long) g.batches() * part / g.parts());
          int end = (int) ((long) g.batches() * (part + 1) / g.parts());
          for (int batch = from; batch < end; batch++) {
            for (int group = 0; group < g.groups; group++) {
              JavaProducts.multiply(
                  gradients(dy, batch, group),
                  new Blas.Matrix(patches(x, batch, group), g.patch(), g.columns()).transpose(),
                  batch > from,
                  new Blas.Matrix(
                      parts, part * size + group * g.o * g.patch(), g.o, g.patch(), false));
            }
          }
        });
    new JavaArrays().sum(new int[] {g.parts(), size}, parts, new boolean[] {true, false}, dFilters);
  }
}
