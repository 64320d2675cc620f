// Work shared out to threads.
#ifndef JBATCHNORM_SRC_THREADS_HPP
#define JBATCHNORM_SRC_THREADS_HPP

#include <omp.h>

#include <cstdint>

#include "platform/team.hpp"
#include "simd/float_environment.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// This thread's share [from, to) of `count` tasks.
struct Share {
  int64_t from, to;

  explicit Share(int64_t count) {
    const int64_t thread = omp_get_thread_num(), threads = omp_get_num_threads();
    from = count * thread / threads;
    to = count * (thread + 1) / threads;
  }
};

// `count` things in parts of at most `most`; part i is [from(i), to(i)).
struct Parts {
  int64_t count, number;

  Parts(int64_t things, int64_t most)
      : count(things), number(things == 0 ? 0 : (things + most - 1) / most) {}
  int64_t from(int64_t i) const { return number == 1 ? 0 : count * i / number; }
  int64_t to(int64_t i) const { return number == 1 ? count : count * (i + 1) / number; }
};

// Runs `body` on at most `threads` threads, each with the floating-point environment of the contract.
// Within a caller's own parallel region even one thread is a team: what body asks OpenMP is of it.
template <class Body>
inline void on_threads(int threads, const Body& body) {
  if (threads <= 1 && omp_get_level() == 0) {
    const FloatEnvironment environment;
    body();
    return;
  }
  const int team = threads <= 1 ? 1 : team_size(threads);
#pragma omp parallel num_threads(team)
  {
    const FloatEnvironment environment;
    body();
  }
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_THREADS_HPP
