package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.jni.Abi;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.NativeCall;
import io.github.jbatchnorm.memory.Storage;

/** Convolutions of one shape, and their gradients, by native code. */
final class NativeConvolution {
  /** Parts of the gradient of the filters that there should be for each thread. */
  private static final long TASKS_OF_THREAD = 2;

  private final NativeArrays arrays;
  private final Convolution g;

  NativeConvolution(NativeArrays arrays, Convolution shape) {
    this.arrays = arrays;
    this.g = shape;
  }

  /** The memory that the threads of one convolution work in, and how many these are. */
  private final class Workspace implements AutoCloseable {
    private static final int BEYOND = 64; // elements that a tile may read behind the last row

    private final ConvolutionTiles tiles;
    private final Storage memory;
    private final long panel;
    private final long ofThread;
    private final int workers;

    Workspace(ConvolutionTiles tiles, long rest, DType dtype, long tasks) {
      this.tiles = tiles;
      panel = ConvolutionTiles.vectors(tiles.panel() + BEYOND);
      ofThread = panel + ConvolutionTiles.vectors(rest);
      workers = arrays.workers(tasks, ofThread * dtype.bytes());
      memory = Storage.scratch(dtype, workers * ofThread);
    }

    /** Tasks of so many phases. */
    static long tasks(Convolution g, ConvolutionTiles tiles, long phases) {
      return phases * g.batches(tiles) * g.groups * tiles.bands();
    }

    NativeCall begin() {
      return NativeArrays.begin(memory.dtype())
          .integer(g.n)
          .integer(g.groups)
          .integer(g.c)
          .integer(g.o)
          .integers(g.in)
          .integers(g.taps)
          .integers(g.out)
          .integers(g.stride)
          .integers(g.padding)
          .integers(g.dilation)
          .integer(tiles.samples())
          .integer(tiles.bands())
          .integer(tiles.pieces())
          .flag(Products.areOrdered())
          .storage(memory)
          .integer(ofThread)
          .integer(panel);
    }

    @Override
    public void close() {
      memory.close();
    }
  }

  /** Where so many taps read, twice 4 bytes each. */
  private static long lists(long taps, DType dtype) {
    return 2 * taps * Integer.BYTES / dtype.bytes();
  }

  /** Computes y of the arguments' x. */
  void forward(ConvolutionArguments a) {
    a.check(g);
    DType dtype = a.x().dtype();
    long tasks = Workspace.tasks(g, g.tiles, 1);
    try (Workspace workspace = new Workspace(g.tiles, lists(g.patch(), dtype), dtype, tasks)) {
      NativeCall call =
          workspace
              .begin()
              .storage(a.x())
              .storage(a.filters())
              .storage(a.bias())
              .number(a.slope())
              .storage(a.y());
      arrays.run(Abi.JBN_ARRAY_CONVOLVE, workspace.workers, call, a, workspace);
    }
  }

  /** Computes the gradient for x. */
  void input(Storage dy, Storage filters, Storage dx) {
    g.check(dx, filters, dy);
    DType dtype = dy.dtype();
    long tasks = Workspace.tasks(g, g.inputTiles, g.phases());
    long lists = lists((long) g.o * g.filter(), dtype);
    try (Workspace workspace = new Workspace(g.inputTiles, lists, dtype, tasks)) {
      NativeCall call = workspace.begin().storage(dy).storage(filters).storage(dx);
      arrays.run(Abi.JBN_ARRAY_CONVOLVE_INPUT, workspace.workers, call, dy, filters, dx, workspace);
    }
  }

  /** Computes the gradient for the filters. */
  void filters(Storage x, Storage dy, Storage dFilters) {
    g.check(x, dFilters, dy);
    DType dtype = x.dtype();
    long width = ConvolutionTiles.vectors(g.o);
    long parts = (long) g.parts() * g.groups;
    long blocks = Math.max(1, Math.min(g.c, TASKS_OF_THREAD * arrays.threads() / parts));
    Storage sums = Storage.scratch(dtype, g.parts() * g.partSize());
    long turned = g.tiles.positions() * width;
    try (Workspace workspace = new Workspace(g.tiles, turned, dtype, parts * blocks)) {
      NativeCall call =
          workspace
              .begin()
              .storage(x)
              .storage(dy)
              .storage(sums)
              .integer(g.parts())
              .integer(width)
              .integer(blocks)
              .storage(dFilters);
      arrays.run(
          Abi.JBN_ARRAY_CONVOLVE_FILTERS,
          workspace.workers,
          call,
          x,
          dy,
          sums,
          dFilters,
          workspace);
    } finally {
      sums.close();
    }
  }
}
