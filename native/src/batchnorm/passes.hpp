// How a job goes over memory, in its order: all threads sum, each its own chunks; then each settles
// some channels; then all map, each about what it summed, from the last to the first, since what was
// read last is still in the caches. Which results a call gives does not depend on any of it.
#ifndef JBATCHNORM_SRC_PASSES_HPP
#define JBATCHNORM_SRC_PASSES_HPP

#include <omp.h>

#include "batchnorm/columns.hpp"
#include "batchnorm/rows.hpp"
#include "batchnorm/shared_batch.hpp"
#include "platform/threads.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

constexpr int64_t kPiece = 1 << 17;  // elements that are mapped from the first to the last

template <class Job>
class Passes {
  using T = typename Job::Element;
  using S = SumsOf<Job>;
  using Number = typename Job::Number;
  static constexpr int kKinds = Job::kKinds;

 public:
  Passes(const Job& job, const Plan& plan) : job_(job), plan_(plan), s_(job, plan) {}

  // Returns false where there is no memory.
  bool run() {
    if (s_.has_memory()) on_threads(plan_.threads, [&] { run_thread(); });
    return s_.has_memory();
  }

  // Sums alone, of blocks that are whole, the first of which is block `first` of a batch: as nodes of
  // the tree of all its blocks. Around `centres`, or, where that is null, the job's own.
  bool sum(int64_t first, const SharedState* centres, double* nodes) {
    if (s_.has_memory()) on_threads(plan_.threads, [&] { sum_thread(first, centres, nodes); });
    return s_.has_memory();
  }

 private:
  JBN_RARE void sum_thread(int64_t first, const SharedState* centres, double* nodes) {
    const Share channels(s_.channels);
    for (int64_t c = channels.from; c < channels.to; c++) {
      begin(c, centres ? centres->centre(c) : job_.first_centre(c));
    }
#pragma omp barrier
    if (centres || !kIsNarrow<T>) {
      sum_all<true>(false);
    } else {
      sum_all<false>(false);
    }
#pragma omp barrier
    if constexpr (Job::kSettlesAhead && kIsNarrow<T>) sum_far(channels);
    s_.add_parts(channels.from, channels.to);
    const int64_t end = first + plan_.order.blocks();
    each_group(first, end, [&](int64_t block, int level) {
      s_.add_blocks(block - first, int64_t{1} << level, channels.from, channels.to);
    });
#pragma omp barrier
    if (omp_get_thread_num() > 0) return;
    const int64_t row = S::kAccumulators * s_.period;
    each_group(first, end, [&](int64_t block, int) {
      const double* const sums = s_.partial_row((block - first) * plan_.order.parts);
      std::memcpy(nodes, sums, static_cast<size_t>(row) * sizeof(double));
      nodes += row;
    });
  }
  // Sums again what is to be taken around a centre of its own, whatever its sums are.
  JBN_RARE void sum_far(const Share& channels) {
    for (int64_t c = channels.from; c < channels.to; c++) {
      double sums[S::kSums] = {};
      Centre around;
      Moments moments;
      s_.flags[c].open = job_.settle(c, sums, 0, &around, &moments);
      if (!s_.flags[c].open) continue;
      s_.centre(c, around);
#pragma omp atomic write
      is_open_[0] = true;
    }
#pragma omp barrier
    if (is_open_[0]) sum_all<true>(true);
#pragma omp barrier
  }

  void run_thread() {
    const Share channels(s_.channels);
    if (s_.expanded) expand_weights();
    if (job_.has_sums) {
      constexpr bool kFirstCentred = !kIsNarrow<T>;
      if (kFirstCentred || Job::kReadsCoefficients) {
        for (int64_t c = channels.from; c < channels.to; c++) begin(c, job_.first_centre(c));
      }
      if (kFirstCentred || Job::kReadsCoefficients || s_.expanded) {
#pragma omp barrier
      }
      sum_all<kFirstCentred>(false);
#pragma omp barrier
      for (int attempt = 0;; attempt++) {
        settle(channels, attempt);
#pragma omp barrier
        if (attempt == kAttempts<T> - 1 || !is_open_[attempt]) break;
        sum_all<true>(true);
#pragma omp barrier
      }
    } else if constexpr (Job::kMayBeGiven) {
      for (int64_t c = channels.from; c < channels.to; c++) {
        double sums[S::kSums] = {};
        const Moments moments = job_.given(c, sums);
        finish(c, sums, moments);
      }
#pragma omp barrier
    }
    if (job_.maps()) map_all();
  }

  void begin(int64_t c, const Centre& centre) {
    s_.centre(c, centre);
    if constexpr (Job::kReadsCoefficients) {
      double map[kKinds];
      job_.prepare(c, map);
      for (int kind = 0; kind < kKinds; kind++) {
        s_.spread(c, static_cast<Number>(map[kind]), s_.map_row(kind));
      }
    }
  }

  void expand_weights() {
    const Share samples(s_.period == 0 ? 0 : s_.shape.n);  // without elements n may be anything
    for (int64_t n = samples.from; n < samples.to; n++) {
      const double* const weights = job_.weights() + n * s_.shape.s;
      for (int64_t c = 0; c < s_.channels; c++) {
        int64_t s = 0;
        s_.each_sum(c, [&](int64_t j) { s_.expanded[n * s_.period + j] = weights[s++]; });
      }
    }
  }

