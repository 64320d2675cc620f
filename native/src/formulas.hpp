// What is computed for each element, sixteen at a time. The formulas are written once; the
// coefficients are one channel's (a row of positions) or sixteen neighbouring channels' (columns).
#ifndef JBATCHNORM_SRC_FORMULAS_HPP
#define JBATCHNORM_SRC_FORMULAS_HPP

#include "channel.hpp"
#include "group.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// A coefficient of one channel, the same in every lane, and one of sixteen channels.
struct Same {
  Doubles value;
  explicit Same(double v) : value(all(v)) {}
  JBN_INLINE Doubles operator[](int) const { return value; }
};
struct Each {
  Group group;
  explicit Each(const double* from) : group(load(from)) {}
  Each(const double* from, int count) : group(load(from, count)) {}
  JBN_INLINE Doubles operator[](int i) const { return group.v[i]; }
};

// d = x - mean. Every f32 minus a double is good to 2^-53 of the larger; for f64 the mean's low
// part makes it so.
JBN_INLINE Doubles centred(const float*, Doubles x, Doubles mean, Doubles) { return x - mean; }
JBN_INLINE Doubles centred(const double*, Doubles x, Doubles mean, Doubles mean_lo) {
  return (x - mean) - mean_lo;
}

template <class Coefficient>
struct AffineLanes {
  Coefficient mean, mean_lo, scale, shift;
};

template <class T, class Coefficient>
JBN_INLINE Group normalize(const T* type, const Group& x, const AffineLanes<Coefficient>& f) {
  Group y;
  JBN_EACH_VECTOR
  for (int i = 0; i < kVectors; i++) {
    y.v[i] = centred(type, x.v[i], f.mean[i], f.mean_lo[i]) * f.scale[i] + f.shift[i];
  }
  return y;
}

template <class Coefficient>
struct GradientLanes {
  Coefficient mean, mean_lo, dy_mean, slope, scale;
};

template <class T, class Coefficient>
JBN_INLINE Group differentiate(const T* type, const Group& x, const Group& dy,
                               const GradientLanes<Coefficient>& g) {
  Group dx;
  JBN_EACH_VECTOR
  for (int i = 0; i < kVectors; i++) {
    const Doubles d = centred(type, x.v[i], g.mean[i], g.mean_lo[i]);
    dx.v[i] = ((dy.v[i] - g.dy_mean[i]) - d * g.slope[i]) * g.scale[i];
  }
  return dx;
}

// What the sums of a channel are taken around: one number, or a pair.
template <class Coefficient>
struct Shift {
  Coefficient value;
};
template <class Coefficient>
struct Centre {
  Coefficient mean, mean_lo;
};

template <class T, class Coefficient>
JBN_INLINE Group around(const T*, const Group& x, const Shift<Coefficient>& shift) {
  Group d;
  JBN_EACH_VECTOR
  for (int i = 0; i < kVectors; i++) d.v[i] = x.v[i] - shift.value[i];
  return d;
}

template <class T, class Coefficient>
JBN_INLINE Group around(const T* type, const Group& x, const Centre<Coefficient>& centre) {
  Group d;
  JBN_EACH_VECTOR
  for (int i = 0; i < kVectors; i++)
    d.v[i] = centred(type, x.v[i], centre.mean[i], centre.mean_lo[i]);
  return d;
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_FORMULAS_HPP
