// Groups of sixteen elements, which maps work on, and of eight, which sums work on: as doubles, or as
// floats where the elements are floats or narrower.
#ifndef JBATCHNORM_SRC_GROUP_HPP
#define JBATCHNORM_SRC_GROUP_HPP

#include "simd/halves.hpp"
#include "simd/vectors.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

constexpr int kOctet = 8;

// V: a vector of kPart elements of type E.
template <class V, class E, int kPart, int kElements>
struct Vectors {
  using Vector = V;
  using Element = E;
  static constexpr int kSize = kElements;
  static constexpr int kStep = kPart;
  static constexpr int kCount = kElements / kPart;
  V v[kCount];
};

struct Octet : Vectors<Doubles, double, kWidth, kOctet> {};
struct FloatOctet : Vectors<Floats, float, kWidth, kOctet> {};
struct Group : Vectors<Doubles, double, kWidth, kLanes> {};
struct FloatGroup : Vectors<WideFloats, float, kWideWidth, kLanes> {};

// What elements of type T are computed with, in maps and for the terms of sums.
template <bool kNarrow>
struct GroupsOf {
  using Map = FloatGroup;
  using Term = FloatOctet;
};
template <>
struct GroupsOf<false> {
  using Map = Group;
  using Term = Octet;
};
template <class T>
using MapGroup = typename GroupsOf<kIsNarrow<T>>::Map;
template <class T>
using TermOctet = typename GroupsOf<kIsNarrow<T>>::Term;

// The same value in every element.
template <class V>
JBN_INLINE V same(float value);
template <class V>
JBN_INLINE V same(double value);
#if JBN_VECTORS
template <>
JBN_INLINE Floats same<Floats>(float value) {
  return value - Floats{};
}
template <>
JBN_INLINE WideFloats same<WideFloats>(float value) {
  return all_floats(value);
}
template <>
JBN_INLINE Doubles same<Doubles>(double value) {
  return all(value);
}
#endif
template <>
JBN_INLINE float same<float>(float value) {
  return value;
}
template <>
JBN_INLINE double same<double>(double value) {
  return value;
}

// One vector from memory, and to it.
JBN_INLINE void read_vector(const double* from, Doubles& v) { std::memcpy(&v, from, sizeof v); }
JBN_INLINE void read_vector(const float* from, Floats& v) { std::memcpy(&v, from, sizeof v); }
template <class T>
JBN_INLINE void read_vector(const T* from, Floats& v) {
  v = load_floats(from);
}
JBN_INLINE void write_vector(double* to, Doubles v) { std::memcpy(to, &v, sizeof v); }
#if JBN_VECTORS
JBN_INLINE void read_vector(const float* from, WideFloats& v) { std::memcpy(&v, from, sizeof v); }
template <class T>
JBN_INLINE void read_vector(const T* from, WideFloats& v) {
  v = load_wide(from);
}
JBN_INLINE void write_vector(float* to, WideFloats v) { std::memcpy(to, &v, sizeof v); }
template <class T>
JBN_INLINE void write_vector(T* to, WideFloats v) {
  store_wide(to, v);
}
#else
JBN_INLINE void write_vector(float* to, float v) { *to = v; }
template <class T>
JBN_INLINE void write_vector(T* to, float v) {
  store_wide(to, v);
}
#endif

template <class G, class T>
JBN_INLINE G load_as(const T* from) {
  G group;
  JBN_EACH_VECTOR
  for (int i = 0; i < G::kCount; i++) read_vector(from + i * G::kStep, group.v[i]);
  return group;
}
template <class G, class T>
JBN_INLINE void store(T* to, const G& group) {
  JBN_EACH_VECTOR
  for (int i = 0; i < G::kCount; i++) write_vector(to + i * G::kStep, group.v[i]);
}

