// The inner loops where the positions of a channel are contiguous: one run of one channel at a
// time.
#ifndef JBATCHNORM_SRC_ROWS_HPP
#define JBATCHNORM_SRC_ROWS_HPP

#include "channel.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// d = x - mean in double. Every f32 minus a double is good to 2^-53 of the larger; for f64 the
// mean's low part makes it so.
inline double centred(float x, double mean, double) { return static_cast<double>(x) - mean; }
inline double centred(double x, double mean, double mean_lo) { return (x - mean) - mean_lo; }

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

// Adds d = x - shift of 16 elements to `sum` and d * d to `squares`, one a lane.
template <class T>
inline void add_group(const T* x, double shift, Lanes& sum, Lanes& squares) {
#pragma omp simd
  for (int l = 0; l < kLanes; l++) {
    const double d = static_cast<double>(x[l]) - shift;
    sum.v[l] += d;
    squares.v[l] += d * d;
  }
}

// Adds dy of 16 elements to `sum` and dy * d to `products`, one a lane.
template <class T>
inline void add_group(const T* x, const T* dy, const Moments& moments, Lanes& sum,
                      Lanes& products) {
  const double mean = moments.mean, mean_lo = moments.mean_lo;
#pragma omp simd
  for (int l = 0; l < kLanes; l++) {
    const double g = static_cast<double>(dy[l]);
    sum.v[l] += g;
    products.v[l] += g * centred(x[l], mean, mean_lo);
  }
}

// `ahead` is how many elements from here on those lie that are summed a while later.
//
// Adds d = x - shift to `sum` and d * d to `squares`, element t to lane t % 16.
template <class T>
inline void add_moments(const T* x, int64_t length, int64_t ahead, double shift, Lanes& sum,
                        Lanes& squares) {
  Lanes a = sum, b = squares;
  int64_t t = 0;
  for (; t + kLanes <= length; t += kLanes) {
    fetch_lanes(x, t + ahead);
    add_group(x + t, shift, a, b);
  }
  if (t < length) {
    const int rest = static_cast<int>(length - t);
#pragma omp simd
    for (int l = 0; l < kLanes; l++) {
      const double d = l < rest ? static_cast<double>(x[t + l]) - shift : 0;
      a.v[l] += d;
      b.v[l] += d * d;
    }
  }
  sum = a;
  squares = b;
}

// Adds dy to `sum` and dy * d to `products`, element t to lane t % 16.
template <class T>
inline void add_gradients(const T* x, const T* dy, int64_t length, int64_t ahead,
                          const Moments& moments, Lanes& sum, Lanes& products) {
  Lanes a = sum, b = products;
  const double mean = moments.mean, mean_lo = moments.mean_lo;
  int64_t t = 0;
  for (; t + kLanes <= length; t += kLanes) {
    fetch_lanes(x, t + ahead);
    fetch_lanes(dy, t + ahead);
    add_group(x + t, dy + t, moments, a, b);
  }
  if (t < length) {
    const int rest = static_cast<int>(length - t);
#pragma omp simd
    for (int l = 0; l < kLanes; l++) {
      const double g = l < rest ? static_cast<double>(dy[t + l]) : 0;
      const double d = l < rest ? centred(x[t + l], mean, mean_lo) : 0;
      a.v[l] += g;
      b.v[l] += g * d;
    }
  }
  sum = a;
  products = b;
}

// A whole cache line, or `count` elements less than that: then the rest of the line is any value.
// x is not read past `count`.
template <class T>
inline void normalize_line(const T* x, T* y, const Affine& f, int count) {
  constexpr int kPerLine = 64 / sizeof(T);
#pragma omp simd
  for (int t = 0; t < kPerLine; t++) {
    const T value = t < count ? x[t] : 0;
    y[t] = static_cast<T>(centred(value, f.mean, f.mean_lo) * f.scale + f.shift);
  }
}

template <class T>
inline void differentiate_line(const T* x, const T* dy, T* dx, const Gradient& g, int count) {
  constexpr int kPerLine = 64 / sizeof(T);
#pragma omp simd
  for (int t = 0; t < kPerLine; t++) {
    const double d = centred(t < count ? x[t] : 0, g.mean, g.mean_lo);
    const double slope = static_cast<double>(t < count ? dy[t] : 0) - g.dy_mean;
    dx[t] = static_cast<T>((slope - d * g.slope) * g.scale);
  }
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

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_ROWS_HPP
