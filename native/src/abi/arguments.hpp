// The arguments of the C ABI's calls: read and checked here, the same for all.
#ifndef JBATCHNORM_SRC_ARGUMENTS_HPP
#define JBATCHNORM_SRC_ARGUMENTS_HPP

#include <omp.h>

#include <cmath>
#include <cstring>
#include <initializer_list>

#include "batchnorm/kernel.hpp"
#include "jbatchnorm/jbatchnorm.h"
#include "platform/caches.hpp"
#include "platform/dispatch.hpp"

#define JBN_NAMESPACE abi  // compiled for any processor
#include "simd/float_environment.hpp"

namespace jbn {
namespace abi {

// The smallest |gamma| and slope that xHat is recovered through.
constexpr double kInvertible = 1.0 / 1024;

// Inputs that an output may be, at the very same address; combined in Argument::over.
enum Input : unsigned { kNone = 0, kX = 1, kZ = 2, kDy = 4, kY = 8 };

// One pointer argument: the bytes it spans, whether it may be NULL, and what it is to the others.
struct Argument {
  const void* at;
  int64_t bytes;
  int64_t alignment;
  bool optional;
  Input input;  // which input this is
  bool is_output;
  unsigned over;  // the inputs that this output may be
};

inline Argument required(const void* at, int64_t bytes, int64_t alignment, Input input = kNone) {
  return {at, bytes, alignment, false, input, false, 0};
}
inline Argument optional(const void* at, int64_t bytes, int64_t alignment, Input input = kNone) {
  return {at, bytes, alignment, true, input, false, 0};
}
inline Argument output(const void* at, int64_t bytes, int64_t alignment, unsigned over = 0) {
  return {at, bytes, alignment, true, kNone, true, over};
}

inline bool overlap(const Argument& a, const Argument& b) {
  const uintptr_t from = reinterpret_cast<uintptr_t>(a.at);
  const uintptr_t start = reinterpret_cast<uintptr_t>(b.at);
  return a.at && b.at && a.bytes > 0 && b.bytes > 0 &&
         from < start + static_cast<uintptr_t>(b.bytes) &&
         start < from + static_cast<uintptr_t>(a.bytes);
}

inline int check(std::initializer_list<Argument> arguments) {
  for (const Argument& a : arguments) {
    if (!a.at && !a.optional && a.bytes > 0) return JBN_NULL;
    if (reinterpret_cast<uintptr_t>(a.at) & static_cast<uintptr_t>(a.alignment - 1)) {
      return JBN_UNALIGNED;
    }
  }
  for (const Argument& out : arguments) {
    for (const Argument& other : arguments) {
      if (!out.is_output || &out == &other || !overlap(out, other)) continue;
      if ((out.over & other.input) == 0 || out.at != other.at) return JBN_OVERLAP;
    }
  }
  return JBN_OK;
}

// Copies what a caller knows of a struct: the rest is 0, and what this version does not know has to be.
template <class Args>
inline int read_args(const Args* from, Args* to) {
  if (!from) return JBN_NULL;
  const int64_t size = from->size, own = static_cast<int64_t>(sizeof(Args));
  if (size < static_cast<int64_t>(sizeof size) || size > 65536) return JBN_BAD_SIZE;
  std::memset(to, 0, sizeof *to);
  std::memcpy(to, from, static_cast<size_t>(size < own ? size : own));
  const char* const bytes = reinterpret_cast<const char*>(from);
  for (int64_t i = own; i < size; i++) {
    if (bytes[i] != 0) return JBN_BAD_SIZE;
  }
  return JBN_OK;
}

constexpr int64_t kMostElements = INT64_MAX / 64;

// Everything about a call but its pointers.
struct Setting {
  Shape shape;
  int64_t element;    // bytes
  int64_t parameter;  // bytes
  int64_t data;       // bytes of x, y, dy, dx
  int64_t channels;   // bytes of gamma, beta, ...
  int64_t saved;      // bytes
  int64_t weights;    // bytes
  int threads;
  const Kernel* kernel;