// The first `count` elements, 0 to all of them, then zeros. kHasMasks: without branches.
#if defined(__AVX512F__)
constexpr bool kHasMasks = true;
JBN_INLINE void read_some(const double* from, unsigned mask, Doubles& v) {
  v = _mm512_maskz_loadu_pd(static_cast<__mmask8>(mask), from);
}
JBN_INLINE void read_some(const float* from, unsigned mask, Floats& v) {
  v = _mm256_maskz_loadu_ps(static_cast<__mmask8>(mask), from);
}
template <class T>
JBN_INLINE void read_some(const T* from, unsigned mask, Floats& v) {
  v = load_floats(from, mask);
}
JBN_INLINE void read_some(const float* from, unsigned mask, WideFloats& v) {
  v = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), from);
}
template <class T>
JBN_INLINE void read_some(const T* from, unsigned mask, WideFloats& v) {
  v = load_wide(from, mask);
}
JBN_INLINE void write_some(double* to, unsigned mask, Doubles v) {
  _mm512_mask_storeu_pd(to, static_cast<__mmask8>(mask), v);
}
JBN_INLINE void write_some(float* to, unsigned mask, WideFloats v) {
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>(mask), v);
}
template <class T>
JBN_INLINE void write_some(T* to, unsigned mask, WideFloats v) {
  store_wide(to, v, mask);
}
template <class V, class T>
JBN_INLINE void read_part(const T* from, int count, V& v) {
  read_some(from, (1u << count) - 1, v);
}
template <class G, class T>
JBN_INLINE G load_as(const T* from, int count) {
  G group;
  const unsigned mask = (1u << count) - 1;
  JBN_EACH_VECTOR
  for (int i = 0; i < G::kCount; i++) {
    read_some(from + i * G::kStep, mask >> (i * G::kStep), group.v[i]);
  }
  return group;
}
template <class G, class T>
JBN_INLINE void store(T* to, const G& group, int count) {
  const unsigned mask = (1u << count) - 1;
  JBN_EACH_VECTOR
  for (int i = 0; i < G::kCount; i++) {
    write_some(to + i * G::kStep, mask >> (i * G::kStep), group.v[i]);
  }
}
#else
constexpr bool kHasMasks = false;
template <class V, class T>
JBN_OUTLINE void read_part(const T* from, int count, V& v) {
  if (count == kWidth) {
    read_vector(from, v);
    return;
  }
  T elements[kWidth] = {};
  for (int i = 0; i < count; i++) elements[i] = from[i];
  read_vector(elements, v);
}
template <class G, class T>
JBN_OUTLINE G load_as(const T* from, int count) {
  T elements[G::kSize] = {};
  for (int i = 0; i < count; i++) elements[i] = from[i];
  return load_as<G>(elements);
}
template <class G, class T>
JBN_OUTLINE void store(T* to, const G& group, int count) {
  T elements[G::kSize];
  store(elements, group);
  for (int i = 0; i < count; i++) to[i] = elements[i];
}
#endif

// Stores past the caches, to whole aligned lines.
#if defined(__AVX512F__)
constexpr bool kHasStreams = true;
JBN_INLINE void stream_vector(float* to, WideFloats v) { _mm512_stream_ps(to, v); }
JBN_INLINE void stream_vector(double* to, Doubles v) { _mm512_stream_pd(to, v); }
JBN_INLINE void stream_fence() { _mm_sfence(); }
#elif defined(__AVX__)
constexpr bool kHasStreams = true;
JBN_INLINE void stream_vector(float* to, WideFloats v) { _mm256_stream_ps(to, v); }
JBN_INLINE void stream_vector(double* to, Doubles v) { _mm256_stream_pd(to, v); }
JBN_INLINE void stream_fence() { _mm_sfence(); }
#else
constexpr bool kHasStreams = false;
JBN_INLINE void stream_vector(float* to, WideFloats v) { write_vector(to, v); }
JBN_INLINE void stream_vector(double* to, Doubles v) { write_vector(to, v); }
JBN_INLINE void stream_fence() {}
#endif
template <class T>
JBN_INLINE void stream_vector(T* to, WideFloats v) {
  stream_wide(to, v);
}
template <class G, class T>
JBN_INLINE void stream(T* to, const G& group) {
  JBN_EACH_VECTOR
  for (int i = 0; i < G::kCount; i++) stream_vector(to + i * G::kStep, group.v[i]);
}

template <class G>
JBN_INLINE G zeros() {
  G group;
  JBN_EACH_VECTOR
  for (int i = 0; i < G::kCount; i++) group.v[i] = same<typename G::Vector>(typename G::Element{0});
  return group;
}

// The first `count` elements of one group, the others of another.
template <class G>
JBN_INLINE G joined(const G& first, const G& second, int64_t count) {
  typename G::Element a[G::kSize], b[G::kSize];
#if defined(__AVX512F__)
  if constexpr (G::kCount == 1 && sizeof(typename G::Element) == sizeof(float)) {
    const unsigned mask = count < G::kSize ? (1u << count) - 1 : 0xffff;
    return {{{_mm512_mask_blend_ps(static_cast<__mmask16>(mask), second.v[0], first.v[0])}}};
  }
#endif
  std::memcpy(a, &first, sizeof a), std::memcpy(b, &second, sizeof b);
  for (int i = 0; i < G::kSize; i++) a[i] = i < count ? a[i] : b[i];
  G result;
  std::memcpy(&result, a, sizeof a);
  return result;
}

JBN_INLINE Doubles widened(Doubles v) { return v; }
#if JBN_VECTORS
JBN_INLINE Doubles widened(Floats v) { return widen(v); }
#else
JBN_INLINE Doubles widened(float v) { return v; }
#endif

// kWidth elements, or the first `count` of them and zeros, as what their terms are computed with.
template <bool kWhole, class T>
JBN_INLINE typename TermOctet<T>::Vector load_term(const T* from, int count) {
  typename TermOctet<T>::Vector v;
  if (kWhole) {
    read_vector(from, v);
  } else {
    read_part(from, count, v);
  }
  return v;
}

// The first `count` elements, then zeros.
#if defined(__AVX512F__)
JBN_INLINE Doubles first_of(Doubles v, int count) {
  return _mm512_maskz_mov_pd(static_cast<__mmask8>((1u << count) - 1), v);
}
#else
JBN_OUTLINE inline Doubles first_of(Doubles v, int count) {
  double elements[kWidth];
  std::memcpy(elements, &v, sizeof v);
  for (int i = count; i < kWidth; i++) elements[i] = 0;
  std::memcpy(&v, elements, sizeof v);
  return v;
}
#endif

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_GROUP_HPP
