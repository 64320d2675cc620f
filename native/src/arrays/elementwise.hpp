// Elementwise functions of one or two arrays, read and written with any strides.
#ifndef JBATCHNORM_SRC_ELEMENTWISE_HPP
#define JBATCHNORM_SRC_ELEMENTWISE_HPP

#include <cmath>

#include "arrays/arrays.hpp"
#include "arrays/exponential.hpp"
#include "platform/threads.hpp"
#include "simd/vectors.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// The functions, by the numbers that ArrayFunction gives them. `p` and `q` are their parameters.
enum class Function {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kMaximum,
  kMinimum,
  kGreater,
  kBendGradient,
  kAddBend,
  kCopy,
  kNegate,
  kAbs,
  kSqrt,
  kBend,
  kSign,
  kIsZero,
  kClip,
  kInside,
  kSquare,
  kExp,
  kExpm1,
  kLog,
  kLog1p,
  kTanh,
  kSigmoid,
  kElu
};

template <class T>
JBN_INLINE T larger(T a, T b) {  // as Java's Math.max: NaN if either is, and 0 is more than -0
  const T most = a > b ? a : b;
  const T equal = a + b == 0 && a == b ? (std::signbit(a) ? b : a) : most;
  return a != a ? a : b != b ? b : equal;
}

template <class T>
JBN_INLINE T bend(T a, T p) {
  return a > 0 ? a : p == 0 && a <= 0 ? T{0} : p == 0 ? a : a * p;
}

template <class T>
JBN_INLINE T bend_gradient(T a, T b, T p) {  // a times the slope at b
  return b > 0 ? a : b <= 0 ? a * p : b;
}

// Offsets of the rows of a strided walk.
struct Walk {
  int64_t ndim, rows, length;
  const int64_t *shape, *a, *b, *y;
};

struct Offsets {
  int64_t a, b, y;
};

inline Offsets offsets_of_row(const Walk& walk, int64_t row) {
  Offsets at = {0, 0, 0};
  for (int64_t axis = walk.ndim - 2; axis >= 0; axis--) {
    const int64_t i = row % walk.shape[axis];
    row /= walk.shape[axis];
    at.a += i * walk.a[axis];
    at.b += i * walk.b[axis];
    at.y += i * walk.y[axis];
  }
  return at;
}

template <class T, class F>
JBN_INLINE void run_row(const F& f, const T* a, int64_t sa, const T* b, int64_t sb, T* y,
                        int64_t sy, int64_t n) {
  if (sy == 1 && sa == 1 && sb == 1) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) y[i] = f(a[i], b[i]);
  } else if (sy == 1 && sa == 1 && sb == 0) {
    const T other = *b;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) y[i] = f(a[i], other);
  } else if (sy == 1 && sa == 0 && sb == 1) {
    const T one = *a;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) y[i] = f(one, b[i]);
  } else {
    for (int64_t i = 0; i < n; i++) y[i * sy] = f(a[i * sa], b[i * sb]);
  }
}

// A function of one element, of vectors of doubles.
template <class F>
struct InVectors {
  F of;
};

// `count` elements, at most a vector's, `stride` apart.
template <class T>
JBN_INLINE Doubles load_some(const T* from, int64_t stride, int64_t count) {
  T some[kWidth] = {};
  for (int64_t i = 0; i < count; i++) some[i] = from[i * stride];
  return load_vector(some);
}

template <class T, class F>
JBN_INLINE void run_row(const InVectors<F>& f, const T* a, int64_t sa, const T*, int64_t, T* y,
                        int64_t sy, int64_t n) {
  int64_t i = 0;
  if (sa == 1 && sy == 1) {
    for (; i + kWidth <= n; i += kWidth) store_vector(y + i, f.of(load_vector(a + i)));
  }
  for (; i < n; i += kWidth) {
    const int64_t count = n - i < kWidth ? n - i : kWidth;
    T some[kWidth];
    store_vector(some, f.of(load_some(a + i * sa, sa, count)));
    for (int64_t j = 0; j < count; j++) y[(i + j) * sy] = some[j];
  }
}

