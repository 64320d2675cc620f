// What is computed for each element, sixteen at a time. The formulas are written once; the
// coefficients are one channel's (a row of positions) or sixteen neighbouring channels' (columns).
#ifndef JBATCHNORM_SRC_FORMULAS_HPP
#define JBATCHNORM_SRC_FORMULAS_HPP

#include "channel.hpp"
#include "coefficients.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// d = x - mean. Every f32 minus a double is good to 2^-53 of the larger; for f64 the mean's low
// part makes it so, and for 16-bit elements, whose maps are computed in float, what the float loses.
template <class T, class V>
JBN_INLINE V centred(V x, V mean, V mean_lo) {
  return sizeof(T) == sizeof(float) ? x - mean : (x - mean) - mean_lo;
}

template <class T, class G, class Coefficient, int kCount>
JBN_INLINE G centred(const G& x, const Lanes<Coefficient, kCount>& f) {
  G d;
  JBN_EACH_VECTOR
  for (int i = 0; i < G::kCount; i++) d.v[i] = centred<T>(x.v[i], f.of[0][i], f.of[1][i]);
  return d;
}

// What x is normalized with: the order of Columns<G, kAffine>.
enum { kMean, kMeanLo, kScale, kShift, kAffine };

template <class T, class G, class Coefficient>
JBN_INLINE G normalize(const G& x, const Lanes<Coefficient, kAffine>& f) {
  G y;
  JBN_EACH_VECTOR
  for (int i = 0; i < G::kCount; i++) {
    y.v[i] =
        centred<T>(x.v[i], f.of[kMean][i], f.of[kMeanLo][i]) * f.of[kScale][i] + f.of[kShift][i];
  }
  return y;
}

// What dx is computed with, after the mean and its low part.
enum { kDyMean = 2, kSlope, kGradientScale, kGradient };

template <class G, class Coefficient, int kCount>
JBN_INLINE G differentiate(const G& d, const G& dy, const Lanes<Coefficient, kCount>& g) {
  G dx;
  JBN_EACH_VECTOR
  for (int i = 0; i < G::kCount; i++) {
    dx.v[i] = ((dy.v[i] - g.of[kDyMean][i]) - d.v[i] * g.of[kSlope][i]) * g.of[kGradientScale][i];
  }
  return dx;
}

// The tail of a fused call: what is above 0 stays, the rest is multiplied by `slope` (0 gives 0,
// not -0).
template <class G>
JBN_INLINE G bend(const G& v, double slope) {
  G y;
  JBN_EACH_VECTOR
  for (int i = 0; i < G::kCount; i++) {
    y.v[i] = v.v[i] > G::all(0) ? v.v[i] : v.v[i] * G::all(slope) + G::all(0);
  }
  return y;
}

// dy times the tail's derivative, where `v` has the sign of what the tail was applied to.
template <class G>
JBN_INLINE G bend_gradient(const G& dy, const G& v, double slope) {
  G g;
  JBN_EACH_VECTOR
  for (int i = 0; i < G::kCount; i++) {
    g.v[i] = v.v[i] > G::all(0) ? dy.v[i] : dy.v[i] * G::all(slope);
  }
  return g;
}

// A mean as a pair for maps: for 16-bit elements a float and what it lacks, else as it is.
template <class T>
inline void split_mean(double mean, double mean_lo, double* hi, double* lo) {
  *hi = kIsHalf<T> ? static_cast<double>(static_cast<float>(mean)) : mean;
  *lo = kIsHalf<T> ? mean - *hi : mean_lo;
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_FORMULAS_HPP
