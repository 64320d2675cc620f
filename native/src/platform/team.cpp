#include "platform/team.hpp"

#if defined(__unix__) || defined(__APPLE__)
#include <omp.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <cstdlib>
#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif

namespace jbn {

#if defined(__unix__) || defined(__APPLE__)
namespace {

// The team that this thread had last. GNU OpenMP keeps its threads for the next one, but ends those
// that a smaller one does not need.
thread_local int last = 1;

// Held from asking the system to having the threads, so that two callers do not get the same answer.
pthread_mutex_t asking = PTHREAD_MUTEX_INITIALIZER;

struct Probe {
  pthread_t thread;
  pthread_mutex_t* gate;
  long id;
};

// Waits until all that can be started are there.
void* wait_at_gate(void* of) {
  Probe* const probe = static_cast<Probe*>(of);
#if defined(__linux__)
  probe->id = syscall(SYS_gettid);
#endif
  pthread_mutex_lock(probe->gate);
  pthread_mutex_unlock(probe->gate);
  return nullptr;
}

// Returns once the system no longer counts a thread, which is a little after it can be joined.
void join(const Probe& probe) {
  pthread_join(probe.thread, nullptr);
#if defined(__linux__)
  while (syscall(SYS_tgkill, getpid(), probe.id, 0) == 0) sched_yield();
#endif
}

// OpenMP's threads stay behind in the parent: in the child of a fork, a team would wait for them for
// ever, so there each call runs on its own thread.
std::atomic<bool> forked{false};

void watch_forks() {
  static const int watching = pthread_atfork(nullptr, nullptr, [] { forked = true; });
  static_cast<void>(watching);
}

// How many of so many threads the system starts beside those that there are.
int startable(int count) {
  Probe* const probes = static_cast<Probe*>(std::calloc(static_cast<size_t>(count), sizeof(Probe)));
  if (!probes) return 0;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // a signal to the process is for others
  pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&gate);
  int started = 0;
  for (; started < count; started++) {
    Probe& probe = probes[started];
    probe.gate = &gate;
    if (pthread_create(&probe.thread, nullptr, wait_at_gate, &probe) != 0) break;
  }
  pthread_mutex_unlock(&gate);
  for (int i = 0; i < started; i++) join(probes[i]);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  std::free(probes);
  return started;
}

}  // namespace

int team_size(int wanted) {
  if (forked || omp_get_active_level() >= omp_get_max_active_levels()) return 1;
  if (wanted > last) {
    watch_forks();
    pthread_mutex_lock(&asking);
    wanted = last + startable(wanted - last);
    std::atomic<int> there{0};  // a region without anything in it would be left out
#pragma omp parallel num_threads(wanted)
    there++;
    pthread_mutex_unlock(&asking);
  }
  last = wanted;
  return wanted;
}
#else
int team_size(int wanted) { return wanted; }
#endif

}  // namespace jbn
