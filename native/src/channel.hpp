// What is computed once a channel: from sums to the coefficients of the per-element formulas.
#ifndef JBATCHNORM_SRC_CHANNEL_HPP
#define JBATCHNORM_SRC_CHANNEL_HPP

#include <cmath>

#include "group.hpp"
#include "kernel.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// The mean as a pair (the low part is what rounding it lost; 0 for f32, whose mean a double holds
// with bits to spare) and the biased variance.
struct Moments {
  double mean, mean_lo, var;
};

// y = ((x - mean) - mean_lo) * scale + shift
struct Affine {
  double mean, mean_lo, scale, shift;
};

// d = x - mean of one element (formulas.hpp).
template <class T>
inline double centred(double x, const Affine& f) {
  return kIsNarrow<T> ? x - f.mean : (x - f.mean) - f.mean_lo;
}

// Where element `index` of N*S of channel c lies.
inline int64_t offset(const Shape& shape, int64_t c, int64_t index) {
  if (shape.channels_last) return index * shape.c + c;
  return (index / shape.s * shape.c + c) * shape.s + index % shape.s;
}

// How far the shift may lie from the mean, in squared standard deviations, before the sums are
// taken again around a better one: the shifted variance loses 1 + this in accuracy.
constexpr double kFar = 65536;
template <class T>
struct Retry {
  static constexpr double kLimit = kIsNarrow<T> ? kFar : 1;
};

// True where the mean is so far from 0 that a channel's sums have to be taken around the mean.
inline bool is_far(const Moments& moments) {
  return !(moments.mean * moments.mean <= kFar * moments.var);
}

// The moments of M elements from the sums of d = x - shift and of d * d. True where the sums have
// to be taken again, around a better shift (see Retry).
template <class T>
inline bool moments_of(const Sum& sum, const Sum& squares, double shift, double m, Moments* out) {
  const double s1 = sum.value();
  const double s2 = squares.value();
  const double delta = s1 / m;
  const double m2 = s2 - s1 * delta;
  const double mean = shift + delta;
  const double part = mean - shift;
  out->mean = mean;
  out->mean_lo = !kIsNarrow<T> ? (shift - (mean - part)) + (delta - part) : 0;
  out->var = m2 < 0 ? 0 : m2 / m;
  return delta * delta * m > Retry<T>::kLimit * m2;
}

inline double inv_std_of(const Moments& moments, double eps) {
  return 1 / std::sqrt(moments.var + eps);
}

template <class T>
inline double scale_of(const Moments& moments, const T* gamma, int64_t c, double eps) {
  const double inv_std = inv_std_of(moments, eps);
  return gamma ? static_cast<double>(gamma[c]) * inv_std : inv_std;
}

template <class P>
inline Affine affine_of(const Moments& moments, const P* gamma, const P* beta, int64_t c,
                        double eps) {
  return {moments.mean, moments.mean_lo, scale_of(moments, gamma, c, eps),
          beta ? static_cast<double>(beta[c]) : 0.0};
}

// The statistics that a call was given.
template <class T>
inline Moments given_moments(const ForwardCall<T>& call, int64_t c) {
  if (call.given) {
    return {call.given[c], call.given[call.shape.c + c], call.given[2 * call.shape.c + c]};
  }
  return {static_cast<double>(call.given_mean[c]), 0, static_cast<double>(call.given_var[c])};
}

template <class T>
inline Moments saved_moments(const double* saved, const Shape& shape, int64_t c) {
  return {saved[c], kIsNarrow<T> ? 0 : saved[shape.c + c], saved[2 * shape.c + c]};
}

// Writes a channel's statistics to those outputs that are wanted.
template <class T>
inline void put(const ForwardCall<T>& call, int64_t c, const Moments& moments) {
  if (call.mean) call.mean[c] = static_cast<Parameter<T>>(moments.mean);
  if (call.var) call.var[c] = static_cast<Parameter<T>>(moments.var);
  if (!call.saved) return;
  call.saved[c] = moments.mean;
  call.saved[call.shape.c + c] = moments.mean_lo;
  call.saved[2 * call.shape.c + c] = moments.var;
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_CHANNEL_HPP
