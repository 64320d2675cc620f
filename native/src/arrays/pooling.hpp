// The largest element of each window of each plane, and where it was: the first of equals, and a
// NaN before anything.
#ifndef JBATCHNORM_SRC_POOLING_HPP
#define JBATCHNORM_SRC_POOLING_HPP

#include "arrays/arrays.hpp"
#include "platform/threads.hpp"
#include "simd/vectors.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// What one element of the windows of kLanes outputs at most is; 0 for outputs that there are not. Rows
// are short: vectors are always whole ones.
template <class T>
JBN_INLINE void read_element(const T* from, int64_t step, int64_t count, T* values) {
  if (count == kLanes) {
    for (int64_t k = 0; k < kLanes; k++) values[k] = from[k * step];
  } else {
    for (int64_t k = 0; k < kLanes; k++) values[k] = 0;
    for (int64_t k = 0; k < count; k++) values[k] = from[k * step];
  }
}

// kLanes outputs of a row at most: `from` is the first element of the first window, index `at` of x.
template <class T>
void pool_some(const int64_t* in, const int64_t* window, int64_t step, const T* from, int32_t at,
               int64_t count, T* y, int32_t* picks) {
  alignas(64) T best[kLanes], values[kLanes];
  alignas(64) int32_t taps[kLanes] = {};
  read_element(from, step, count, best);
  for (int64_t a = 0; a < window[0]; a++) {
    for (int64_t b = 0; b < window[1]; b++) {
      for (int64_t c = a + b == 0 ? 1 : 0; c < window[2]; c++) {
        const int32_t tap = static_cast<int32_t>((a * in[1] + b) * in[2] + c);
        read_element(from + tap, step, count, values);
#pragma omp simd
        for (int k = 0; k < kLanes; k++) {
          const bool better =
              (values[k] > best[k]) | ((values[k] != values[k]) & (best[k] == best[k]));
          best[k] = better ? values[k] : best[k];
          taps[k] = better ? tap : taps[k];
        }
      }
    }
  }
  for (int64_t k = 0; k < count; k++) {
    y[k] = best[k];
    picks[k] = at + static_cast<int32_t>(k * step) + taps[k];
  }
}

template <class T>
void max_pool_of(Fields fields, int threads) {
  const T* const x = fields.pointer<const T>();
  T* const y = fields.pointer<T>();
  int32_t* const picks = fields.pointer<int32_t>();
  const int64_t planes = fields.integer();
  const int64_t* const in = fields.integers(3);
  const int64_t* const out = fields.integers(3);
  const int64_t* const window = fields.integers(3);
  const int64_t* const stride = fields.integers(3);
  const int64_t rows = out[0] * out[1];
  on_threads(planes * rows * out[2] < kSerialElements ? 1 : threads, [&] {
    const Share share(planes * rows);
    for (int64_t i = share.from; i < share.to; i++) {
      const int64_t plane = i / rows, a = i % rows / out[1], b = i % out[1];
      const int64_t at = ((plane * in[0] + a * stride[0]) * in[1] + b * stride[1]) * in[2];
      for (int64_t k = 0; k < out[2]; k += kLanes) {
        const int64_t left = out[2] - k, first = at + k * stride[2];
        pool_some(in, window, stride[2], x + first, static_cast<int32_t>(first),
                  left < kLanes ? left : kLanes, y + i * out[2] + k, picks + i * out[2] + k);
      }
    }
  });
}

// Adds each gradient to where its output came from, plane by plane; dx becomes 0 elsewhere.
template <class T>
void max_unpool_of(Fields fields, int threads) {
  const T* const dy = fields.pointer<const T>();
  const int32_t* const picks = fields.pointer<const int32_t>();
  T* const dx = fields.pointer<T>();
  const int64_t planes = fields.integer(), in = fields.integer(), out = fields.integer();
  on_threads(planes * in < kSerialElements ? 1 : threads, [&] {
    const Share share(planes);
    std::memset(dx + share.from * in, 0,
                static_cast<size_t>((share.to - share.from) * in) * sizeof(T));
    for (int64_t i = share.from * out; i < share.to * out; i++) dx[picks[i]] += dy[i];
  });
}

inline void max_pool(Fields fields, int threads) {
  fields.integer() == 1 ? max_pool_of<double>(fields, threads)
                        : max_pool_of<float>(fields, threads);
}
inline void max_unpool(Fields fields, int threads) {
  fields.integer() == 1 ? max_unpool_of<double>(fields, threads)
                        : max_unpool_of<float>(fields, threads);
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_POOLING_HPP
