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
  /** Bytes of memory that the threads of one call may take; with more, fewer threads run. */
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

  static NativeCall begin(DType dtype) {
    return NativeCall.begin().integer(dtype == DType.F64 ? 1 : 0);
  }

  private void run(int function, NativeCall call, @Nullable Object... used) {
    run(function, threads, call, used);
  }

  void run(int function, int workers, NativeCall call, @Nullable Object... used) {
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

  int threads() {
    return threads;
  }

  /** Returns how many threads so many tasks take, of which each thread needs so many bytes. */
  int workers(long tasks, long bytes) {
    long fitting = MOST_WORKSPACE / Math.max(1, bytes);
    return (int) Math.max(1, Math.min(Math.min(threads, tasks), fitting));
  }

  @Override
  public void multiply(MatrixProducts p) {
    if (SixteenBits.areIn(p.a, p.b, p.c)) {
      SixteenBits.multiply(this, p);
      return;
    }
    p.check();
    if (p.c.length() == 0) {
      return;
    }
    long tasks = (long) p.parts() * p.count();
    int inner = Products.packed(p.k);
    int workers = workers(tasks, (long) inner * Double.BYTES);
    Storage packed = Storage.scratch(DType.F64, (long) workers * inner);
    try {
      NativeCall call =
          begin(p.a.dtype())
              .integer(Products.gemm(p.a.dtype()))
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

  @Override
  public void convolve(Convolution shape, ConvolutionArguments a) {
    if (SixteenBits.areIn(a.x(), a.filters(), a.bias(), a.y())) {
      SixteenBits.convolve(this, shape, a);
      return;
    }
    new NativeConvolution(this, shape).forward(a);
  }

  @Override
  public void convolveInput(Convolution shape, Storage dy, Storage filters, Storage dx) {
    if (SixteenBits.areIn(dy, filters, dx)) {
      SixteenBits.convolveInput(this, shape, dy, filters, dx);
      return;
    }
    new NativeConvolution(this, shape).input(dy, filters, dx);
  }

  @Override
  public void convolveFilters(Convolution shape, Storage x, Storage dy, Storage dFilters) {
    if (SixteenBits.areIn(x, dy, dFilters)) {
      SixteenBits.convolveFilters(this, shape, x, dy, dFilters);
      return;
    }
    new NativeConvolution(this, shape).filters(x, dy, dFilters);
  }

  @Override
  public void maxPool(Pooling shape, Storage x, Storage y, PickedElements picks) {
    if (SixteenBits.areIn(x, y)) {
      SixteenBits.maxPool(this, shape, x, y, picks);
      return;
    }
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
    if (SixteenBits.areIn(dy, dx)) {
      SixteenBits.maxUnpool(this, shape, dy, picks, dx);
      return;
    }
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
