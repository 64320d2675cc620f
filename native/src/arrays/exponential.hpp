// exp, log and their kin, of vectors of f64; plain operations without branches or fma in a fixed
// order, which arrays/Exponentials.java repeats bit by bit. docs/numerics.md says how they come
// about and how exact they are.
#ifndef JBATCHNORM_SRC_EXPONENTIAL_HPP
#define JBATCHNORM_SRC_EXPONENTIAL_HPP

#include <cmath>

#include "simd/vectors.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

constexpr double kLog2E = 0x1.71547652b82fep0;
constexpr double kLn2High = 0x1.62e42feep-1;  // ln 2, of 32 bits, so that small multiples are exact
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kToInteger = 0x1.8p52;  // added, it leaves an integer in the low bits
constexpr double kOverflow = 0x1.62e42fefa39efp9;
constexpr double kUnderflow = -0x1.74910d52d3052p9;  // where exp becomes 0

JBN_INLINE Bits bits_of(Doubles values) {
  Bits bits;
  std::memcpy(&bits, &values, sizeof bits);
  return bits;
}
JBN_INLINE Doubles from_bits(Bits bits) {
  Doubles values;
  std::memcpy(&values, &bits, sizeof values);
  return values;
}
// 2^k, for k of -1022 to 1023, with k + kToInteger given.
JBN_INLINE Doubles power_of_two(Doubles shifted) {
  return from_bits((bits_of(shifted) + 1023) << 52);
}

JBN_INLINE Doubles clamp(Doubles x, double low, double high) {
  const Doubles least = x < low ? all(low) : x;
  return least > high ? all(high) : least;
}

// x = k ln 2 + r + a small rest; exp(r and its rest) - 1 = r + rest.
struct Reduced {
  Doubles k, r, rest;

  explicit JBN_INLINE Reduced(Doubles x) {
    k = x * kLog2E + kToInteger - kToInteger;
    const Doubles high = x - k * kLn2High, low = k * kLn2Low;
    r = high - low;
    Doubles q = all(1.0 / 6227020800);  // Taylor's series to r^13 / 13!
    q = q * r + 1.0 / 479001600;
    q = q * r + 1.0 / 39916800;
    q = q * r + 1.0 / 3628800;
    q = q * r + 1.0 / 362880;
    q = q * r + 1.0 / 40320;
    q = q * r + 1.0 / 5040;
    q = q * r + 1.0 / 720;
    q = q * r + 1.0 / 120;
    q = q * r + 1.0 / 24;
    q = q * r + 1.0 / 6;
    q = q * r + 0.5;
    rest = r * r * q + ((high - r) - low);
  }
  // exp(x), where it is neither 0 nor infinite: in two steps, as 2^k may be no normal number then.
  JBN_INLINE Doubles exponential() const {
    const Doubles half = k * 0.5 + kToInteger, first = half - kToInteger;
    const Doubles y = 1 + (r + rest);
    return y * power_of_two(half) * power_of_two(k - first + kToInteger);
  }
};

JBN_INLINE Doubles exp_of(Doubles x) {
  const Doubles y = Reduced(clamp(x, -750, 710)).exponential();
  const Doubles above = x < kUnderflow ? all(0) : x != x ? x : y;
  return x > kOverflow ? all(INFINITY) : above;
}

JBN_INLINE Doubles expm1_of(Doubles x) {
  const Reduced e(clamp(x, -60, 710));
  const Doubles power = power_of_two(e.k + kToInteger);
  // (2^k - 1) + 2^k r with its error, then what is small.
  const Doubles head = power - 1, tail = power * e.r;
  const Doubles sum = head + tail, part = sum - head;
  const Doubles error = (head - (sum - part)) + (tail - part);
  const Doubles y = sum + (error + power * e.rest);
  const Doubles large = x > kOverflow ? all(INFINITY) : e.exponential();
  const Doubles finite = x > 708 ? large : y;
  return x != x ? x : x == 0 ? x : finite;
}

// k_before ln 2 + log(u + low), for a normal u > 0 and a small low.
JBN_INLINE Doubles log_of_sum(Doubles u, Doubles low, Doubles k_before) {
  // k is counted from the root of 1/2 on, in bits that are never negative.
  constexpr uint64_t kRootOfHalf = 0x3fe6a09e667f3bcd, kBias = 2048;
  const Bits bits = bits_of(u);
  const Bits biased = (bits - kRootOfHalf + (kBias << 52)) >> 52;
  const Doubles k = from_bits(biased | 0x4330000000000000) - (0x1p52 + kBias) + k_before;
  const Doubles f = from_bits(bits - (biased << 52) + (kBias << 52)) - 1;
  const Doubles s = f / (2 + f), z = s * s;
  Doubles q = all(2.0 / 25);  // 2 atanh(s) = s (2 + z (2 / 3 + z (2 / 5 + ...)))
  q = q * z + 2.0 / 23;
  q = q * z + 2.0 / 21;
  q = q * z + 2.0 / 19;
  q = q * z + 2.0 / 17;
  q = q * z + 2.0 / 15;
  q = q * z + 2.0 / 13;
  q = q * z + 2.0 / 11;
  q = q * z + 2.0 / 9;
  q = q * z + 2.0 / 7;
  q = q * z + 2.0 / 5;
  q = q * z + 2.0 / 3;
  const Doubles half = 0.5 * f * f;  // log(1 + f) = f - (half - s (half + z q))
  const Doubles rest = s * (half + z * q) + (k * kLn2Low + low / u);
  return k * kLn2High - ((half - rest) - f);
}

// What a logarithm is where its argument, of which `y` is the logarithm, is 0, infinite or negative.
JBN_INLINE Doubles log_at_ends(Doubles argument, Doubles y) {
  const Doubles high = argument < INFINITY ? y : argument;  // NaN stays
  const Doubles low = argument == 0 ? all(-INFINITY) : high;
  return argument < 0 ? all(NAN) : low;
}

JBN_INLINE Doubles log_of(Doubles x) {
  const Doubles u = x < 0x1p-1022 ? x * 0x1p54 : x;
  const Doubles k = x < 0x1p-1022 ? all(-54) : all(0);
  return log_at_ends(x, log_of_sum(u, all(0), k));
}

JBN_INLINE Doubles log1p_of(Doubles x) {
  const Doubles u = 1 + x, part = u - 1;
  const Doubles low = (1 - (u - part)) + (x - part);
  const Doubles y = log_at_ends(u, log_of_sum(u, low, all(0)));
  return x == 0 ? x : y;
}

JBN_INLINE Doubles tanh_of(Doubles x) {
  const Doubles size = x < 0 ? -x : x;
  const Doubles t = expm1_of(2 * (size > 22 ? all(22) : size));
  const Doubles y = t / (t + 2);
  return x < 0 ? -y : x == 0 ? x : y;
}

JBN_INLINE Doubles sigmoid_of(Doubles x) { return 1 / (1 + exp_of(-x)); }

// p (exp(x) - 1) where x is not above 0.
JBN_INLINE Doubles elu_of(Doubles x, double p) {
  const Doubles below = p * expm1_of(x);
  return x > 0 ? x : below;
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_EXPONENTIAL_HPP
