// The C ABI: every argument is checked here, then the call goes to the instruction set's kernel.
#include <omp.h>

#include <cmath>
#include <cstdlib>
#include <initializer_list>

#include "dispatch.hpp"
#include "jbatchnorm/arrays.h"
#include "jbatchnorm/jbatchnorm.h"
#include "kernel.hpp"
#include "machine.hpp"

namespace {

using jbn::Kernel;
using jbn::Shape;

// Below this many elements a parallel region costs more than it saves.
constexpr int64_t kSerial = 1 << 15;

// The smallest |gamma| and slope that xHat is recovered through.
constexpr double kInvertible = 1.0 / 1024;

// kInPlace: an output that may be one of the inputs called kReplaced.
enum class Use { kInput, kReplaced, kOutput, kInPlace };

// One pointer argument: what it is used for, how many bytes it spans, whether it may be NULL.
struct Argument {
  const void* at;
  int64_t bytes;
  int64_t alignment;
  Use use;
  bool optional;
};

constexpr int kMostArguments = 12;

int check(std::initializer_list<Argument> arguments) {
  const Argument* present[kMostArguments];  // those that were given and span any memory
  int count = 0;
  for (const Argument& a : arguments) {
    if (!a.at && !a.optional && a.bytes > 0) return JBN_NULL;
    if (reinterpret_cast<uintptr_t>(a.at) & static_cast<uintptr_t>(a.alignment - 1)) {
      return JBN_UNALIGNED;
    }
    if (a.at && a.bytes > 0) present[count++] = &a;
  }
  for (int i = 0; i < count; i++) {
    const Argument& out = *present[i];
    if (out.use != Use::kOutput && out.use != Use::kInPlace) continue;
    const uintptr_t from = reinterpret_cast<uintptr_t>(out.at);
    for (int j = 0; j < count; j++) {
      const Argument& other = *present[j];
      if (i == j ||
          (out.use == Use::kInPlace && other.use == Use::kReplaced && out.at == other.at)) {
        continue;
      }
      const uintptr_t start = reinterpret_cast<uintptr_t>(other.at);
      if (from < start + static_cast<uintptr_t>(other.bytes) &&
          start < from + static_cast<uintptr_t>(out.bytes)) {
        return JBN_OVERLAP;
      }
    }
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
  jbn::Resources resources;
  const Kernel* kernel;
};

int read_setting(int64_t dtype, int64_t layout, int64_t n, int64_t c, int64_t s, double eps,
                 int64_t exec, Setting* out) {
  if (dtype < JBN_F32 || dtype > JBN_F16) return JBN_BAD_DTYPE;
  if (layout != JBN_NCHW && layout != JBN_NHWC) return JBN_BAD_LAYOUT;
  if (n < 0 || c < 0 || s < 0) return JBN_BAD_SHAPE;
  constexpr int64_t kMost = INT64_MAX / 64;
  const int64_t sizes[] = {n, c, s};
  int64_t product = 1;
  for (int64_t size : sizes) {
    const int64_t factor = size > 0 ? size : 1;
    if (product > kMost / factor) return JBN_BAD_SHAPE;
    product *= factor;
  }
  if (!(eps >= 0) || std::isinf(eps)) return JBN_BAD_EPS;
  const int threads = static_cast<int>(exec & 0xffff);
  if (exec < 0 || exec > INT32_MAX || threads > JBN_MAX_THREADS) return JBN_BAD_THREADS;
  out->kernel = jbn::kernel_for(static_cast<int>(exec >> 16));
  if (!out->kernel) return JBN_BAD_ISA;
  out->shape = {n, c, s, layout == JBN_NHWC};
  out->element = dtype == JBN_F64 ? 8 : dtype == JBN_F32 ? 4 : 2;
  out->parameter = dtype == JBN_F64 ? 8 : 4;
  out->data = n * c * s * out->element;
  out->channels = c * out->parameter;
  out->saved = 3 * c * static_cast<int64_t>(sizeof(double));
  out->resources = jbn::resources(n * c * s < kSerial ? 1
                                  : threads > 0       ? threads
                                                      : omp_get_max_threads());
  return JBN_OK;
}

// Scratch memory of one call, cache-line aligned.
class Scratch {
 public:
  explicit Scratch(int64_t doubles)
      : block_(std::malloc(static_cast<size_t>(doubles) * sizeof(double) + kAlignment)) {}
  ~Scratch() { std::free(block_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  double* get() const {
    if (!block_) return nullptr;
    const uintptr_t at = reinterpret_cast<uintptr_t>(block_);
    return reinterpret_cast<double*>((at + kAlignment - 1) / kAlignment * kAlignment);
  }

 private:
  static constexpr uintptr_t kAlignment = 64;
  void* block_;
};

template <class T>
const T* in(const void* pointer) {
  return static_cast<const T*>(pointer);
}

template <class T>
T* to(void* pointer) {
  return static_cast<T*>(pointer);
}

int check_weights(const Setting& set, const double* weights) {
  for (int64_t i = 0; weights && i < set.shape.n * set.shape.s; i++) {
    if (!(weights[i] >= 0) || std::isinf(weights[i])) return JBN_BAD_WEIGHTS;
  }
  return JBN_OK;
}

int check_invertible(const Setting& set, double slope, const void* gamma, bool others) {
  if (others) return JBN_NOT_TOGETHER;
  if (slope < kInvertible) return JBN_BAD_SLOPE;
  for (int64_t c = 0; gamma && c < set.shape.c; c++) {
    const double value = set.parameter == 8 ? in<double>(gamma)[c] : in<float>(gamma)[c];
    if (!(std::fabs(value) >= kInvertible)) return JBN_SMALL_GAMMA;
  }
  return JBN_OK;
}

int check_slope(double slope) { return slope >= 0 && !std::isinf(slope) ? JBN_OK : JBN_BAD_SLOPE; }

template <class T>
jbn::ForwardCall<T> call_of(const Setting& set, const jbn_forward_args& a) {
  using P = jbn::Parameter<T>;
  return {set.shape,          a.eps,          a.slope,       in<T>(a.x),
          in<T>(a.z),         in<P>(a.gamma), in<P>(a.beta), in<P>(a.given_mean),
          in<P>(a.given_var), a.given,        a.weights,     to<T>(a.y),
          to<P>(a.mean),      to<P>(a.var),   a.saved};
}

template <class T>
jbn::BackwardCall<T> call_of(const Setting& set, const jbn_backward_args& a) {
  using P = jbn::Parameter<T>;
  return {set.shape,   a.eps,       a.slope,         a.given != 0,  a.inverted != 0, in<T>(a.x),
          in<T>(a.dy), in<T>(a.y),  in<P>(a.gamma),  in<P>(a.beta), a.saved,         a.weights,
          to<T>(a.dx), to<T>(a.dz), to<P>(a.dgamma), to<P>(a.dbeta)};
}

template <class T>
jbn::SecondCall<T> call_of(const Setting& set, const jbn_second_args& a) {
  using P = jbn::Parameter<T>;
  return {set.shape,   a.eps,          a.given != 0,    in<T>(a.x),     in<T>(a.dy),
          in<T>(a.v),  in<P>(a.gamma), in<P>(a.vgamma), in<P>(a.vbeta), a.saved,
          to<T>(a.gx), to<T>(a.gdy),   to<P>(a.ggamma)};
}

template <class T>
int run(const Setting& set, const jbn::Calls<T>& calls, const jbn_forward_args& args) {
  const Scratch scratch(set.kernel->scratch(set.shape));
  if (!scratch.get()) return JBN_NO_MEMORY;
  calls.forward(call_of<T>(set, args), scratch.get(), set.resources);
  return JBN_OK;
}

template <class T>
int run(const Setting& set, const jbn::Calls<T>& calls, const jbn_backward_args& args) {
  const Scratch scratch(set.kernel->scratch(set.shape));
  if (!scratch.get()) return JBN_NO_MEMORY;
  calls.backward(call_of<T>(set, args), scratch.get(), set.resources);
  return JBN_OK;
}

template <class T>
int run(const Setting& set, const jbn::Calls<T>& calls, const jbn_second_args& args) {
  calls.second(call_of<T>(set, args), set.resources);
  return JBN_OK;
}

// Carries out checked arguments, by dtype.
template <class Args>
int run(const Setting& set, const Args& args) {
  switch (args.dtype) {
    case JBN_F32:
      return run(set, set.kernel->f32, args);
    case JBN_F64:
      return run(set, set.kernel->f64, args);
    case JBN_BF16:
      return run(set, set.kernel->bf16, args);
    default:
      return run(set, set.kernel->f16, args);
  }
}

}  // namespace

extern "C" {

const char* jbn_version(void) { return JBN_VERSION; }

const char* jbn_status_text(int status) {
  switch (status) {
    case JBN_OK:
      return "ok";
    case JBN_BAD_DTYPE:
      return "dtype is not a jbn_dtype";
    case JBN_BAD_LAYOUT:
      return "layout is not a jbn_layout";
    case JBN_BAD_SHAPE:
      return "a size is negative, or N*C*S is past what memory can hold";
    case JBN_BAD_EPS:
      return "eps is negative, NaN or infinite";
    case JBN_NULL:
      return "a required pointer is NULL";
    case JBN_UNALIGNED:
      return "a pointer is not aligned to its element";
    case JBN_OVERLAP:
      return "an output overlaps another argument";
    case JBN_BAD_THREADS:
      return "threads is negative or above JBN_MAX_THREADS";
    case JBN_BAD_ISA:
      return "the instruction set is unknown or not on this machine";
    case JBN_NO_MEMORY:
      return "no memory for the partial sums";
    case JBN_BAD_SLOPE:
      return "slope is negative, NaN, infinite, or below 1/1024 where it is to be inverted";
    case JBN_BAD_WEIGHTS:
      return "a weight is negative, NaN or infinite";
    case JBN_SMALL_GAMMA:
      return "an element of gamma is below 1/1024: xHat cannot be recovered from y";
    case JBN_NOT_TOGETHER:
      return "arguments exclude each other";
    default:
      return "not a jbn_status";
  }
}

int jbn_best_isa(void) { return jbn::best_isa(); }

int jbn_has_isa(int isa) { return jbn::kernel_for(isa) != nullptr; }

const char* jbn_isa_name(int isa) {
  switch (isa) {
    case JBN_ISA_BEST:
      return "best";
    case JBN_ISA_SSE2:
      return "sse2";
    case JBN_ISA_AVX2:
      return "avx2";
    case JBN_ISA_AVX512:
      return "avx512";
    case JBN_ISA_NEON:
      return "neon";
    case JBN_ISA_SVE:
      return "sve";
    default:
      return "unknown";
  }
}

int jbn_default_threads(void) { return omp_get_max_threads(); }

int jbn_forward(int dtype, int layout, int64_t n, int64_t c, int64_t s, const void* x,
                const void* gamma, const void* beta, double eps, void* y, void* mean, void* var,
                double* saved, int32_t exec) {
  jbn_forward_args args = {};
  args.dtype = dtype, args.layout = layout, args.n = n, args.c = c, args.s = s, args.exec = exec;
  args.eps = eps, args.slope = 1;
  args.x = x, args.gamma = gamma, args.beta = beta;
  args.y = y, args.mean = mean, args.var = var, args.saved = saved;
  return jbn_run_forward(&args);
}

int jbn_infer(int dtype, int layout, int64_t n, int64_t c, int64_t s, const void* x,
              const void* gamma, const void* beta, const void* mean, const void* var, double eps,
              void* y, int32_t exec) {
  if ((!mean || !var) && c > 0) return JBN_NULL;
  jbn_forward_args args = {};
  args.dtype = dtype, args.layout = layout, args.n = n, args.c = c, args.s = s, args.exec = exec;
  args.eps = eps, args.slope = 1;
  args.x = x, args.gamma = gamma, args.beta = beta, args.given_mean = mean, args.given_var = var;
  args.y = y;
  return jbn_run_forward(&args);
}

int jbn_backward(int dtype, int layout, int64_t n, int64_t c, int64_t s, const void* x,
                 const void* dy, const void* gamma, const double* saved, double eps, void* dx,
                 void* dgamma, void* dbeta, int32_t exec) {
  jbn_backward_args args = {};
  args.dtype = dtype, args.layout = layout, args.n = n, args.c = c, args.s = s, args.exec = exec;
  args.eps = eps, args.slope = 1;
  args.x = x, args.dy = dy, args.gamma = gamma, args.saved = saved;
  args.dx = dx, args.dgamma = dgamma, args.dbeta = dbeta;
  return jbn_run_backward(&args);
}

int jbn_run_forward(const jbn_forward_args* args) {
  if (!args) return JBN_NULL;
  const jbn_forward_args& a = *args;
  Setting set;
  int status = read_setting(a.dtype, a.layout, a.n, a.c, a.s, a.eps, a.exec, &set);
  if (status == JBN_OK) status = check_slope(a.slope);
  if (status != JBN_OK) return status;
  const bool pair = a.given_mean || a.given_var;
  const int64_t weights = a.n * a.s * static_cast<int64_t>(sizeof(double));
  status = check({{a.x, set.data, set.element, Use::kReplaced, false},
                  {a.z, set.data, set.element, Use::kReplaced, true},
                  {a.gamma, set.channels, set.parameter, Use::kInput, true},
                  {a.beta, set.channels, set.parameter, Use::kInput, true},
                  {a.given_mean, set.channels, set.parameter, Use::kInput, !pair},
                  {a.given_var, set.channels, set.parameter, Use::kInput, !pair},
                  {a.given, set.saved, sizeof(double), Use::kInput, true},
                  {a.weights, weights, sizeof(double), Use::kInput, true},
                  {a.y, set.data, set.element, Use::kInPlace, true},
                  {a.mean, set.channels, set.parameter, Use::kOutput, true},
                  {a.var, set.channels, set.parameter, Use::kOutput, true},
                  {a.saved, set.saved, sizeof(double), Use::kOutput, true}});
  if (status == JBN_OK && pair && a.given) status = JBN_NOT_TOGETHER;
  if (status == JBN_OK) status = check_weights(set, a.weights);
  if (status == JBN_OK && a.invertible) {
    status = check_invertible(set, a.slope, a.gamma, a.z || a.weights);
  }
  return status == JBN_OK ? run(set, a) : status;
}

int jbn_run_backward(const jbn_backward_args* args) {
  if (!args) return JBN_NULL;
  const jbn_backward_args& a = *args;
  Setting set;
  int status = read_setting(a.dtype, a.layout, a.n, a.c, a.s, a.eps, a.exec, &set);
  if (status == JBN_OK) status = check_slope(a.slope);
  if (status != JBN_OK) return status;
  const int64_t weights = a.n * a.s * static_cast<int64_t>(sizeof(double));
  status = check({{a.x, set.data, set.element, Use::kReplaced, false},
                  {a.dy, set.data, set.element, Use::kReplaced, false},
                  {a.y, set.data, set.element, Use::kReplaced, true},
                  {a.gamma, set.channels, set.parameter, Use::kInput, true},
                  {a.beta, set.channels, set.parameter, Use::kInput, true},
                  {a.saved, set.saved, sizeof(double), Use::kInput, false},
                  {a.weights, weights, sizeof(double), Use::kInput, true},
                  {a.dx, set.data, set.element, Use::kInPlace, true},
                  {a.dz, set.data, set.element, Use::kInPlace, true},
                  {a.dgamma, set.channels, set.parameter, Use::kOutput, true},
                  {a.dbeta, set.channels, set.parameter, Use::kOutput, true}});
  if (status == JBN_OK) status = check_weights(set, a.weights);
  if (status == JBN_OK && a.inverted) {
    status = check_invertible(set, a.slope, a.gamma, a.weights || a.y);
  }
  return status == JBN_OK ? run(set, a) : status;
}

int jbn_run_second(const jbn_second_args* args) {
  if (!args) return JBN_NULL;
  const jbn_second_args& a = *args;
  Setting set;
  int status = read_setting(a.dtype, a.layout, a.n, a.c, a.s, a.eps, a.exec, &set);
  if (status != JBN_OK) return status;
  status = check({{a.x, set.data, set.element, Use::kInput, false},
                  {a.dy, set.data, set.element, Use::kInput, false},
                  {a.gamma, set.channels, set.parameter, Use::kInput, true},
                  {a.saved, set.saved, sizeof(double), Use::kInput, false},
                  {a.v, set.data, set.element, Use::kInput, true},
                  {a.vgamma, set.channels, set.parameter, Use::kInput, true},
                  {a.vbeta, set.channels, set.parameter, Use::kInput, true},
                  {a.gx, set.data, set.element, Use::kOutput, true},
                  {a.gdy, set.data, set.element, Use::kOutput, true},
                  {a.ggamma, set.channels, set.parameter, Use::kOutput, true}});
  return status == JBN_OK ? run(set, a) : status;
}

int jbn_copy(const void* from, void* to, int64_t bytes, int past_caches, int32_t exec) {
  if (bytes < 0) return JBN_BAD_SHAPE;
  Setting set;
  int status = read_setting(JBN_F64, JBN_NCHW, 1, 1, bytes / 8, 0, exec, &set);
  if (status != JBN_OK) return status;
  status = check({{from, bytes, 64, Use::kInput, false}, {to, bytes, 64, Use::kOutput, false}});
  if (status != JBN_OK) return status;
  set.kernel->copy(in<char>(from), ::to<char>(to), bytes, past_caches != 0, set.resources.threads);
  return JBN_OK;
}

int jbn_array(int call, const int64_t* args, int32_t exec) {
  const jbn::Arrays* const arrays = jbn::arrays_for(exec >> 16);
  if (!arrays) return JBN_BAD_ISA;
  const int threads = exec & 0xffff;
  arrays->run(call, jbn::Fields(args), threads > 0 ? threads : omp_get_max_threads());
  return JBN_OK;
}

int64_t jbn_map(int64_t bytes) { return reinterpret_cast<intptr_t>(jbn::map_pages(bytes)); }

void jbn_unmap(int64_t address, int64_t bytes) {
  jbn::unmap_pages(reinterpret_cast<void*>(static_cast<intptr_t>(address)), bytes);
}

}  // extern "C"
