// One instruction set's unit: compiled once for each, with its own namespace and -march. Nothing
// here may be a template of the standard library's: the linker would keep one copy for all units.
#include "batchnorm/backward.hpp"
#include "batchnorm/forward.hpp"
#include "batchnorm/passes.hpp"
#include "batchnorm/second.hpp"
#include "batchnorm/shares.hpp"
#include "platform/units.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

template <class Job, class Call>
static bool run(const Call& call, const Plan& plan) {
  const Job job(call);
  return Passes<Job>(job, plan).run();
}

template <class T>
static bool forward(const ForwardCall<T>& call, const Plan& plan) {
  return call.z || call.slope != 1 || call.weights ? run<ForwardJob<T, true>>(call, plan)
                                                   : run<ForwardJob<T, false>>(call, plan);
}

template <class T>
static bool backward(const BackwardCall<T>& call, const Plan& plan) {
  if (call.weights || call.inverted) return run<BackwardJob<T, With::kWeights>>(call, plan);
  return call.dz || call.slope != 1 || call.given ? run<BackwardJob<T, With::kTail>>(call, plan)
                                                  : run<BackwardJob<T, With::kNothing>>(call, plan);
}

template <class T>
static bool second(const SecondCall<T>& call, const Plan& plan) {
  return run<SecondJob<T>>(call, plan);
}

template <class T>
static bool write_share(const BackwardCall<T>& call, const SharedBatch& batch, char* message) {
  if (call.inverted) return write_backward<T, With::kWeights>(call, batch, message);
  return write_backward<T, With::kTail>(call, batch, message);
}

template <class T>
static bool read_shares(const BackwardCall<T>& call, const SharedBatch& batch, double* sums,
                        const char* messages) {
  if (call.inverted) return read_backward<T, With::kWeights>(call, batch, sums, messages);
  return read_backward<T, With::kTail>(call, batch, sums, messages);
}

static void copy(const char* from, char* to, int64_t bytes, bool past_caches, int threads) {
  const int64_t group = kLanes * static_cast<int64_t>(sizeof(double));
  const int64_t whole = bytes / group * group;
  on_threads(threads, [&] {
    const Share share(bytes / group);
    const double* const x = reinterpret_cast<const double*>(from);
    double* const y = reinterpret_cast<double*>(to);
    for (int64_t i = share.from * kLanes; i < share.to * kLanes; i += kLanes) {
      put(y + i, load_as<Group>(x + i), kLanes, past_caches);
    }
    if (past_caches) stream_fence();
  });
  std::memcpy(to + whole, from + whole, static_cast<size_t>(bytes - whole));
}

template <class T>
static constexpr Calls<T> calls() {
  return {forward<T>,      backward<T>,    second<T>,     write_forward<T>,
          read_forward<T>, write_share<T>, read_shares<T>};
}

const Kernel kKernel = {calls<float>(), calls<double>(), calls<Bf16>(), calls<F16>(), copy};

}  // namespace JBN_NAMESPACE
}  // namespace jbn
