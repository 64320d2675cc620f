// What a call may use: threads and caches. Speed depends on it, bits never do.
#ifndef JBATCHNORM_SRC_MACHINE_HPP
#define JBATCHNORM_SRC_MACHINE_HPP

#include <cstdint>

namespace jbn {

struct Resources {
  int threads;
  int64_t core_cache;    // bytes of a core's own second-level cache
  int64_t shared_cache;  // bytes of the last-level cache
};

// The caches of this machine, as the operating system tells them; common sizes where it does not.
Resources resources(int threads);

// Pages from the system, or null. Large pages mean fewer faults at first use, and fewer misses of
// the address caches.
void* map_pages(int64_t bytes);
void unmap_pages(void* from, int64_t bytes);

}  // namespace jbn

#endif  // JBATCHNORM_SRC_MACHINE_HPP
