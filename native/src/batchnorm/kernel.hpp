// The calls that each instruction set's unit offers to the ABI, which has checked every argument.
#ifndef JBATCHNORM_SRC_KERNEL_HPP
#define JBATCHNORM_SRC_KERNEL_HPP

#include <cstdint>

#include "batchnorm/plan.hpp"
#include "batchnorm/shared_batch.hpp"
#include "simd/elements.hpp"

namespace jbn {

// Pointers may be null but for x, and dy in a backward; jbatchnorm.h says what each is.
template <class T>
struct ForwardCall {
  Shape shape;
  double eps;
  double slope;  // of the tail; 1: none
  const T *x, *z;
  const Parameter<T>*gamma, *beta;
  const Parameter<T>*given_mean, *given_var;
  const double *given, *weights;
  double count;  // elements of a channel, or the sum of their weights
  T* y;
  Parameter<T>*mean, *var;
  double* saved;
  const double* probes;  // of a batch in shares, 16 * C; or null

  // What is summed.
  const T** input(int) { return &x; }
};

template <class T>
struct BackwardCall {
  Shape shape;
  double eps;
  double slope;   // of the tail; 1: none
  bool given;     // the statistics were given: no gradient goes through them
  bool inverted;  // x is the output of forward, from which xHat is recovered
  const T *x, *dy, *y;
  const Parameter<T>*gamma, *beta;
  const double *saved, *weights;
  double count;  // as in forward
  T *dx, *dz;
  Parameter<T>*dgamma, *dbeta;
  const double* sums;  // of a batch in shares, 2 * C; or null

  const T** input(int i) { return i == 0 ? &x : i == 1 ? &dy : &y; }
};

template <class T>
struct SecondCall {
  Shape shape;
  double eps;
  bool given;
  const T *x, *dy, *v;
  const Parameter<T>*gamma, *vgamma, *vbeta;
  const double* saved;
  T *gx, *gdy;
  Parameter<T>* ggamma;
};

// Each returns false where there is no memory for its partial sums.
template <class T>
struct Calls {
  bool (*forward)(const ForwardCall<T>&, const Plan&);
  bool (*backward)(const BackwardCall<T>&, const Plan&);
  bool (*second)(const SecondCall<T>&, const Plan&);
  // Of a batch in shares: what one says, and what all say together. *again: there is more to be said.
  bool (*write_forward)(const ForwardCall<T>&, const SharedBatch&, double* state, char* message);
  bool (*read_forward)(const ForwardCall<T>&, const SharedBatch&, double* state,
                       const char* messages, bool* again);
  bool (*write_backward)(const BackwardCall<T>&, const SharedBatch&, char* message);
  bool (*read_backward)(const BackwardCall<T>&, const SharedBatch&, double* sums,
                        const char* messages);
};

// The calls of one instruction set.
struct Kernel {
  Calls<float> f32;
  Calls<double> f64;
  Calls<Bf16> bf16;
  Calls<F16> f16;
  void (*copy)(const char* from, char* to, int64_t bytes, bool past_caches, int threads);
};

}  // namespace jbn

#endif  // JBATCHNORM_SRC_KERNEL_HPP
