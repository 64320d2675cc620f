package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.jni.Abi;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.NativeCall;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.platform.Execution;
import io.github.jbatchnorm.platform.Isa;
import io.github.jbatchnorm.platform.NativeLibraryException;
import io.github.jbatchnorm.platform.Sizes;
import java.lang.ref.Reference;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The operations on arrays behind {@code jbn_array}; what has 16 bits or mixed dtypes, in Java. */
@SuppressWarnings("ReachabilityFenceUsage") // no finally: the native call before never throws
public final class NativeArrays implements ArrayKernel {
  private static final int TILE_COLUMNS = 16; // of the ordered product's packed matrix
  private static final int PACKED_ROWS = 1 << 16; // of it, at most

  /** Bytes of memory that a convolution's threads may take; with more, fewer threads run. */
  private static final long MOST_WORKSPACE = 1 << 30;

  private final JavaArrays java = new JavaArrays();
  private final Execution execution;
  private final int threads;

  /**
   * Makes a kernel. Neither argument changes a bit of any result.
   *
   * @param threads the most threads a call uses, its caller's included; 0 for OpenMP's default
   * @param isa the instruction set to use
   * @throws IllegalArgumentException if threads is not 0 to 1024, or this machine has not got isa
   * @throws NativeLibraryException if the native library does not load
   */
  public NativeArrays(int threads, Isa isa) {
    execution = new Execution(threads, isa);
    this.threads = execution.usedThreads();
  }

  private static boolean isNative(DType dtype) {
    return dtype == DType.F32 || dtype == DType.F64;
  }

  private NativeCall begin(DType dtype) {
    return NativeCall.begin().integer(dtype == DType.F64 ? 1 : 0);
  }

  private void run(int function, NativeCall call, @Nullable Object... used) {
    run(function, threads, call, used);
  }

  private void run(int function, int workers, NativeCall call, @Nullable Object... used) {
    int status = Abi.jbn_array(function, call.address(), execution.code(workers));
    Reference.reachabilityFence(used);
    call.end();
    if (status != Abi.JBN_OK) {
      throw new IllegalStateException(Abi.jbn_status_text(status).getString());
    }
  }

  @Override
  public void zip(
      ArrayFunction f, double p, double q, int[] shape, Strided a, Strided b, Strided y) {
    DType dtype = y.storage.dtype();
    if (!isNative(dtype) || a.storage.dtype() != dtype || b.storage.dtype() != dtype) {
      java.zip(f, p, q, shape, a, b, y);
      return;
    }
    int[] sizes = shape.clone(); // what is checked is what is used
    int size = Sizes.product("shape", sizes);
    a.check("a", sizes);
    b.check("b", sizes);
    y.check("y", sizes);
    if (size == 0) {
      return;
    }
    NativeCall call =
        begin(dtype)
            .integer(f.code)
            .number(p)
            .number(q)
            .address(a.storage, a.from)
            .address(b.storage, b.from)
            .address(y.storage, y.from);
    new MergedAxes(sizes, a.strides, b.strides, y.strides).put(call);
    run(Abi.JBN_ARRAY_ZIP, call, a, b, y);
  }

  @Override
  public void sum(int[] shape, Storage x, boolean[] reduced, Storage y) {
    if (!isNative(x.dtype())) {
      java.sum(shape, x, reduced, y);
      return;
    }
    Reduction reduction = new Reduction(shape, reduced);
    reduction.check(x, y);
    if (reduction.outputs() == 0) {
      return;
    }
    NativeCall call = begin(x.dtype()).storage(x).storage(y).flag(reduction.inRuns());
    for (List<Reduction.Axis> axes : List.of(reduction.kept, reduction.reduced)) {
      call.integer(axes.size());
      axes.forEach(axis -> call.integer(axis.size()));
      axes.forEach(axis -> call.integer(axis.stride()));
    }
    run(Abi.JBN_ARRAY_SUM, call, x, y);
  }

  private static long gemm(DType dtype) {
    return Products.areOrdered() ? 0 : Blas.gemm(dtype);
  }

