// Columns: neighbouring sums are contiguous, `period` of them, position after position. Accumulator a
// of sum j of lane l lies at [(a * kOctet + l) * width + j].
#ifndef JBATCHNORM_SRC_COLUMNS_HPP
#define JBATCHNORM_SRC_COLUMNS_HPP

#include "batchnorm/scratch.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

constexpr size_t kMostAhead = 1 << 14;  // bytes of a block that is asked for ahead

template <class Job>
class ColumnSums {
  using T = typename Job::Element;
  using S = SumsOf<Job>;

 public:
  explicit ColumnSums(const Scratch<Job>& scratch) : s_(scratch), period_(scratch.period) {}

  // Adds up a task's part of its chunk; again: of the channels that are open.
  template <bool kCentred>
  void sum(const Task& task, bool again, double* sums, double* to) const {
    const int64_t width = s_.rounded(task.sum_end - task.sum);
    // All lanes of a block as one stretch, where neither origins nor weights have to be repeated.
    const bool whole = !again && task.sum_end - task.sum == period_ &&
                       (s_.repeated > period_ || (!kCentred && !Job::kReadsCoefficients)) &&
                       (!s_.job.weights() || s_.expanded);
    for (int64_t i = 0; i < S::kAccumulators * kOctet * width; i++) sums[i] = 0;
    for (int64_t row = task.row; row < task.row_end; row++) {
      for (int64_t p = task.from; p < task.to; p += kTrees) {
        const int64_t positions = task.to - p < kTrees ? task.to - p : kTrees;
        const int64_t first = row * s_.order.run + p;
        if (whole) {
          // The lanes that have a position more than the others, and those.
          const int64_t deep = positions / kOctet, more = positions % kOctet;
          add_stretch<kCentred>({first, 0, more * period_, deep + 1}, again, kOctet * width, sums);
          add_stretch<kCentred>({first + more, 0, (kOctet - more) * period_, deep}, again,
                                kOctet * width, sums + more * period_);
          continue;
        }
        for (int64_t l = 0; l < kOctet && l < positions; l++) {
          const Stretch stretch = {first + l, task.sum, task.sum_end - task.sum,
                                   (positions - l + kOctet - 1) / kOctet};
          add_stretch<kCentred>(stretch, again, kOctet * width, sums + l * width);
        }
      }
    }
    const int64_t lane = whole ? period_ : width;
    for (int64_t j = task.sum; j < task.sum_end; j += kWidth) {
      if (again && !is_any_open(j - (j - task.sum) % kOctet)) continue;  // it has its sums
      const int64_t left = task.sum_end - j;
      const int count = static_cast<int>(left < kWidth ? left : kWidth);
      fold<Job, Doubles>(sums + (j - task.sum), kOctet * width, lane, count, period_, to + j);
    }
  }

 private:
  // `length` sums from `sum` on, at `deep` positions of a lane.
  struct Stretch {
    int64_t position, sum, length, deep;
  };

  template <bool kCentred>
  JBN_OUTLINE void add_stretch(const Stretch& stretch, bool again, int64_t accumulator,
                               double* sums) const {
    if (stretch.deep == 0) return;
    const Job job = s_.job;
    const int64_t stride = kOctet * period_;
    Place place = {stretch.position * period_ + stretch.sum, stride, nullptr, 0, false};
    if (s_.expanded) {
      place.weight = s_.expanded + place.at, place.weight_stride = stride, place.weight_each = true;
    } else if (job.weights()) {
      place.weight = job.weights() + stretch.position, place.weight_stride = kOctet;
    }
    if constexpr (!kIsRare<Job, kCentred>) {
      if (stretch.deep == kDeep && !again && stretch.length % kOctet == 0) {
        add_whole<kCentred>(job, stretch, place, accumulator, sums);
        return;
      }
    }
    add_rest<kCentred>(stretch, place, again, accumulator, sums);
  }

  template <bool kCentred>
  JBN_INLINE void add_whole(const Job& job, const Stretch& stretch, Place place,
                            int64_t accumulator, double* sums) const {
    // The next block is asked for, in the order of memory, while this one is added: the processor does
    // not see that eight stretches at a time go on where they end.
    const int64_t block = kTrees * period_;
    const bool asks = stretch.length == kOctet * period_ && block * sizeof(T) <= kMostAhead;
    for (int64_t i = 0; i < stretch.length; i += kOctet) {
      if (asks && i % kLanes == 0) {
        JBN_UNROLLED
        for (int j = 0; j < kDeep; j++) job.fetch(place.at - i + block + i * kDeep + j * kLanes);
      }
      add_at<kCentred, true>(job, stretch.sum, i, place, {kDeep, kOctet, 0}, accumulator, sums);
      place.advance(kOctet, place.weight_each ? kOctet : 0);
    }
  }

