// The coefficients of the per-element formulas: one channel's for a run of its positions, or those
// of neighbouring channels where these are contiguous.
#ifndef JBATCHNORM_SRC_COEFFICIENTS_HPP
#define JBATCHNORM_SRC_COEFFICIENTS_HPP

#include "group.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// A coefficient of one channel, the same in every lane, and one of sixteen channels.
// G: what they are computed with, Group or FloatGroup.
template <class G>
struct Same {
  typename G::Vector value;
  JBN_INLINE typename G::Vector operator[](int) const { return value; }
  static Same of(const double* from) { return {G::all(*from)}; }
};
template <class G>
struct Each {
  G group;
  JBN_INLINE typename G::Vector operator[](int i) const { return group.v[i]; }
};

template <class Coefficient, int kCount>
struct Lanes {
  Coefficient of[kCount];
};

// One channel's coefficients, for a run of its positions.
template <class G, int kCount>
struct Row {
  Lanes<Same<G>, kCount> all;

  JBN_INLINE const Lanes<Same<G>, kCount>& lanes() const { return all; }
  JBN_INLINE const Lanes<Same<G>, kCount>& lanes(int) const { return all; }
  JBN_INLINE void advance(int64_t) {}
};

// The coefficients of all channels, a run for each kind.
template <class G, int kCount>
struct Columns {
  const double* at[kCount];

  // Runs of `c`, one after the other.
  static Columns in(const double* memory, int64_t c) {
    Columns columns;
    for (int i = 0; i < kCount; i++) columns.at[i] = memory + i * c;
    return columns;
  }
  Row<G, kCount> row(int64_t c) const {
    Row<G, kCount> row;
    for (int i = 0; i < kCount; i++) row.all.of[i] = Same<G>::of(at[i] + c);
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
      double* to = memory + i * length;
      for (int64_t time = 0; time < times; time++) {
        for (int64_t c = 0; c < channels; c++) *to++ = at[i][c];
      }
    }
    return in(memory, length);
  }
  JBN_INLINE Lanes<Each<G>, kCount> lanes() const {
    Lanes<Each<G>, kCount> lanes;
    for (int i = 0; i < kCount; i++) load_into(lanes.of[i].group, at[i]);
    return lanes;
  }
  JBN_INLINE Lanes<Each<G>, kCount> lanes(int count) const {
    Lanes<Each<G>, kCount> lanes;
    for (int i = 0; i < kCount; i++) load_into(lanes.of[i].group, at[i], count);
    return lanes;
  }
  // Those of sixteen or fewer channels from c on.
  JBN_INLINE Lanes<Each<G>, kCount> lanes(int64_t c, int count) const {
    return count < kLanes ? from(c).lanes(count) : from(c).lanes();
  }
};

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_COEFFICIENTS_HPP
