// Elements of every dtype: made from a seed, and compared by their bits.
#ifndef JBATCHNORM_FUZZ_DATA_HPP
#define JBATCHNORM_FUZZ_DATA_HPP

#include <cstddef>
#include <cstdint>

namespace fuzz {

constexpr int kInt32 = 4;  // a dtype beside those of jbn_dtype, for indices

size_t bytes_of(int dtype);

// What elements look like.
enum Kind {
  kPlain,
  kOffset,
  kSpread,
  kAnyBits,
  kSpecial,
  kZeros,
  kConstant,
  kTiny,
  kHuge,
  kPositive,
  kKinds
};

class Random {  // SplitMix64 (Steele, Lea and Flood 2014)
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next();
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  uint64_t state_;
};

void fill(int dtype, Kind kind, uint64_t seed, size_t count, void* to);

// The first element that differs, where NaN is NaN whatever its bits; `count` where none does.
size_t first_difference(int dtype, const void* a, const void* b, size_t count);

// The value of an element.
double value_of(int dtype, const void* at, size_t i);

}  // namespace fuzz

#endif  // JBATCHNORM_FUZZ_DATA_HPP
