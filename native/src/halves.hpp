// Vectors of 16-bit elements: loaded as doubles, which is exact, and stored rounded once, to the
// nearest, ties to even.
#ifndef JBATCHNORM_SRC_HALVES_HPP
#define JBATCHNORM_SRC_HALVES_HPP

#include "elements.hpp"
#include "vectors.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

inline float float_of(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

// One element as a double, which is exact.
inline double value_of(float v) { return v; }
inline double value_of(double v) { return v; }
inline double value_of(Bf16 v) { return float_of(static_cast<uint32_t>(v.bits) << 16); }
inline double value_of(F16 v) {
  const uint32_t sign = static_cast<uint32_t>(v.bits & 0x8000) << 16;
  const uint32_t rest = v.bits & 0x7fff;
  if (rest >= 0x7c00) return float_of(sign | 0x7f800000 | (rest & 0x3ff) << 13);
  if (rest >= 0x400) return float_of(sign | ((rest << 13) + (112u << 23)));
  const float small = static_cast<float>(rest) * 0x1p-24f;
  return sign ? -small : small;
}

// A float that has no more bits than the element, or is past its range, NaN included.
inline void narrow_exact(float v, Bf16* to) { to->bits = static_cast<uint16_t>(bits_of(v) >> 16); }
inline void narrow_exact(float v, F16* to) {
  const uint32_t bits = bits_of(v), rest = bits & 0x7fffffff;
  uint32_t half;
  if (rest > 0x7f800000) {
    half = 0x7e00;
  } else if (rest >= 0x47800000) {
    half = 0x7c00;
  } else if (rest >= 0x38800000) {
    half = (rest - (112u << 23)) >> 13;
  } else {
    half = static_cast<uint32_t>(float_of(rest) * 0x1p24f);
  }
  to->bits = static_cast<uint16_t>(bits >> 16 & 0x8000) | static_cast<uint16_t>(half);
}

// Bits of the fraction, and the exponent of the smallest normal number.
template <class T>
struct Format;
template <>
struct Format<Bf16> {
  static constexpr int64_t kFraction = 7, kLowest = -126;
};
template <>
struct Format<F16> {
  static constexpr int64_t kFraction = 10, kLowest = -14;
};

constexpr int64_t kExponent = 0x7ff0000000000000, kSign = INT64_MIN;

// 2^e
constexpr double power(int64_t e) {
  return e == 0 ? 1 : e < 0 ? power(e + 1) / 2 : power(e - 1) * 2;
}

// Rounds to the bits that T keeps: adds and takes away a number so large that a double ends where
// T does. Its power of two is v's, limited from below, where T has denormals, and from above, where
// the sum would overflow; what is past T's range becomes infinite when it is narrowed.
template <class T>
JBN_INLINE Doubles rounded(Doubles v) {
  constexpr double kLeast = power(Format<T>::kLowest), kMost = power(200);
  constexpr double kEnd = 1.5 * power(52 - Format<T>::kFraction);
  const Longs bits = as_longs(v);
  Doubles own = as_doubles(bits & kExponent);
  own = own < all(kLeast) ? all(kLeast) : own;
  own = own < all(kMost) ? own : all(kMost);
  const Doubles large = own * all(kEnd);
  return as_doubles(as_longs((v + large) - large) | (bits & kSign));
}

// Writes one element, rounded once.
inline void put_value(double v, float* to) { *to = static_cast<float>(v); }
inline void put_value(double v, double* to) { *to = v; }
template <class T>
inline void put_value(double v, T* to) {
  double values[kLanes] = {v}, round[kLanes];
  store_vector(round, rounded<T>(load_vector(values)));
  narrow_exact(static_cast<float>(round[0]), to);
}

#if defined(__AVX512F__)
JBN_INLINE Floats floats_of(__m128i v, const Bf16*) {
  return (Floats)_mm256_slli_epi32(_mm256_cvtepu16_epi32(v), 16);
}
JBN_INLINE Floats floats_of(__m128i v, const F16*) { return (Floats)_mm256_cvtph_ps(v); }
JBN_INLINE __m128i halves_of(Floats v, const Bf16*) {
  return _mm256_cvtepi32_epi16(_mm256_srli_epi32((__m256i)v, 16));
}
JBN_INLINE __m128i halves_of(Floats v, const F16*) { return _mm256_cvtps_ph(v, 0); }
template <class T>
JBN_INLINE Doubles load_halves(const T* from) {
  return widen(floats_of(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)), from));
}
template <class T>
JBN_INLINE void store_halves(T* to, Doubles v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), halves_of(narrow(rounded<T>(v)), to));
}
template <class T>
JBN_INLINE void stream_halves(T* to, Doubles v) {
  _mm_stream_si128(reinterpret_cast<__m128i*>(to), halves_of(narrow(rounded<T>(v)), to));
}
template <class T>
JBN_INLINE Doubles load_halves(const T* from, unsigned mask) {
  return widen(floats_of(_mm_maskz_loadu_epi16(static_cast<__mmask8>(mask), from), from));
}
template <class T>
JBN_INLINE void store_halves(T* to, Doubles v, unsigned mask) {
  _mm_mask_storeu_epi16(to, static_cast<__mmask8>(mask), halves_of(narrow(rounded<T>(v)), to));
}
#elif defined(__AVX__)
JBN_INLINE Floats floats_of(__m128i v, const Bf16*) {
  return (Floats)_mm_slli_epi32(_mm_cvtepu16_epi32(v), 16);
}
JBN_INLINE Floats floats_of(__m128i v, const F16*) { return (Floats)_mm_cvtph_ps(v); }
JBN_INLINE __m128i halves_of(Floats v, const Bf16*) {
  const __m128i upper = _mm_srli_epi32((__m128i)v, 16);
  return _mm_packus_epi32(upper, upper);
}
JBN_INLINE __m128i halves_of(Floats v, const F16*) { return _mm_cvtps_ph(v, 0); }
template <class T>
JBN_INLINE Doubles load_halves(const T* from) {
  return widen(floats_of(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)), from));
}
template <class T>
JBN_INLINE void store_halves(T* to, Doubles v) {
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to), halves_of(narrow(rounded<T>(v)), to));
}
template <class T>
JBN_INLINE void stream_halves(T* to, Doubles v) {
  const __m128i halves = halves_of(narrow(rounded<T>(v)), to);
  _mm_stream_si64(reinterpret_cast<long long*>(to), _mm_cvtsi128_si64(halves));
}
#else
template <class T>
JBN_INLINE Doubles load_halves(const T* from) {
  double values[kWidth];
  for (int i = 0; i < kWidth; i++) values[i] = value_of(from[i]);
  return load_vector(values);
}
template <class T>
JBN_INLINE void store_halves(T* to, Doubles v) {
  double values[kWidth];
  store_vector(values, rounded<T>(v));
  for (int i = 0; i < kWidth; i++) narrow_exact(static_cast<float>(values[i]), to + i);
}
#endif

JBN_INLINE Doubles load_vector(const Bf16* from) { return load_halves(from); }
JBN_INLINE Doubles load_vector(const F16* from) { return load_halves(from); }
JBN_INLINE void store_vector(Bf16* to, Doubles v) { store_halves(to, v); }
JBN_INLINE void store_vector(F16* to, Doubles v) { store_halves(to, v); }

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_HALVES_HPP
