// A fuzzer's input, read from front to back: choices first, seeds for data last. What is past the
// end is 0, so that any bytes are an input.
#ifndef JBATCHNORM_FUZZ_BYTES_HPP
#define JBATCHNORM_FUZZ_BYTES_HPP

#include <cstddef>
#include <cstdint>

namespace fuzz {

class Bytes {
 public:
  Bytes(const uint8_t* at, size_t size) : at_(at), end_(at + size) {}

  uint8_t byte() { return at_ == end_ ? uint8_t{0} : *at_++; }
  bool flag() { return (byte() & 1) != 0; }
  // True for one byte in so many, and never past the end.
  bool rarely(int in) { return byte() % in == in - 1; }
  // In [0, count).
  int below(int count) { return byte() % count; }
  template <class T, size_t kCount>
  T any(const T (&values)[kCount]) {
    return values[byte() % kCount];
  }
  uint64_t seed() {
    uint64_t seed = 0;
    for (int i = 0; i < 4; i++) seed = seed << 8 | byte();
    return seed;
  }

 private:
  const uint8_t* at_;
  const uint8_t* const end_;
};

}  // namespace fuzz

#endif  // JBATCHNORM_FUZZ_BYTES_HPP
