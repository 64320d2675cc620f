// The C ABI: every argument is checked here, then the call goes to the instruction set's kernel.
#include <omp.h>

#include <cmath>
#include <cstdlib>
#include <initializer_list>

#include "dispatch.hpp"
#include "jbatchnorm/jbatchnorm.h"
#include "kernel.hpp"
#include "machine.hpp"

namespace {

using jbn::Kernel;
using jbn::Shape;

// Below this many elements a parallel region costs more than it saves.
constexpr int64_t kSerial = 1 << 15;

enum class Use { kInput, kOutput };

// One pointer argument: what it is used for, how many bytes it spans, whether it may be NULL.
struct Argument {
  const void* at;
  int64_t bytes;
  int64_t alignment;
  Use use;
  bool optional;
};

int check(std::initializer_list<Argument> arguments) {
  for (const Argument& a : arguments) {
    if (!a.at && !a.optional && a.bytes > 0) return JBN_NULL;
    if (reinterpret_cast<uintptr_t>(a.at) % static_cast<uintptr_t>(a.alignment) != 0) {
      return JBN_UNALIGNED;
    }
  }
  for (const Argument& out : arguments) {
    if (out.use != Use::kOutput || !out.at || out.bytes == 0) continue;
    const uintptr_t from = reinterpret_cast<uintptr_t>(out.at);
    for (const Argument& other : arguments) {
      if (&other == &out || !other.at || other.bytes == 0) continue;
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
  int64_t element;   // bytes
  int64_t data;      // bytes of x, y, dy, dx
  int64_t channels;  // bytes of gamma, beta, ...
  int64_t saved;     // bytes
  jbn::Resources resources;
  const Kernel* kernel;
};

int read_setting(int dtype, int layout, int64_t n, int64_t c, int64_t s, double eps, int32_t exec,
                 Setting* out) {
  if (dtype != JBN_F32 && dtype != JBN_F64) return JBN_BAD_DTYPE;
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
  const int threads = exec & 0xffff;
  if (exec < 0 || threads > JBN_MAX_THREADS) return JBN_BAD_THREADS;
  out->kernel = jbn::kernel_for(exec >> 16);
  if (!out->kernel) return JBN_BAD_ISA;
  out->shape = {n, c, s, layout == JBN_NHWC};
  out->element = dtype == JBN_F32 ? sizeof(float) : sizeof(double);
  out->data = n * c * s * out->element;
  out->channels = c * out->element;
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

// Calls `f32` or `f64`, by dtype, with its pointers cast.
template <class CallF32, class CallF64, class RunF32, class RunF64>
int run(const Setting& setting, int dtype, const CallF32& f32, const CallF64& f64, RunF32 run_f32,
        RunF64 run_f64) {
  const Scratch scratch(setting.kernel->scratch(setting.shape));
  if (!scratch.get()) return JBN_NO_MEMORY;
  if (dtype == JBN_F32) {
    run_f32(f32, scratch.get(), setting.resources);
  } else {
    run_f64(f64, scratch.get(), setting.resources);
  }
  return JBN_OK;
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
jbn::ForwardCall<T> forward_call(const Shape& shape, const void* x, const void* gamma,
                                 const void* beta, double eps, void* y, void* mean, void* var,
                                 double* saved) {
  return {shape,    in<T>(x),    in<T>(gamma), in<T>(beta), eps,
          to<T>(y), to<T>(mean), to<T>(var),   saved};
}

template <class T>
jbn::InferCall<T> infer_call(const Shape& shape, const void* x, const void* gamma, const void* beta,
                             const void* mean, const void* var, double eps, void* y) {
  return {shape, in<T>(x), in<T>(gamma), in<T>(beta), in<T>(mean), in<T>(var), eps, to<T>(y)};
}

template <class T>
jbn::BackwardCall<T> backward_call(const Shape& shape, const void* x, const void* dy,
                                   const void* gamma, const double* saved, double eps, void* dx,
                                   void* dgamma, void* dbeta) {
  return {shape, in<T>(x),  in<T>(dy),     in<T>(gamma), saved,
          eps,   to<T>(dx), to<T>(dgamma), to<T>(dbeta)};
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
  Setting set;
  int status = read_setting(dtype, layout, n, c, s, eps, exec, &set);
  if (status != JBN_OK) return status;
  status = check({{x, set.data, set.element, Use::kInput, false},
                  {gamma, set.channels, set.element, Use::kInput, true},
                  {beta, set.channels, set.element, Use::kInput, true},
                  {y, set.data, set.element, Use::kOutput, false},
                  {mean, set.channels, set.element, Use::kOutput, true},
                  {var, set.channels, set.element, Use::kOutput, true},
                  {saved, set.saved, sizeof(double), Use::kOutput, true}});
  if (status != JBN_OK) return status;
  return run(set, dtype, forward_call<float>(set.shape, x, gamma, beta, eps, y, mean, var, saved),
             forward_call<double>(set.shape, x, gamma, beta, eps, y, mean, var, saved),
             set.kernel->forward_f32, set.kernel->forward_f64);
}

int jbn_infer(int dtype, int layout, int64_t n, int64_t c, int64_t s, const void* x,
              const void* gamma, const void* beta, const void* mean, const void* var, double eps,
              void* y, int32_t exec) {
  Setting set;
  int status = read_setting(dtype, layout, n, c, s, eps, exec, &set);
  if (status != JBN_OK) return status;
  status = check({{x, set.data, set.element, Use::kInput, false},
                  {gamma, set.channels, set.element, Use::kInput, true},
                  {beta, set.channels, set.element, Use::kInput, true},
                  {mean, set.channels, set.element, Use::kInput, false},
                  {var, set.channels, set.element, Use::kInput, false},
                  {y, set.data, set.element, Use::kOutput, false}});
  if (status != JBN_OK) return status;
  return run(set, dtype, infer_call<float>(set.shape, x, gamma, beta, mean, var, eps, y),
             infer_call<double>(set.shape, x, gamma, beta, mean, var, eps, y),
             set.kernel->infer_f32, set.kernel->infer_f64);
}

int jbn_backward(int dtype, int layout, int64_t n, int64_t c, int64_t s, const void* x,
                 const void* dy, const void* gamma, const double* saved, double eps, void* dx,
                 void* dgamma, void* dbeta, int32_t exec) {
  Setting set;
  int status = read_setting(dtype, layout, n, c, s, eps, exec, &set);
  if (status != JBN_OK) return status;
  status = check({{x, set.data, set.element, Use::kInput, false},
                  {dy, set.data, set.element, Use::kInput, false},
                  {gamma, set.channels, set.element, Use::kInput, true},
                  {saved, set.saved, sizeof(double), Use::kInput, false},
                  {dx, set.data, set.element, Use::kOutput, true},
                  {dgamma, set.channels, set.element, Use::kOutput, true},
                  {dbeta, set.channels, set.element, Use::kOutput, true}});
  if (status != JBN_OK) return status;
  return run(set, dtype,
             backward_call<float>(set.shape, x, dy, gamma, saved, eps, dx, dgamma, dbeta),
             backward_call<double>(set.shape, x, dy, gamma, saved, eps, dx, dgamma, dbeta),
             set.kernel->backward_f32, set.kernel->backward_f64);
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

}  // extern "C"
