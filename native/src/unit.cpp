// One instruction set's unit: compiled once for each, with its own namespace and -march. Nothing
// here may be a template of the standard library's: the linker would keep one copy for all units.
#include "backward.hpp"
#include "forward.hpp"
#include "units.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

static int64_t scratch(const Shape& shape) {
  const Order order = order_of(shape.n, shape.s);
  return (ForwardJob<float>::kScratch + 2 * order.chunks) * shape.c;
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

const Kernel kKernel = {forward<float>,  forward<double>,  infer<float>, infer<double>,
                        backward<float>, backward<double>, scratch,      copy};

}  // namespace JBN_NAMESPACE
}  // namespace jbn
