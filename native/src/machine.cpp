#include "machine.hpp"

#include <cstdio>
#include <cstring>
#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace jbn {
namespace {

constexpr int64_t kCommonCore = 512 * 1024;
constexpr int64_t kCommonShared = 8 * 1024 * 1024;

struct Caches {
  int64_t core, shared;
};

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

// Linux's own account of the caches: glibc's sysconf adds up all last-level caches of a processor
// where the kernel tells the one that a core can use.
Caches read_caches() {
  Caches caches = {kCommonCore, kCommonShared};
  char level[32], type[32], size[32];
  for (int cache = 0; read_word(cache, "level", level); cache++) {
    if (!read_word(cache, "type", type) || std::strcmp(type, "Instruction") == 0) continue;
    long long kilobytes = 0;
    if (!read_word(cache, "size", size) || std::sscanf(size, "%lldK", &kilobytes) != 1) continue;
    if (kilobytes <= 0) continue;
    if (level[0] == '2') caches.core = kilobytes * 1024;
    if (level[0] >= '2') caches.shared = kilobytes * 1024;
  }
  return caches;
}

}  // namespace

Resources resources(int threads) {
  static const Caches caches = read_caches();
  return {threads, caches.core, caches.shared};
}

void prefer_large_pages(const void* from, int64_t bytes) {
#if defined(__linux__)
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t start = reinterpret_cast<uintptr_t>(from);
  const uintptr_t first = (start + page - 1) / page * page;
  const uintptr_t end = (start + static_cast<uintptr_t>(bytes)) / page * page;
  if (end > first) madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);
#else
  (void)from;
  (void)bytes;
#endif
}

}  // namespace jbn
