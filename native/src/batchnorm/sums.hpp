// Sums over memory in its order, each in the order of the contract (plan.hpp).
//
// A run is some positions of `period` sums side by side: period 1 for a row of positions that are
// contiguous, else columns. Position t of a run is in lane t % 8, so that a block of 64 positions is
// eight stretches of 8 * period elements, whatever the period, and element i of each belongs to
// accumulator i: one piece of code serves every layout.
#ifndef JBATCHNORM_SRC_SUMS_HPP
#define JBATCHNORM_SRC_SUMS_HPP

#include "batchnorm/maps.hpp"
#include "simd/two_sum.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

constexpr int kDeep = 8;                    // neighbours of a lane that are added as a tree
constexpr int64_t kTrees = kDeep * kOctet;  // positions

template <class Job>
struct SumsOf {
  using T = typename Job::Element;
  static constexpr int kSums = Job::kPlain + Job::kProducts;
  // Sums of doubles keep their rounding errors; those of narrower elements have bits to spare.
  static constexpr bool kExact = !kIsNarrow<T>;
  static constexpr int kParts = kExact ? 2 : 1;
  static constexpr int kAccumulators = kSums * kParts;
};

// What sums are taken around and what they are computed with, of eight neighbouring sums.
template <class Job>
struct Origin {
  Octet shift, shift_lo, scale;
  EachLanes<TermOctet<typename Job::Element>, Job::kKinds> coefficients;
};

// Where the first of eight stretches of a block is read, and how far the next ones lie.
struct Place {
  int64_t at, stride;
  const double* weight;  // of the first element; null: none
  int64_t weight_stride;
  bool weight_each;  // else one weight for all elements of a stretch

  JBN_INLINE void advance(int64_t elements, int64_t weights) {
    at += elements;
    if (weight) weight += weights;
  }
};

// What is there of a block: stretches [0, full) with `count` elements of eight, stretch `full` with
// `rest`.
struct Part {
  int full, count, rest;
};

// The sum of kCount values, 1, 2, 4 or 8, in pairs.
template <int kCount>
JBN_INLINE Doubles tree(const Doubles* v) {
  if constexpr (kCount == 1)
    return v[0];
  else
    return tree<kCount / 2>(v) + tree<kCount / 2>(v + kCount / 2);
}

// a b + c d. Products of floats are exact in double: there a fused multiply-add gives the same bits.
template <bool kFused>
JBN_INLINE Doubles two_products(Doubles a, Doubles b, Doubles c, Doubles d) {
#if defined(__AVX512F__)
  if (kFused) return _mm512_fmadd_pd(c, d, a * b);
#elif defined(__FMA__)
  if (kFused) return _mm256_fmadd_pd(c, d, a * b);
#elif defined(__ARM_NEON) && JBN_VECTORS
  if (kFused) return vfmaq_f64(a * b, c, d);
#endif
  return a * b + c * d;
}

// The terms of vector i of stretch j of a block, or of the first `count` elements of it.
template <class Job, bool kCentred, bool kWhole>
JBN_INLINE void read_terms(const Job& job, const Origin<Job>& origin, const Place& place, int i,
                           int j, int count, Doubles* terms) {
  const double* const from = job.weights() ? place.weight + j * place.weight_stride : nullptr;
  const Weights weights = {place.weight_each && from ? from + i * kWidth : nullptr,
                           from ? *from : 0};
  const int64_t at = place.at + i * kWidth + j * place.stride;
  job.template read<kCentred, kWhole>(at, count, weights, origin, i, terms);
}

// Adds a block to the accumulators of eight sums; what is not there is 0. kWhole: all of it is.
template <class Job, bool kCentred, bool kWhole>
JBN_INLINE void add_block(const Job& job, const Origin<Job>& origin, const Place& place,
                          const Part& part, Octet* sums) {
  using S = SumsOf<Job>;
  constexpr bool kFused = !kCentred && !S::kExact;
  const bool fused = kFused && !job.weights();
  JBN_EACH_PART
  for (int i = 0; i < Octet::kCount; i++) {
    Doubles terms[kDeep][Job::kTerms];
    if constexpr (kWhole) {
      JBN_UNROLLED
      for (int j = 0; j < kDeep; j++) {
        read_terms<Job, kCentred, true>(job, origin, place, i, j, kWidth, terms[j]);
      }
    } else {
      const auto read = [&](int j) {
        const int there = j < part.full ? part.count : j == part.full ? part.rest : 0;
        const int count = there - i * kWidth;
        if (count >= kWidth) {
          read_terms<Job, kCentred, true>(job, origin, place, i, j, kWidth, terms[j]);
        } else if (count > 0) {
          read_terms<Job, kCentred, false>(job, origin, place, i, j, count, terms[j]);
        } else {
          for (int term = 0; term < Job::kTerms; term++) terms[j][term] = all(0);
        }
      };
      if constexpr (kCentred) {  // rare, or of doubles: not unrolled for the size of the code
        JBN_ROLLED
        for (int j = 0; j < kDeep; j++) read(j);
      } else {
        JBN_UNROLLED
        for (int j = 0; j < kDeep; j++) read(j);
      }
    }
    Doubles v[kDeep];
    JBN_UNROLLED
    for (int s = 0; s < S::kSums; s++) {
      const bool plain = s < Job::kPlain;
      const int a = plain ? s : Job::kPairs[plain ? 0 : s - Job::kPlain][0];
      const int b = plain ? s : Job::kPairs[plain ? 0 : s - Job::kPlain][1];
      if (S::kExact) {
        JBN_UNROLLED
        for (int j = 0; j < kDeep; j++) {
          const Doubles value = plain ? terms[j][a] : terms[j][a] * terms[j][b];
          add_exactly(value, sums[2 * s].v[i], sums[2 * s + 1].v[i]);
        }
        continue;
      }
      JBN_UNROLLED
      for (int j = 0; j < kDeep; j++) v[j] = terms[j][a];
      if (plain) {
        sums[s].v[i] += tree<kDeep>(v);
        continue;
      }
      JBN_UNROLLED
      for (int j = 0; j < kDeep; j += 2) {
        v[j / 2] = fused ? two_products<kFused>(v[j], terms[j][b], v[j + 1], terms[j + 1][b])
                         : two_products<false>(v[j], terms[j][b], v[j + 1], terms[j + 1][b]);
      }
      sums[s].v[i] += tree<kDeep / 2>(v);
    }
  }
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_SUMS_HPP
