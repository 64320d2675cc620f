// Sixteen doubles, one a lane: what every inner loop here works on.
#ifndef JBATCHNORM_SRC_GROUP_HPP
#define JBATCHNORM_SRC_GROUP_HPP

#include "halves.hpp"
#include "vectors.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

constexpr int kVectors = kLanes / kWidth;

struct Group {
  using Vector = Doubles;
  static constexpr int kCount = kVectors;
  Vector v[kCount];
  static JBN_INLINE Vector all(double value) { return JBN_NAMESPACE::all(value); }
};

// Sixteen floats: what the maps of 16-bit elements work on.
struct FloatGroup {
  using Vector = WideFloats;
  static constexpr int kCount = kLanes / kWideWidth;
  Vector v[kCount];
  static JBN_INLINE Vector all(double value) { return all_floats(static_cast<float>(value)); }
};

template <bool kHalf>
struct MapGroupOf {
  using Type = Group;
};
template <>
struct MapGroupOf<true> {
  using Type = FloatGroup;
};
// What elements of type T are mapped as.
template <class T>
using MapGroup = typename MapGroupOf<kIsHalf<T>>::Type;

JBN_INLINE Group zeros() {
  Group group;
  JBN_EACH_VECTOR
  for (int i = 0; i < kVectors; i++) group.v[i] = all(0);
  return group;
}

template <class T>
JBN_INLINE Group load(const T* from) {
  Group group;
  JBN_EACH_VECTOR
  for (int i = 0; i < kVectors; i++) group.v[i] = load_vector(from + i * kWidth);
  return group;
}

template <class T>
JBN_INLINE void store(T* to, const Group& group) {
  JBN_EACH_VECTOR
  for (int i = 0; i < kVectors; i++) store_vector(to + i * kWidth, group.v[i]);
}

// The first `count` < 16 elements, then zeros.
#if defined(__AVX512F__)
JBN_INLINE Group load(const float* from, int count) {
  const unsigned mask = (1u << count) - 1;
  return {{widen(_mm256_maskz_loadu_ps(static_cast<__mmask8>(mask), from)),
           widen(_mm256_maskz_loadu_ps(static_cast<__mmask8>(mask >> 8), from + 8))}};
}
JBN_INLINE Group load(const double* from, int count) {
  const unsigned mask = (1u << count) - 1;
  return {{_mm512_maskz_loadu_pd(static_cast<__mmask8>(mask), from),
           _mm512_maskz_loadu_pd(static_cast<__mmask8>(mask >> 8), from + 8)}};
}
JBN_INLINE void store(float* to, const Group& group, int count) {
  const unsigned mask = (1u << count) - 1;
  _mm256_mask_storeu_ps(to, static_cast<__mmask8>(mask), narrow(group.v[0]));
  _mm256_mask_storeu_ps(to + 8, static_cast<__mmask8>(mask >> 8), narrow(group.v[1]));
}
JBN_INLINE void store(double* to, const Group& group, int count) {
  const unsigned mask = (1u << count) - 1;
  _mm512_mask_storeu_pd(to, static_cast<__mmask8>(mask), group.v[0]);
  _mm512_mask_storeu_pd(to + 8, static_cast<__mmask8>(mask >> 8), group.v[1]);
}
template <class T>
JBN_INLINE Group load(const T* from, int count) {
  const unsigned mask = (1u << count) - 1;
  return {{load_half_vector(from, mask), load_half_vector(from + 8, mask >> 8)}};
}
#else
template <class T>
JBN_INLINE Group load(const T* from, int count) {
  T elements[kLanes] = {};
  for (int i = 0; i < count; i++) elements[i] = from[i];
  return load(elements);
}
template <class T>
JBN_INLINE void store(T* to, const Group& group, int count) {
  T elements[kLanes];
  store(elements, group);
  for (int i = 0; i < count; i++) to[i] = elements[i];
}
#endif

// Stores past the caches, to whole aligned lines.
#if defined(__AVX512F__)
constexpr bool kHasStreams = true;
JBN_INLINE void stream_vector(float* to, Doubles v) { _mm256_stream_ps(to, narrow(v)); }
JBN_INLINE void stream_vector(double* to, Doubles v) { _mm512_stream_pd(to, v); }
JBN_INLINE void stream_fence() { _mm_sfence(); }
#elif defined(__AVX__)
constexpr bool kHasStreams = true;
JBN_INLINE void stream_vector(float* to, Doubles v) { _mm_stream_ps(to, narrow(v)); }
JBN_INLINE void stream_vector(double* to, Doubles v) { _mm256_stream_pd(to, v); }
JBN_INLINE void stream_fence() { _mm_sfence(); }
#else
constexpr bool kHasStreams = false;
template <class T>
JBN_INLINE void stream_vector(T* to, Doubles v) {
  store_vector(to, v);
}
JBN_INLINE void stream_fence() {}
#endif

template <class T>
JBN_INLINE void stream(T* to, const Group& group) {
  JBN_EACH_VECTOR
  for (int i = 0; i < kVectors; i++) stream_vector(to + i * kWidth, group.v[i]);
}

template <class G>
JBN_INLINE void add(G& sum, const G& values) {
  JBN_EACH_VECTOR
  for (int i = 0; i < G::kCount; i++) sum.v[i] += values.v[i];
}

