#include "machine.hpp"

#if defined(__unix__)
#include <unistd.h>
#endif

namespace jbn {
namespace {

constexpr int64_t kCommonCore = 512 * 1024;
constexpr int64_t kCommonShared = 8 * 1024 * 1024;

int64_t or_else(int64_t told, int64_t common) { return told > 0 ? told : common; }

}  // namespace

Resources resources(int threads) {
#if defined(_SC_LEVEL2_CACHE_SIZE) && defined(_SC_LEVEL3_CACHE_SIZE)
  static const int64_t core = or_else(sysconf(_SC_LEVEL2_CACHE_SIZE), kCommonCore);
  static const int64_t shared = or_else(sysconf(_SC_LEVEL3_CACHE_SIZE), kCommonShared);
#else
  constexpr int64_t core = kCommonCore, shared = kCommonShared;
#endif
  return {threads, core, shared};
}

}  // namespace jbn
