// Tiles of a product of matrices, whose sums stay in registers.
#ifndef JBATCHNORM_SRC_TILE_HPP
#define JBATCHNORM_SRC_TILE_HPP

#include "arrays/arrays.hpp"
#include "simd/vectors.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// The sums of products of elements of type T: ordered, in f64, each operation rounded; or in f32, each
// product added by an fma.
template <class T, bool kOrdered>
struct Sums {
  typedef Doubles Vector;
  static constexpr int kSize = kWidth;

  static JBN_INLINE Vector load(const T* from) { return load_vector(from); }
  static JBN_INLINE Vector same(T value) { return all(value); }
  static JBN_INLINE void store(T* to, Vector sum) { store_vector(to, sum); }
};
template <>
struct Sums<float, false> {
  typedef WideFloats Vector;
  static constexpr int kSize = kWideWidth;

  static JBN_INLINE Vector load(const float* from) {
    Vector v;
    std::memcpy(&v, from, sizeof v);
    return v;
  }
  static JBN_INLINE Vector same(float value) { return all_floats(value); }
  static JBN_INLINE void store(float* to, Vector sum) { std::memcpy(to, &sum, sizeof sum); }
};

// Two vectors of elements; of rows as many as thirty-two registers, or sixteen, have room for, and fewer
// where an fma is a dozen instructions.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kSumRows = 8;
#elif defined(__FMA__)
constexpr int kSumRows = 4;
#else
constexpr int kSumRows = 2;
#endif
template <class T>
constexpr int kSumColumns = JBN_VECTORS ? 2 * 2 * kWidth* static_cast<int>(sizeof(float)) /
                                              static_cast<int>(sizeof(T))
                                        : kLanes;

// Sums, over steps s, a[row][where.a(s)] * b[where.b(s) + column] into out, kSumColumns<T> a row.
template <class T, bool kOrdered, int kRows, int kColumns, class Where>
JBN_OUTLINE void multiply_tile(const T* const* a, const T* b, const Where& where, int64_t steps,
                               T* out) {
  typedef Sums<T, kOrdered> S;
  typedef typename S::Vector Vector;
  constexpr int kVectors = kColumns / S::kSize;
  const T* rows[kRows];
  Vector sums[kRows][kVectors];
  JBN_UNROLLED
  for (int r = 0; r < kRows; r++) {
    rows[r] = a[r];
    JBN_EACH_VECTOR
    for (int v = 0; v < kVectors; v++) sums[r][v] = Vector{};
  }
  for (int64_t s = 0; s < steps; s++) {
    const T* const from = b + where.b(s);
    const int64_t at = where.a(s);
    Vector columns[kVectors];
    JBN_EACH_VECTOR
    for (int v = 0; v < kVectors; v++) columns[v] = S::load(from + v * S::kSize);
    JBN_UNROLLED
    for (int r = 0; r < kRows; r++) {
      const Vector factor = S::same(rows[r][at]);
      JBN_EACH_VECTOR
      for (int v = 0; v < kVectors; v++) sums[r][v] = madd(factor, columns[v], sums[r][v]);
    }
  }
  JBN_UNROLLED
  for (int r = 0; r < kRows; r++) {
    JBN_EACH_VECTOR
    for (int v = 0; v < kVectors; v++)
      S::store(out + r * kSumColumns<T> + v * S::kSize, sums[r][v]);
  }
}

// A tile of `rows` and `columns`, of which kSumRows and kSumColumns<T> are computed, or half of these
// columns. Sums in a wider type take more registers: half of the rows at a time.
template <class T, bool kOrdered, class Where>
void multiply_rows(const T* const* a, int64_t rows, const T* b, int64_t columns, const Where& where,
                   int64_t steps, T* out) {
  constexpr bool kIsWide = kOrdered && sizeof(T) < sizeof(double);
  constexpr int kRows = kIsWide ? kSumRows / 2 : kSumRows;
  for (int64_t r = 0; r < rows; r += kRows) {
    T* const to = out + r * kSumColumns<T>;
    if (columns > kSumColumns<T> / 2) {
      multiply_tile<T, kOrdered, kRows, kSumColumns<T>>(a + r, b, where, steps, to);
    } else {
      multiply_tile<T, kOrdered, kRows, kSumColumns<T> / 2>(a + r, b, where, steps, to);
    }
  }
}

// The same, where it is not known before whether sums are ordered; those of doubles always are.
template <class T, class Where>
void multiply_some(bool ordered, const T* const* a, int64_t rows, const T* b, int64_t columns,
                   const Where& where, int64_t steps, T* out) {
  if (ordered || sizeof(T) == sizeof(double)) {
    multiply_rows<T, true>(a, rows, b, columns, where, steps, out);
  } else {
    multiply_rows<T, sizeof(T) == sizeof(double)>(a, rows, b, columns, where, steps, out);
  }
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_TILE_HPP