// The same of floats.
template <class T>
JBN_INLINE FloatGroup load_floats(const T* from) {
  FloatGroup group;
  JBN_EACH_VECTOR
  for (int i = 0; i < FloatGroup::kCount; i++) group.v[i] = load_wide(from + i * kWideWidth);
  return group;
}
template <class T>
JBN_INLINE void store(T* to, const FloatGroup& group) {
  JBN_EACH_VECTOR
  for (int i = 0; i < FloatGroup::kCount; i++) store_wide(to + i * kWideWidth, group.v[i]);
}
template <class T>
JBN_INLINE void stream(T* to, const FloatGroup& group) {
  JBN_EACH_VECTOR
  for (int i = 0; i < FloatGroup::kCount; i++) stream_wide(to + i * kWideWidth, group.v[i]);
}
#if defined(__AVX512F__)
template <class T>
JBN_INLINE FloatGroup load_floats(const T* from, int count) {
  return {{load_wide(from, count)}};
}
template <class T>
JBN_INLINE void store(T* to, const FloatGroup& group, int count) {
  store_wide(to, group.v[0], count);
}
#else
template <class T>
JBN_INLINE FloatGroup load_floats(const T* from, int count) {
  T elements[kLanes] = {};
  for (int i = 0; i < count; i++) elements[i] = from[i];
  return load_floats(elements);
}
template <class T>
JBN_INLINE void store(T* to, const FloatGroup& group, int count) {
  T elements[kLanes];
  store(elements, group);
  for (int i = 0; i < count; i++) to[i] = elements[i];
}
#endif

// Elements as what they are mapped as, or summed as: by the type of the first argument.
template <class T>
JBN_INLINE void load_into(Group& group, const T* from) {
  group = load(from);
}
template <class T>
JBN_INLINE void load_into(Group& group, const T* from, int count) {
  group = load(from, count);
}
template <class T>
JBN_INLINE void load_into(FloatGroup& group, const T* from) {
  group = load_floats(from);
}
template <class T>
JBN_INLINE void load_into(FloatGroup& group, const T* from, int count) {
  group = load_floats(from, count);
}
template <class G, class T>
JBN_INLINE G load_as(const T* from) {
  G group;
  load_into(group, from);
  return group;
}
template <class G, class T>
JBN_INLINE G load_as(const T* from, int count) {
  G group;
  load_into(group, from, count);
  return group;
}

// Doubles, rounded where they become floats.
JBN_INLINE void load_into(FloatGroup& group, const double* from) {
  alignas(64) float values[kLanes];
  for (int i = 0; i < kLanes; i++) values[i] = static_cast<float>(from[i]);
  std::memcpy(&group, values, sizeof group);
}
JBN_INLINE void load_into(FloatGroup& group, const double* from, int count) {
  alignas(64) float values[kLanes] = {};
  for (int i = 0; i < count; i++) values[i] = static_cast<float>(from[i]);
  std::memcpy(&group, values, sizeof group);
}

// Adds a * b, rounded, to `sum`.
JBN_INLINE void add_product(Group& sum, const Group& a, const Group& b) {
  JBN_EACH_VECTOR
  for (int i = 0; i < kVectors; i++) sum.v[i] += a.v[i] * b.v[i];
}

// The same for products that are exact, as those of two floats are: there a fused multiply-add
// gives the same bits and is the faster one.
JBN_INLINE void add_exact_product(Group& sum, const Group& a, const Group& b) {
  JBN_EACH_VECTOR
  for (int i = 0; i < kVectors; i++) {
#if defined(__AVX512F__)
    sum.v[i] = _mm512_fmadd_pd(a.v[i], b.v[i], sum.v[i]);
#elif defined(__FMA__)
    sum.v[i] = _mm256_fmadd_pd(a.v[i], b.v[i], sum.v[i]);
#elif defined(__ARM_NEON) && JBN_VECTORS
    sum.v[i] = vfmaq_f64(sum.v[i], a.v[i], b.v[i]);
#else
    sum.v[i] += a.v[i] * b.v[i];
#endif
  }
}

// Zeroes the lanes from `count` on.
JBN_INLINE Group keep(const Group& group, int count) {
  double elements[kLanes];
  store(elements, group);
  for (int i = count; i < kLanes; i++) elements[i] = 0;
  return load(elements);
}

// The sum over the lanes, folded in halves.
JBN_INLINE double fold(const Group& group) {
#if defined(__AVX512F__)
  const Doubles v = group.v[0] + group.v[1];
  const double a = v[0] + v[4], b = v[1] + v[5], c = v[2] + v[6], d = v[3] + v[7];
  return (a + c) + (b + d);
#else
  double v[kLanes];
  store(v, group);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; i++) v[i] += v[i + half];
  }
  return v[0];
#endif
}

// Asks for the lines of sixteen elements that are needed soon. They may lie past the end of
// memory: it is only a hint.
template <class T>
JBN_INLINE void fetch(const T* from, int64_t at) {
  constexpr int kPerLine = 64 / static_cast<int>(sizeof(T));
  const uintptr_t first =
      reinterpret_cast<uintptr_t>(from) + static_cast<uintptr_t>(at) * sizeof(T);
  for (int i = 0; i < kLanes; i += kPerLine) {
    __builtin_prefetch(reinterpret_cast<const void*>(first + i * sizeof(T)), 0, 3);
  }
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_GROUP_HPP
