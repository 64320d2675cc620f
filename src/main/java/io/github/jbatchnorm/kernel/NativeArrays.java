package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.kernel.jni.Abi;
import java.lang.ref.Reference;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The operations on arrays behind {@code jbn_array}; what has 16 bits or mixed dtypes, in Java. */
@SuppressWarnings("ReachabilityFenceUsage") // no finally: the native call before never throws
public final class NativeArrays implements ArrayKernel {
  private static final int TILE_COLUMNS = 16; // of the ordered product's packed matrix

  /** The field of the shape is 32-bit; more axes than this are computed in Java. */
  private static final int MOST_AXES = 32;

  private final JavaArrays java = new JavaArrays();
  private final int exec;
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
    NativeKernel kernel = new NativeKernel(threads, isa);
    this.threads = kernel.threads();
    this.exec = kernel.isa().code << 16 | this.threads;
  }

  private static boolean isNative(DType dtype) {
    return dtype == DType.F32 || dtype == DType.F64;
  }

  private ArgumentBlock block(DType dtype) {
    return ArgumentBlock.empty().integer(dtype == DType.F64 ? 1 : 0);
  }

  private void run(int call, ArgumentBlock block, @Nullable Object... used) {
    int status = Abi.jbn_array(call, block.address(), exec);
    Reference.reachabilityFence(used);
    if (status != Abi.JBN_OK) {
      throw new IllegalStateException(Abi.jbn_status_text(status).getString());
    }
  }

  @Override
  public void zip(
      ArrayFunction f, double p, double q, int[] shape, Strided a, Strided b, Strided y) {
    DType dtype = y.storage.dtype();
    if (!isNative(dtype)
        || a.storage.dtype() != dtype
        || b.storage.dtype() != dtype
        || shape.length > MOST_AXES) {
      java.zip(f, p, q, shape, a, b, y);
      return;
    }
    a.check("a", shape);
    b.check("b", shape);
    y.check("y", shape);
    ArgumentBlock block =
        block(dtype)
            .integer(f.code)
            .number(p)
            .number(q)
            .address(a.storage, a.from)
            .address(b.storage, b.from)
            .address(y.storage, y.from);
    new MergedAxes(shape, a.strides, b.strides, y.strides).put(block);
    run(Abi.JBN_ARRAY_ZIP, block, a, b, y);
  }

  @Override
  public void sum(int[] shape, Storage x, boolean[] reduced, Storage y) {
    Reduction reduction = new Reduction(shape, reduced);
    if (!isNative(x.dtype()) || shape.length > MOST_AXES) {
      java.sum(shape, x, reduced, y);
      return;
    }
    reduction.check(x, y);
    if (reduction.outputs() == 0) {
      return;
    }
    ArgumentBlock block = block(x.dtype()).storage(x).storage(y).flag(reduction.inRuns());
    for (List<Reduction.Axis> axes : List.of(reduction.kept, reduction.reduced)) {
      block.integer(axes.size());
      axes.forEach(axis -> block.integer(axis.size()));
      axes.forEach(axis -> block.integer(axis.stride()));
    }
    run(Abi.JBN_ARRAY_SUM, block, x, y);
  }

  private static long gemm(DType dtype) {
    return Products.areOrdered() ? 0 : Blas.gemm(dtype);
  }

  @Override
  public void multiply(MatrixProducts p) {
    p.check();
    int tasks = Math.min(threads, Math.max(1, p.parts() * p.count()));
    Storage packed =
        Storage.uninitialized(
            DType.F64, Products.areOrdered() ? (long) tasks * p.k * TILE_COLUMNS : 0);
    ArgumentBlock block =
        block(p.a.dtype())
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
            .integer(p.parts())
            .integer(p.pairs.length)
            .integers(p.pairs)
            .integers(p.strideA)
            .integers(p.strideB);
    int exec = this.exec >> 16 << 16 | tasks;
    int status = Abi.jbn_array(Abi.JBN_ARRAY_PRODUCT, block.address(), exec);
    Reference.reachabilityFence(p);
    packed.memory().close();
    if (status != Abi.JBN_OK) {
      throw new IllegalStateException(Abi.jbn_status_text(status).getString());
    }
  }

  /** The memory that the threads of one convolution work in. */
  private final class Workspace implements AutoCloseable {
    private final Storage memory;
    private final int ofThread;

    Workspace(Convolution shape, DType dtype) {
      long size = aligned((long) shape.patch() * shape.columns());
      size += aligned((long) shape.o * shape.columns());
      if (Products.areOrdered()) {
        int inner = Math.max(shape.patch(), Math.max(shape.o, shape.columns()));
        size += (long) Double.BYTES / dtype.bytes() * TILE_COLUMNS * inner;
      }
      ofThread = Math.toIntExact(size);
      memory = Storage.uninitialized(dtype, (long) threads * ofThread);
    }

    private static long aligned(long elements) {
      return (elements + 31) / 16 * 16; // whole vectors and one more
    }

    @Override
    public void close() {
      memory.memory().close();
    }
  }

  private ArgumentBlock block(Convolution g, DType dtype, Workspace workspace) {
    return block(dtype)
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
        .integer(g.samples())
        .integer(gemm(dtype))
        .storage(workspace.memory)
        .integer(workspace.ofThread);
  }

  @Override
  public void convolve(Convolution shape, ConvolutionArguments a) {
    a.check(shape);
    try (Workspace workspace = new Workspace(shape, a.x().dtype())) {
      ArgumentBlock block =
          block(shape, a.x().dtype(), workspace)
              .storage(a.x())
              .storage(a.filters())
              .storage(a.bias())
              .number(a.slope())
              .storage(a.y());
      run(Abi.JBN_ARRAY_CONVOLVE, block, a, workspace);
    }
  }

  @Override
  public void convolveInput(Convolution shape, Storage dy, Storage filters, Storage dx) {
    shape.check(dx, filters, dy);
    try (Workspace workspace = new Workspace(shape, dy.dtype())) {
      ArgumentBlock block =
          block(shape, dy.dtype(), workspace).storage(dy).storage(filters).storage(dx);
      run(Abi.JBN_ARRAY_CONVOLVE_INPUT, block, dy, filters, dx, workspace);
    }
  }

  @Override
  public void convolveFilters(Convolution shape, Storage x, Storage dy, Storage dFilters) {
    shape.check(x, dFilters, dy);
    Storage parts = Storage.uninitialized(x.dtype(), (long) shape.parts() * dFilters.length());
    try (Workspace workspace = new Workspace(shape, x.dtype())) {
      ArgumentBlock block =
          block(shape, x.dtype(), workspace)
              .storage(x)
              .storage(dy)
              .storage(parts)
              .integer(shape.parts());
      run(Abi.JBN_ARRAY_CONVOLVE_FILTERS, block, x, dy, parts, workspace);
    }
    int[] sizes = {shape.parts(), dFilters.length()};
    sum(sizes, parts, new boolean[] {true, false}, dFilters);
    parts.memory().close();
  }

  @Override
  public void maxPool(Pooling shape, Storage x, Storage y, PickedElements picks) {
    shape.check(x, y, picks);
    ArgumentBlock block =
        block(x.dtype())
            .storage(x)
            .storage(y)
            .storage(picks.memory)
            .integer(shape.planes)
            .integers(shape.in)
            .integers(shape.out)
            .integers(shape.window)
            .integers(shape.stride);
    run(Abi.JBN_ARRAY_MAX_POOL, block, x, y, picks);
  }

  @Override
  public void maxUnpool(Pooling shape, Storage dy, PickedElements picks, Storage dx) {
    shape.check(dx, dy, picks);
    ArgumentBlock block =
        block(dx.dtype())
            .storage(dy)
            .storage(picks.memory)
            .storage(dx)
            .integer(shape.planes)
            .integer(shape.plane())
            .integer(shape.positions());
    run(Abi.JBN_ARRAY_MAX_UNPOOL, block, dy, picks, dx);
  }

  @Override
  public void update(Update update, Storage parameter, Storage grad, Storage one, Storage two) {
    update.check(parameter, grad, one, two);
    ArgumentBlock block =
        block(parameter.dtype())
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
    run(Abi.JBN_ARRAY_UPDATE, block, parameter, grad, one, two);
  }
}
