// The calls that each instruction set's unit offers to the ABI, which has checked every argument.
#ifndef JBATCHNORM_SRC_KERNEL_HPP
#define JBATCHNORM_SRC_KERNEL_HPP

#include <cstdint>

#include "machine.hpp"

namespace jbn {

struct Shape {
  int64_t n, c, s;
  bool channels_last;
};

template <class T>
struct ForwardCall {
  Shape shape;
  const T* x;
  const T* gamma;  // or null
  const T* beta;   // or null
  double eps;
  T* y;
  T* mean;        // or null
  T* var;         // or null
  double* saved;  // or null
};

template <class T>
struct InferCall {
  Shape shape;
  const T* x;
  const T* gamma;  // or null
  const T* beta;   // or null
  const T* mean;
  const T* var;
  double eps;
  T* y;
};

template <class T>
struct BackwardCall {
  Shape shape;
  const T* x;
  const T* dy;
  const T* gamma;  // or null
  const double* saved;
  double eps;
  T* dx;      // or null
  T* dgamma;  // or null
  T* dbeta;   // or null
};

// The doubles of scratch memory that a call needs, and the calls of one instruction set.
struct Kernel {
  void (*forward_f32)(const ForwardCall<float>&, double* scratch, const Resources&);
  void (*forward_f64)(const ForwardCall<double>&, double* scratch, const Resources&);
  void (*infer_f32)(const InferCall<float>&, double* scratch, const Resources&);
  void (*infer_f64)(const InferCall<double>&, double* scratch, const Resources&);
  void (*backward_f32)(const BackwardCall<float>&, double* scratch, const Resources&);
  void (*backward_f64)(const BackwardCall<double>&, double* scratch, const Resources&);
  int64_t (*scratch)(const Shape&);
  void (*copy)(const char* from, char* to, int64_t bytes, bool past_caches, int threads);
};

}  // namespace jbn

#endif  // JBATCHNORM_SRC_KERNEL_HPP
