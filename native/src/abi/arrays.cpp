// Operations on arrays and memory, for the Java library: what they are given has been checked there.
#include "abi/arrays.h"

#include <omp.h>

#include "platform/dispatch.hpp"
#include "platform/pages.hpp"

#define JBN_NAMESPACE abi  // compiled for any processor
#include "simd/float_environment.hpp"

extern "C" {

int jbn_array(int call, const int64_t* args, int32_t exec) {
  const jbn::Arrays* const arrays = jbn::arrays_for(exec >> 16);
  if (!arrays) return JBN_BAD_ISA;
  const int threads = exec & 0xffff;
  const jbn::abi::FloatEnvironment environment;
  arrays->run(call, jbn::Fields(args), threads > 0 ? threads : omp_get_max_threads());
  return JBN_OK;
}

int64_t jbn_map(int64_t bytes) { return reinterpret_cast<intptr_t>(jbn::map_pages(bytes)); }

void jbn_unmap(int64_t address, int64_t bytes) {
  jbn::unmap_pages(reinterpret_cast<void*>(static_cast<intptr_t>(address)), bytes);
}

}  // extern "C"
