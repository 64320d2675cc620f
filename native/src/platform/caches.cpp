#include "platform/caches.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

namespace jbn {
namespace {

constexpr int64_t kCommon = int64_t{8} << 20;
// The most that is believed. More is what many cores share, their neighbours' on the same machine
// included: stores past a cache of 300 MB that 2 threads never fill were found to pay from 32 MB on
// (docs/performance.md). The C library adds up the caches of a whole processor.
constexpr int64_t kMost = int64_t{32} << 20;

// The processor's own account (CPUID leaf 4, of AMD leaf 0x8000001d); virtual machines may hide it.
int64_t ask_processor() {
#if defined(__x86_64__)
  for (const unsigned leaf : {4u, 0x8000001du}) {
    int64_t last = 0;
    unsigned a, b, c, d;
    for (unsigned cache = 0; __get_cpuid_count(leaf, cache, &a, &b, &c, &d) && (a & 31); cache++) {
      const unsigned type = a & 31, level = a >> 5 & 7;
      const int64_t ways = (b >> 22) + 1, parts = (b >> 12 & 0x3ff) + 1, line = (b & 0xfff) + 1;
      if (type != 2 && level >= 2) last = ways * parts * line * (int64_t{c} + 1);
    }
    if (last > 0) return last;
  }
#endif
  return 0;
}

// The first word of one of Linux's files on the first processor's caches.
bool read_word(int cache, const char* what, char (&word)[32]) {
  char path[96];
  std::snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", cache, what);
  std::FILE* file = std::fopen(path, "r");
  if (!file) return false;
  const bool read = std::fscanf(file, "%31s", word) == 1;
  std::fclose(file);
  return read;
}

// Linux's account: a processor of ARM tells its caches to the kernel alone.
int64_t ask_system() {
  int64_t last = 0;
  char level[32], type[32], size[32];
  for (int cache = 0; read_word(cache, "level", level); cache++) {
    if (!read_word(cache, "type", type) || std::strcmp(type, "Instruction") == 0) continue;
    long long kilobytes = 0;
    if (!read_word(cache, "size", size) || std::sscanf(size, "%lldK", &kilobytes) != 1) continue;
    if (kilobytes > 0 && level[0] >= '2') last = kilobytes * 1024;
  }
  return last;
}

int64_t ask_library() {
#if defined(_SC_LEVEL3_CACHE_SIZE)
  const int64_t third = sysconf(_SC_LEVEL3_CACHE_SIZE), second = sysconf(_SC_LEVEL2_CACHE_SIZE);
  return third > 0 ? third : second;
#else
  return 0;
#endif
}

int64_t find_shared_cache() {
  for (const auto ask : {ask_processor, ask_system, ask_library}) {
    const int64_t bytes = ask();
    if (bytes > 0) return std::min(bytes, kMost);
  }
  return kCommon;
}

std::atomic<int64_t> cache_that_was_set{0};

}  // namespace

int64_t shared_cache() {
  static const int64_t found = find_shared_cache();
  const int64_t set = cache_that_was_set.load(std::memory_order_relaxed);
  return set > 0 ? set : found;
}

void set_shared_cache(int64_t bytes) { cache_that_was_set.store(bytes, std::memory_order_relaxed); }

}  // namespace jbn
