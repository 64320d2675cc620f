/*
 * jbatchnorm: batch normalization on a CPU, exact, the same bits on every machine.
 *
 * The C ABI. Every function returns a status, never throws, allocates nothing that the caller has
 * to free, and may be called from any number of threads at once as long as no two calls write the
 * same memory. The contract (formulas, accuracy, the order of every sum) is docs/numerics.md.
 *
 * Common to all calls:
 *   N samples, C channels, S positions (the product of every other axis), M = N * S.
 *   x, y, z, dy, dx, dz hold N*C*S elements: (N, C, S) where layout is JBN_NCHW, (N, S, C) where
 *   it is JBN_NHWC. gamma, beta, mean, var, dgamma, dbeta hold C elements of the same dtype; of f32
 *   where it is bf16 or f16. `saved` holds 4*C doubles whatever the dtype, runs of C: the mean and
 *   its low part, the biased variance, and the scale, a power of two, that x is multiplied by in
 *   these three: 1 but where the variance of f64 would leave the range of a double.
 *   Pointers are aligned to their element. An output overlaps no other argument, but y may be x or
 *   z, dx may be x, dy or y, and dz may be dy or y: the very same address, in place.
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

typedef enum jbn_status {
  JBN_OK = 0,
  JBN_BAD_DTYPE = 1,     /* dtype is none of jbn_dtype */
  JBN_BAD_LAYOUT = 2,    /* layout is none of jbn_layout */
  JBN_BAD_SHAPE = 3,     /* a size is negative, or N*C*S elements do not fit in memory */
  JBN_BAD_EPS = 4,       /* eps is negative, NaN or infinite */
  JBN_NULL = 5,          /* a required pointer is NULL */
  JBN_UNALIGNED = 6,     /* a pointer is not aligned to its element */
  JBN_OVERLAP = 7,       /* an output overlaps another argument */
  JBN_BAD_THREADS = 8,   /* threads is negative or above JBN_MAX_THREADS */
  JBN_BAD_ISA = 9,       /* the instruction set is unknown, or this machine has not got it */
  JBN_NO_MEMORY = 10,    /* no memory for the partial sums */
  JBN_BAD_SLOPE = 11,    /* slope is negative, NaN or infinite, or too small to be inverted */
  JBN_BAD_WEIGHTS = 12,  /* a weight is negative, NaN or infinite, or their sum is */
  JBN_SMALL_GAMMA = 13,  /* an element of gamma is too near 0 to recover xHat from y */
  JBN_NOT_TOGETHER = 14, /* arguments that exclude each other, as inverted and weights */
  JBN_BAD_SIZE = 15,     /* size is not one of this struct's, or memory's is negative */
  JBN_BAD_SHARES = 16,   /* counts are negative, past what memory can hold, or own's is not n */
  JBN_AGAIN = 17         /* not an error: shares have to be told of once more */
} jbn_status;

/* binary32, binary64, bfloat16, binary16. Sums are of binary64 for each; elements of 32 and 16 bits
 * are mapped in binary32, with fused multiply-adds. */
typedef enum jbn_dtype { JBN_F32 = 0, JBN_F64 = 1, JBN_BF16 = 2, JBN_F16 = 3 } jbn_dtype;

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

/*
 * Threads are OpenMP's, and wait at barriers as it is told to when it is loaded: beside other busy
 * processes set OMP_WAIT_POLICY=passive, or GOMP_SPINCOUNT to a few thousand (as the Java library
 * does), or threads that spin hold up those that they wait for. Each calling thread has a team of
 * its own. In the child of a fork whose parent has had a team, calls run on one thread: OpenMP's
 * threads stay with the parent. OMP_PROC_BIND and OMP_PLACES bind the thread that loads OpenMP to
 * one core, and with it what it starts later; leave them unset in programs that have other threads.
 */

/* The threads that a call with threads = 0 uses (OpenMP's setting for the calling thread). */
JBN_API int jbn_default_threads(void);

/*
 * How a call is carried out. Neither field changes a bit of the result.
 *   threads  0: OpenMP's default; else at most this many, the caller's own included
 *   isa      a jbn_isa
 * Packed into one word: JBN_EXEC(threads, isa).
 */
#define JBN_EXEC(threads, isa) ((int32_t)(((isa) << 16) | (threads)))

/*
 * The arguments of a call are a struct: fill it with zeros, set `size` to its sizeof, then what is
 * wanted. A later version may add fields at the end; a size that this one does not know is refused
 * where it has more that is not 0.
 */

/*
 * Forward. With the batch's own statistics
 *   mean = sum(x) / M, var = sum((x - mean)^2) / M,
 *   pre = gamma * (x - mean) / sqrt(var + eps) + beta, plus z where it is given,
 *   y = pre, or below 0 slope * pre        (slope 1: no tail; 0: ReLU; between: leaky ReLU).
 * gamma NULL: 1. beta NULL: 0. M = 0: mean and var are NaN.
 * The statistics are `given` (4*C doubles, as saved by another call), or given_mean and given_var (C
 * elements each), or else the batch's own.
 * weights, N*S doubles in the order of the positions, 0 or more and finite: mean = sum(w x) / W, var
 * = sum(w (x - mean)^2) / W, W = sum(w), which takes the place of M. A position of weight 0 takes
 * part in nothing: its y is 0. total_weight: their sum W if it is known, or 0; what checked and
 * added them up once for many calls need not be done again.
 * invertible: refuse what jbn_backward could not recover xHat from (see inverted).
 * y, mean, var, saved: outputs, each or NULL.
 */
typedef struct jbn_forward_args {
  int64_t size, dtype, layout, n, c, s, exec, invertible;
  double eps, slope, total_weight;
  const void *x, *z, *gamma, *beta, *given_mean, *given_var;
  const double *given, *weights;
  void *y, *mean, *var;
  double* saved;
} jbn_forward_args;

