// Memory between pages that nobody may touch: what reads or writes past an end stops the process.
#ifndef JBATCHNORM_FUZZ_MEMORY_HPP
#define JBATCHNORM_FUZZ_MEMORY_HPP

#include <cstddef>
#include <cstdint>

namespace fuzz {

// Prints what was found and aborts, so that the fuzzer keeps the input.
[[noreturn]] void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));

class Memory {
 public:
  static constexpr size_t kMost = size_t{1} << 26;  // bytes of one block, only touched where used

  // Takes all blocks back.
  void reset() { taken_ = 0; }

  // A block that ends, or begins, where the guard does. Where `alignment` leaves bytes between the
  // end and the guard, and on the other side, a pattern is looked after.
  char* take(size_t bytes, size_t alignment, bool at_end);

  // Fails where the pattern around a block has changed.
  void check() const;

  // An address that may be neither read nor written.
  static char* forbidden();

 private:
  static constexpr int kBlocks = 32;
  static constexpr size_t kPattern = 256;

  struct Block {
    char *first, *end;  // of what may be touched
    char *at, *at_end;  // of what was taken
  };

  void surround(const Block& block, bool check) const;

  Block blocks_[kBlocks] = {};
  int taken_ = 0;
};

}  // namespace fuzz

#endif  // JBATCHNORM_FUZZ_MEMORY_HPP
