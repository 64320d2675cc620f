#include "machine.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace jbn {
namespace {

constexpr size_t kLargePage = size_t{2} << 20;
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

#if defined(__linux__)
// Maps more than asked for, so that large pages fit, and unmaps what is left over at both ends.
void* map_pages(int64_t bytes) {
  if (bytes <= 0) return nullptr;
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t size = (static_cast<size_t>(bytes) + page - 1) / page * page;
  const size_t alignment = size >= 2 * kLargePage ? kLargePage : page;
  const size_t whole = size + alignment - page;
  void* const mapped =
      mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  char* const start = static_cast<char*>(mapped);
  const size_t skip = (alignment - reinterpret_cast<uintptr_t>(start) % alignment) % alignment;
  if (skip > 0) munmap(start, skip);
  if (whole - skip > size) munmap(start + skip + size, whole - skip - size);
  if (alignment == kLargePage) madvise(start + skip, size, MADV_HUGEPAGE);
  return start + skip;
}

void unmap_pages(void* from, int64_t bytes) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  munmap(from, (static_cast<size_t>(bytes) + page - 1) / page * page);
}
#else
void* map_pages(int64_t bytes) {
  return bytes <= 0 ? nullptr : std::aligned_alloc(64, (static_cast<size_t>(bytes) + 63) / 64 * 64);
}

void unmap_pages(void* from, int64_t) { std::free(from); }
#endif

}  // namespace jbn
