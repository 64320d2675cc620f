// One instruction set's operations on arrays; as unit.cpp, without templates of the standard
// library's.
#include "abi/arrays.h"
#include "arrays/convolution_filters.hpp"
#include "arrays/elementwise.hpp"
#include "arrays/pooling.hpp"
#include "arrays/product.hpp"
#include "arrays/reduce.hpp"
#include "arrays/softmax.hpp"
#include "arrays/update.hpp"
#include "platform/units.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

static void run(int call, Fields fields, int threads) {
  switch (call) {
    case JBN_ARRAY_ZIP:
      return zip(fields, threads);
    case JBN_ARRAY_SUM:
      return sum(fields, threads);
    case JBN_ARRAY_PRODUCT:
      return product(fields, threads);
    case JBN_ARRAY_CONVOLVE:
      return convolve(fields, threads);
    case JBN_ARRAY_CONVOLVE_INPUT:
      return convolve_input(fields, threads);
    case JBN_ARRAY_CONVOLVE_FILTERS:
      return convolve_filters(fields, threads);
    case JBN_ARRAY_MAX_POOL:
      return max_pool(fields, threads);
    case JBN_ARRAY_MAX_UNPOOL:
      return max_unpool(fields, threads);
    case JBN_ARRAY_UPDATE:
      return update(fields, threads);
    case JBN_ARRAY_LOG_SOFTMAX:
      return log_softmax(fields, threads);
  }
}

const Arrays kArrays = {run};

}  // namespace JBN_NAMESPACE
}  // namespace jbn
