/*
 * What jbatchnorm-mpi takes of MPI, without the types in which implementations of MPI differ. All is
 * about MPI_COMM_WORLD; each function returns MPI's error code, 0 for none, and errors do not end the
 * process.
 */
#ifndef JBATCHNORM_MPI_H
#define JBATCHNORM_MPI_H

#include <mpi.h>
#include <stdint.h>
#include <stdlib.h>

/* Starts MPI, unless it is: for one thread at a time, which need not be the same. */
static inline int jbm_init(void) {
  int started = 0, provided = 0;
  const int code = MPI_Initialized(&started);
  if (code != MPI_SUCCESS || started) return code;
  return MPI_Init_thread(0, 0, MPI_THREAD_SERIALIZED, &provided);
}

/* The threads that MPI stands: MPI_THREAD_SERIALIZED and more will do. */
static inline int jbm_stands_threads(void) {
  int provided = 0;
  return MPI_Query_thread(&provided) == MPI_SUCCESS && provided >= MPI_THREAD_SERIALIZED;
}

static inline int jbm_finalize(void) {
  int ended = 0;
  const int code = MPI_Finalized(&ended);
  return code != MPI_SUCCESS || ended ? code : MPI_Finalize();
}

/* Ends all ranks. */
static inline int jbm_abort(int code) { return MPI_Abort(MPI_COMM_WORLD, code); }

static inline int jbm_rank(void) {
  int rank = -1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

static inline int jbm_size(void) {
  int size = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return size;
}

/* counts, offsets: of each rank, in bytes. */
static inline int jbm_all_gather(const void* own, void* all, const int* counts,
                                 const int* offsets) {
  return MPI_Allgatherv(own, counts[jbm_rank()], MPI_BYTE, all, counts, offsets, MPI_BYTE,
                        MPI_COMM_WORLD);
}

/* A call that goes on while others are made: MPI reads the numbers until it has ended. */
typedef struct jbm_call {
  MPI_Request request;
  int* numbers;
} jbm_call;

/* What ranks say of a sum, parts that go to their owners, and sums that go to all, are told apart: each
 * kind of call begins in the same order on all ranks, all together need not. */
static MPI_Comm jbm_terms = MPI_COMM_NULL, jbm_parts = MPI_COMM_NULL, jbm_sums = MPI_COMM_NULL;

/* Errors are returned from here on, not the end of the process; and there is what sums need. */
static inline int jbm_prepare(void) {
  int code = MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  if (code == MPI_SUCCESS) code = MPI_Comm_dup(MPI_COMM_WORLD, &jbm_terms);
  if (code == MPI_SUCCESS) code = MPI_Comm_dup(MPI_COMM_WORLD, &jbm_parts);
  if (code == MPI_SUCCESS) code = MPI_Comm_dup(MPI_COMM_WORLD, &jbm_sums);
  return code;
}

/* Room for a call, and copies of arrays of a number a rank; null where memory is short. */
static inline jbm_call* jbm_new_call(const int* const* arrays, int count) {
  const int size = jbm_size();
  jbm_call* const call = (jbm_call*)malloc(sizeof(jbm_call) + sizeof(int) * (size_t)(count * size));
  if (call) call->numbers = (int*)(call + 1);
  for (int i = 0; call && i < count * size; i++) call->numbers[i] = arrays[i / size][i % size];
  return call;
}

/* What was begun: kept in `to`, or forgotten where it has failed. */
static inline int jbm_begun(jbm_call* call, int code, int64_t* to) {
  if (code != MPI_SUCCESS) free(call);
  *to = code == MPI_SUCCESS ? (int64_t)(intptr_t)call : 0;
  return code;
}

/* Begins to send rank i send_counts[i] bytes, and to receive receive_counts[i]; `call` is for
 * jbm_test and jbm_wait, until when all memory stays. */
static inline int jbm_begin_all_to_all(const void* send, const int* send_counts,
                                       const int* send_offsets, void* receive,
                                       const int* receive_counts, const int* receive_offsets,
                                       int64_t* call) {
  const int* const arrays[] = {send_counts, send_offsets, receive_counts, receive_offsets};
  const int size = jbm_size();
  jbm_call* const made = jbm_new_call(arrays, 4);
  if (!made) return MPI_ERR_NO_MEM;
  const int* const n = made->numbers;
  const int code = MPI_Ialltoallv(send, n, n + size, MPI_BYTE, receive, n + 2 * size, n + 3 * size,
                                  MPI_BYTE, jbm_parts, &made->request);
  return jbm_begun(made, code, call);
}

/* As jbm_all_gather, begun: of sums, or of what ranks say of one. */
static inline int jbm_begin_all_gather(int sums, const void* own, void* all, const int* counts,
                                       const int* offsets, int64_t* call) {
  const int* const arrays[] = {counts, offsets};
  const int size = jbm_size();
  jbm_call* const made = jbm_new_call(arrays, 2);
  if (!made) return MPI_ERR_NO_MEM;
  const int* const n = made->numbers;
  const int code = MPI_Iallgatherv(own, n[jbm_rank()], MPI_BYTE, all, n, n + size, MPI_BYTE,
                                   sums ? jbm_sums : jbm_terms, &made->request);
  return jbm_begun(made, code, call);
}

/* Whether a call has ended; it is forgotten then. */
static inline int jbm_test(int64_t call, int* ended) {
  jbm_call* const made = (jbm_call*)(intptr_t)call;
  const int code = MPI_Test(&made->request, ended, MPI_STATUS_IGNORE);
  if (*ended) free(made);
  return code;
}

/* Waits until a call has ended, and forgets it. */
static inline int jbm_wait(int64_t call) {
  jbm_call* const made = (jbm_call*)(intptr_t)call;
  const int code = MPI_Wait(&made->request, MPI_STATUS_IGNORE);
  free(made);
  return code;
}

/* text: of MPI_MAX_ERROR_STRING bytes or more. */
#define JBM_TEXT 1024
static inline int jbm_error_text(int code, char* text) {
  int length = 0;
  return MPI_Error_string(code, text, &length);
}

#endif /* JBATCHNORM_MPI_H */