JBN_API int jbn_forward(const jbn_forward_args* args);

/*
 * The gradients of jbn_forward, from its x, gamma, beta, eps and what it saved. With g = dy, or slope
 * * dy where pre is 0 or less (slope 0: 0):
 *   dz = g, dbeta = sum(g), dgamma = sum(g * xHat),
 *   dx = gamma / sqrt(var + eps) * (g - w * dbeta / W - w * xHat * dgamma / W), w = 1 and W = M
 * without weights; dx = gamma / sqrt(var + eps) * g where `given` is not 0: the statistics were.
 * The sign of pre is computed again from x and beta, or read off y, forward's output, where y is
 * not NULL: it has to be given where forward added z.
 * inverted: x is forward's output, from which xHat is recovered. |gamma| and slope are at least
 * 1/1024 then, and there are neither weights nor a z in forward.
 * dx, dz, dgamma, dbeta: outputs, each or NULL.
 * sums: of a batch in shares, as jbn_backward_join found them, and the N of all shares, `total`; or
 * NULL: the batch's own.
 */
typedef struct jbn_backward_args {
  int64_t size, dtype, layout, n, c, s, exec, given, inverted;
  double eps, slope, total_weight;
  const void *x, *dy, *y, *gamma, *beta;
  const double *saved, *weights;
  void *dx, *dz, *dgamma, *dbeta;
  const double* sums;
  int64_t total;
} jbn_backward_args;

JBN_API int jbn_backward(const jbn_backward_args* args);

/*
 * The gradients of jbn_backward's results without tail and weights: of sum(v * dx) + sum(vgamma *
 * dgamma) + sum(vbeta * dbeta) for x, dy and gamma; `given` as in jbn_backward_args. v, vgamma,
 * vbeta: NULL for 0. gx, gdy, ggamma: outputs, each or NULL.
 */
typedef struct jbn_second_args {
  int64_t size, dtype, layout, n, c, s, exec, given;
  double eps;
  const void *x, *dy, *gamma;
  const double* saved;
  const void *v, *vgamma, *vbeta;
  void *gx, *gdy, *ggamma;
} jbn_second_args;

JBN_API int jbn_second(const jbn_second_args* args);

/*
 * A batch in shares: the bits of one call on all of it from calls that have a part of it each, in
 * other threads, processes or machines. Share i has counts[i] samples, 0 or more; the batch is theirs,
 * share 0 first; a call's x, z, y, dy, dx and dz are those of share `own`, and its n is counts[own].
 * What is said between shares is carried by the caller, in whatever way it has:
 *
 *   fill state with zeros
 *   do {
 *     jbn_forward_sizes(args, share)    bytes[i], the length of what share i says
 *     jbn_forward_share(args, share)    message, what this one says
 *     ... messages: what all shares say, share 0 first, one after the other, to every share ...
 *     status = jbn_forward_join(args, share)
 *   } while (status == JBN_AGAIN);
 *   args.given = args.saved, args.saved = NULL: jbn_forward(args)
 *
 * and, once in any case, for the gradients,
 *
 *   jbn_backward_sizes, jbn_backward_share, ... messages ..., jbn_backward_join: state
 *   args.sums = state, args.total = sum(counts): jbn_backward(args)
 *
 * f32 and 16 bits are told of once, or twice where a channel's mean is beyond 256 standard deviations;
 * f64 once more than that. A message is at most some sums of each channel, 8 bytes each (f64: 16),
 * and samples of two blocks that other shares have a part of (docs/numerics.md, The order of a sum).
 * The arguments are those of the call that follows, the same everywhere but for n, exec and the data,
 * without weights, and with statistics that are not given (y: not NULL on an empty share either,
 * where others have it); jbn_forward_join writes mean, var and saved, the same everywhere. A message
 * is of a machine of the same byte order; what is not one, or is of other sizes, gives wrong results,
 * never a read past the lengths that sizes tell.
 *
 * state: 1 + 20 * C doubles (forward), 2 * C (backward: the sums of g and of g * (x - mean)).
 * message, messages: aligned to 8 bytes.
 */
typedef struct jbn_share_args {
  int64_t size, shares, own;
  const int64_t* counts;
  double* state;
  int64_t* bytes;
  void* message;
  const void* messages;
} jbn_share_args;

JBN_API int jbn_forward_sizes(const jbn_forward_args* args, const jbn_share_args* share);
JBN_API int jbn_forward_share(const jbn_forward_args* args, const jbn_share_args* share);
JBN_API int jbn_forward_join(const jbn_forward_args* args, const jbn_share_args* share);
JBN_API int jbn_backward_sizes(const jbn_backward_args* args, const jbn_share_args* share);
JBN_API int jbn_backward_share(const jbn_backward_args* args, const jbn_share_args* share);
JBN_API int jbn_backward_join(const jbn_backward_args* args, const jbn_share_args* share);

/*
 * Writes, in words, how a call with these arguments goes over memory, as in "rows, 64 chunks x 1
 * slices, 2 threads, streams"; at most `capacity` bytes with the 0 that ends it. Pointers may be NULL.
 */
JBN_API int jbn_describe_forward(const jbn_forward_args* args, char* text, int64_t capacity);
JBN_API int jbn_describe_backward(const jbn_backward_args* args, char* text, int64_t capacity);

/*
 * The bytes of the last-level cache, past which results are stored around the caches: as the
 * processor, the system or the C library tell them. Setting it, for all calls that follow, changes
 * speed alone; 0: as it was found.
 */
JBN_API int64_t jbn_shared_cache(void);
JBN_API int jbn_set_shared_cache(int64_t bytes);

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
