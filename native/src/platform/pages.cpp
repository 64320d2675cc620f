#include "platform/pages.hpp"

#include <cstdlib>
#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#elif defined(_WIN32)
#include <malloc.h>
#endif

namespace jbn {

#if defined(__linux__)
namespace {
constexpr size_t kLargePage = size_t{2} << 20;
}  // namespace

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
#elif defined(_WIN32)
void* map_pages(int64_t bytes) {
  return bytes <= 0 ? nullptr : _aligned_malloc(static_cast<size_t>(bytes), 64);
}

void unmap_pages(void* from, int64_t) { _aligned_free(from); }
#else
void* map_pages(int64_t bytes) {
  return bytes <= 0 ? nullptr : std::aligned_alloc(64, (static_cast<size_t>(bytes) + 63) / 64 * 64);
}

void unmap_pages(void* from, int64_t) { std::free(from); }
#endif

}  // namespace jbn
