#include "memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace fuzz {
namespace {

constexpr size_t kGuard = size_t{1} << 16;
constexpr char kFill = 0x5c;

char* map(size_t bytes, int protection) {
  void* const at = mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) fail("no memory for a block");
  return static_cast<char*>(at);
}

}  // namespace

void fail(const char* format, ...) {
  va_list args;
  va_start(args, format);
  std::fputs("found: ", stderr);
  std::vfprintf(stderr, format, args);
  std::fputc('\n', stderr);
  va_end(args);
  std::abort();
}

char* Memory::forbidden() {
  static char* const at = map(kGuard, PROT_NONE);
  return at;
}

char* Memory::take(size_t bytes, size_t alignment, bool at_end) {
  if (bytes > kMost || taken_ == kBlocks) fail("the target wants more memory than there is");
  Block& block = blocks_[taken_++];
  if (!block.first) {
    char* const whole = map(kGuard + kMost + kGuard, PROT_NONE);
    block.first = whole + kGuard;
    block.end = block.first + kMost;
    if (mprotect(block.first, kMost, PROT_READ | PROT_WRITE) != 0) fail("no memory for a block");
  }
  block.at = at_end ? block.first + (kMost - bytes) / alignment * alignment : block.first;
  block.at_end = block.at + bytes;
  surround(block, false);
  return block.at;
}

// Writes, or checks, the pattern before and after a block.
void Memory::surround(const Block& block, bool check) const {
  char* const before =
      std::max(block.first, block.at - std::min<ptrdiff_t>(kPattern, block.at - block.first));
  char* const after = block.at_end + std::min<ptrdiff_t>(kPattern, block.end - block.at_end);
  const auto look = [check](char* from, char* to) {
    if (!check) {
      std::fill(from, to, kFill);
    } else if (std::count(from, to, kFill) != to - from) {
      fail("written outside of a block");
    }
  };
  look(before, block.at);
  look(block.at_end, after);
}

void Memory::check() const {
  for (int i = 0; i < taken_; i++) surround(blocks_[i], true);
}

}  // namespace fuzz
