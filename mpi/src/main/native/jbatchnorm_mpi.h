/*
 * What jbatchnorm-mpi takes of MPI, without the types in which implementations of MPI differ. All is
 * about MPI_COMM_WORLD; each function returns MPI's error code, 0 for none, and errors do not end the
 * process.
 */
#ifndef JBATCHNORM_MPI_H
#define JBATCHNORM_MPI_H

#include <mpi.h>
#include <stdint.h>

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

/* Errors are returned from here on, not the end of the process. */
static inline int jbm_return_errors(void) {
  return MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
}

/* counts, offsets: of each rank, in bytes. */
static inline int jbm_all_gather(const void* own, void* all, const int* counts,
                                 const int* offsets) {
  return MPI_Allgatherv(own, counts[jbm_rank()], MPI_BYTE, all, counts, offsets, MPI_BYTE,
                        MPI_COMM_WORLD);
}

/* Rank i is sent send_counts[i] bytes, and sends receive_counts[i]. */
static inline int jbm_all_to_all(const void* send, const int* send_counts, const int* send_offsets,
                                 void* receive, const int* receive_counts,
                                 const int* receive_offsets) {
  return MPI_Alltoallv(send, send_counts, send_offsets, MPI_BYTE, receive, receive_counts,
                       receive_offsets, MPI_BYTE, MPI_COMM_WORLD);
}

/* text: of MPI_MAX_ERROR_STRING bytes or more. */
#define JBM_TEXT 1024
static inline int jbm_error_text(int code, char* text) {
  int length = 0;
  return MPI_Error_string(code, text, &length);
}

#endif /* JBATCHNORM_MPI_H */
