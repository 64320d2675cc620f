/*
 * jbatchnorm: batch normalization on a CPU, exact, the same bits on every machine.
 *
 * The C ABI. Every function returns a status, never throws, allocates nothing that the caller has
 * to free, and may be called from any number of threads at once as long as no two calls write the
 * same memory. The contract (formulas, accuracy, the order of every sum) is docs/numerics.md.
 *
 * Common to all calls:
 *   N samples, C channels, S positions (the product of every other axis), M = N * S.
 *   x, y, dy, dx hold N*C*S elements: (N, C, S) where layout is JBN_NCHW, (N, S, C) where it is
 *   JBN_NHWC. gamma, beta, mean, var, dgamma, dbeta hold C elements of the same dtype. `saved`
 *   holds 3*C doubles whatever the dtype: per channel the mean, the mean's low part, the biased
 *   variance, each as a run of C.
 *   Pointers are aligned to their element. An output overlaps no other argument.
 *   An argument marked "or NULL" may be left out; any may be NULL where its length is 0.
 */
#ifndef JBATCHNORM_JBATCHNORM_H
#define JBATCHNORM_JBATCHNORM_H

#include <stdint.h>

#if defined(_WIN32)
#define JBN_API __declspec(dllexport)
#else
#define JBN_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define JBN_VERSION "0.1.0"

typedef enum jbn_status {
  JBN_OK = 0,
  JBN_BAD_DTYPE = 1,   /* dtype is none of jbn_dtype */
  JBN_BAD_LAYOUT = 2,  /* layout is none of jbn_layout */
  JBN_BAD_SHAPE = 3,   /* a size is negative, or N*C*S elements do not fit in memory */
  JBN_BAD_EPS = 4,     /* eps is negative, NaN or infinite */
  JBN_NULL = 5,        /* a required pointer is NULL */
  JBN_UNALIGNED = 6,   /* a pointer is not aligned to its element */
  JBN_OVERLAP = 7,     /* an output overlaps another argument */
  JBN_BAD_THREADS = 8, /* threads is negative or above JBN_MAX_THREADS */
  JBN_BAD_ISA = 9,     /* the instruction set is unknown, or this machine has not got it */
  JBN_NO_MEMORY = 10   /* no memory for the partial sums */
} jbn_status;

typedef enum jbn_dtype { JBN_F32 = 0, JBN_F64 = 1 } jbn_dtype;

typedef enum jbn_layout { JBN_NCHW = 0, JBN_NHWC = 1 } jbn_layout;

/* Instruction sets. The result is the same to the bit for each; only the speed differs. */
typedef enum jbn_isa {
  JBN_ISA_BEST = 0,   /* the best that this machine has */
  JBN_ISA_SSE2 = 1,   /* any x86-64 */
  JBN_ISA_AVX2 = 2,   /* x86-64-v3 */
  JBN_ISA_AVX512 = 3, /* x86-64-v4 */
  JBN_ISA_NEON = 4,   /* any 64-bit ARM */
  JBN_ISA_SVE = 5     /* 64-bit ARM with SVE, any vector length */
} jbn_isa;

#define JBN_MAX_THREADS 1024

/* The version of the library that is linked, e.g. "0.1.0". */
JBN_API const char* jbn_version(void);

/* What a status means, in English; never NULL. */
JBN_API const char* jbn_status_text(int status);

/* The instruction set that JBN_ISA_BEST stands for here. */
JBN_API int jbn_best_isa(void);

/* 1 where the instruction set can be forced on this machine, else 0. */
JBN_API int jbn_has_isa(int isa);

/* The instruction set's name, e.g. "avx2"; "unknown" for a value outside jbn_isa. */
JBN_API const char* jbn_isa_name(int isa);

/* The threads that a call with threads = 0 uses (OpenMP's setting for the calling thread). */
JBN_API int jbn_default_threads(void);

/*
 * How a call is carried out. Neither field changes a bit of the result.
 *   threads  0: OpenMP's default; else at most this many, the caller's own included
 *   isa      a jbn_isa
 * Packed into one word for the callers that pay for each argument: JBN_EXEC(threads, isa).
 */
#define JBN_EXEC(threads, isa) ((int32_t)(((isa) << 16) | (threads)))

/*
 * Forward with the batch's own statistics:
 *   mean = sum(x) / M, var = sum((x - mean)^2) / M,
 *   y = gamma * (x - mean) / sqrt(var + eps) + beta.
 * gamma NULL: 1. beta NULL: 0. mean, var, saved: outputs, each or NULL. M = 0: mean, var are NaN.
 */
JBN_API int jbn_forward(int dtype, int layout, int64_t n, int64_t c, int64_t s, const void* x,
                        const void* gamma, const void* beta, double eps, void* y, void* mean,
                        void* var, double* saved, int32_t exec);

/* Forward with given statistics: y = gamma * (x - mean) / sqrt(var + eps) + beta. */
JBN_API int jbn_infer(int dtype, int layout, int64_t n, int64_t c, int64_t s, const void* x,
                      const void* gamma, const void* beta, const void* mean, const void* var,
                      double eps, void* y, int32_t exec);

/*
 * The gradients of jbn_forward, from its x, gamma, eps and what it saved:
 *   dbeta = sum(dy), dgamma = sum(dy * xHat),
 *   dx = gamma / sqrt(var + eps) * (dy - dbeta / M - xHat * dgamma / M).
 * dx, dgamma, dbeta: outputs, each or NULL.
 */
JBN_API int jbn_backward(int dtype, int layout, int64_t n, int64_t c, int64_t s, const void* x,
                         const void* dy, const void* gamma, const double* saved, double eps,
                         void* dx, void* dgamma, void* dbeta, int32_t exec);

/*
 * Copies `bytes` bytes with the kernel's threads and vectors: the yardstick of the benchmarks, what
 * memory allows for reading an array and writing another. Both are aligned to 64 bytes and do not
 * overlap. past_caches: 1 to store past the caches where the instruction set can, 0 not to.
 */
JBN_API int jbn_copy(const void* from, void* to, int64_t bytes, int past_caches, int32_t exec);

#ifdef __cplusplus
}
#endif

#endif /* JBATCHNORM_JBATCHNORM_H */
