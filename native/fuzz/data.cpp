#include "data.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#include "jbatchnorm/jbatchnorm.h"

namespace fuzz {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The number below `value` in magnitude that has so many bits of exponent and fraction.
uint16_t truncated(double value, int fraction, int bias) {
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const uint16_t infinity = static_cast<uint16_t>((2 * bias + 1) << fraction);
  if (std::isnan(value)) return static_cast<uint16_t>(sign | infinity | 1);
  int exponent;
  const double part = std::frexp(std::fabs(value), &exponent);  // in [0.5, 1)
  if (std::isinf(value) || exponent > bias + 1) return sign | infinity;
  const int biased = value == 0 ? 0 : exponent - 1 + bias;
  const int bits = biased < 1 ? fraction + biased : fraction + 1;
  const uint16_t digits =
      bits < 0 || value == 0 ? 0 : static_cast<uint16_t>(std::ldexp(part, bits));
  if (biased < 1) return sign | digits;
  const int whole = (biased << fraction) + digits - (1 << fraction);
  return static_cast<uint16_t>(sign | whole);
}

double decoded(uint16_t bits, int fraction, int bias) {
  const int exponent = (bits & 0x7fff) >> fraction, digits = bits & ((1 << fraction) - 1);
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == 2 * bias + 1) return digits ? std::nan("") : sign * kInfinity;
  const int whole = exponent == 0 ? digits : digits + (1 << fraction);
  return sign * std::ldexp(whole, (exponent == 0 ? 1 : exponent) - bias - fraction);
}

double special(uint64_t which, double plain) {
  switch (which % 24) {
    case 0:
      return std::nan("");
    case 1:
      return kInfinity;
    case 2:
      return -kInfinity;
    case 3:
      return -0.0;
    default:
      return plain;
  }
}

double value_in(int dtype, Kind kind, Random* random, size_t i) {
  const double r = 2 * random->uniform() - 1;
  const bool wide = dtype == JBN_F64, half = dtype == JBN_F16;
  switch (kind) {
    case kOffset:
      return 1e4 + 1e-2 * r;
    case kSpread: {
      const int reach = wide ? 1000 : half ? 14 : 120;
      return std::ldexp(
          r, static_cast<int>(random->next() % (2u * static_cast<unsigned>(reach))) - reach);
    }
    case kSpecial:
      return special(random->next(), r);
    case kZeros:
      return random->next() % 3 == 0 ? r : r < 0 ? -0.0 : 0.0;
    case kConstant:
      return 0.1;
    case kTiny:
      return r * (wide ? 1e-308 : half ? 1e-5 : 1e-38);
    case kHuge:
      return r * (wide ? 1.7e308 : half ? 65504 : 3.3e38);
    case kPositive:
      return i % 4 == 3 ? 0 : 1 + r / 2;
    default:
      return r;
  }
}

void store(int dtype, double value, void* to, size_t i) {
  switch (dtype) {
    case JBN_F64:
      static_cast<double*>(to)[i] = value;
      return;
    case JBN_F32:
      static_cast<float*>(to)[i] = static_cast<float>(value);
      return;
    case JBN_BF16:
      static_cast<uint16_t*>(to)[i] = truncated(value, 7, 127);
      return;
    default:
      static_cast<uint16_t*>(to)[i] = truncated(value, 10, 15);
  }
}

}  // namespace

size_t bytes_of(int dtype) {
  return dtype == JBN_F64 ? 8 : dtype == JBN_F32 || dtype == kInt32 ? 4 : 2;
}

uint64_t Random::next() {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void fill(int dtype, Kind kind, uint64_t seed, size_t count, void* to) {
  Random random(seed);
  if (kind == kAnyBits) {
    unsigned char* const bytes = static_cast<unsigned char*>(to);
    for (size_t i = 0; i < count * bytes_of(dtype); i++) {
      bytes[i] = static_cast<unsigned char>(random.next());
    }
    return;
  }
  for (size_t i = 0; i < count; i++) store(dtype, value_in(dtype, kind, &random, i), to, i);
}

// The element at an address, which may be of a buffer that is misaligned on purpose.
template <class T>
T element(const void* at, size_t i) {
  T value;
  std::memcpy(&value, static_cast<const char*>(at) + i * sizeof value, sizeof value);
  return value;
}

double value_of(int dtype, const void* at, size_t i) {
  switch (dtype) {
    case JBN_F64:
      return element<double>(at, i);
    case JBN_F32:
      return static_cast<double>(element<float>(at, i));
    case JBN_BF16:
      return decoded(element<uint16_t>(at, i), 7, 127);
    case JBN_F16:
      return decoded(element<uint16_t>(at, i), 10, 15);
    default:
      return element<int32_t>(at, i);
  }
}

size_t first_difference(int dtype, const void* a, const void* b, size_t count) {
  const size_t size = bytes_of(dtype);
  if (count == 0 || std::memcmp(a, b, count * size) == 0) return count;
  for (size_t i = 0; i < count; i++) {
    const bool same = std::memcmp(static_cast<const char*>(a) + i * size,
                                  static_cast<const char*>(b) + i * size, size) == 0;
    if (!same && !(std::isnan(value_of(dtype, a, i)) && std::isnan(value_of(dtype, b, i))))
      return i;
  }
  return count;
}

}  // namespace fuzz