  @Override
  public void multiply(MatrixProducts p) {
    p.check();
    if (p.c.length() == 0) {
      return;
    }
    int tasks = Math.min(threads, Math.max(1, p.parts() * p.count()));
    int inner = Products.areOrdered() ? Math.min(p.k, PACKED_ROWS) * TILE_COLUMNS : 0;
    long fitting = Math.max(1, MOST_WORKSPACE / Math.max(1, (long) inner * Double.BYTES));
    int workers = (int) Math.min(tasks, fitting);
    Storage packed = Storage.scratch(DType.F64, (long) workers * inner);
    try {
      NativeCall call =
          begin(p.a.dtype())
              .integer(gemm(p.a.dtype()))
              .integer(p.m)
              .integer(p.n)
              .integer(p.k)
              .storage(p.a)
              .flag(p.transA)
              .storage(p.b)
              .flag(p.transB)
              .storage(p.c)
              .storage(packed)
              .integer(p.parts());
      new MergedAxes(p.pairs, p.strideA, p.strideB).put(call);
      run(Abi.JBN_ARRAY_PRODUCT, workers, call, p, packed);
    } finally {
      packed.close();
    }
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

    Workspace(Convolution shape, long matrix, DType dtype, long tasks) {
      if (matrix > ConvolutionTiles.LIMIT) {
        throw new IllegalArgumentException(
            "x: the gradient's patches of one channel, %s elements, are more than %s"
                .formatted(matrix, ConvolutionTiles.LIMIT));
      }
      ConvolutionTiles tiles = shape.tiles;
      before = aligned(tiles.width()); // sums over taps read a line beyond a row, to no effect
      patches = aligned(matrix + tiles.width());
      outputs = aligned(tiles.outputs());
      int masked = Math.max(shape.positions(), shape.plane());
      masks = shape.tapsReadRuns() ? shape.taps[2] * aligned(masked) : 0;
      long packed =
          Products.areOrdered() ? (long) TILE_COLUMNS * Math.min(tiles.inner(), PACKED_ROWS) : 0;
      ofThread =
          before + patches + outputs + masks + aligned(packed * Double.BYTES / dtype.bytes());
      long fitting = Math.max(1, MOST_WORKSPACE / (ofThread * dtype.bytes()));
      workers = (int) Math.max(1, Math.min(Math.min(threads, tasks), fitting));
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

  private NativeCall begin(Convolution g, DType dtype, Workspace workspace) {
    return begin(dtype)
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
        .integer(gemm(dtype))
        .storage(workspace.memory)
        .integer(workspace.ofThread)
        .integer(workspace.before)
        .integer(workspace.patches)
        .integer(workspace.outputs)
        .integer(workspace.masks);
  }

  @Override
  public void convolve(Convolution shape, ConvolutionArguments a) {
    a.check(shape);
    DType dtype = a.x().dtype();
    long tasks = (long) shape.batches() * shape.groups * shape.tiles.bands();
    try (Workspace workspace = new Workspace(shape, shape.tiles.patches(), dtype, tasks)) {
      NativeCall call =
          begin(shape, dtype, workspace)
              .storage(a.x())
              .storage(a.filters())
              .storage(a.bias())
              .number(a.slope())
              .storage(a.y());
      run(Abi.JBN_ARRAY_CONVOLVE, workspace.workers, call, a, workspace);
    }
  }

  @Override
  public void convolveInput(Convolution shape, Storage dy, Storage filters, Storage dx) {
    shape.check(dx, filters, dy);
    long tasks = (long) shape.batches() * shape.groups * shape.tiles.inputBlocks();
    try (Workspace workspace =
        new Workspace(shape, shape.tiles.gradientPatches(), dy.dtype(), tasks)) {
      NativeCall call =
          begin(shape, dy.dtype(), workspace).storage(dy).storage(filters).storage(dx);
      run(Abi.JBN_ARRAY_CONVOLVE_INPUT, workspace.workers, call, dy, filters, dx, workspace);
    }
  }

  @Override
  public void convolveFilters(Convolution shape, Storage x, Storage dy, Storage dFilters) {
    shape.check(x, dFilters, dy);
    Storage parts = Storage.scratch(x.dtype(), (long) shape.parts() * dFilters.length());
    long tasks = (long) shape.parts() * shape.groups * shape.tiles.filterBlocks();
    try (Workspace workspace =
        new Workspace(shape, shape.tiles.gradientPatches(), x.dtype(), tasks)) {
      NativeCall call =
          begin(shape, x.dtype(), workspace)
              .storage(x)
              .storage(dy)
              .storage(parts)
              .integer(shape.parts());
      run(Abi.JBN_ARRAY_CONVOLVE_FILTERS, workspace.workers, call, x, dy, parts, workspace);
      int[] sizes = {shape.parts(), dFilters.length()};
      sum(sizes, parts, new boolean[] {true, false}, dFilters);
    } finally {
      parts.close();
    }
  }

  @Override
  public void maxPool(Pooling shape, Storage x, Storage y, PickedElements picks) {
    shape.check(x, y, picks);
    picks.found(null); // until all of them are
    NativeCall call =
        begin(x.dtype())
            .storage(x)
            .storage(y)
            .storage(picks.memory)
            .integer(shape.planes)
            .integers(shape.in)
            .integers(shape.out)
            .integers(shape.window)
            .integers(shape.stride);
    run(Abi.JBN_ARRAY_MAX_POOL, call, x, y, picks);
    picks.found(shape);
  }

  @Override
  public void maxUnpool(Pooling shape, Storage dy, PickedElements picks, Storage dx) {
    shape.checkPicked(dx, dy, picks);
    // Native code follows these: a copy, which no other thread can change once it was checked.
    Storage followed = Storage.scratch(DType.F32, picks.length());
    try {
      followed.copyFrom(picks.memory);
      shape.checkEach(followed);
      NativeCall call =
          begin(dx.dtype())
              .storage(dy)
              .storage(followed)
              .storage(dx)
              .integer(shape.planes)
              .integer(shape.plane())
              .integer(shape.positions());
      run(Abi.JBN_ARRAY_MAX_UNPOOL, call, dy, followed, dx);
    } finally {
      followed.close();
    }
  }

  @Override
  public void logSoftmax(int length, Storage x, Storage y) {
    if (!isNative(x.dtype())) {
      java.logSoftmax(length, x, y);
      return;
    }
    JavaArrays.checkRows(length, x, y);
    if (x.length() == 0) {
      return;
    }
    NativeCall call =
        begin(x.dtype()).integer(x.length() / length).integer(length).storage(x).storage(y);
    run(Abi.JBN_ARRAY_LOG_SOFTMAX, call, x, y);
  }

  @Override
  public void update(Update update, Storage parameter, Storage grad, Storage one, Storage two) {
    update.check(parameter, grad, one, two);
    NativeCall call =
        begin(parameter.dtype())
            .integer(update.rule().code)
            .number(update.rate())
            .number(update.decay())
            .number(update.decoupled())
            .number(update.first())
            .number(update.second())
            .number(update.eps())
            .number(update.correction1())
            .number(update.correction2())
            .flag(update.nesterov())
            .storage(parameter)
            .storage(grad)
            .storage(one)
            .storage(two)
            .integer(parameter.length());
    run(Abi.JBN_ARRAY_UPDATE, call, parameter, grad, one, two);
  }

  /**
   * Copies one storage to another with the kernel's threads and vectors: what memory allows, for
   * measurements beside it.
   *
   * @param from elements to copy, aligned to 64 bytes as {@link Storage#allocate} makes them
   * @param to as many bytes, aligned alike
   * @param pastCaches whether to store past the caches where the instruction set can
   * @throws IllegalArgumentException if the sizes differ, a storage is not aligned, or they overlap
   */
  public void copy(Storage from, Storage to, boolean pastCaches) {
    int bytes = from.length() * from.dtype().bytes();
    int room = to.length() * to.dtype().bytes();
    if (room != bytes) {
      throw new IllegalArgumentException("to: expected %s bytes, got %s".formatted(bytes, room));
    }
    NativeCall call = NativeCall.begin().storage(from).storage(to);
    int status =
        Abi.jbn_copy(call.field(0), call.field(1), bytes, pastCaches ? 1 : 0, execution.code());
    call.end();
    if (status != Abi.JBN_OK) {
      throw new IllegalArgumentException(Abi.jbn_status_text(status).getString());
    }
  }
}
