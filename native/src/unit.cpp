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

const Kernel kKernel = {forward<float>,  forward<double>,  infer<float>, infer<double>,
                        backward<float>, backward<double>, scratch};

}  // namespace JBN_NAMESPACE
}  // namespace jbn
