// Vectors of 16-bit elements: loaded as doubles, which is exact, and stored rounded once, to the
// nearest, ties to even.
#ifndef JBATCHNORM_SRC_HALVES_HPP
#define JBATCHNORM_SRC_HALVES_HPP

#include "simd/elements.hpp"
#include "simd/vectors.hpp"

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

// A float rounded to the nearest element, ties to even. NaN stays one.
inline void narrow_float(float v, Bf16* to) {
  const uint32_t bits = bits_of(v);
  const uint32_t even = bits + 0x7fff + (bits >> 16 & 1);
  to->bits = static_cast<uint16_t>((v != v ? 0x7fc00000 : even) >> 16);
}
inline void narrow_float(float v, F16* to) {
  const uint32_t bits = bits_of(v), rest = bits & 0x7fffffff;
  uint32_t half;
  if (rest > 0x7f800000) {
    half = 0x7e00;
  } else if (rest >= 0x47800000) {
    half = 0x7c00;
  } else if (rest >= 0x38800000) {
    half = (rest + 0xfff + (rest >> 13 & 1) - (112u << 23)) >> 13;
  } else {
    // 0.5 has the last place of binary16's denormals.
    half = bits_of(float_of(rest) + 0.5f) - bits_of(0.5f);
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

// 2^e
constexpr double power(int64_t e) {
  return e == 0 ? 1 : e < 0 ? power(e + 1) / 2 : power(e - 1) * 2;
}

// Writes one element, rounded once. To 16 bits: adds and takes away a number so large that a double
// ends where T does. Its power of two is v's, limited from below, where T has denormals, and from
// above, where the sum would overflow; what is past T's range becomes infinite in the float.
inline void put_rounded(double v, float* to) { *to = static_cast<float>(v); }
inline void put_rounded(double v, double* to) { *to = v; }
template <class T>
inline void put_rounded(double v, T* to) {
  constexpr double kLeast = power(Format<T>::kLowest), kMost = power(200);
  constexpr double kEnd = 1.5 * power(52 - Format<T>::kFraction);
  int64_t bits;
  std::memcpy(&bits, &v, sizeof bits);
  bits &= 0x7ff0000000000000;
  double own;
  std::memcpy(&own, &bits, sizeof own);
  own = own < kLeast ? kLeast : own;
  own = own < kMost ? own : kMost;
  const double large = own * kEnd;
  const float rounded = static_cast<float>((v + large) - large);
  narrow_float(__builtin_copysignf(rounded, static_cast<float>(v)), to);
}

// Elements as floats, kWidth of them: for sums, which widen them.
#if defined(__AVX512F__)
JBN_INLINE Floats floats_of(__m128i v, const Bf16*) {
  return (Floats)_mm256_slli_epi32(_mm256_cvtepu16_epi32(v), 16);
}
JBN_INLINE Floats floats_of(__m128i v, const F16*) { return (Floats)_mm256_cvtph_ps(v); }
template <class T>
JBN_INLINE Floats load_floats(const T* from) {
  return floats_of(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)), from);
}
template <class T>
JBN_INLINE Floats load_floats(const T* from, unsigned mask) {
  return floats_of(_mm_maskz_loadu_epi16(static_cast<__mmask8>(mask), from), from);
}
#elif defined(__AVX__)
JBN_INLINE Floats floats_of(__m128i v, const Bf16*) {
  return (Floats)_mm_slli_epi32(_mm_cvtepu16_epi32(v), 16);
}
JBN_INLINE Floats floats_of(__m128i v, const F16*) { return (Floats)_mm_cvtph_ps(v); }
template <class T>
JBN_INLINE Floats load_floats(const T* from) {
  return floats_of(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)), from);
}
#else
template <class T>
JBN_INLINE Floats load_floats(const T* from) {
  float values[kWidth];
  for (int i = 0; i < kWidth; i++) values[i] = static_cast<float>(value_of(from[i]));
  Floats v;
  std::memcpy(&v, values, sizeof v);
  return v;
}
#endif

