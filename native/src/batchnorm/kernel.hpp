// The calls that each instruction set's unit offers to the ABI, which has checked every argument.
#ifndef JBATCHNORM_SRC_KERNEL_HPP
#define JBATCHNORM_SRC_KERNEL_HPP

#include <cstdint>

#include "batchnorm/plan.hpp"
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
