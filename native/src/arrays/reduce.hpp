// Sums over axes, with each sum's rounding errors summed beside it (Knuth's TwoSum). Where the axis
// that lies together is summed over, its element i goes to lane i % 16, and the lanes are folded in
// halves; else each sum is taken in the elements' order.
#ifndef JBATCHNORM_SRC_REDUCE_HPP
#define JBATCHNORM_SRC_REDUCE_HPP

#include <cmath>

#include "arrays/arrays.hpp"
#include "platform/threads.hpp"
#include "simd/two_sum.hpp"
#include "simd/vectors.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

struct LaneSums {
  alignas(64) double sum[kLanes];
  alignas(64) double error[kLanes];
};

template <class T>
JBN_INLINE void store_sum(double sum, double error, T* y) {
  // An overflown sum has a NaN beside it: inf - inf.
  *y = static_cast<T>(std::isinf(sum) ? sum : sum + error);
}

// Axes to walk over, row-major, as offsets.
struct Axes {
  int64_t ndim;
  const int64_t *shape, *strides;

  static Axes read(Fields& fields) {
    Axes axes;
    axes.ndim = fields.integer();
    axes.shape = fields.integers(axes.ndim);
    axes.strides = fields.integers(axes.ndim);
    return axes;
  }

  // The elements of the first `axes` axes.
  int64_t size(int64_t axes) const {
    int64_t product = 1;
    for (int64_t axis = 0; axis < axes; axis++) product *= shape[axis];
    return product;
  }

  // The offset of an element of the first `axes` axes.
  int64_t offset(int64_t axes, int64_t element) const {
    int64_t at = 0;
    for (int64_t axis = axes - 1; axis >= 0; axis--) {
      at += element % shape[axis] * strides[axis];
      element /= shape[axis];
    }
    return at;
  }
};

// The sum of one output whose elements lie in runs.
template <class T>
void sum_runs(const T* x, const Axes& reduced, T* y) {
  LaneSums lanes = {};
  const int64_t rows = reduced.size(reduced.ndim - 1);
  const int64_t length = reduced.shape[reduced.ndim - 1];
  for (int64_t row = 0; row < rows; row++) {
    const T* const from = x + reduced.offset(reduced.ndim - 1, row);
    int64_t i = 0;
    for (; i + kLanes <= length; i += kLanes) {
#pragma omp simd
      for (int lane = 0; lane < kLanes; lane++) {
        add_exactly<double>(from[i + lane], lanes.sum[lane], lanes.error[lane]);
      }
    }
    for (int lane = 0; i < length; i++, lane++) {
      add_exactly<double>(from[i], lanes.sum[lane], lanes.error[lane]);
    }
  }
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int lane = 0; lane < half; lane++) {
      lanes.error[lane] += lanes.error[lane + half];
      add_exactly(lanes.sum[lane + half], lanes.sum[lane], lanes.error[lane]);
    }
  }
  store_sum(lanes.sum[0], lanes.error[0], y);
}

constexpr int64_t kColumns = 64;

// The sums of neighbouring outputs, whose elements lie side by side.
template <class T>
void sum_columns(const T* x, const Axes& reduced, int64_t columns, T* y) {
  alignas(64) double sum[kColumns] = {};
  alignas(64) double error[kColumns] = {};
  const int64_t rows = reduced.size(reduced.ndim);
  for (int64_t row = 0; row < rows; row++) {
    const T* const from = x + reduced.offset(reduced.ndim, row);
#pragma omp simd
    for (int64_t j = 0; j < columns; j++) add_exactly<double>(from[j], sum[j], error[j]);
  }
  for (int64_t j = 0; j < columns; j++) store_sum(sum[j], error[j], y + j);
}

template <class T>
void sum_of(Fields fields, int threads) {
  const T* const x = fields.pointer<const T>();
  T* const y = fields.pointer<T>();
  const bool runs = fields.flag();
  const Axes kept = Axes::read(fields);
  const Axes reduced = Axes::read(fields);
  const int64_t outputs = kept.size(kept.ndim);
  const int use = outputs * reduced.size(reduced.ndim) < kSerialElements ? 1 : threads;
  if (runs) {
    on_threads(use, [&] {
      const Share share(outputs);
      for (int64_t i = share.from; i < share.to; i++) {
        sum_runs(x + kept.offset(kept.ndim, i), reduced, y + i);
      }
    });
    return;
  }
  const int64_t width = kept.shape[kept.ndim - 1];
  const int64_t pieces = (width + kColumns - 1) / kColumns;
  on_threads(use, [&] {
    const Share share(kept.size(kept.ndim - 1) * pieces);
    for (int64_t i = share.from; i < share.to; i++) {
      const int64_t row = i / pieces, first = i % pieces * kColumns;
      const int64_t columns = width - first < kColumns ? width - first : kColumns;
      sum_columns(x + kept.offset(kept.ndim - 1, row) + first, reduced, columns,
                  y + row * width + first);
    }
  });
}

inline void sum(Fields fields, int threads) {
  fields.integer() == 1 ? sum_of<double>(fields, threads) : sum_of<float>(fields, threads);
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_REDUCE_HPP
