package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.platform.Parallel;

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

  /** One matrix of patches: some channels of a group of a batch, at some positions. */
  private record Tile(int batch, int group, int channel, int channelEnd, int from, int end) {
    int positions() {
      return end - from;
    }
  }

  private Tile whole(int batch, int group) {
    return new Tile(batch, group, 0, g.c, 0, g.positions());
  }

  private Tile band(int batch, int group, int band) {
    int from = g.tiles.bandStart(band);
    return new Tile(batch, group, 0, g.c, from, g.tiles.bandStart(band + 1));
  }

  private Tile block(int batch, int group, int block, int blocks) {
    int end = Math.min(g.c, g.tiles.blockStart(block + 1, blocks));
    return new Tile(batch, group, g.tiles.blockStart(block, blocks), end, 0, g.positions());
  }

  private int columns(Tile tile) {
    int samples = Math.min(g.tiles.samples(), g.n - tile.batch * g.tiles.samples());
    return samples * tile.positions();
  }

  private int rows(Tile tile) {
    return (tile.channelEnd - tile.channel) * g.filter();
  }

  /** Visits a matrix of patches, tap by tap. */
  private void visit(Tile tile, Visit visit) {
    int width = columns(tile);
    for (int row = 0; row < rows(tile); row++) {
      for (int column = 0; column < width; column++) {
        int sample = tile.batch * g.tiles.samples() + column / tile.positions();
        int channel = tile.channel + row / g.filter();
        int plane = (sample * g.groups + tile.group) * g.c + channel;
        int at = inPlane(row % g.filter(), tile.from + column % tile.positions());
        visit.element(row * width + column, at < 0 ? -1 : plane * g.plane() + at);
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

  private Blas.Matrix patches(Storage x, Tile tile) {
    Storage patches = Storage.allocate(x.dtype(), (long) rows(tile) * columns(tile));
    visit(tile, (to, from) -> patches.set(to, from < 0 ? 0 : x.get(from)));
    return new Blas.Matrix(patches, rows(tile), columns(tile));
  }

  /** Returns the filters of a tile, for its channels. */
  private Blas.Matrix filters(Storage filters, int start, Tile tile) {
    int first = start + tile.group * g.o * g.patch() + tile.channel * g.filter();
    return new Blas.Matrix(filters, first, g.o, rows(tile), g.patch(), false);
  }

  /** Calls {@code each} with the index in a matrix of outputs and in y. */
  private void outputs(Tile tile, Visit each) {
    int width = columns(tile);
    for (int o = 0; o < g.o; o++) {
      for (int column = 0; column < width; column++) {
        int sample = tile.batch * g.tiles.samples() + column / tile.positions();
        int plane = (sample * g.groups + tile.group) * g.o + o;
        int position = tile.from + column % tile.positions();
        each.element(o * width + column, plane * g.positions() + position);
      }
    }
  }

  void convolve(ConvolutionArguments a) {
    DType dtype = a.x().dtype();
    int bands = g.tiles.bands();
    Parallel.run(
        g.batches() * g.groups * bands,
        task -> {
          Tile tile = band(task / bands / g.groups, task / bands % g.groups, task % bands);
          int width = columns(tile);
          Storage products = Storage.allocate(dtype, (long) g.o * width);
          JavaProducts.multiply(
              filters(a.filters(), 0, tile),
              patches(a.x(), tile),
              false,
              new Blas.Matrix(products, g.o, width));
          outputs(
              tile,
              (from, to) -> {
                int channel = tile.group * g.o + from / width;
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
    Tile tile = whole(batch, group);
    Storage gathered = Storage.allocate(dy.dtype(), (long) g.o * columns(tile));
    outputs(tile, (to, from) -> gathered.set(to, dy.get(from)));
    return new Blas.Matrix(gathered, g.o, columns(tile));
  }

  void input(Storage dy, Storage filters, Storage dx) {
    for (int i = 0; i < dx.length(); i++) {
      dx.set(i, 0);
    }
    int blocks = g.tiles.inputBlocks();
    boolean direct =
        g.patchesAreInput(); // then sums are not of 0 and a product, which for -0 differs
    Parallel.run(
        g.batches() * g.groups * blocks,
        task -> {
          Tile tile =
              block(task / blocks / g.groups, task / blocks % g.groups, task % blocks, blocks);
          Storage patches = Storage.allocate(dy.dtype(), (long) rows(tile) * columns(tile));
          JavaProducts.multiply(
              filters(filters, 0, tile).transpose(),
              gradients(dy, tile.batch, tile.group),
              false,
              new Blas.Matrix(patches, rows(tile), columns(tile)));
          visit(
              tile,
              (from, to) -> {
                if (to >= 0) {
                  dx.set(to, direct ? patches.get(from) : dx.get(to) + patches.get(from));
                }
              });
        });
  }

  void filters(Storage x, Storage dy, Storage dFilters) {
    int size = g.groups * g.o * g.patch();
    int blocks = g.tiles.filterBlocks();
    Storage parts = Storage.allocate(x.dtype(), (long) g.parts() * size);
    Parallel.run(
        g.parts() * g.groups * blocks,
        task -> {
          int part = task / blocks / g.groups;
          int from = (int) ((long) g.batches() * part / g.parts());
          int end = (int) ((long) g.batches() * (part + 1) / g.parts());
          for (int batch = from; batch < end; batch++) {
            Tile tile = block(batch, task / blocks % g.groups, task % blocks, blocks);
            JavaProducts.multiply(
                gradients(dy, batch, tile.group),
                patches(x, tile).transpose(),
                batch > from,
                filters(parts, part * size, tile));
          }
        });
    new JavaArrays().sum(new int[] {g.parts(), size}, parts, new boolean[] {true, false}, dFilters);
  }
}
