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

#include "order.hpp"

#if defined(__GNUC__)
#define JBN_INLINE __attribute__((always_inline)) inline
#else
#define JBN_INLINE inline
#endif
#if defined(__GNUC__) && !defined(__ARM_FEATURE_SVE)
#define JBN_VECTORS 1
#define JBN_EACH_VECTOR _Pragma("GCC unroll 16")
#else
#define JBN_VECTORS 0
#define JBN_EACH_VECTOR _Pragma("omp simd")
#endif

namespace jbn {
namespace JBN_NAMESPACE {

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
JBN_INLINE Doubles all(double value) { return Doubles{} + value; }
JBN_INLINE WideFloats all_floats(float value) { return WideFloats{} + value; }
#else
constexpr int kWidth = 1;
typedef double Doubles;
typedef uint64_t Bits;
constexpr int kWideWidth = 1;
typedef float WideFloats;
typedef uint32_t WideInts;

JBN_INLINE Doubles load_vector(const float* from) { return *from; }
JBN_INLINE Doubles load_vector(const double* from) { return *from; }
JBN_INLINE void store_vector(float* to, Doubles v) { *to = static_cast<float>(v); }
JBN_INLINE void store_vector(double* to, Doubles v) { *to = v; }
JBN_INLINE Doubles all(double value) { return value; }
JBN_INLINE WideFloats all_floats(float value) { return value; }
#endif

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_VECTORS_HPP
