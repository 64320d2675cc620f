// Matrix products: by a BLAS's gemm, or by the one here, whose bits are the same on every machine:
// each element a sum in f64 in the order of k, rounded once.
#ifndef JBATCHNORM_SRC_PRODUCT_HPP
#define JBATCHNORM_SRC_PRODUCT_HPP

#include "arrays/arrays.hpp"
#include "platform/threads.hpp"
#include "simd/vectors.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// A row-major matrix; `transposed` exchanges its rows and columns where it is read.
template <class T>
struct Matrix {
  T* at;
  int64_t width;  // elements from row to row
  bool transposed;

  int64_t row_stride() const { return transposed ? 1 : width; }
  int64_t column_stride() const { return transposed ? width : 1; }
  // The same matrix from a row, or a column, on.
  Matrix from_row(int64_t row) const { return {at + row * row_stride(), width, transposed}; }
  Matrix from_column(int64_t column) const {
    return {at + column * column_stride(), width, transposed};
  }
};

struct Sizes {
  int64_t m, n, k;
};

// cblas_sgemm's and cblas_dgemm's type.
template <class T>
using Gemm = void (*)(int order, int trans_a, int trans_b, int m, int n, int k, T alpha, const T* a,
                      int lda, const T* b, int ldb, T beta, T* c, int ldc);

constexpr int kTileRows = 4;
constexpr int kTileColumns = 16;

constexpr int64_t kPackedRows = 1 << 16;

// Adds products to sums[r][j] of a tile: `b` is packed, k rows of kTileColumns doubles.
template <class T>
void add_products(const Matrix<const T>& a, int64_t rows, const double* b, int64_t from, int64_t to,
                  double (&sums)[kTileRows][kTileColumns]) {
  for (int64_t k = from; k < to; k++) {
    const double* const row = b + (k - from) * kTileColumns;
    for (int r = 0; r < kTileRows; r++) {
      const int64_t within = r < rows ? r : 0;
      const double factor = a.at[within * a.row_stride() + k * a.column_stride()];
#pragma omp simd
      for (int j = 0; j < kTileColumns; j++) sums[r][j] += factor * row[j];
    }
  }
}

template <class T>
void store_tile(const double (&sums)[kTileRows][kTileColumns], int64_t rows, int64_t columns,
                bool keep, T* c, int64_t c_width) {
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t j = 0; j < columns; j++) {
      T* const to = c + r * c_width + j;
      *to = static_cast<T>(keep ? *to + sums[r][j] : sums[r][j]);
    }
  }
}

template <class T>
void pack(const Matrix<const T>& b, int64_t from, int64_t to, int64_t columns, double* packed) {
  for (int64_t k = from; k < to; k++) {
    const T* const row = b.at + k * b.row_stride();
    for (int64_t j = 0; j < kTileColumns; j++) {
      packed[(k - from) * kTileColumns + j] = j < columns ? row[j * b.column_stride()] : 0;
    }
  }
}

// Where k has more rows than are packed at a time, they are packed anew for each tile.
template <class T>
void multiply_exactly_ordered(const Matrix<const T>& a, const Matrix<const T>& b, bool keep,
                              const Sizes& sizes, T* c, int64_t c_width, double* packed) {
  const bool at_once = sizes.k <= kPackedRows;
  for (int64_t column = 0; column < sizes.n; column += kTileColumns) {
    const int64_t left = sizes.n - column;
    const int64_t columns = left < kTileColumns ? left : kTileColumns;
    if (at_once) pack(b.from_column(column), 0, sizes.k, columns, packed);
    for (int64_t row = 0; row < sizes.m; row += kTileRows) {
      const int64_t rows = sizes.m - row < kTileRows ? sizes.m - row : kTileRows;
      alignas(64) double sums[kTileRows][kTileColumns] = {};
      for (int64_t from = 0; from < sizes.k; from += kPackedRows) {
        const int64_t to = sizes.k - from < kPackedRows ? sizes.k : from + kPackedRows;
        if (!at_once) pack(b.from_column(column), from, to, columns, packed);
        add_products(a.from_row(row), rows, packed, from, to, sums);
      }
      store_tile(sums, rows, columns, keep, c + row * c_width + column, c_width);
    }
  }
}

