package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.jni.Abi;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.NativeCall;
import io.github.jbatchnorm.memory.Storage;

/** Convolutions of one shape, and their gradients, by native code. */
final class NativeConvolution {
  private final NativeArrays arrays;
  private final Convolution g;

  NativeConvolution(NativeArrays arrays, Convolution shape) {
    this.arrays = arrays;
    this.g = shape;
  }

  /** The memory that the threads of one convolution work in, and how many these are. */
  private final class Workspace implements AutoCloseable {
    private final Storage memory;
    private final long before;
    private final long patches;
    private final long outputs;
    private final long masks;
    private final long ofThread;
    private final int workers;

    Workspace(long matrix, DType dtype, long tasks) {
      if (matrix > ConvolutionTiles.LIMIT) {
        throw new IllegalArgumentException(
            "x: the gradient's patches of one channel, %s elements, are more than %s"
                .formatted(matrix, ConvolutionTiles.LIMIT));
      }
      ConvolutionTiles tiles = g.tiles;
      before = aligned(tiles.width()); // sums over taps read a line beyond a row, to no effect
      patches = aligned(matrix + tiles.width());
      outputs = aligned(tiles.outputs());
      int masked = Math.max(g.positions(), g.plane());
      masks = g.tapsReadRuns() ? g.taps[2] * aligned(masked) : 0;
      long packed = Products.packed(tiles.inner());
      ofThread =
          before + patches + outputs + masks + aligned(packed * Double.BYTES / dtype.bytes());
      workers = arrays.workers(tasks, ofThread * dtype.bytes());
      memory = Storage.scratch(dtype, workers * ofThread);
    }

    private static long aligned(long elements) {
      return (elements + 31) / 16 * 16; // whole vectors and one more
    }

    @Override
    public void close() {
      memory.close();
    }
  }

  private NativeCall begin(DType dtype, Workspace workspace) {
    return NativeArrays.begin(dtype)
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
        .integer(g.tiles.samples())
        .integer(g.tiles.bands())
        .integer(g.tiles.pieces())
        .integer(g.tiles.inputBlocks())
        .integer(g.tiles.filterBlocks())
        .flag(g.tapsReadRuns())
        .integer(Products.gemm(dtype))
        .storage(workspace.memory)
        .integer(workspace.ofThread)
        .integer(workspace.before)
        .integer(workspace.patches)
        .integer(workspace.outputs)
        .integer(workspace.masks);
  }

  /** Computes y of the arguments' x. */
  void forward(ConvolutionArguments a) {
    a.check(g);
    DType dtype = a.x().dtype();
    long tasks = (long) g.batches() * g.groups * g.tiles.bands();
    try (Workspace workspace = new Workspace(g.tiles.patches(), dtype, tasks)) {
      NativeCall call =
          begin(dtype, workspace)
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
    long tasks = (long) g.batches() * g.groups * g.tiles.inputBlocks();
    try (Workspace workspace = new Workspace(g.tiles.gradientPatches(), dy.dtype(), tasks)) {
      NativeCall call = begin(dy.dtype(), workspace).storage(dy).storage(filters).storage(dx);
      arrays.run(Abi.JBN_ARRAY_CONVOLVE_INPUT, workspace.workers, call, dy, filters, dx, workspace);
    }
  }

  /** Computes the gradient for the filters. */
  void filters(Storage x, Storage dy, Storage dFilters) {
    g.check(x, dFilters, dy);
    Storage parts = Storage.scratch(x.dtype(), (long) g.parts() * dFilters.length());
    long tasks = (long) g.parts() * g.groups * g.tiles.filterBlocks();
    try (Workspace workspace = new Workspace(g.tiles.gradientPatches(), x.dtype(), tasks)) {
      NativeCall call =
          begin(x.dtype(), workspace).storage(x).storage(dy).storage(parts).integer(g.parts());
      arrays.run(Abi.JBN_ARRAY_CONVOLVE_FILTERS, workspace.workers, call, x, dy, parts, workspace);
      int[] sizes = {g.parts(), dFilters.length()};
      arrays.sum(sizes, parts, new boolean[] {true, false}, dFilters);
    } finally {
      parts.close();
    }
  }
}