  Plan plan(int arrays) const {
    return jbn::plan_of(shape, arrays * element, threads, jbn::shared_cache());
  }
};

template <class Args>
inline int read_setting(const Args& a, Setting* out) {
  if (a.dtype < JBN_F32 || a.dtype > JBN_F16) return JBN_BAD_DTYPE;
  if (a.layout != JBN_NCHW && a.layout != JBN_NHWC) return JBN_BAD_LAYOUT;
  if (a.n < 0 || a.c < 0 || a.s < 0) return JBN_BAD_SHAPE;
  int64_t product = 1;
  for (const int64_t size : {a.n, a.c, a.s}) {
    const int64_t factor = size > 0 ? size : 1;
    if (product > kMostElements / factor) return JBN_BAD_SHAPE;
    product *= factor;
  }
  if (!(a.eps >= 0) || std::isinf(a.eps)) return JBN_BAD_EPS;
  const int64_t exec = a.exec;
  const int threads = static_cast<int>(exec & 0xffff);
  if (exec < 0 || exec > INT32_MAX || threads > JBN_MAX_THREADS) return JBN_BAD_THREADS;
  out->kernel = jbn::kernel_for(static_cast<int>(exec >> 16));
  if (!out->kernel) return JBN_BAD_ISA;
  out->shape = {a.n, a.c, a.s, a.layout == JBN_NHWC};
  out->element = a.dtype == JBN_F64 ? 8 : a.dtype == JBN_F32 ? 4 : 2;
  out->parameter = a.dtype == JBN_F64 ? 8 : 4;
  out->data = a.n * a.c * a.s * out->element;
  out->channels = a.c * out->parameter;
  out->saved = 4 * a.c * static_cast<int64_t>(sizeof(double));
  out->weights = a.n * a.s * static_cast<int64_t>(sizeof(double));
  out->threads = threads > 0 ? threads : omp_get_max_threads();
  return JBN_OK;
}

template <class Args>
inline int read_call(const Args* from, Args* args, Setting* setting) {
  const int status = read_args(from, args);
  return status == JBN_OK ? read_setting(*args, setting) : status;
}

inline int check_slope(double slope) {
  return slope >= 0 && !std::isinf(slope) ? JBN_OK : JBN_BAD_SLOPE;
}

inline int check_invertible(const Setting& set, double slope, const void* gamma, bool more) {
  if (more) return JBN_NOT_TOGETHER;
  if (slope < kInvertible) return JBN_BAD_SLOPE;
  for (int64_t c = 0; gamma && c < set.shape.c; c++) {
    const double value = set.parameter == 8
                             ? static_cast<const double*>(gamma)[c]
                             : static_cast<double>(static_cast<const float*>(gamma)[c]);
    if (!(std::fabs(value) >= kInvertible)) return JBN_SMALL_GAMMA;
  }
  return JBN_OK;
}

// Whether a batch of so many samples, its shares together, has these, and fits into memory.
inline bool has_total(const Setting& set, int64_t total) {
  const int64_t c = set.shape.c > 0 ? set.shape.c : 1, s = set.shape.s > 0 ? set.shape.s : 1;
  return total >= set.shape.n && total <= kMostElements / c / s;
}

// The elements of a channel, or what their weights add up to: total_weight where it is not 0.
inline int64_t samples_of(const Setting& set, const jbn_forward_args&) { return set.shape.n; }
inline int64_t samples_of(const Setting& set, const jbn_backward_args& a) {
  return a.sums ? a.total : set.shape.n;
}
template <class Args>
int count_of(const Setting& set, const Args& a, double* count) {
  const int64_t m = samples_of(set, a) * set.shape.s;
  *count = !a.weights            ? static_cast<double>(m)
           : a.total_weight != 0 ? a.total_weight
                                 : total_weight(a.weights, m);
  return *count >= 0 ? JBN_OK : JBN_BAD_WEIGHTS;
}

template <class T>
const T* in(const void* pointer) {
  return static_cast<const T*>(pointer);
}

template <class T>
T* to(void* pointer) {
  return static_cast<T*>(pointer);
}

template <class T>
ForwardCall<T> call_of(const Setting& set, const jbn_forward_args& a, double count) {
  using P = Parameter<T>;
  return {set.shape,
          a.eps,
          a.slope,
          in<T>(a.x),
          in<T>(a.z),
          in<P>(a.gamma),
          in<P>(a.beta),
          in<P>(a.given_mean),
          in<P>(a.given_var),
          a.given,
          a.weights,
          count,
          to<T>(a.y),
          to<P>(a.mean),
          to<P>(a.var),
          a.saved,
          nullptr};
}

template <class T>
BackwardCall<T> call_of(const Setting& set, const jbn_backward_args& a, double count) {
  using P = Parameter<T>;
  return {set.shape,   a.eps,       a.slope,        a.given != 0,    a.inverted != 0, in<T>(a.x),
          in<T>(a.dy), in<T>(a.y),  in<P>(a.gamma), in<P>(a.beta),   a.saved,         a.weights,
          count,       to<T>(a.dx), to<T>(a.dz),    to<P>(a.dgamma), to<P>(a.dbeta),  a.sums};
}

// Reads and checks the arguments of a call.
inline int read(const jbn_forward_args* args, jbn_forward_args* out, Setting* setting) {
  int status = read_call(args, out, setting);
  if (status == JBN_OK) status = check_slope(out->slope);
  if (status != JBN_OK) return status;
  const Setting& set = *setting;
  const jbn_forward_args& a = *out;
  const bool is_pair = a.given_mean || a.given_var;
  const int64_t element = set.element, parameter = set.parameter;
  const auto given = is_pair ? required : optional;
  status =
      check({required(a.x, set.data, element, kX), optional(a.z, set.data, element, kZ),
             optional(a.gamma, set.channels, parameter), optional(a.beta, set.channels, parameter),
             given(a.given_mean, set.channels, parameter, kNone),
             given(a.given_var, set.channels, parameter, kNone),
             optional(a.given, set.saved, sizeof(double)),
             optional(a.weights, set.weights, sizeof(double)),
             output(a.y, set.data, element, kX | kZ), output(a.mean, set.channels, parameter),
             output(a.var, set.channels, parameter), output(a.saved, set.saved, sizeof(double))});
  return status == JBN_OK && is_pair && a.given ? JBN_NOT_TOGETHER : status;
}

inline int read(const jbn_backward_args* args, jbn_backward_args* out, Setting* setting) {
  int status = read_call(args, out, setting);
  if (status == JBN_OK) status = check_slope(out->slope);
  if (status != JBN_OK) return status;
  const Setting& set = *setting;
  const jbn_backward_args& a = *out;
  const int64_t element = set.element, parameter = set.parameter;
  status = check(
      {required(a.x, set.data, element, kX), required(a.dy, set.data, element, kDy),
       optional(a.y, set.data, element, kY), optional(a.gamma, set.channels, parameter),
       optional(a.beta, set.channels, parameter), required(a.saved, set.saved, sizeof(double)),
       optional(a.weights, set.weights, sizeof(double)),
       optional(a.sums, 2 * set.shape.c * static_cast<int64_t>(sizeof(double)), sizeof(double)),
       output(a.dx, set.data, element, kX | kDy | kY), output(a.dz, set.data, element, kDy | kY),
       output(a.dgamma, set.channels, parameter), output(a.dbeta, set.channels, parameter)});
  if (status == JBN_OK && a.sums && a.weights) status = JBN_NOT_TOGETHER;
  if (status == JBN_OK && a.sums && !has_total(set, a.total)) status = JBN_BAD_SHARES;
  return status;
}

}  // namespace abi
}  // namespace jbn

#endif  // JBATCHNORM_SRC_ARGUMENTS_HPP
