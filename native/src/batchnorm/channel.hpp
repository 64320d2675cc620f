// What is computed once a channel: from sums to the coefficients of the maps.
#ifndef JBATCHNORM_SRC_CHANNEL_HPP
#define JBATCHNORM_SRC_CHANNEL_HPP

#include <cfloat>
#include <cmath>

#include "batchnorm/kernel.hpp"
#include "simd/two_sum.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// What sums are taken around: d = x * scale - shift - shift_lo. Scale is 1 where elements are narrow.
struct Centre {
  double shift, shift_lo, scale;
};

// The mean as a pair (the low part is what rounding it lost; 0 where elements are narrow: a double
// holds their mean with bits to spare) and the biased variance, both of x * scale. Scale is a power
// of two, and 1 unless elements are doubles whose variance is near the ends of their range.
struct Moments {
  double mean, mean_lo, var, scale;

  double unscaled_mean() const { return mean / scale; }
  double unscaled_var() const { return var / scale / scale; }
};

// A variance of doubles outside these is kept scaled: the squares of numbers that far from 1 lose
// bits, or overflow. A gain of eps makes the small ones immaterial.
constexpr double kLeastVar = 0x1p-1000, kMostVar = 0x1p1000, kLeastSquares = 0x1p-900;
constexpr double kShrink = 0x1p-600, kGrow = 0x1p600;

inline double scale_for(double squares, double eps) {
  if (!(squares <= kMostVar)) return kShrink;
  return squares < kLeastSquares && eps < kLeastSquares ? kGrow : 1;
}

// Without the scale, where it is not needed.
inline Moments plainest(const Moments& m) {
  const double var = m.unscaled_var();
  const bool keeps = m.var > 0 && m.var <= kMostVar && !(var >= kLeastVar && var <= kMostVar);
  return keeps ? m : Moments{m.unscaled_mean(), m.mean_lo / m.scale, var, 1};
}

// How often sums may be taken: around a better centre, and where they left their range scaled.
template <class T>
constexpr int kAttempts = kIsNarrow<T> ? 2 : 3;

// How far the centre of sums may lie from the mean, in squared standard deviations, before they are
// taken again around a better one: a variance taken around 0 loses 1 + this in accuracy.
constexpr double kFar = 65536;

inline bool is_far(double mean, double var) { return !(mean * mean <= kFar * var); }

// The moments of `count` elements from the sums of d and of d * d, where no centre has a low part.
// True where the sums have to be taken again, around the mean found.
template <class T>
inline bool moments_of(double sum, double squares, const Centre& at, double count, Moments* out) {
  constexpr double kLimit = kIsNarrow<T> ? kFar : 1;
  // An infinity makes the whole channel NaN, its mean too.
  const double delta = std::fabs(sum) <= DBL_MAX ? sum / count : NAN;
  const double m2 = squares - sum * delta;
  const double mean = at.shift + delta;
  const double part = mean - at.shift;
  out->mean = mean;
  out->mean_lo = kIsNarrow<T> ? 0 : (at.shift - (mean - part)) + (delta - part);
  out->var = m2 < 0 ? 0 : m2 / count;
  out->scale = at.scale;
  return delta * delta * count > kLimit * m2;
}

// Of x * scale.
inline double inv_std_of(const Moments& moments, double eps) {
  return 1 / std::sqrt(moments.var + eps * moments.scale * moments.scale);
}

template <class P>
inline double value_or(const P* values, int64_t c, double otherwise) {
  return values ? static_cast<double>(values[c]) : otherwise;
}

// Saved are 4*C numbers: means, their low parts, variances, scales. Only doubles are scaled.
template <class T>
inline Moments saved_moments(const double* saved, const Shape& shape, int64_t c) {
  const Moments m = {saved[c], saved[shape.c + c], saved[2 * shape.c + c], saved[3 * shape.c + c]};
  if (!kIsNarrow<T> || m.scale == 1) return m;
  return {m.unscaled_mean(), m.mean_lo / m.scale, m.unscaled_var(), 1};
}

// What a batch in shares keeps from one message to the next: 1 + 20 * C doubles, the number of the
// next message and, runs of C, what sums are taken around, whether a channel is open, and probes.
struct SharedState {
  double* const at;
  const int64_t channels;

  double& round() const { return at[0]; }
  Centre centre(int64_t c) const {
    return {at[1 + c], at[1 + channels + c], at[1 + 2 * channels + c]};
  }
  void centre(int64_t c, const Centre& centre) const {
    at[1 + c] = centre.shift, at[1 + channels + c] = centre.shift_lo;
    at[1 + 2 * channels + c] = centre.scale;
  }
  double& open(int64_t c) const { return at[1 + 3 * channels + c]; }
  double* probes() const { return at + 1 + 4 * channels; }
};

inline void save(const Moments& m, double* saved, const Shape& shape, int64_t c) {
  saved[c] = m.mean;
  saved[shape.c + c] = m.mean_lo;
  saved[2 * shape.c + c] = m.var;
  saved[3 * shape.c + c] = m.scale;
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
