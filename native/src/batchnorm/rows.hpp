// Rows: the positions of a channel are contiguous, for S of them.
#ifndef JBATCHNORM_SRC_ROWS_HPP
#define JBATCHNORM_SRC_ROWS_HPP

#include "batchnorm/scratch.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

template <class Job>
class RowSums {
  using S = SumsOf<Job>;

 public:
  explicit RowSums(const Scratch<Job>& scratch) : s_(scratch) {}

  // Adds up a task's part of its chunk; again: of the channels that are open.
  template <bool kCentred>
  void sum(const Task& task, bool again, double* memory, double* to) const {
    Octet* const sums = reinterpret_cast<Octet*>(memory);
    for (int64_t row = task.row; row < task.row_end; row++) {
      for (int64_t c = task.sum; c < task.sum_end; c++) {
        if (again && !s_.flags[c].open) continue;
        Octet* const own = sums + (c - task.sum) * S::kAccumulators;
        if (row == task.row) {
          for (int a = 0; a < S::kAccumulators; a++) own[a] = zeros<Octet>();
        }
        add_row<kCentred>(row, c, task.from, task.to, own);
      }
    }
    for (int64_t c = task.sum; c < task.sum_end; c++) {
      if (again && !s_.flags[c].open) continue;
      const double* const own = memory + (c - task.sum) * S::kAccumulators * kOctet;
      fold<Job, double>(own, kOctet, 1, 1, s_.period, to + c);
    }
  }

 private:
  template <bool kCentred>
  JBN_OUTLINE void add_row(int64_t n, int64_t c, int64_t from, int64_t to, Octet* sums) const {
    constexpr bool kRare = kIsRare<Job, kCentred>;
    const Job job = s_.job;
    const Origin<Job> around =
        kCentred || Job::kReadsCoefficients ? s_.origin_of_row(c) : Origin<Job>{};
    const int64_t length = s_.shape.s;
    const double* const w = job.weights() ? job.weights() + n * length + from : nullptr;
    Place place = {(n * s_.channels + c) * length + from, kOctet, w, kOctet, true};
    int64_t left = to - from;
    Octet local[S::kAccumulators];
    JBN_UNROLLED
    for (int a = 0; a < S::kAccumulators; a++) local[a] = sums[a];
    for (; left >= kTrees; left -= kTrees) {
      add_block<Job, kCentred, !kRare>(job, around, place, {kDeep, kOctet, 0}, local);
      place.advance(kTrees, kTrees);
    }
    if (left > 0) {
      const Part part = {static_cast<int>(left / kOctet), kOctet, static_cast<int>(left % kOctet)};
      add_block<Job, kCentred, false>(job, around, place, part, local);
    }
    JBN_UNROLLED
    for (int a = 0; a < S::kAccumulators; a++) sums[a] = local[a];
  }

  const Scratch<Job>& s_;
};

// Maps rows from an element on: one channel's coefficients for many elements.
template <class Job>
class RowMaps {
  using G = MapGroup<typename Job::Element>;
  static constexpr int kKinds = Job::kKinds;

 public:
  RowMaps(const Scratch<Job>& scratch, int64_t at)
      : s_(scratch),
        length_(scratch.shape.s),
        row_(at / length_),
        c_(row_ % scratch.channels),
        end_((row_ + 1) * length_) {}

  // Groups of sixteen.
  JBN_INLINE void groups(int64_t at, int64_t to) {
    const Job job = s_.job;
    const bool streams = s_.plan.streams;
    while (at < to) {
      const int64_t whole = at + (end_ - at) / kLanes * kLanes;
      const int64_t stop = whole < to ? whole : to;
      SameLanes<G, kKinds> f;
      JBN_UNROLLED
      for (int kind = 0; kind < kKinds; kind++) {
        f.of[kind] = same<typename G::Vector>(s_.map_row(kind)[c_]);
      }
      const double* const w = job.weights() ? weights(at) : nullptr;
      for (int64_t i = at; i < stop; i += kLanes) {
        job.map(f, i, kLanes, {w ? w + (i - at) : nullptr, 1}, streams);
      }
      at = stop;
      if (at == to) break;
      if (at == end_) {
        next();
      } else if (job.weights()) {
        some(at, kLanes);
        at += kLanes;
      } else {
        job.map(joined_lanes(at), at, kLanes, {nullptr, 1}, streams);
        at += kLanes;
        next();
      }
    }
  }
  // Up to sixteen elements, which two rows may share.
  JBN_OUTLINE void some(int64_t at, int count) {
    if (at == end_) next();
    const int64_t left = end_ - at;
    const EachLanes<G, kKinds> f = joined_lanes(at);
    double w[kLanes] = {};
    if (s_.job.weights()) {
      for (int64_t i = 0; i < count && i < left; i++) w[i] = weights(at)[i];
    }
    if (left < count) next();
    if (s_.job.weights()) {
      for (int64_t i = left; i < count; i++) w[i] = weights(at + left)[i - left];
    }
    s_.map_some(f, at, count, {w, 1});
  }

 private:
  const double* weights(int64_t at) const {
    return s_.job.weights() + row_ / s_.channels * length_ + (at - (end_ - length_));
  }
  // The coefficients of this row and of the next.
  JBN_INLINE EachLanes<G, kKinds> joined_lanes(int64_t at) const {
    const int64_t after = c_ + 1 == s_.channels ? 0 : c_ + 1;
    EachLanes<G, kKinds> f;
    JBN_UNROLLED
    for (int kind = 0; kind < kKinds; kind++) {
      const auto* const row = s_.map_row(kind);
      G first, second;
      fill(first, row[c_]), fill(second, row[after]);
      f.of[kind] = joined(first, second, end_ - at);
    }
    return f;
  }
  void next() {
    row_++, end_ += length_;
    c_ = c_ + 1 == s_.channels ? 0 : c_ + 1;
  }

  const Scratch<Job>& s_;
  const int64_t length_;
  int64_t row_, c_, end_;
};

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_ROWS_HPP
