// Vectors of doubles of the width that the instruction set has, or plain doubles in loops that the
// compiler vectorizes, where it has no vector types or the width is not known before the program
// runs (SVE).
#ifndef JBATCHNORM_SRC_VECTORS_HPP
#define JBATCHNORM_SRC_VECTORS_HPP

#include <cstdint>
#include <cstring>
#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#include "simd/inline.hpp"

#if defined(__GNUC__) && !defined(__ARM_FEATURE_SVE)
#define JBN_VECTORS 1
#define JBN_EACH_VECTOR _Pragma("GCC unroll 16")
#else
#define JBN_VECTORS 0
#define JBN_EACH_VECTOR _Pragma("omp simd")
#endif
#define JBN_UNROLLED _Pragma("GCC unroll 16")
#define JBN_ROLLED _Pragma("GCC unroll 1")
// A loop over the vectors of a group whose body is long: not unrolled, so that narrow vectors do not
// make more code than wide ones.
#if JBN_VECTORS
#define JBN_EACH_PART _Pragma("GCC unroll 1")
#else
#define JBN_EACH_PART _Pragma("omp simd")
#endif

namespace jbn {
namespace JBN_NAMESPACE {

// Elements that operations on arrays, and the maps of batch norm, take at a time.
constexpr int kLanes = 16;

// Doubles: a vector of kWidth doubles. Bits: their bits. Floats: as many floats.
#if JBN_VECTORS
#if defined(__AVX512F__)
constexpr int kWidth = 8;
#elif defined(__AVX__)
constexpr int kWidth = 4;
#else
constexpr int kWidth = 2;
#endif
typedef double Doubles __attribute__((vector_size(kWidth * sizeof(double))));
typedef uint64_t Bits __attribute__((vector_size(kWidth * sizeof(uint64_t))));
typedef float Floats __attribute__((vector_size(kWidth * sizeof(float))));
// As many floats as fill a vector.
constexpr int kWideWidth = 2 * kWidth;
typedef float WideFloats __attribute__((vector_size(kWideWidth * sizeof(float))));
typedef uint32_t WideInts __attribute__((vector_size(kWideWidth * sizeof(uint32_t))));

// gcc 12 converts vectors in halves where it is not told the instruction; its intrinsics without a
// mask warn of uninitialized values.
#if defined(__AVX512F__)
JBN_INLINE Doubles widen(Floats v) { return _mm512_maskz_cvtps_pd(0xff, v); }
JBN_INLINE Floats narrow(Doubles v) { return _mm512_maskz_cvtpd_ps(0xff, v); }
#elif defined(__AVX__)
JBN_INLINE Doubles widen(Floats v) { return _mm256_cvtps_pd(v); }
JBN_INLINE Floats narrow(Doubles v) { return _mm256_cvtpd_ps(v); }
#else
JBN_INLINE Doubles widen(Floats v) { return __builtin_convertvector(v, Doubles); }
JBN_INLINE Floats narrow(Doubles v) { return __builtin_convertvector(v, Floats); }
#endif
JBN_INLINE Doubles load_vector(const float* from) {
  Floats v;
  std::memcpy(&v, from, sizeof v);
  return widen(v);
}
JBN_INLINE Doubles load_vector(const double* from) {
  Doubles v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
JBN_INLINE void store_vector(float* to, Doubles v) {
  const Floats rounded = narrow(v);
  std::memcpy(to, &rounded, sizeof rounded);
}
JBN_INLINE void store_vector(double* to, Doubles v) { std::memcpy(to, &v, sizeof v); }
// 0 is subtracted, not added: -0 + 0 is +0.
JBN_INLINE Doubles all(double value) { return value - Doubles{}; }
JBN_INLINE WideFloats all_floats(float value) { return value - WideFloats{}; }
#else
constexpr int kWidth = 1;
typedef double Doubles;
typedef uint64_t Bits;
typedef float Floats;
constexpr int kWideWidth = 1;
typedef float WideFloats;
typedef uint32_t WideInts;

JBN_INLINE Doubles widen(Floats v) { return v; }
JBN_INLINE Floats narrow(Doubles v) { return static_cast<float>(v); }
JBN_INLINE Doubles load_vector(const float* from) { return *from; }
JBN_INLINE Doubles load_vector(const double* from) { return *from; }
JBN_INLINE void store_vector(float* to, Doubles v) { *to = static_cast<float>(v); }
JBN_INLINE void store_vector(double* to, Doubles v) { *to = v; }
JBN_INLINE Doubles all(double value) { return value; }
JBN_INLINE WideFloats all_floats(float value) { return value; }
#endif

// a * b + c rounded once, of floats, on every instruction set. Those without the instruction go by
// way of doubles: the product is exact there, and the sum is forced to be odd where it is not exact,
// so that rounding it to a float gives what rounding the exact sum would (Boldo and Melquiond, 2008).
inline float fma_of(float a, float b, float c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return __builtin_fmaf(a, b, c);
#else
  const double product = static_cast<double>(a) * b, sum = product + c, part = sum - product;
  const double error = (product - (sum - part)) + (c - part);
  uint64_t bits;
  std::memcpy(&bits, &sum, sizeof bits);
  const bool inexact = error > 0 || error < 0;
  if (inexact && (bits & 1) == 0) bits += (error > 0) == (sum > 0) ? 1 : -1;
  double odd;
  std::memcpy(&odd, &bits, sizeof odd);
  return static_cast<float>(odd);
#endif
}

#if !JBN_VECTORS
JBN_INLINE float madd(float a, float b, float c) { return fma_of(a, b, c); }
#elif defined(__AVX512F__)
JBN_INLINE Floats madd(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
JBN_INLINE WideFloats madd(WideFloats a, WideFloats b, WideFloats c) {
  return _mm512_fmadd_ps(a, b, c);
}
#elif defined(__FMA__)
JBN_INLINE Floats madd(Floats a, Floats b, Floats c) { return _mm_fmadd_ps(a, b, c); }
JBN_INLINE WideFloats madd(WideFloats a, WideFloats b, WideFloats c) {
  return _mm256_fmadd_ps(a, b, c);
}
#elif defined(__ARM_NEON)
JBN_INLINE Floats madd(Floats a, Floats b, Floats c) {
  return (Floats)vfma_f32((float32x2_t)c, (float32x2_t)a, (float32x2_t)b);
}
JBN_INLINE WideFloats madd(WideFloats a, WideFloats b, WideFloats c) {
  return (WideFloats)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
#else
JBN_INLINE Floats madd(Floats a, Floats b, Floats c) {
  const Doubles product = widen(a) * widen(b), term = widen(c), sum = product + term;
  const Doubles part = sum - product, error = (product - (sum - part)) + (term - part);
  const Bits bits = (Bits)sum, even = 1 - (bits & 1);
  // A comparison is -1 where it holds: +1 away from 0, -1 towards it.
  const Bits towards = (Bits)(error < 0) ^ (Bits)(sum < 0);
  const Bits inexact = (Bits)(error < 0) | (Bits)(error > 0);
  return narrow((Doubles)(bits + ((1 + 2 * towards) & inexact & -even)));
}
JBN_INLINE WideFloats madd(WideFloats a, WideFloats b, WideFloats c) {
  constexpr int kHalves = kWideWidth / kWidth;
  Floats x[kHalves], y[kHalves], z[kHalves];
  std::memcpy(x, &a, sizeof a), std::memcpy(y, &b, sizeof b), std::memcpy(z, &c, sizeof c);
  for (int i = 0; i < kHalves; i++) x[i] = madd(x[i], y[i], z[i]);
  WideFloats result;
  std::memcpy(&result, x, sizeof result);
  return result;
}
#endif
JBN_INLINE double madd(double a, double b, double c) { return a * b + c; }
#if JBN_VECTORS
JBN_INLINE float madd(float a, float b, float c) { return fma_of(a, b, c); }
// Of doubles each operation is rounded: not every instruction set has the other at any speed.
JBN_INLINE Doubles madd(Doubles a, Doubles b, Doubles c) { return a * b + c; }
#endif

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_VECTORS_HPP
