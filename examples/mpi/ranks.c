/*
 * Batch norm of a batch whose samples lie on several ranks, with MPI as the transport of a native
 * program's own: the same bits as one call on all of it, and what it costs beside a call on the share
 * alone.
 *
 *   mpirun -n 4 ranks [samples of a rank, channels, positions]
 */
#include <jbatchnorm/jbatchnorm.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPEATS 50

static int rank, ranks;

static void check(int status) {
  if (status == JBN_OK) return;
  fprintf(stderr, "rank %d: %s\n", rank, jbn_status_text(status));
  MPI_Abort(MPI_COMM_WORLD, 1);
}

static void* room(size_t bytes) {
  void* const memory = malloc(bytes > 0 ? bytes : 1);
  if (!memory) check(JBN_NO_MEMORY);
  return memory;
}

/* The same numbers on every rank. */
static float number(int64_t i) { return (float)((i * 7919 + i / 1000 * 104729) % 2003) / 500; }

/* What all shares say, in turn, to every share. */
static void gather(jbn_share_args* share, double** messages) {
  int* const counts = room((size_t)ranks * sizeof(int));
  int* const offsets = room((size_t)ranks * sizeof(int));
  int total = 0;
  for (int i = 0; i < ranks; i++) {
    counts[i] = (int)share->bytes[i], offsets[i] = total;
    total += counts[i];
  }
  *messages = room((size_t)total);
  MPI_Allgatherv(share->message, counts[rank], MPI_BYTE, *messages, counts, offsets, MPI_BYTE,
                 MPI_COMM_WORLD);
  share->messages = *messages;
  free(counts), free(offsets);
}

static void forward(jbn_forward_args a, jbn_share_args share) {
  const size_t state = (size_t)(1 + 20 * a.c);
  share.state = room(state * sizeof(double));
  memset(share.state, 0, state * sizeof(double));
  int status = JBN_AGAIN;
  while (status == JBN_AGAIN) {
    double* messages;
    check(jbn_forward_sizes(&a, &share));
    share.message = room((size_t)share.bytes[rank]);
    check(jbn_forward_share(&a, &share));
    gather(&share, &messages);
    status = jbn_forward_join(&a, &share);
    free(share.message), free(messages);
  }
  check(status);
  a.given = a.saved, a.saved = NULL;
  check(jbn_forward(&a));
  free(share.state);
}

static void backward(jbn_backward_args a, jbn_share_args share) {
  double* messages;
  share.state = room((size_t)(2 * a.c) * sizeof(double));
  check(jbn_backward_sizes(&a, &share));
  share.message = room((size_t)share.bytes[rank]);
  check(jbn_backward_share(&a, &share));
  gather(&share, &messages);
  check(jbn_backward_join(&a, &share));
  a.sums = share.state;
  for (int i = 0; i < ranks; i++) a.total += share.counts[i];
  check(jbn_backward(&a));
  free(share.message), free(messages), free(share.state);
}

/* Inputs and results of n samples, the first of which is sample `first` of the batch. */
typedef struct Data {
  float *x, *dy, *y, *dx, *dgamma, *dbeta;
  double* saved;
  jbn_forward_args forward;
  jbn_backward_args backward;
} Data;

static Data data_of(int64_t n, int64_t c, int64_t s, int64_t first) {
  const size_t bytes = (size_t)(n * c * s) * sizeof(float), of_channels = (size_t)c * sizeof(float);
  Data d = {room(bytes),
            room(bytes),
            room(bytes),
            room(bytes),
            room(of_channels),
            room(of_channels),
            room(8 * 4 * (size_t)c),
            {0},
            {0}};
  for (int64_t i = 0; i < n * c * s; i++) {
    d.x[i] = number(first * c * s + i), d.dy[i] = number(first * c * s + i + 17);
  }
  d.forward = (jbn_forward_args){.size = sizeof d.forward,
                                 .dtype = JBN_F32,
                                 .n = n,
                                 .c = c,
                                 .s = s,
                                 .exec = JBN_EXEC(1, JBN_ISA_BEST),
                                 .eps = 1e-5,
                                 .slope = 1,
                                 .x = d.x,
                                 .y = d.y,
                                 .saved = d.saved};
  d.backward = (jbn_backward_args){.size = sizeof d.backward,
                                   .dtype = JBN_F32,
                                   .n = n,
                                   .c = c,
                                   .s = s,
                                   .exec = JBN_EXEC(1, JBN_ISA_BEST),
                                   .eps = 1e-5,
                                   .slope = 1,
                                   .x = d.x,
                                   .dy = d.dy,
                                   .saved = d.saved,
                                   .dx = d.dx,
                                   .dgamma = d.dgamma,
                                   .dbeta = d.dbeta};
  return d;
}

static void free_data(Data* d) {
  free(d->x), free(d->dy), free(d->y), free(d->dx), free(d->dgamma), free(d->dbeta), free(d->saved);
}

static int by_size(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

/* Microseconds of a pass: the median, of the slowest rank. */
static double median(const Data* d, const jbn_share_args* share) {
  double times[REPEATS];
  for (int i = -10; i < REPEATS; i++) {
    MPI_Barrier(MPI_COMM_WORLD);
    const double start = MPI_Wtime();
    if (share) {
      forward(d->forward, *share), backward(d->backward, *share);
    } else {
      check(jbn_forward(&d->forward)), check(jbn_backward(&d->backward));
    }
    double time = MPI_Wtime() - start;
    MPI_Allreduce(MPI_IN_PLACE, &time, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    if (i >= 0) times[i] = time * 1e6;
  }
  qsort(times, REPEATS, sizeof times[0], by_size);
  return times[REPEATS / 2];
}

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  const int64_t n = argc > 1 ? atoi(argv[1]) : 32, c = argc > 2 ? atoi(argv[2]) : 64;
  const int64_t s = argc > 3 ? atoi(argv[3]) : 49;
  int64_t* const counts = room((size_t)ranks * sizeof(int64_t));
  int64_t* const bytes = room((size_t)ranks * sizeof(int64_t));
  for (int i = 0; i < ranks; i++) counts[i] = n;
  const jbn_share_args share = {
      .size = sizeof share, .shares = ranks, .own = rank, .counts = counts, .bytes = bytes};
  Data own = data_of(n, c, s, rank * n), whole = data_of(n * ranks, c, s, 0);
  forward(own.forward, share), backward(own.backward, share);
  check(jbn_forward(&whole.forward)), check(jbn_backward(&whole.backward));
  const size_t size = (size_t)(n * c * s) * sizeof(float), from = (size_t)(rank * n * c * s);
  int same = memcmp(own.y, whole.y + from, size) == 0 &&
             memcmp(own.dx, whole.dx + from, size) == 0 &&
             memcmp(own.dgamma, whole.dgamma, (size_t)c * sizeof(float)) == 0 &&
             memcmp(own.dbeta, whole.dbeta, (size_t)c * sizeof(float)) == 0;
  MPI_Allreduce(MPI_IN_PLACE, &same, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
  const double alone = median(&own, NULL), shared = median(&own, &share);
  if (rank == 0) {
    printf(
        "%d ranks of %d x %d x %d: %s; a pass alone %.1f us, synchronized %.1f us, %lld bytes a "
        "message\n",
        ranks, (int)n, (int)c, (int)s, same ? "the same bits" : "other bits", alone, shared,
        (long long)bytes[0]);
  }
  free_data(&own), free_data(&whole), free(counts), free(bytes);
  MPI_Finalize();
  return same ? 0 : 1;
}
