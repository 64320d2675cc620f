// A sum and its rounding error.
#ifndef JBATCHNORM_SRC_TWO_SUM_HPP
#define JBATCHNORM_SRC_TWO_SUM_HPP

#include "simd/inline.hpp"

namespace jbn {

// Adds a number, or a vector of them, to hi, and what that loses to lo (Knuth's TwoSum).
template <class V>
JBN_INLINE void add_exactly(V value, V& hi, V& lo) {
  const V sum = hi + value;
  const V part = sum - hi;
  lo += (hi - (sum - part)) + (value - part);
  hi = sum;
}

// A sum, or a vector of them, that keeps its rounding errors, or does not.
template <class V, bool kExact>
struct SumOf {
  V hi;

  JBN_INLINE void add(const SumOf& other) { hi += other.hi; }
  JBN_INLINE V value() const { return hi; }
};
template <class V>
struct SumOf<V, true> {
  V hi, lo;

  JBN_INLINE void add(const SumOf& other) {
    add_exactly(other.hi, hi, lo);
    lo += other.lo;
  }
  JBN_INLINE V value() const { return hi + lo; }
};

// In memory, the error apart from the sum; read and written alike where there is none.
template <bool kExact, class V>
JBN_INLINE SumOf<V, kExact> sum_at(const V* hi, const V* lo) {
  if constexpr (kExact) {
    return {*hi, *lo};
  } else {
    return {*hi};
  }
}
template <class V>
JBN_INLINE void put_sum(const SumOf<V, false>& sum, V* hi, V*) {
  *hi = sum.hi;
}
template <class V>
JBN_INLINE void put_sum(const SumOf<V, true>& sum, V* hi, V* lo) {
  *hi = sum.hi, *lo = sum.lo;
}

}  // namespace jbn

#endif  // JBATCHNORM_SRC_TWO_SUM_HPP
