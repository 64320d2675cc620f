/*
 * Operations on whole arrays, for the Java library's tensors: elementwise functions, sums, matrix products, convolution,
 * pooling, softmax and the optimizers' updates, for f32 and f64. Not a part of the stable ABI, and, unlike jbatchnorm.h, without
 * checks of its own: the Java side, ArrayKernel, has checked everything. What each computes, and in which order, is
 * JavaArrays's code; the bits are the same, but for products by a BLAS.
 */
#ifndef JBATCHNORM_ARRAYS_H
#define JBATCHNORM_ARRAYS_H

#include "jbatchnorm/jbatchnorm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The calls of jbn_array. */
enum jbn_array_call {
  JBN_ARRAY_ZIP = 0,
  JBN_ARRAY_SUM = 1,
  JBN_ARRAY_PRODUCT = 2,
  JBN_ARRAY_CONVOLVE = 3,
  JBN_ARRAY_CONVOLVE_INPUT = 4,
  JBN_ARRAY_CONVOLVE_FILTERS = 5,
  JBN_ARRAY_MAX_POOL = 6,
  JBN_ARRAY_MAX_UNPOOL = 7,
  JBN_ARRAY_UPDATE = 8,
  JBN_ARRAY_LOG_SOFTMAX = 9
};

/*
 * Runs a call: args are fields of 8 bytes, integers, addresses and doubles, in the order in which native/src reads them.
 * Returns JBN_OK, or JBN_BAD_ISA where this machine has not got exec's instruction set.
 */
JBN_API int jbn_array(int call, const int64_t* args, int32_t exec);

/*
 * Pages of memory from the system, large ones where there is room for one and the system has any: jbn_map returns an
 * address aligned to 64 bytes at least, or 0 where there is no more; jbn_unmap gives the same range back.
 */
JBN_API int64_t jbn_map(int64_t bytes);
JBN_API void jbn_unmap(int64_t address, int64_t bytes);

#ifdef __cplusplus
}
#endif

#endif
