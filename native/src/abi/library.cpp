// The part of the C ABI that is not about one call: versions, texts, instruction sets, caches.
#include <omp.h>

#include "jbatchnorm/jbatchnorm.h"
#include "platform/caches.hpp"
#include "platform/dispatch.hpp"

extern "C" {

const char* jbn_version(void) { return JBATCHNORM_VERSION; }

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
      return "a weight is negative, NaN or infinite, or their sum is infinite";
    case JBN_SMALL_GAMMA:
      return "an element of gamma is below 1/1024: xHat cannot be recovered from y";
    case JBN_NOT_TOGETHER:
      return "arguments exclude each other";
    case JBN_BAD_SIZE:
      return "size is not that of the struct, or negative";
    case JBN_BAD_SHARES:
      return "counts are negative, past what memory can hold together, or their own is not n";
    case JBN_AGAIN:
      return "shares have to be told of once more";
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

int64_t jbn_shared_cache(void) { return jbn::shared_cache(); }

int jbn_set_shared_cache(int64_t bytes) {
  if (bytes < 0) return JBN_BAD_SIZE;
  jbn::set_shared_cache(bytes);
  return JBN_OK;
}

}  // extern "C"
