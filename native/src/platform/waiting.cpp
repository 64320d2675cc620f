// A library of its own, loaded before OpenMP's: threads that wait at a barrier spin some tens of
// microseconds and then sleep. GNU OpenMP's own default spins for milliseconds, and where other
// processes want the cores a barrier then takes that long, since who is waited for does not run.
// It reads its environment when it is loaded, so that is where it has to be told; how to wait is the
// user's to set. To bind threads is not: OpenMP would bind the JVM's thread that loads it to one core,
// and with it all those that this one starts.
#include <cstdlib>
#include <initializer_list>

#if defined(__GNUC__) && !defined(_WIN32)
namespace {

__attribute__((constructor)) void settle() {
  if (!std::getenv("OMP_WAIT_POLICY")) setenv("GOMP_SPINCOUNT", "2000", 0);
  for (const char* binding : {"OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY"}) {
    unsetenv(binding);
  }
  // OpenBLAS is called from threads that there are, each on its own. Where it may not start the pool
  // that it never uses, it interrupts the process, and crashes at its end.
  setenv("OPENBLAS_NUM_THREADS", "1", 0);
}

}  // namespace
#endif