template <class T, class F>
void run_walk(const F& f, const Walk& walk, const T* a, const T* b, T* y, int threads) {
  const int64_t size = walk.rows * walk.length;
  if (size == 0) return;
  on_threads(size < kSerialElements ? 1 : threads, [&] {
    const Share share(size);
    const int64_t last = walk.ndim - 1;
    for (int64_t at = share.from; at < share.to;) {
      const int64_t row = at / walk.length, first = at % walk.length;
      const int64_t left = share.to - at, rest = walk.length - first;
      const int64_t n = left < rest ? left : rest;
      const Offsets from = offsets_of_row(walk, row);
      run_row(f, a + from.a + first * walk.a[last], walk.a[last], b + from.b + first * walk.b[last],
              walk.b[last], y + from.y + first * walk.y[last], walk.y[last], n);
      at += n;
    }
  });
}

template <class T>
void zip_of(Function function, Fields& fields, int threads) {
  const double first = fields.number(), second = fields.number();
  const T p = static_cast<T>(first), q = static_cast<T>(second);
  const T* const a = fields.pointer<const T>();
  const T* const b = fields.pointer<const T>();
  T* const y = fields.pointer<T>();
  Walk walk;
  walk.ndim = fields.integer();
  walk.shape = fields.integers(walk.ndim);
  walk.a = fields.integers(walk.ndim);
  walk.b = fields.integers(walk.ndim);
  walk.y = fields.integers(walk.ndim);
  walk.length = walk.shape[walk.ndim - 1];
  walk.rows = 1;
  for (int64_t axis = 0; axis < walk.ndim - 1; axis++) walk.rows *= walk.shape[axis];
  const auto run = [&](const auto& f) { run_walk(f, walk, a, b, y, threads); };
  const auto map = [&](const auto& f) { run(InVectors<decltype(f)>{f}); };
  switch (function) {
    case Function::kAdd:
      return run([](T u, T v) { return u + v; });
    case Function::kSubtract:
      return run([](T u, T v) { return u - v; });
    case Function::kMultiply:
      return run([](T u, T v) { return u * v; });
    case Function::kDivide:
      return run([](T u, T v) { return u / v; });
    case Function::kMaximum:
      return run([](T u, T v) { return larger(u, v); });
    case Function::kMinimum:
      return run([](T u, T v) { return -larger(-u, -v); });
    case Function::kGreater:
      return run([](T u, T v) { return u > v ? T{1} : u <= v ? T{0} : T{NAN}; });
    case Function::kBendGradient:
      return run([p](T u, T v) { return bend_gradient(u, v, p); });
    case Function::kAddBend:
      return run([p](T u, T v) { return bend(u + v, p); });
    case Function::kCopy:
      return run([](T u, T) { return u; });
    case Function::kNegate:
      return run([](T u, T) { return -u; });
    case Function::kAbs:
      return run([](T u, T) { return std::fabs(u); });
    case Function::kSqrt:
      return run([](T u, T) { return std::sqrt(u); });
    case Function::kBend:
      return run([p](T u, T) { return bend(u, p); });
    case Function::kSign:
      return run([](T u, T) { return u > 0 ? T{1} : u < 0 ? T{-1} : u; });
    case Function::kIsZero:
      return run([](T u, T) { return u == 0 ? T{1} : T{0}; });
    case Function::kClip:
      return run([p, q](T u, T) { return u < p ? p : u > q ? q : u; });
    case Function::kInside:
      return run([p, q](T u, T) { return u < p || u > q ? T{0} : T{1}; });
    case Function::kSquare:
      return run([](T u, T) { return u * u; });
    case Function::kExp:
      return map([](Doubles u) { return exp_of(u); });
    case Function::kExpm1:
      return map([](Doubles u) { return expm1_of(u); });
    case Function::kLog:
      return map([](Doubles u) { return log_of(u); });
    case Function::kLog1p:
      return map([](Doubles u) { return log1p_of(u); });
    case Function::kTanh:
      return map([](Doubles u) { return tanh_of(u); });
    case Function::kSigmoid:
      return map([](Doubles u) { return sigmoid_of(u); });
    case Function::kElu:
      return map([first](Doubles u) { return elu_of(u, first); });
  }
}

inline void zip(Fields fields, int threads) {
  const bool wide = fields.integer() == 1;
  const Function function = static_cast<Function>(fields.integer());
  wide ? zip_of<double>(function, fields, threads) : zip_of<float>(function, fields, threads);
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_ELEMENTWISE_HPP
