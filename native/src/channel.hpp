// What is computed once a channel: from sums to the coefficients of the per-element formulas.
#ifndef JBATCHNORM_SRC_CHANNEL_HPP
#define JBATCHNORM_SRC_CHANNEL_HPP

#include <cmath>

#include "order.hpp"

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

// dx = ((dy - dy_mean) - d * slope) * scale, with d = (x - mean) - mean_lo
struct Gradient {
  double mean, mean_lo, dy_mean, slope, scale;
};

// How far the shift may lie from the mean, in squared standard deviations, before the sums are
// taken again around a better one: the shifted variance loses 1 + this in accuracy.
template <class T>
struct Retry;
template <>
struct Retry<float> {
  static constexpr double kLimit = 65536;
};
template <>
struct Retry<double> {
  static constexpr double kLimit = 1;
};

// True where the mean is so far from 0 that a channel's sums have to be taken around the mean.
inline bool is_far(const Moments& moments) {
  return !(moments.mean * moments.mean <= Retry<float>::kLimit * moments.var);
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
  out->mean_lo = sizeof(T) == sizeof(double) ? (shift - (mean - part)) + (delta - part) : 0;
  out->var = m2 < 0 ? 0 : m2 / m;
  return delta * delta * m > Retry<T>::kLimit * m2;
}

template <class T>
inline Affine affine_of(const Moments& moments, const T* gamma, const T* beta, int64_t c,
                        double eps) {
  const double inv_std = 1 / std::sqrt(moments.var + eps);
  const double scale = gamma ? static_cast<double>(gamma[c]) * inv_std : inv_std;
  return {moments.mean, moments.mean_lo, scale, beta ? static_cast<double>(beta[c]) : 0.0};
}

// The sums are of dy and of dy * d, where d = x - mean or, if `plain`, d = x.
template <class T>
inline Gradient gradient_of(const Sum& dy_sum, const Sum& product_sum, bool plain,
                            const Moments& moments, const T* gamma, int64_t c, double eps, double m,
                            T* dgamma, T* dbeta) {
  const double inv_std = 1 / std::sqrt(moments.var + eps);
  const double dbeta_c = dy_sum.value();
  const double sum = product_sum.value();
  const double products = plain ? sum - moments.mean * dbeta_c : sum;
  const double dgamma_c = m == 0 ? 0 : products * inv_std;
  if (dgamma) dgamma[c] = static_cast<T>(dgamma_c);
  if (dbeta) dbeta[c] = static_cast<T>(dbeta_c);
  const double scale = gamma ? static_cast<double>(gamma[c]) * inv_std : inv_std;
  return {moments.mean, moments.mean_lo, dbeta_c / m, dgamma_c / m * inv_std, scale};
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_CHANNEL_HPP
