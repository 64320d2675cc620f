// The coefficients of the per-element formulas: one channel's for a run of its positions, or those
// of neighbouring channels where these are contiguous.
#ifndef JBATCHNORM_SRC_COEFFICIENTS_HPP
#define JBATCHNORM_SRC_COEFFICIENTS_HPP

#include "group.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// A coefficient of one channel, the same in every lane, and one of sixteen channels.
struct Same {
  Doubles value;
  JBN_INLINE Doubles operator[](int) const { return value; }
  static Same of(const double* from) { return {all(*from)}; }
};
struct Each {
  Group group;
  JBN_INLINE Doubles operator[](int i) const { return group.v[i]; }
};

template <class Coefficient, int kCount>
struct Lanes {
  Coefficient of[kCount];
};

// One channel's coefficients, for a run of its positions.
template <int kCount>
struct Row {
  Lanes<Same, kCount> all;

  JBN_INLINE const Lanes<Same, kCount>& lanes() const { return all; }
  JBN_INLINE const Lanes<Same, kCount>& lanes(int) const { return all; }
  JBN_INLINE void advance(int64_t) {}
};

// The coefficients of all channels, a run for each kind.
template <int kCount>
struct Columns {
  const double* at[kCount];

  // Runs of `c`, one after the other.
  static Columns in(const double* memory, int64_t c) {
    Columns columns;
    for (int i = 0; i < kCount; i++) columns.at[i] = memory + i * c;
    return columns;
  }
  Row<kCount> row(int64_t c) const {
    Row<kCount> row;
    for (int i = 0; i < kCount; i++) row.all.of[i] = Same::of(at[i] + c);
    return row;
  }
  JBN_INLINE void advance(int64_t c) {
    for (int i = 0; i < kCount; i++) at[i] += c;
  }
  Columns from(int64_t c) const {
    Columns columns = *this;
    columns.advance(c);
    return columns;
  }
  // The coefficients of the first `channels` over and over again, `times` times.
  Columns repeated(double* memory, int64_t channels, int64_t times) const {
    const int64_t length = channels * times;
    for (int i = 0; i < kCount; i++) {
      for (int64_t j = 0; j < length; j++) memory[i * length + j] = at[i][j % channels];
    }
    return in(memory, length);
  }
  JBN_INLINE Lanes<Each, kCount> lanes() const {
    Lanes<Each, kCount> lanes;
    for (int i = 0; i < kCount; i++) lanes.of[i].group = load(at[i]);
    return lanes;
  }
  JBN_INLINE Lanes<Each, kCount> lanes(int count) const {
    Lanes<Each, kCount> lanes;
    for (int i = 0; i < kCount; i++) lanes.of[i].group = load(at[i], count);
    return lanes;
  }
  // Those of sixteen or fewer channels from c on.
  JBN_INLINE Lanes<Each, kCount> lanes(int64_t c, int count) const {
    return count < kLanes ? from(c).lanes(count) : from(c).lanes();
  }
};

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_COEFFICIENTS_HPP
