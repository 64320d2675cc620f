// The logarithm of the softmax of each row.
#ifndef JBATCHNORM_SRC_SOFTMAX_HPP
#define JBATCHNORM_SRC_SOFTMAX_HPP

#include "arrays/elementwise.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// sum(exp(x - most)) in 16 lanes, folded in halves.
template <class T>
double sum_of_exponentials(const T* x, int64_t length, double most) {
  alignas(64) double lanes[kLanes] = {};
  for (int64_t i = 0; i < length; i += kLanes) {
    alignas(64) T some[kLanes];
    const int64_t count = length - i < kLanes ? length - i : kLanes;
    for (int j = 0; j < kLanes; j++) some[j] = j < count ? x[i + j] : -static_cast<T>(INFINITY);
    for (int j = 0; j < kLanes; j += kWidth) {
      const Doubles sum = load_vector(lanes + j) + exp_of(load_vector(some + j) - most);
      store_vector(lanes + j, sum);
    }
  }
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int lane = 0; lane < half; lane++) lanes[lane] += lanes[lane + half];
  }
  return lanes[0];
}

template <class T>
void log_softmax_of(Fields fields, int threads) {
  const int64_t rows = fields.integer(), length = fields.integer();
  const T* const x = fields.pointer<const T>();
  T* const y = fields.pointer<T>();
  on_threads(rows * length < kSerialElements ? 1 : threads, [&] {
    const Share share(rows);
    for (int64_t row = share.from; row < share.to; row++) {
      const T* const from = x + row * length;
      T* const to = y + row * length;
      T most = -static_cast<T>(INFINITY);
      for (int64_t i = 0; i < length; i++) most = larger(most, from[i]);
      const double wide = most;
      double sum[kWidth];
      store_vector(sum, log_of(all(sum_of_exponentials(from, length, wide))));
      const double log = sum[0];
#pragma omp simd
      for (int64_t i = 0; i < length; i++) to[i] = static_cast<T>(from[i] - wide - log);
    }
  });
}

inline void log_softmax(Fields fields, int threads) {
  fields.integer() == 1 ? log_softmax_of<double>(fields, threads)
                        : log_softmax_of<float>(fields, threads);
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_SOFTMAX_HPP
