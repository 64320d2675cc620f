// The size of the last-level cache. Speed depends on it, bits never do.
#ifndef JBATCHNORM_SRC_CACHES_HPP
#define JBATCHNORM_SRC_CACHES_HPP

#include <cstdint>

namespace jbn {

// Bytes of the last cache that a core can use: what was set, else what the processor, the system or
// the C library tell, else a common size.
int64_t shared_cache();

// Sets it for all calls that follow; 0: as it was found.
void set_shared_cache(int64_t bytes);

}  // namespace jbn

#endif  // JBATCHNORM_SRC_CACHES_HPP
