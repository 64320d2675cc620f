package io.github.jbatchnorm.autograd;

import static org.bytedeco.openblas.global.openblas_nolapack.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasRowMajor;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.cblas_dgemm;
import static org.bytedeco.openblas.global.openblas_nolapack.cblas_sgemm;

import io.github.jbatchnorm.kernel.DType;
import io.github.jbatchnorm.kernel.Storage;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas_nolapack;

/**
 * Matrix products by OpenBLAS, loaded at the first product. Each call runs on its caller's thread:
 * {@link Parallel} decides what runs side by side, so that the two never fight over cores.
 */
final class Blas {
  static {
    try {
      Loader.load(openblas_nolapack.class);
    } catch (LinkageError e) {
      throw new IllegalStateException(
          "OpenBLAS does not load, so there are no matrix products; is the dependency"
              + " org.bytedeco:openblas there with the classifier of this platform, "
              + Loader.getPlatform()
              + "?",
          e);
    }
    org.bytedeco.openblas.presets.openblas_nolapack.blas_set_num_threads(1);
  }

  private Blas() {}

  /** Loads OpenBLAS if it is not loaded yet: this class does. */
  static void load() {}

  /**
   * Returns the dtype of a product, which holds both factors.
   *
   * @throws IllegalArgumentException if it is a 16-bit one: OpenBLAS has no products of these
   */
  static DType product(DType a, DType b) {
    DType dtype = DType.promote(a, b);
    if (dtype != DType.F32 && dtype != DType.F64) {
      throw new IllegalArgumentException(
          "dtype: products are of F32 or F64, got %s: cast with astype".formatted(dtype));
    }
    return dtype;
  }

  /** A row-major matrix inside a storage, from an element on; perhaps read transposed. */
  record Matrix(Storage storage, int from, int rows, int columns, boolean transposed) {
    Matrix(Storage storage, int rows, int columns) {
      this(storage, 0, rows, columns, false);
    }

    /** Returns the same elements read with rows and columns exchanged. */
    Matrix transpose() {
      return new Matrix(storage, from, rows, columns, !transposed);
    }

    private int height() {
      return transposed ? columns : rows;
    }

    private int width() {
      return transposed ? rows : columns;
    }
  }

  /** Computes c = a b + c * keep, where c is not transposed and the sizes fit. */
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
    int transA = a.transposed() ? CblasTrans : CblasNoTrans;
    int transB = b.transposed() ? CblasTrans : CblasNoTrans;
    int lda = Math.max(1, a.columns());
    int ldb = Math.max(1, b.columns());
    if (c.storage().dtype() == DType.F32) {
      cblas_sgemm(
          CblasRowMajor,
          transA,
          transB,
          m,
          n,
          k,
          1,
          a.storage().floats().position(a.from()),
          lda,
          b.storage().floats().position(b.from()),
          ldb,
          (float) keep,
          c.storage().floats().position(c.from()),
          n);
    } else {
      cblas_dgemm(
          CblasRowMajor,
          transA,
          transB,
          m,
          n,
          k,
          1,
          a.storage().doubles().position(a.from()),
          lda,
          b.storage().doubles().position(b.from()),
          ldb,
          keep,
          c.storage().doubles().position(c.from()),
          n);
    }
  }
}
