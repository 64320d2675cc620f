// The calls of the ABI with plain arguments, for tests that need no more.
#ifndef JBATCHNORM_TEST_CALLS_HPP
#define JBATCHNORM_TEST_CALLS_HPP

#include "jbatchnorm/jbatchnorm.h"

namespace calls {

struct Sizes {
  int dtype, layout;
  int64_t n, c, s;
};

template <class Args>
Args args_of(const Sizes& sizes, double eps, int32_t exec) {
  Args a = {};
  a.size = sizeof a;
  a.dtype = sizes.dtype, a.layout = sizes.layout, a.n = sizes.n, a.c = sizes.c, a.s = sizes.s;
  a.eps = eps, a.exec = exec;
  return a;
}

inline int forward(const Sizes& sizes, const void* x, const void* gamma, const void* beta,
                   double eps, void* y, void* mean, void* var, double* saved, int32_t exec) {
  jbn_forward_args a = args_of<jbn_forward_args>(sizes, eps, exec);
  a.slope = 1;
  a.x = x, a.gamma = gamma, a.beta = beta, a.y = y, a.mean = mean, a.var = var, a.saved = saved;
  return jbn_forward(&a);
}

inline int infer(const Sizes& sizes, const void* x, const void* gamma, const void* beta,
                 const void* mean, const void* var, double eps, void* y, int32_t exec) {
  jbn_forward_args a = args_of<jbn_forward_args>(sizes, eps, exec);
  a.slope = 1;
  a.x = x, a.gamma = gamma, a.beta = beta, a.given_mean = mean, a.given_var = var, a.y = y;
  return jbn_forward(&a);
}

inline int backward(const Sizes& sizes, const void* x, const void* dy, const void* gamma,
                    const double* saved, double eps, void* dx, void* dgamma, void* dbeta,
                    int32_t exec) {
  jbn_backward_args a = args_of<jbn_backward_args>(sizes, eps, exec);
  a.slope = 1;
  a.x = x, a.dy = dy, a.gamma = gamma, a.saved = saved;
  a.dx = dx, a.dgamma = dgamma, a.dbeta = dbeta;
  return jbn_backward(&a);
}

}  // namespace calls

#endif  // JBATCHNORM_TEST_CALLS_HPP
