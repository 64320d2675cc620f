// The types of stored elements, and of the parameters that go with each.
#ifndef JBATCHNORM_SRC_ELEMENTS_HPP
#define JBATCHNORM_SRC_ELEMENTS_HPP

#include <cstdint>

namespace jbn {

// bfloat16: the upper half of an IEEE binary32.
struct Bf16 {
  uint16_t bits;
};

// IEEE binary16.
struct F16 {
  uint16_t bits;
};

// The type of gamma, beta, mean, var and of their gradients.
template <class T>
struct ParameterOf {
  using Type = float;
};
template <>
struct ParameterOf<double> {
  using Type = double;
};
template <class T>
using Parameter = typename ParameterOf<T>::Type;

// 16-bit elements, whose sums are taken in double and whose maps are computed in float.
template <class T>
constexpr bool kIsHalf = sizeof(T) == 2;

// True where the products of two elements are exact in double, and a double holds their mean.
template <class T>
constexpr bool kIsNarrow = sizeof(T) < sizeof(double);

}  // namespace jbn

#endif  // JBATCHNORM_SRC_ELEMENTS_HPP