  template <bool kCentred>
  JBN_OUTLINE void add_rest(const Stretch& stretch, Place place, bool again, int64_t accumulator,
                            double* sums) const {
    const Job job = s_.job;
    const int deep = static_cast<int>(stretch.deep);
    for (int64_t i = 0; i < stretch.length; i += kOctet) {
      if (!again || is_any_open(stretch.sum + i)) {
        const int64_t left = stretch.length - i;
        const int count = static_cast<int>(left < kOctet ? left : kOctet);
        add_at<kCentred, false>(job, stretch.sum, i, place, {deep, count, 0}, accumulator, sums);
      }
      place.advance(kOctet, place.weight_each ? kOctet : 0);
    }
  }

  // Adds a block to accumulators i and its neighbours.
  template <bool kCentred, bool kWhole>
  JBN_INLINE void add_at(const Job& job, int64_t sum, int64_t i, const Place& place,
                         const Part& part, int64_t accumulator, double* sums) const {
    const Origin<Job> around =
        kCentred || Job::kReadsCoefficients ? s_.origin(sum + i) : Origin<Job>{};
    Octet local[S::kAccumulators];
    JBN_UNROLLED
    for (int a = 0; a < S::kAccumulators; a++)
      local[a] = load_as<Octet>(sums + i + a * accumulator);
    add_block<Job, kCentred, kWhole>(job, around, place, part, local);
    JBN_UNROLLED
    for (int a = 0; a < S::kAccumulators; a++) store(sums + i + a * accumulator, local[a]);
  }

  bool is_any_open(int64_t j) const {
    for (int64_t i = j; i < j + kOctet && i < period_; i++) {
      if (s_.flags[s_.channel_of(i)].open) return true;
    }
    return false;
  }

  const Scratch<Job>& s_;
  const int64_t period_;
};

// Maps columns from an element on: neighbouring elements have coefficients of their own, which
// repeat.
template <class Job>
class ColumnMaps {
  using G = MapGroup<typename Job::Element>;
  using Number = typename Job::Number;
  static constexpr int kKinds = Job::kKinds;

 public:
  ColumnMaps(const Scratch<Job>& scratch, int64_t at)
      : s_(scratch),
        j_(at % scratch.repeated),
        position_(at / scratch.period),
        c_(at % scratch.period) {}

  // Groups of sixteen.
  JBN_INLINE void groups(int64_t at, int64_t to) {
    const Job job = s_.job;
    const Number* const map = s_.map;
    const int64_t row = s_.row, repeated = s_.repeated;
    const bool streams = s_.plan.streams;
    int64_t j = j_;
    double w[kLanes];
    for (; at < to; at += kLanes) {
      job.map(coefficients(map + j, row), at, kLanes, weights(at, kLanes, w), streams);
      j += kLanes;
      if (j >= repeated) j -= repeated;
    }
    j_ = j;
  }
  void some(int64_t at, int count) {
    double w[kLanes];
    s_.map_some(coefficients(s_.map + j_, s_.row), at, count, weights(at, count, w));
    j_ += count;
    if (j_ >= s_.repeated) j_ -= s_.repeated;
  }

 private:
  JBN_INLINE static EachLanes<G, kKinds> coefficients(const Number* map, int64_t row) {
    EachLanes<G, kKinds> f;
    JBN_UNROLLED
    for (int kind = 0; kind < kKinds; kind++) f.of[kind] = load_as<G>(map + kind * row);
    return f;
  }
  JBN_INLINE Weights weights(int64_t at, int count, double* w) {
    if (!s_.job.weights()) return {nullptr, 1};
    if (s_.expanded) return {s_.expanded + at, 1};
    const double* const from = s_.job.weights() + position_;
    const bool alone = c_ + count <= s_.period;
    for (int i = 0; i < count && !alone; i++) w[i] = from[(c_ + i) / s_.period];
    c_ += count;
    while (c_ >= s_.period) c_ -= s_.period, position_++;
    return {alone ? nullptr : w, *from};
  }

  const Scratch<Job>& s_;
  int64_t j_, position_, c_;
};

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_COLUMNS_HPP
