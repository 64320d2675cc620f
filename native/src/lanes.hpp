// Sixteen partial sums, and how a group of sixteen elements is added to them. Two forms of one
// thing: arrays that `omp simd` vectorizes, and, where AVX-512 holds sixteen doubles in two
// registers, vectors: gcc 12 leaves the arrays in memory around a loop that also stores, which cost
// a third of the speed of the forward pass.
#ifndef JBATCHNORM_SRC_LANES_HPP
#define JBATCHNORM_SRC_LANES_HPP

#include <cstring>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include "channel.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// d = x - mean in double. Every f32 minus a double is good to 2^-53 of the larger; for f64 the
// mean's low part makes it so.
inline double centred(float x, double mean, double) { return static_cast<double>(x) - mean; }
inline double centred(double x, double mean, double mean_lo) { return (x - mean) - mean_lo; }

// Copies the `count` < 16 elements that are left of a run to a full group, followed by 0.
inline void copy_rest(const float* x, int count, float* group) {
#if defined(__AVX512F__)
  const __mmask16 mask = static_cast<__mmask16>((1u << count) - 1);
  _mm512_storeu_ps(group, _mm512_maskz_loadu_ps(mask, x));
#else
  for (int i = 0; i < kLanes; i++) group[i] = i < count ? x[i] : 0;
#endif
}
inline void copy_rest(const double* x, int count, double* group) {
#if defined(__AVX512F__)
  const unsigned mask = (1u << count) - 1;
  _mm512_storeu_pd(group, _mm512_maskz_loadu_pd(static_cast<__mmask8>(mask), x));
  _mm512_storeu_pd(group + 8, _mm512_maskz_loadu_pd(static_cast<__mmask8>(mask >> 8), x + 8));
#else
  for (int i = 0; i < kLanes; i++) group[i] = i < count ? x[i] : 0;
#endif
}

#if defined(__AVX512F__)

typedef double Eight __attribute__((vector_size(64)));

// One partial sum a lane: lanes 0 to 7 and 8 to 15.
struct Lanes {
  Eight lo = {}, hi = {};
};

inline double fold(const Lanes& lanes) {
  const Eight v = lanes.lo + lanes.hi;
  const double a = v[0] + v[4], b = v[1] + v[5], c = v[2] + v[6], d = v[3] + v[7];
  return (a + c) + (b + d);
}

inline Eight load(const float* x) {
  typedef float EightFloats __attribute__((vector_size(32)));
  EightFloats v;
  std::memcpy(&v, x, sizeof v);
  return __builtin_convertvector(v, Eight);
}
inline Eight load(const double* x) {
  Eight v;
  std::memcpy(&v, x, sizeof v);
  return v;
}

// d = x - mean, eight at a time; as centred.
inline Eight centred(const float*, Eight x, double mean, double) { return x - mean; }
inline Eight centred(const double*, Eight x, double mean, double mean_lo) {
  return (x - mean) - mean_lo;
}

// v in the lanes below `count`, 0 in the others; `first` is the number of v's first lane.
inline Eight keep(Eight v, int first, int count) {
  typedef int64_t EightInts __attribute__((vector_size(64)));
  const EightInts lane = EightInts{0, 1, 2, 3, 4, 5, 6, 7} + first;
  return lane < count ? v : Eight{};
}

// Adds d = x - shift of 16 elements to `sum` and d * d to `squares`, one a lane.
template <class T>
inline void add_group(const T* x, double shift, Lanes& sum, Lanes& squares) {
  const Eight lo = load(x) - shift, hi = load(x + 8) - shift;
  sum.lo += lo;
  sum.hi += hi;
  squares.lo += lo * lo;
  squares.hi += hi * hi;
}

// Adds dy of 16 elements to `sum` and dy * d to `products`, one a lane.
template <class T>
inline void add_group(const T* x, const T* dy, const Moments& moments, Lanes& sum,
                      Lanes& products) {
  const double mean = moments.mean, mean_lo = moments.mean_lo;
  const Eight lo = load(dy), hi = load(dy + 8);
  sum.lo += lo;
  sum.hi += hi;
  products.lo += lo * centred(x, load(x), mean, mean_lo);
  products.hi += hi * centred(x, load(x + 8), mean, mean_lo);
}

// The last elements of a run fill some of the lanes; the others add 0, which leaves their bits: a
// sum that began with 0 is never -0.
template <class T>
inline void add_rest(const T* x, int count, double shift, Lanes& sum, Lanes& squares) {
  alignas(64) T group[kLanes];
  copy_rest(x, count, group);
  const Eight lo = keep(load(group) - shift, 0, count);
  const Eight hi = keep(load(group + 8) - shift, 8, count);
  sum.lo += lo;
  sum.hi += hi;
  squares.lo += lo * lo;
  squares.hi += hi * hi;
}

template <class T>
inline void add_rest(const T* x, const T* dy, int count, const Moments& moments, Lanes& sum,
                     Lanes& products) {
  alignas(64) T xs[kLanes];
  alignas(64) T dys[kLanes];
  copy_rest(x, count, xs);
  copy_rest(dy, count, dys);
  const double mean = moments.mean, mean_lo = moments.mean_lo;
  const Eight lo = load(dys), hi = load(dys + 8);
  sum.lo += lo;
  sum.hi += hi;
  products.lo += keep(lo * centred(x, load(xs), mean, mean_lo), 0, count);
  products.hi += keep(hi * centred(x, load(xs + 8), mean, mean_lo), 8, count);
}

#else

// One partial sum a lane.
struct alignas(64) Lanes {
  double v[kLanes] = {};
};

template <int W>
inline void fold_half(double* v) {
#pragma omp simd
  for (int l = 0; l < W; l++) v[l] += v[l + W];
}

inline double fold(Lanes lanes) {
  static_assert(kLanes == 16, "one step a halving");
  fold_half<8>(lanes.v);
  fold_half<4>(lanes.v);
  fold_half<2>(lanes.v);
  return lanes.v[0] + lanes.v[1];
}

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

// The last elements of a run fill some of the lanes; the others add 0 (see above).
template <class T>
inline void add_rest(const T* x, int count, double shift, Lanes& sum, Lanes& squares) {
  T group[kLanes];
  copy_rest(x, count, group);
#pragma omp simd
  for (int l = 0; l < kLanes; l++) {
    const double d = l < count ? static_cast<double>(group[l]) - shift : 0;
    sum.v[l] += d;
    squares.v[l] += d * d;
  }
}

template <class T>
inline void add_rest(const T* x, const T* dy, int count, const Moments& moments, Lanes& sum,
                     Lanes& products) {
  T xs[kLanes];
  T dys[kLanes];
  copy_rest(x, count, xs);
  copy_rest(dy, count, dys);
  const double mean = moments.mean, mean_lo = moments.mean_lo;
#pragma omp simd
  for (int l = 0; l < kLanes; l++) {
    const double g = static_cast<double>(dys[l]);
    const double d = l < count ? centred(xs[l], mean, mean_lo) : 0;
    sum.v[l] += g;
    products.v[l] += g * d;
  }
}

#endif

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_LANES_HPP
