// One instruction set's unit: compiled once for each, with its own namespace and -march. Nothing
// here may be a template of the standard library's: the linker would keep one copy for all units.
#include "backward.hpp"
#include "forward.hpp"
#include "fused.hpp"
#include "second.hpp"
#include "units.hpp"
#include "weighted.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

static int64_t scratch(const Shape& shape) {
  const Order order = order_of(shape.n, shape.s);
  return (FusedBackwardJob<float, false>::kScratch + 2 * order.chunks) * shape.c;
}

template <class T>
static void forward(const ForwardCall<T>& call, double* memory, const Resources& resources) {
  if (call.weights) {
    const WeightedForward<T> weighted(call);
    each_channel(call.shape, resources, [&](int64_t c) { weighted.run(c); });
    return;
  }
  const bool fused = call.z || call.slope != 1;
  if (call.given || call.given_mean) {
    (fused ? infer_job<T, true> : infer_job<T, false>)(call, memory, resources);
  } else {
    (fused ? forward_job<T, true> : forward_job<T, false>)(call, memory, resources);
  }
}

template <class Job, class T>
static void backward_job(const BackwardCall<T>& call, double* memory, const Resources& resources) {
  const Job job(call, memory);
  sweep(job, memory + Job::kScratch * call.shape.c, resources);
}

template <class T>
static void backward(const BackwardCall<T>& call, double* memory, const Resources& resources) {
  if (call.weights) {
    const WeightedBackward<T> weighted(call);
    each_channel(call.shape, resources, [&](int64_t c) { weighted.run(c); });
  } else if (call.dz || call.slope != 1 || call.given || call.inverted) {
    const bool tail = !call.dz && !call.given && !call.inverted && !call.y && call.dx;
    (tail ? backward_job<FusedBackwardJob<T, true>, T>
          : backward_job<FusedBackwardJob<T, false>, T>)(call, memory, resources);
  } else {
    backward_job<BackwardJob<T>>(call, memory, resources);
  }
}

template <class T>
static void second(const SecondCall<T>& call, const Resources& resources) {
  const Second<T> job(call);
  each_channel(call.shape, resources, [&](int64_t c) { job.run(c); });
}

// Groups of doubles carry any bytes: nothing is computed.
template <bool kStreams>
static void copy_groups(const double* from, double* to, const Share& share) {
  for (int64_t i = share.from * kLanes; i < share.to * kLanes; i += kLanes) {
    if (kStreams) {
      stream(to + i, load(from + i));
    } else {
      store(to + i, load(from + i));
    }
  }
  if (kStreams) stream_fence();
}

static void copy(const char* from, char* to, int64_t bytes, bool past_caches, int threads) {
  const int64_t group = kLanes * static_cast<int64_t>(sizeof(double));
  const int64_t whole = bytes / group * group;
  on_threads(threads, [&] {
    const Share share(bytes / group);
    const double* const x = reinterpret_cast<const double*>(from);
    double* const y = reinterpret_cast<double*>(to);
    if (past_caches) {
      copy_groups<true>(x, y, share);
    } else {
      copy_groups<false>(x, y, share);
    }
  });
  std::memcpy(to + whole, from + whole, static_cast<size_t>(bytes - whole));
}

template <class T>
static constexpr Calls<T> calls() {
  return {forward<T>, backward<T>, second<T>};
}

const Kernel kKernel = {calls<float>(), calls<double>(), calls<Bf16>(),
                        calls<F16>(),   scratch,         copy};

}  // namespace JBN_NAMESPACE
}  // namespace jbn
