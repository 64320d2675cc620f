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

}  // namespace jbn

#endif  // JBATCHNORM_SRC_TWO_SUM_HPP
