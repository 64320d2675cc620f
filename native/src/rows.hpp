// The inner loops where the positions of a channel are contiguous: one run of one channel at a
// time.
#ifndef JBATCHNORM_SRC_ROWS_HPP
#define JBATCHNORM_SRC_ROWS_HPP

#include "lanes.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// Asks for the line of an element that is needed soon. It may lie past the end of memory: it is
// only a hint.
template <class T>
inline void fetch_line(const T* from, int64_t at) {
  const uintptr_t line = reinterpret_cast<uintptr_t>(from) + static_cast<uintptr_t>(at) * sizeof(T);
  __builtin_prefetch(reinterpret_cast<const void*>(line), 0, 3);
}

template <class T>
inline void fetch_lanes(const T* from, int64_t at) {
  for (int l = 0; l < kLanes; l += 64 / static_cast<int>(sizeof(T))) fetch_line(from, at + l);
}

// The last elements of a run fill some of the lanes; the others add 0, which leaves their bits: a
// sum that began with 0 is never -0.

// Adds d = x - shift to `sum` and d * d to `squares`, element t to lane t % 16. `ahead` is how many
// elements from here on those lie that are summed a while later.
template <class T>
inline void add_moments(const T* x, int64_t length, int64_t ahead, double shift, Lanes& sum,
                        Lanes& squares) {
  Lanes a = sum, b = squares;
  int64_t t = 0;
  for (; t + kLanes <= length; t += kLanes) {
    fetch_lanes(x, t + ahead);
    add_group(x + t, shift, a, b);
  }
  if (t < length) add_rest(x + t, static_cast<int>(length - t), shift, a, b);
  sum = a;
  squares = b;
}

// Adds dy to `sum` and dy * d to `products`, element t to lane t % 16.
template <class T>
inline void add_gradients(const T* x, const T* dy, int64_t length, int64_t ahead,
                          const Moments& moments, Lanes& sum, Lanes& products) {
  Lanes a = sum, b = products;
  int64_t t = 0;
  for (; t + kLanes <= length; t += kLanes) {
    fetch_lanes(x, t + ahead);
    fetch_lanes(dy, t + ahead);
    add_group(x + t, dy + t, moments, a, b);
  }
  if (t < length) add_rest(x + t, dy + t, static_cast<int>(length - t), moments, a, b);
  sum = a;
  products = b;
}

template <class T>
inline void normalize(const T* __restrict x, T* __restrict y, int64_t length, const Affine& f) {
  const double mean = f.mean, mean_lo = f.mean_lo, scale = f.scale, shift = f.shift;
#pragma omp simd
  for (int64_t t = 0; t < length; t++) {
    y[t] = static_cast<T>(centred(x[t], mean, mean_lo) * scale + shift);
  }
}

template <class T>
inline void differentiate(const T* __restrict x, const T* __restrict dy, T* __restrict dx,
                          int64_t length, const Gradient& g) {
  const double mean = g.mean, mean_lo = g.mean_lo, dy_mean = g.dy_mean, slope = g.slope,
               scale = g.scale;
#pragma omp simd
  for (int64_t t = 0; t < length; t++) {
    const double d = centred(x[t], mean, mean_lo);
    dx[t] = static_cast<T>(((static_cast<double>(dy[t]) - dy_mean) - d * slope) * scale);
  }
}

// A whole cache line.
template <class T>
inline void normalize_line(const T* x, T* y, const Affine& f) {
  constexpr int kPerLine = 64 / sizeof(T);
#pragma omp simd
  for (int t = 0; t < kPerLine; t++) {
    y[t] = static_cast<T>(centred(x[t], f.mean, f.mean_lo) * f.scale + f.shift);
  }
}

template <class T>
inline void differentiate_line(const T* x, const T* dy, T* dx, const Gradient& g) {
  constexpr int kPerLine = 64 / sizeof(T);
#pragma omp simd
  for (int t = 0; t < kPerLine; t++) {
    const double d = centred(x[t], g.mean, g.mean_lo);
    dx[t] = static_cast<T>(((static_cast<double>(dy[t]) - g.dy_mean) - d * g.slope) * g.scale);
  }
}

// `count` elements, fewer than a line; what follows them in a line of y is any value.
template <class T>
inline void normalize_part(const T* x, T* y, const Affine& f, int count) {
  alignas(64) T xs[kLanes];
  copy_rest(x, count, xs);
  normalize_line(xs, y, f);
}

template <class T>
inline void differentiate_part(const T* x, const T* dy, T* dx, const Gradient& g, int count) {
  alignas(64) T xs[kLanes];
  alignas(64) T dys[kLanes];
  copy_rest(x, count, xs);
  copy_rest(dy, count, dys);
  differentiate_line(xs, dys, dx, g);
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_ROWS_HPP