// How products are computed: by `gemm`, or, where that is null, here, with doubles for kTileColumns of
// min(k, kPackedRows) rows.
template <class T>
struct Multiplier {
  Gemm<T> gemm;

  // c = a b, or c + a b where `keep`.
  void operator()(const Matrix<const T>& a, const Matrix<const T>& b, bool keep, const Sizes& sizes,
                  T* c, int64_t c_width, double* packed) const {
    if (sizes.m == 0 || sizes.n == 0) return;
    if (!gemm) {
      multiply_exactly_ordered(a, b, keep, sizes, c, c_width, packed);
      return;
    }
    constexpr int kRowMajor = 101, kPlain = 111, kTransposed = 112;
    const auto narrow = [](int64_t value) { return static_cast<int>(value > 0 ? value : 1); };
    gemm(kRowMajor, a.transposed ? kTransposed : kPlain, b.transposed ? kTransposed : kPlain,
         static_cast<int>(sizes.m), static_cast<int>(sizes.n), static_cast<int>(sizes.k), T{1},
         a.at, narrow(a.width), b.at, narrow(b.width), keep ? T{1} : T{0}, c, narrow(c_width));
  }
};

// Products of many pairs of matrices, cut into parts by rows or columns.
template <class T>
void product_of(Fields fields, int threads) {
  const Multiplier<T> multiply = {reinterpret_cast<Gemm<T>>(fields.integer())};
  Sizes sizes;
  sizes.m = fields.integer();
  sizes.n = fields.integer();
  sizes.k = fields.integer();
  Matrix<const T> a, b;
  a.at = fields.pointer<const T>();
  a.transposed = fields.flag();
  a.width = a.transposed ? sizes.m : sizes.k;
  b.at = fields.pointer<const T>();
  b.transposed = fields.flag();
  b.width = b.transposed ? sizes.k : sizes.n;
  T* const c = fields.pointer<T>();
  double* const packed = fields.pointer<double>();  // for each thread
  const int64_t parts = fields.integer();
  const int64_t ndim = fields.integer();  // of the axes of pairs
  const int64_t* const shape = fields.integers(ndim);
  const int64_t* const a_strides = fields.integers(ndim);
  const int64_t* const b_strides = fields.integers(ndim);
  int64_t pairs = 1;
  for (int64_t axis = 0; axis < ndim; axis++) pairs *= shape[axis];
  const bool by_rows = sizes.m >= sizes.n;
  const int64_t packed_rows = sizes.k < kPackedRows ? sizes.k : kPackedRows;
  const int64_t whole = by_rows ? sizes.m : sizes.n;
  on_threads(parts * pairs > 1 ? threads : 1, [&] {
    double* const own =
        packed ? packed + omp_get_thread_num() * packed_rows * kTileColumns : nullptr;
#pragma omp for schedule(dynamic)
    for (int64_t task = 0; task < pairs * parts; task++) {
      const int64_t pair = task / parts, part = task % parts;
      int64_t a_from = 0, b_from = 0;
      for (int64_t axis = ndim - 1, rest = pair; axis >= 0; axis--) {
        a_from += rest % shape[axis] * a_strides[axis];
        b_from += rest % shape[axis] * b_strides[axis];
        rest /= shape[axis];
      }
      const int64_t from = whole * part / parts, to = whole * (part + 1) / parts;
      const Matrix<const T> left = {a.at + a_from, a.width, a.transposed};
      const Matrix<const T> right = {b.at + b_from, b.width, b.transposed};
      T* const out = c + pair * sizes.m * sizes.n;
      if (by_rows) {
        multiply(left.from_row(from), right, false, {to - from, sizes.n, sizes.k},
                 out + from * sizes.n, sizes.n, own);
      } else {
        multiply(left, right.from_column(from), false, {sizes.m, to - from, sizes.k}, out + from,
                 sizes.n, own);
      }
    }
  });
}

inline void product(Fields fields, int threads) {
  fields.integer() == 1 ? product_of<double>(fields, threads) : product_of<float>(fields, threads);
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_PRODUCT_HPP
