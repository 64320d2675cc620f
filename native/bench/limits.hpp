// What memory allows: the loops that the kernel is held against.
#ifndef JBATCHNORM_BENCH_LIMITS_HPP
#define JBATCHNORM_BENCH_LIMITS_HPP

#include <cstdint>

namespace bench {

// Each goes over `bytes`, a multiple of 64, at addresses aligned to 64, on `threads` threads.
// `past` chooses non-temporal stores, where the processor has them.
void copy(void* to, const void* from, int64_t bytes, int threads, bool past);
void triad(void* to, const void* a, const void* b, int64_t bytes, int threads, bool past);
// Reads; returns something that depends on every byte.
int64_t read(const void* from, int64_t bytes, int threads);

// False where copy and triad have no non-temporal stores to choose.
bool has_stores_past_caches();

}  // namespace bench

#endif  // JBATCHNORM_BENCH_LIMITS_HPP
