// Memory from the system.
#ifndef JBATCHNORM_SRC_PAGES_HPP
#define JBATCHNORM_SRC_PAGES_HPP

#include <cstdint>

namespace jbn {

// Pages from the system, or null. Large pages mean fewer faults at first use, and fewer misses of
// the address caches.
void* map_pages(int64_t bytes);
void unmap_pages(void* from, int64_t bytes);

}  // namespace jbn

#endif  // JBATCHNORM_SRC_PAGES_HPP
