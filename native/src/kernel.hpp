// The calls that each instruction set's unit offers to the ABI, which has checked every argument.
#ifndef JBATCHNORM_SRC_KERNEL_HPP
#define JBATCHNORM_SRC_KERNEL_HPP

#include <cstdint>

#include "elements.hpp"
#include "machine.hpp"

namespace jbn {

struct Shape {
  int64_t n, c, s;
  bool channels_last;
};

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

template <class T>
struct Calls {
  void (*forward)(const ForwardCall<T>&, double* scratch, const Resources&);
  void (*backward)(const BackwardCall<T>&, double* scratch, const Resources&);
  void (*second)(const SecondCall<T>&, const Resources&);
};

// The calls of one instruction set, and the doubles of scratch memory that one needs.
struct Kernel {
  Calls<float> f32;
  Calls<double> f64;
  Calls<Bf16> bf16;
  Calls<F16> f16;
  int64_t (*scratch)(const Shape&);
  void (*copy)(const char* from, char* to, int64_t bytes, bool past_caches, int threads);
};

}  // namespace jbn

#endif  // JBATCHNORM_SRC_KERNEL_HPP
