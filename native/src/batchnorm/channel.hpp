// What is computed once a channel: from sums to the coefficients of the maps.
#ifndef JBATCHNORM_SRC_CHANNEL_HPP
#define JBATCHNORM_SRC_CHANNEL_HPP

#include <cmath>

#include "batchnorm/kernel.hpp"
#include "simd/two_sum.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// A sum with its rounding errors beside it.
struct Sum {
  double hi = 0, lo = 0;

  void add(double value) { add_exactly(value, hi, lo); }
  double value() const { return hi + lo; }
};

// The mean as a pair (the low part is what rounding it lost; 0 where elements are narrow: a double
// holds their mean with bits to spare) and the biased variance.
struct Moments {
  double mean, mean_lo, var;
};

// How far the centre of sums may lie from the mean, in squared standard deviations, before they are
// taken again around a better one: a variance taken around 0 loses 1 + this in accuracy.
constexpr double kFar = 65536;

inline bool is_far(double mean, double var) { return !(mean * mean <= kFar * var); }

// The moments of `count` elements from the sums of d = x - shift and of d * d. True where the sums
// have to be taken again, around the mean found.
template <class T>
inline bool moments_of(double sum, double squares, double shift, double count, Moments* out) {
  constexpr double kLimit = kIsNarrow<T> ? kFar : 1;
  const double delta = sum / count;
  const double m2 = squares - sum * delta;
  const double mean = shift + delta;
  const double part = mean - shift;
  out->mean = mean;
  out->mean_lo = kIsNarrow<T> ? 0 : (shift - (mean - part)) + (delta - part);
  out->var = m2 < 0 ? 0 : m2 / count;
  return delta * delta * count > kLimit * m2;
}

inline double inv_std_of(const Moments& moments, double eps) {
  return 1 / std::sqrt(moments.var + eps);
}

template <class P>
inline double value_or(const P* values, int64_t c, double otherwise) {
  return values ? static_cast<double>(values[c]) : otherwise;
}

inline Moments saved_moments(const double* saved, const Shape& shape, int64_t c) {
  return {saved[c], saved[shape.c + c], saved[2 * shape.c + c]};
}

// The coefficients of a map of narrow elements are floats. Those past which their rounding, or an
// intermediate result, would leave the range of floats make a channel wild: it is mapped in double.
constexpr double kLeastFactor = 0x1p-126, kMostFactor = 0x1p100, kMostTerm = 0x1p120;

inline bool is_wild_centre(double mean) { return std::fabs(mean) > kMostFactor; }

inline bool is_wild_factor(double factor) {
  const double size = std::fabs(factor);
  return size > kMostFactor || (size > 0 && size < kLeastFactor);
}

inline bool is_wild_term(double term) { return std::fabs(term) > kMostTerm; }

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_CHANNEL_HPP
