// What the maps of all jobs are made of. A formula is written once, for a vector or a number V, and
// its coefficients f[] are one channel's or those of neighbouring channels.
#ifndef JBATCHNORM_SRC_MAPS_HPP
#define JBATCHNORM_SRC_MAPS_HPP

#include "simd/group.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// The coefficients that every map begins with: x is taken around kHi, and kLo where it is a double.
enum { kHi, kLo, kFirst };

template <class V>
JBN_INLINE V centred(V x, const V* f, float) {
  return x - f[kHi];
}
template <class V>
JBN_INLINE V centred(V x, const V* f, double) {
  return (x - f[kHi]) - f[kLo];
}

// The tail and its derivative: `value` where `sign` is above 0 or NaN, else slope times it. A slope
// of 0 gives +0, whatever the value.
template <class V, class E>
JBN_INLINE V bend(V sign, V value, E slope) {
  const V zero = same<V>(E{0});
  const V low = slope == 0 ? zero : value * same<V>(slope) + zero;
  return sign <= zero ? low : value;
}

// Coefficients of sixteen elements: the same for all, or one for each.
template <class G, int kKinds>
struct SameLanes {
  typename G::Vector of[kKinds];
  JBN_INLINE typename G::Vector at(int kind, int) const { return of[kind]; }
};
template <class G, int kKinds>
struct EachLanes {
  G of[kKinds];
  JBN_INLINE typename G::Vector at(int kind, int i) const { return of[kind].v[i]; }
};

// The weights of sixteen or eight elements: one after the other in memory, or one for all.
struct Weights {
  const double* each;  // null: one for all
  double one;

  template <class G>
  JBN_INLINE G as(int count) const {
    using E = typename G::Element;
    G group;
    if (!each) {
      const auto value = same<typename G::Vector>(element(one, E{}));
      JBN_EACH_VECTOR
      for (int i = 0; i < G::kCount; i++) group.v[i] = value;
      return group;
    }
    E values[kLanes] = {};
    if (count == kLanes) {
      for (int i = 0; i < kLanes; i++) values[i] = element(each[i], E{});
    } else {
      for (int i = 0; i < count; i++) values[i] = element(each[i], E{});
    }
    return load_as<G>(values);
  }
  // As a float, one that counts does not become 0.
  static double element(double w, double) { return w; }
  static float element(double w, float) {
    const float rounded = static_cast<float>(w);
    return rounded == 0 && w > 0 ? 0x1p-149f : rounded;
  }
  // Of kWidth elements.
  template <bool kWhole>
  JBN_INLINE Doubles vector(int count) const {
    return each ? load_term<kWhole>(each, count) : all(one);
  }
};

// Asks for the line of an element that is needed soon. It may lie past the end of memory: it is only
// a hint.
template <class T>
JBN_INLINE void fetch(const T* from) {
  __builtin_prefetch(reinterpret_cast<const void*>(from), 0, 3);
}

// 0 where the weight is.
JBN_INLINE Doubles where_counted(Doubles w, Doubles value) { return w > all(0) ? value : all(0); }
template <class G>
JBN_INLINE G where_counted(const G& w, const G& values) {
  const auto zero = same<typename G::Vector>(typename G::Element{0});
  G result;
  JBN_EACH_VECTOR
  for (int i = 0; i < G::kCount; i++) result.v[i] = w.v[i] > zero ? values.v[i] : zero;
  return result;
}

template <class G, class T>
JBN_INLINE G load_some(const T* from, int count) {
  return count == G::kSize ? load_as<G>(from) : load_as<G>(from, count);
}

// Writes sixteen elements, or the first `count` of them; past the caches where that is wanted.
template <class G, class T>
JBN_INLINE void put(T* to, const G& group, int count, bool streams) {
  if (count < kLanes) {
    store(to, group, count);
  } else if (streams) {
    stream(to, group);
  } else {
    store(to, group);
  }
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_MAPS_HPP
