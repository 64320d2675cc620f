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

// Adds d = x - shift to `sum` and d * d to `squares`, element t to lane t % 16.
template <class T>
inline void add_moments(const T* x, int64_t length, double shift, Lanes& sum, Lanes& squares) {
  Lanes a = sum, b = squares;
  int64_t t = 0;
  for (; t + kLanes <= length; t += kLanes) {
#pragma omp simd
    for (int l = 0; l < kLanes; l++) {
      const double d = static_cast<double>(x[t + l]) - shift;
      a.v[l] += d;
      b.v[l] += d * d;
    }
  }
  for (int l = 0; t + l < length; l++) {
    const double d = static_cast<double>(x[t + l]) - shift;
    a.v[l] += d;
    b.v[l] += d * d;
  }
  sum = a;
  squares = b;
}

// Adds dy to `sum` and dy * d to `products`, element t to lane t % 16.
template <class T>
inline void add_gradients(const T* x, const T* dy, int64_t length, const Moments& moments,
                          Lanes& sum, Lanes& products) {
  Lanes a = sum, b = products;
  const double mean = moments.mean, mean_lo = moments.mean_lo;
  int64_t t = 0;
  for (; t + kLanes <= length; t += kLanes) {
#pragma omp simd
    for (int l = 0; l < kLanes; l++) {
      const double g = static_cast<double>(dy[t + l]);
      a.v[l] += g;
      b.v[l] += g * centred(x[t + l], mean, mean_lo);
    }
  }
  for (int l = 0; t + l < length; l++) {
    const double g = static_cast<double>(dy[t + l]);
    a.v[l] += g;
    b.v[l] += g * centred(x[t + l], mean, mean_lo);
  }
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

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_ROWS_HPP
