// The calls of the C ABI: what is checked goes to the instruction set's kernel, with a plan of how it
// goes over memory.
#include "abi/arguments.hpp"

namespace {

using namespace jbn::abi;
using jbn::Kernel;
using jbn::Plan;

template <class T>
bool run(const Setting& set, const jbn::Calls<T>& calls, const jbn_forward_args& a, double count,
         const Plan& plan) {
  return calls.forward(call_of<T>(set, a, count), plan);
}

template <class T>
bool run(const Setting& set, const jbn::Calls<T>& calls, const jbn_backward_args& a, double count,
         const Plan& plan) {
  return calls.backward(call_of<T>(set, a, count), plan);
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
  if (status == JBN_OK) status = count_of(set, a, &count);
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
  const int status = read(args, &a, &set);
  return status == JBN_OK ? carry_out(set, a, a.invertible, a.z || a.weights) : status;
}

int jbn_backward(const jbn_backward_args* args) {
  const jbn::abi::FloatEnvironment environment;
  jbn_backward_args a;
  Setting set;
  const int status = read(args, &a, &set);
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
