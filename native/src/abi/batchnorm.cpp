// The calls of the C ABI: every argument is checked here, then the call goes to the instruction set's
// kernel with a plan of how it goes over memory.
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

namespace {

using jbn::Kernel;
using jbn::Plan;
using jbn::Shape;

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

Argument required(const void* at, int64_t bytes, int64_t alignment, Input input = kNone) {
  return {at, bytes, alignment, false, input, false, 0};
}
Argument optional(const void* at, int64_t bytes, int64_t alignment, Input input = kNone) {
  return {at, bytes, alignment, true, input, false, 0};
}
Argument output(const void* at, int64_t bytes, int64_t alignment, unsigned over = 0) {
  return {at, bytes, alignment, true, kNone, true, over};
}

bool overlap(const Argument& a, const Argument& b) {
  const uintptr_t from = reinterpret_cast<uintptr_t>(a.at);
  const uintptr_t start = reinterpret_cast<uintptr_t>(b.at);
  return a.at && b.at && a.bytes > 0 && b.bytes > 0 &&
         from < start + static_cast<uintptr_t>(b.bytes) &&
         start < from + static_cast<uintptr_t>(a.bytes);
}

int check(std::initializer_list<Argument> arguments) {
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
int read_args(const Args* from, Args* to) {
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
int read_setting(const Args& a, Setting* out) {
  if (a.dtype < JBN_F32 || a.dtype > JBN_F16) return JBN_BAD_DTYPE;
  if (a.layout != JBN_NCHW && a.layout != JBN_NHWC) return JBN_BAD_LAYOUT;
  if (a.n < 0 || a.c < 0 || a.s < 0) return JBN_BAD_SHAPE;
  constexpr int64_t kMost = INT64_MAX / 64;
  int64_t product = 1;
  for (const int64_t size : {a.n, a.c, a.s}) {
    const int64_t factor = size > 0 ? size : 1;
    if (product > kMost / factor) return JBN_BAD_SHAPE;
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
int read_call(const Args* from, Args* args, Setting* setting) {
  const int status = read_args(from, args);
  return status == JBN_OK ? read_setting(*args, setting) : status;
}

int check_slope(double slope) { return slope >= 0 && !std::isinf(slope) ? JBN_OK : JBN_BAD_SLOPE; }

int check_invertible(const Setting& set, double slope, const void* gamma, bool more) {
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

// The elements of a channel, or what their weights add up to: `known` where it is not 0.
int count_of(const Setting& set, const double* weights, double known, double* count) {
  const int64_t m = set.shape.n * set.shape.s;
  *count = !weights ? static_cast<double>(m) : known != 0 ? known : jbn::total_weight(weights, m);
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
bool run(const Setting& set, const jbn::Calls<T>& calls, const jbn_forward_args& a, double count,
         const Plan& plan) {
  using P = jbn::Parameter<T>;
  const jbn::ForwardCall<T> call = {
      set.shape,          a.eps,          a.slope,       in<T>(a.x),
      in<T>(a.z),         in<P>(a.gamma), in<P>(a.beta), in<P>(a.given_mean),
      in<P>(a.given_var), a.given,        a.weights,     count,
      to<T>(a.y),         to<P>(a.mean),  to<P>(a.var),  a.saved};
  return calls.forward(call, plan);
}

template <class T>
bool run(const Setting& set, const jbn::Calls<T>& calls, const jbn_backward_args& a, double count,
         const Plan& plan) {
  using P = jbn::Parameter<T>;
  const jbn::BackwardCall<T> call = {
      set.shape,   a.eps,       a.slope,        a.given != 0,    a.inverted != 0, in<T>(a.x),
      in<T>(a.dy), in<T>(a.y),  in<P>(a.gamma), in<P>(a.beta),   a.saved,         a.weights,
      count,       to<T>(a.dx), to<T>(a.dz),    to<P>(a.dgamma), to<P>(a.dbeta)};
  return calls.backward(call, plan);
}

template <class T>
bool run(const Setting& set, const jbn::Calls<T>& calls, const jbn_second_args& a, double,
         const Plan& plan) {
  using P = jbn::Parameter<T>;
  const jbn::SecondCall<T> call = {set.shape,      a.eps,      a.given != 0,   in<T>(a.x),
                                   in<T>(a.dy),    in<T>(a.v), in<P>(a.gamma), in<P>(a.vgamma),
                                   in<P>(a.vbeta), a.saved,    to<T>(a.gx),    to<T>(a.gdy),
                                   to<P>(a.ggamma)};
  return calls.second(call, plan);
}

// Carries out checked arguments, by dtype.
template <class Args>
int run(const Setting& set, const Args& args, double count, const Plan& plan) {
  const Kernel& kernel = *set.kernel;
  const bool done = args.dtype == JBN_F32    ? run(set, kernel.f32, args, count, plan)
                    : args.dtype == JBN_F64  ? run(set, kernel.f64, args, count, plan)
                    : args.dtype == JBN_BF16 ? run(set, kernel.bf16, args, count, plan)
                                             : run(set, kernel.f16, args, count, plan);
  return done ? JBN_OK : JBN_NO_MEMORY;
}

// x and, where they are given, z, y: the large arrays of a call, which its plan depends on.
Plan plan_of(const Setting& set, const jbn_forward_args& a) {
  return set.plan(1 + (a.z != nullptr) + (a.y != nullptr));
}
Plan plan_of(const Setting& set, const jbn_backward_args& a) {
  return set.plan(2 + (a.y != nullptr) + (a.dx != nullptr) + (a.dz != nullptr));
}

// Carries out a call whose pointers are checked. More: it has what no call from y back to xHat may.
template <class Args>
int carry_out(const Setting& set, const Args& a, bool is_invertible, bool more) {
  int status = is_invertible ? check_invertible(set, a.slope, a.gamma, more) : JBN_OK;
  double count = 0;
  if (status == JBN_OK) status = count_of(set, a.weights, a.total_weight, &count);
  return status == JBN_OK ? run(set, a, count, plan_of(set, a)) : status;
}

template <class Args>
int describe(const Args* args, char* text, int64_t capacity) {
  if (!text && capacity > 0) return JBN_NULL;
  if (capacity < 0) return JBN_BAD_SIZE;
  Args a;
  Setting set;
  const int status = read_call(args, &a, &set);
  if (status == JBN_OK) jbn::describe(plan_of(set, a), text, static_cast<size_t>(capacity));
  return status;
}

}  // namespace

extern "C" {

int jbn_forward(const jbn_forward_args* args) {
  const jbn::abi::FloatEnvironment environment;
  jbn_forward_args a;
  Setting set;
  int status = read_call(args, &a, &set);
  if (status == JBN_OK) status = check_slope(a.slope);
  if (status != JBN_OK) return status;
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
  if (status == JBN_OK && is_pair && a.given) status = JBN_NOT_TOGETHER;
  return status == JBN_OK ? carry_out(set, a, a.invertible, a.z || a.weights) : status;
}

int jbn_backward(const jbn_backward_args* args) {
  const jbn::abi::FloatEnvironment environment;
  jbn_backward_args a;
  Setting set;
  int status = read_call(args, &a, &set);
  if (status == JBN_OK) status = check_slope(a.slope);
  if (status != JBN_OK) return status;
  const int64_t element = set.element, parameter = set.parameter;
  status = check(
      {required(a.x, set.data, element, kX), required(a.dy, set.data, element, kDy),
       optional(a.y, set.data, element, kY), optional(a.gamma, set.channels, parameter),
       optional(a.beta, set.channels, parameter), required(a.saved, set.saved, sizeof(double)),
       optional(a.weights, set.weights, sizeof(double)),
       output(a.dx, set.data, element, kX | kDy | kY), output(a.dz, set.data, element, kDy | kY),
       output(a.dgamma, set.channels, parameter), output(a.dbeta, set.channels, parameter)});
  return status == JBN_OK ? carry_out(set, a, a.inverted, a.weights || a.y) : status;
}

int jbn_second(const jbn_second_args* args) {
  const jbn::abi::FloatEnvironment environment;
  jbn_second_args a;
  Setting set;
  int status = read_call(args, &a, &set);
  if (status != JBN_OK) return status;
  const int64_t element = set.element, parameter = set.parameter;
  status = check({required(a.x, set.data, element), required(a.dy, set.data, element),
                  optional(a.gamma, set.channels, parameter),
                  required(a.saved, set.saved, sizeof(double)), optional(a.v, set.data, element),
                  optional(a.vgamma, set.channels, parameter),
                  optional(a.vbeta, set.channels, parameter), output(a.gx, set.data, element),
                  output(a.gdy, set.data, element), output(a.ggamma, set.channels, parameter)});
  return status == JBN_OK ? run(set, a, 0, set.plan(5)) : status;
}

int jbn_describe_forward(const jbn_forward_args* args, char* text, int64_t capacity) {
  return describe(args, text, capacity);
}

int jbn_describe_backward(const jbn_backward_args* args, char* text, int64_t capacity) {
  return describe(args, text, capacity);
}

int jbn_copy(const void* from, void* to, int64_t bytes, int past_caches, int32_t exec) {
  if (bytes < 0) return JBN_BAD_SIZE;
  const int threads = exec & 0xffff;
  if (exec < 0 || threads > JBN_MAX_THREADS) return JBN_BAD_THREADS;
  const Kernel* const kernel = jbn::kernel_for(exec >> 16);
  if (!kernel) return JBN_BAD_ISA;
  const int status = check({required(from, bytes, 64), {to, bytes, 64, false, kNone, true, 0}});
  if (status != JBN_OK) return status;
  kernel->copy(in<char>(from), ::to<char>(to), bytes, past_caches != 0,
               threads > 0 ? threads : omp_get_max_threads());
  return JBN_OK;
}

}  // extern "C"
