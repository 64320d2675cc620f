// What is computed for each element, sixteen at a time. The formulas are written once; the
// coefficients are one channel's (a row of positions) or sixteen neighbouring channels' (columns).
#ifndef JBATCHNORM_SRC_FORMULAS_HPP
#define JBATCHNORM_SRC_FORMULAS_HPP

#include "channel.hpp"
#include "coefficients.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// d = x - mean. Every f32 minus a double is good to 2^-53 of the larger; for f64 the mean's low
// part makes it so.
template <class T>
JBN_INLINE Doubles centred(Doubles x, Doubles mean, Doubles mean_lo) {
  return kIsNarrow<T> ? x - mean : (x - mean) - mean_lo;
}

template <class T, class Coefficient, int kCount>
JBN_INLINE Group centred(const Group& x, const Lanes<Coefficient, kCount>& f) {
  Group d;
  JBN_EACH_VECTOR
  for (int i = 0; i < kVectors; i++) d.v[i] = centred<T>(x.v[i], f.of[0][i], f.of[1][i]);
  return d;
}

// What x is normalized with: the order of Columns<kAffine>.
enum { kMean, kMeanLo, kScale, kShift, kAffine };

template <class T, class Coefficient>
JBN_INLINE Group normalize(const Group& x, const Lanes<Coefficient, kAffine>& f) {
  Group y;
  JBN_EACH_VECTOR
  for (int i = 0; i < kVectors; i++) {
    y.v[i] =
        centred<T>(x.v[i], f.of[kMean][i], f.of[kMeanLo][i]) * f.of[kScale][i] + f.of[kShift][i];
  }
  return y;
}

// What dx is computed with, after the mean and its low part.
enum { kDyMean = 2, kSlope, kGradientScale, kGradient };

template <class Coefficient, int kCount>
JBN_INLINE Group differentiate(const Group& d, const Group& dy,
                               const Lanes<Coefficient, kCount>& g) {
  Group dx;
  JBN_EACH_VECTOR
  for (int i = 0; i < kVectors; i++) {
    dx.v[i] = ((dy.v[i] - g.of[kDyMean][i]) - d.v[i] * g.of[kSlope][i]) * g.of[kGradientScale][i];
  }
  return dx;
}

// The tail of a fused call: what is above 0 stays, the rest is multiplied by `slope` (0 gives 0,
// not -0).
JBN_INLINE Group bend(const Group& v, double slope) {
  Group y;
  JBN_EACH_VECTOR
  for (int i = 0; i < kVectors; i++) {
    y.v[i] = v.v[i] > all(0) ? v.v[i] : v.v[i] * all(slope) + all(0);
  }
  return y;
}

// dy times the tail's derivative, where `v` has the sign of what the tail was applied to.
JBN_INLINE Group bend_gradient(const Group& dy, const Group& v, double slope) {
  Group g;
  JBN_EACH_VECTOR
  for (int i = 0; i < kVectors; i++) g.v[i] = v.v[i] > all(0) ? dy.v[i] : dy.v[i] * all(slope);
  return g;
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_FORMULAS_HPP
