/* Normalizes three samples of two channels, and the gradients back. */
#include <jbatchnorm/jbatchnorm.h>
#include <stdio.h>

static int failed(const char* call, int status) {
  if (status != JBN_OK) fprintf(stderr, "%s: %s\n", call, jbn_status_text(status));
  return status != JBN_OK;
}

int main(void) {
  const float x[] = {1, 10, 3, 30, 8, 20}, dy[] = {1, 0, 0, 0, 0, 1}, gamma[] = {1, 2};
  float y[6], dx[6], dgamma[2], dbeta[2];
  double saved[8]; /* what backward needs of forward: 4 numbers a channel */

  jbn_forward_args forward = {0}; /* zeros first: a field that is not set means its default */
  forward.size = sizeof forward;
  forward.dtype = JBN_F32, forward.layout = JBN_NCHW;
  forward.n = 3, forward.c = 2, forward.s = 1;
  forward.eps = 1e-5, forward.slope = 1; /* 1: no ReLU */
  forward.x = x, forward.gamma = gamma, forward.y = y, forward.saved = saved;
  if (failed("jbn_forward", jbn_forward(&forward))) return 1;

  jbn_backward_args backward = {0};
  backward.size = sizeof backward;
  backward.dtype = JBN_F32, backward.layout = JBN_NCHW;
  backward.n = 3, backward.c = 2, backward.s = 1;
  backward.eps = 1e-5, backward.slope = 1;
  backward.x = x, backward.dy = dy, backward.gamma = gamma, backward.saved = saved;
  backward.dx = dx, backward.dgamma = dgamma, backward.dbeta = dbeta;
  if (failed("jbn_backward", jbn_backward(&backward))) return 1;

  for (int i = 0; i < 6; i += 2) printf("%9.6f %9.6f\n", y[i], y[i + 1]);
  printf("dbeta %g %g\n", dbeta[0], dbeta[1]);
  return dbeta[0] == 1 && dbeta[1] == 1 ? 0 : 1;
}