  template <bool kCentred>
  JBN_OUTLINE void sum_all(bool again) {
    double* const sums = s_.accumulators + omp_get_thread_num() * s_.a_thread;
    const Share share(plan_.order.chunks() * plan_.slices);
    for (int64_t index = share.from; index < share.to; index++) {
      if (plan_.rows) {
        RowSums<Job>(s_).template sum<kCentred>(s_.task_of(index), again, sums, s_.partial(index));
      } else {
        ColumnSums<Job>(s_).template sum<kCentred>(s_.task_of(index), again, sums,
                                                   s_.partial(index));
      }
    }
  }

  // ---- channels

  // Adds up the chunks of some channels, those that are open or, at first, all.
  void settle(const Share& channels, int attempt) {
    s_.add_parts(channels.from, channels.to);
    s_.add_blocks(0, plan_.order.blocks(), channels.from, channels.to);
    for (int64_t c = channels.from; c < channels.to; c++) {
      if (attempt > 0 && !s_.flags[c].open) continue;
      double sums[S::kSums];
      for (int s = 0; s < S::kSums; s++) sums[s] = plan_.order.chunks() > 0 ? s_.total(s, c) : 0;
      // A first centre that no one wrote is 0.
      const bool is_0 = plan_.order.chunks() == 0 || (kIsNarrow<T> && attempt == 0);
      Centre around = is_0 ? Centre{0, 0, 1} : s_.centre_of(c);
      Moments moments;
      s_.flags[c].open = job_.settle(c, sums, attempt, &around, &moments);
      if (s_.flags[c].open) {
        s_.centre(c, around);
#pragma omp atomic write
        is_open_[attempt] = true;
      } else {
        finish(c, sums, moments);
      }
    }
  }

  void finish(int64_t c, const double* sums, const Moments& moments) {
    double wide[kKinds], map[kKinds];
    s_.flags[c].open = false;
    s_.flags[c].wild = job_.finish(c, sums, moments, wide, map);
    for (int kind = 0; kind < kKinds; kind++) {
      s_.wide[kind * s_.channels + c] = wide[kind];
      s_.spread(c, static_cast<Number>(map[kind]), s_.map_row(kind));
    }
    s_.wide[kKinds * s_.channels + c] = moments.scale;
    if (s_.flags[c].wild) {
#pragma omp atomic write
      is_wild_ = true;
    }
  }

  // ---- maps

  void map_all() {
    const int64_t elements = s_.shape.n * s_.channels * s_.shape.s;
    if (elements == 0) return;
    // Shares begin and end where groups of the output are aligned.
    const int64_t group = kLanes * static_cast<int64_t>(sizeof(T));
    const int64_t skip = static_cast<int64_t>(job_.output() % static_cast<uintptr_t>(group)) /
                         static_cast<int64_t>(sizeof(T));
    const Share share((skip + elements + kPiece - 1) / kPiece);
    for (int64_t i = share.from; i < share.to; i++) {
      const int64_t piece = job_.has_sums ? share.from + share.to - 1 - i : i;
      const int64_t from = piece * kPiece - skip, to = from + kPiece;
      map_piece(from > 0 ? from : 0, to < elements ? to : elements);
    }
    if (plan_.streams) stream_fence();
  }

  void map_piece(int64_t from, int64_t to) {
    if (is_wild_) {
      map_each(from, to);
      return;
    }
    // Up to the first aligned group, groups, the rest.
    const uintptr_t group = kLanes * sizeof(T);
    const int64_t over =
        static_cast<int64_t>((job_.output() + from * sizeof(T)) % group / sizeof(T));
    const int64_t head = over == 0 ? from : from + kLanes - over < to ? from + kLanes - over : to;
    const int64_t end = head + (to - head) / kLanes * kLanes;
    if (plan_.rows) {
      map_parts(RowMaps<Job>(s_, from), from, head, end, to);
    } else {
      map_parts(ColumnMaps<Job>(s_, from), from, head, end, to);
    }
  }

  template <class Way>
  void map_parts(Way way, int64_t from, int64_t head, int64_t end, int64_t to) const {
    if (from < head) way.some(from, static_cast<int>(head - from));
    way.groups(head, end);
    if (end < to) way.some(end, static_cast<int>(to - end));
  }

  // Element by element, wild channels in double.
  JBN_RARE void map_each(int64_t from, int64_t to) const {
    const Shape& shape = s_.shape;
    for (int64_t at = from; at < to; at++) {
      int64_t n = at / (shape.c * shape.s), s = at % shape.s, c = at / shape.s % shape.c;
      if (shape.channels_last) c = at % shape.c, s = at / shape.c % shape.s;
      const double w = job_.weights() ? job_.weights()[n * shape.s + s] : 1;
      if (s_.flags[c].wild) {
        double f[kKinds];
        for (int kind = 0; kind < kKinds; kind++) f[kind] = s_.wide[kind * shape.c + c];
        job_.map_one(f, s_.wide[kKinds * shape.c + c], at, w);
      } else {
        Number f[kKinds];
        for (int kind = 0; kind < kKinds; kind++) f[kind] = s_.map_row(kind)[s_.first_of(c)];
        job_.map_one(f, Number{1}, at, w);
      }
    }
  }

  const Job& job_;
  const Plan& plan_;
  Scratch<Job> s_;
  bool is_open_[kAttempts<T>] = {}, is_wild_ = false;
};

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_PASSES_HPP
