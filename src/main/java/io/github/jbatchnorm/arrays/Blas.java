package io.github.jbatchnorm.arrays;

import static org.bytedeco.openblas.global.openblas_nolapack.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasRowMajor;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.cblas_dgemm;
import static org.bytedeco.openblas.global.openblas_nolapack.cblas_sgemm;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.NativeCall;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.platform.NativeLibrary;
import io.github.jbatchnorm.platform.Parallel;
import java.lang.ref.Reference;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.jspecify.annotations.Nullable;

/**
 * Matrix products by OpenBLAS, loaded at the first product. Each call runs on its caller's thread:
 * {@link Parallel} decides what runs side by side, so that the two never fight over cores.
 */
final class Blas {
  /** The addresses of the functions of f32 and f64. */
  private record Gemm(long f32, long f64) {}

  /** Null until OpenBLAS is loaded. */
  private static volatile @Nullable Gemm loaded;

  private Blas() {}

  /**
   * Loads OpenBLAS if it is not loaded yet.
   *
   * @throws IllegalStateException if it does not load, each time
   */
  static void load() {
    if (loaded == null) {
      loadNow();
    }
  }

  private static synchronized Gemm loadNow() {
    Gemm gemm = loaded;
    if (gemm != null) {
      return gemm;
    }
    try {
      NativeLibrary.load(openblas_nolapack.class);
    } catch (LinkageError | IllegalCallerException e) {
      throw new IllegalStateException(
          "OpenBLAS does not load, so there are no matrix products; is the dependency"
              + " org.bytedeco:openblas there with the classifier of this platform, "
              + System.getProperty("os.name")
              + " on "
              + System.getProperty("os.arch")
              + "?",
          e);
    }
    org.bytedeco.openblas.presets.openblas_nolapack.blas_set_num_threads(1);
    gemm = new Gemm(address("cblas_sgemm"), address("cblas_dgemm"));
    loaded = gemm;
    return gemm;
  }

  private static long address(String name) {
    Pointer address = Loader.addressof(name);
    if (address == null) {
      throw new IllegalStateException("OpenBLAS has no " + name);
    }
    return address.address();
  }

  /** Returns the address of the gemm of a dtype, f32 or f64. */
  static long gemm(DType dtype) {
    Gemm known = loaded;
    Gemm gemm = known == null ? loadNow() : known;
    return dtype == DType.F32 ? gemm.f32 : gemm.f64;
  }

  /** A row-major matrix inside a storage, from an element on; perhaps read transposed. */
  record Matrix(Storage storage, int from, int rows, int columns, int leading, boolean transposed) {
    Matrix(Storage storage, int from, int rows, int columns, boolean transposed) {
      this(storage, from, rows, columns, columns, transposed);
    }

    Matrix(Storage storage, int rows, int columns) {
      this(storage, 0, rows, columns, false);
    }

    /** Returns the same elements read with rows and columns exchanged. */
    Matrix transpose() {
      return new Matrix(storage, from, rows, columns, leading, !transposed);
    }

    /** Returns a matrix of these sizes so many elements further on. */
    Matrix from(int offset) {
      return new Matrix(storage, from + offset, rows, columns, leading, transposed);
    }

    /** Returns {@code count} rows, as read, from {@code first} on. */
    Matrix rows(int first, int count) {
      return transposed
          ? new Matrix(storage, from + first, rows, count, leading, true)
          : new Matrix(storage, from + first * leading, count, columns, leading, false);
    }

    /** Returns {@code count} columns, as read, from {@code first} on. */
    Matrix columns(int first, int count) {
      return transpose().rows(first, count).transpose();
    }

    int height() {
      return transposed ? columns : rows;
    }

    int width() {
      return transposed ? rows : columns;
    }

    /** Returns the index of an element, as read. */
    int at(int row, int column) {
      return from + (transposed ? column * leading + row : row * leading + column);
    }

    double get(int row, int column) {
      return storage.get(at(row, column));
    }
  }

  /** Computes c = a b + c * keep, where c is not transposed and the sizes fit. */
  @SuppressWarnings("ReachabilityFenceUsage") // no finally: what throws has nothing more to touch
  static void multiply(Matrix a, Matrix b, double keep, Matrix c) {
    int m = c.rows();
    int n = c.columns();
    int k = a.width();
    if (a.height() != m || b.width() != n || b.height() != k || c.transposed()) {
      throw new IllegalStateException("sizes do not fit: %s, %s, %s".formatted(a, b, c));
    }
    if (m == 0 || n == 0) {
      return;
    }
    load();
    int transA = a.transposed() ? CblasTrans : CblasNoTrans;
    int transB = b.transposed() ? CblasTrans : CblasNoTrans;
    int lda = Math.max(1, a.leading());
    int ldb = Math.max(1, b.leading());
    if (c.storage().dtype() == DType.F32) {
      cblas_sgemm(
          CblasRowMajor,
          transA,
          transB,
          m,
          n,
          k,
          1,
          NativeCall.floats(a.storage(), a.from()),
          lda,
          NativeCall.floats(b.storage(), b.from()),
          ldb,
          (float) keep,
          NativeCall.floats(c.storage(), c.from()),
          Math.max(1, c.leading()));
    } else {
      cblas_dgemm(
          CblasRowMajor,
          transA,
          transB,
          m,
          n,
          k,
          1,
          NativeCall.doubles(a.storage(), a.from()),
          lda,
          NativeCall.doubles(b.storage(), b.from()),
          ldb,
          keep,
          NativeCall.doubles(c.storage(), c.from()),
          Math.max(1, c.leading()));
    }
    Reference.reachabilityFence(a);
    Reference.reachabilityFence(b);
    Reference.reachabilityFence(c);
  }
}
