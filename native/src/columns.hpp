// The inner loops where the channels of a position are contiguous (NHWC, and any data with S = 1):
// a block of up to 16 channels at a time, each channel with its 16 lanes.
#ifndef JBATCHNORM_SRC_COLUMNS_HPP
#define JBATCHNORM_SRC_COLUMNS_HPP

#include "rows.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

constexpr int kBlock = 16;

// Lane l of channel j of the block is v[l][j].
struct alignas(64) BlockLanes {
  double v[kLanes][kBlock];

  void clear() {
    for (auto& lane : v) {
      for (double& value : lane) value = 0;
    }
  }
  // Leaves the sum of channel j in v[0][j].
  void fold() {
    for (int w = kLanes / 2; w > 0; w /= 2) {
      for (int l = 0; l < w; l++) {
#pragma omp simd
        for (int j = 0; j < kBlock; j++) v[l][j] += v[l + w][j];
      }
    }
  }
};

// Adds `count` positions, `stride` elements apart, of `width` channels to one lane.
template <class T>
inline void add_moments(const T* x, int64_t count, int64_t stride, int width, const double* shift,
                        double* sum, double* squares) {
  if (width == kBlock) {
    alignas(64) double a[kBlock], b[kBlock], k[kBlock];
    for (int j = 0; j < kBlock; j++) a[j] = sum[j], b[j] = squares[j], k[j] = shift[j];
    for (int64_t i = 0; i < count; i++, x += stride) {
#pragma omp simd
      for (int j = 0; j < kBlock; j++) {
        const double d = static_cast<double>(x[j]) - k[j];
        a[j] += d;
        b[j] += d * d;
      }
    }
    for (int j = 0; j < kBlock; j++) sum[j] = a[j], squares[j] = b[j];
    return;
  }
  for (int64_t i = 0; i < count; i++, x += stride) {
    for (int j = 0; j < width; j++) {
      const double d = static_cast<double>(x[j]) - shift[j];
      sum[j] += d;
      squares[j] += d * d;
    }
  }
}

// As add_moments, for dy and dy * d.
template <class T>
inline void add_gradients(const T* x, const T* dy, int64_t count, int64_t stride, int width,
                          const double* mean, const double* mean_lo, double* sum,
                          double* products) {
  if (width == kBlock) {
    alignas(64) double a[kBlock], b[kBlock], hi[kBlock], lo[kBlock];
    for (int j = 0; j < kBlock; j++) {
      a[j] = sum[j], b[j] = products[j], hi[j] = mean[j], lo[j] = mean_lo[j];
    }
    for (int64_t i = 0; i < count; i++, x += stride, dy += stride) {
#pragma omp simd
      for (int j = 0; j < kBlock; j++) {
        const double g = static_cast<double>(dy[j]);
        a[j] += g;
        b[j] += g * centred(x[j], hi[j], lo[j]);
      }
    }
    for (int j = 0; j < kBlock; j++) sum[j] = a[j], products[j] = b[j];
    return;
  }
  for (int64_t i = 0; i < count; i++, x += stride, dy += stride) {
    for (int j = 0; j < width; j++) {
      const double g = static_cast<double>(dy[j]);
      sum[j] += g;
      products[j] += g * centred(x[j], mean[j], mean_lo[j]);
    }
  }
}

// One position of `width` channels.
template <class T>
inline void normalize(const T* __restrict x, T* __restrict y, int64_t width,
                      const double* __restrict mean, const double* __restrict mean_lo,
                      const double* __restrict scale, const double* __restrict shift) {
#pragma omp simd
  for (int64_t j = 0; j < width; j++) {
    y[j] = static_cast<T>(centred(x[j], mean[j], mean_lo[j]) * scale[j] + shift[j]);
  }
}

template <class T>
inline void differentiate(const T* __restrict x, const T* __restrict dy, T* __restrict dx,
                          int64_t width, const double* __restrict mean,
                          const double* __restrict mean_lo, const double* __restrict dy_mean,
                          const double* __restrict slope, const double* __restrict scale) {
#pragma omp simd
  for (int64_t j = 0; j < width; j++) {
    const double d = centred(x[j], mean[j], mean_lo[j]);
    dx[j] = static_cast<T>(((static_cast<double>(dy[j]) - dy_mean[j]) - d * slope[j]) * scale[j]);
  }
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_COLUMNS_HPP