// Elements as floats, kWideWidth of them: for maps.
#if JBN_VECTORS
// The bits of floats rounded to bfloat16, which is their upper half.
JBN_INLINE WideInts bf16_bits(WideFloats v) {
  const WideInts bits = (WideInts)v;
  const WideInts even = bits + 0x7fff + ((bits >> 16) & 1);
  return (v == v ? even : WideInts{} + 0x7fc00000) >> 16;
}
#endif
#if defined(__AVX512F__)
JBN_INLINE WideFloats wide_of(__m256i v, const Bf16*) {
  return (WideFloats)((WideInts)_mm512_maskz_cvtepu16_epi32(0xffff, v) << 16);
}
JBN_INLINE WideFloats wide_of(__m256i v, const F16*) {
  return (WideFloats)_mm512_maskz_cvtph_ps(0xffff, v);
}
JBN_INLINE __m256i halves_of(WideFloats v, const Bf16*) {
  return _mm512_maskz_cvtepi32_epi16(0xffff, (__m512i)bf16_bits(v));
}
JBN_INLINE __m256i halves_of(WideFloats v, const F16*) {
  return _mm512_maskz_cvtps_ph(0xffff, (__m512)v, 0);
}
template <class T>
JBN_INLINE WideFloats load_wide(const T* from) {
  return wide_of(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)), from);
}
template <class T>
JBN_INLINE WideFloats load_wide(const T* from, unsigned mask) {
  return wide_of(_mm256_maskz_loadu_epi16(static_cast<__mmask16>(mask), from), from);
}
template <class T>
JBN_INLINE void store_wide(T* to, WideFloats v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), halves_of(v, to));
}
template <class T>
JBN_INLINE void store_wide(T* to, WideFloats v, unsigned mask) {
  _mm256_mask_storeu_epi16(to, static_cast<__mmask16>(mask), halves_of(v, to));
}
template <class T>
JBN_INLINE void stream_wide(T* to, WideFloats v) {
  _mm256_stream_si256(reinterpret_cast<__m256i*>(to), halves_of(v, to));
}
#elif defined(__AVX__)
JBN_INLINE WideFloats wide_of(__m128i v, const Bf16*) {
  return (WideFloats)_mm256_slli_epi32(_mm256_cvtepu16_epi32(v), 16);
}
JBN_INLINE WideFloats wide_of(__m128i v, const F16*) { return (WideFloats)_mm256_cvtph_ps(v); }
JBN_INLINE __m128i halves_of(WideFloats v, const Bf16*) {
  const __m256i upper = (__m256i)bf16_bits(v);
  return _mm_packus_epi32(_mm256_castsi256_si128(upper), _mm256_extracti128_si256(upper, 1));
}
JBN_INLINE __m128i halves_of(WideFloats v, const F16*) { return _mm256_cvtps_ph((__m256)v, 0); }
template <class T>
JBN_INLINE WideFloats load_wide(const T* from) {
  return wide_of(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)), from);
}
template <class T>
JBN_INLINE void store_wide(T* to, WideFloats v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), halves_of(v, to));
}
template <class T>
JBN_INLINE void stream_wide(T* to, WideFloats v) {
  _mm_stream_si128(reinterpret_cast<__m128i*>(to), halves_of(v, to));
}
#else
template <class T>
JBN_INLINE WideFloats load_wide(const T* from) {
  float values[kWideWidth];
  for (int i = 0; i < kWideWidth; i++) values[i] = static_cast<float>(value_of(from[i]));
  WideFloats v;
  std::memcpy(&v, values, sizeof v);
  return v;
}
template <class T>
JBN_INLINE void store_wide(T* to, WideFloats v) {
  float values[kWideWidth];
  std::memcpy(values, &v, sizeof v);
  for (int i = 0; i < kWideWidth; i++) narrow_float(values[i], to + i);
}
template <class T>
JBN_INLINE void stream_wide(T* to, WideFloats v) {
  store_wide(to, v);
}
#endif

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_HALVES_HPP
