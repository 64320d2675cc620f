// How a job goes over memory, in its order: all threads sum, each its own chunks; then each settles
// some channels; then all map, each about what it summed, from the last to the first, since what was
// read last is still in the caches. Which results a call gives does not depend on any of it.
#ifndef JBATCHNORM_SRC_PASSES_HPP
#define JBATCHNORM_SRC_PASSES_HPP

#include <omp.h>

#include <cstdlib>

#include "batchnorm/sums.hpp"
#include "platform/threads.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

constexpr int64_t kPiece = 1 << 17;     // elements that are mapped from the first to the last
constexpr size_t kMostAhead = 1 << 18;  // bytes of a block that is asked for ahead
constexpr int64_t kFewSums = 64;        // so few side by side are repeated, to fill vectors

template <class Job>
class Passes {
  using T = typename Job::Element;
  using S = SumsOf<Job>;
  using G = MapGroup<T>;
  using Number = typename Job::Number;
  static constexpr int kKinds = Job::kKinds;

 public:
  Passes(const Job& job, const Plan& plan)
      : job_(job),
        plan_(plan),
        order_(plan.order),
        shape_(job.shape),
        channels_(shape_.c),
        period_(plan.period),
        repeated_(plan.rows || period_ >= kFewSums ? period_ : period_ * kLanes),
        row_(rounded(repeated_ + kLanes)),
        a_thread_(job.has_sums
                      ? S::kAccumulators * kOctet * rounded(period_ / plan.slices + 2 * kLanes)
                      : 0) {}

  // Returns false where there is no memory.
  bool run() {
    const int64_t expanded =
        job_.weights() && !plan_.rows && period_ != channels_ ? shape_.n * period_ : 0;
    const int64_t doubles = plan_.threads * a_thread_ +
                            order_.chunks() * S::kAccumulators * period_ + (3 + kKinds) * row_ +
                            (kKinds + 1) * channels_ + channels_ + expanded + 16 * kOctet;
    char* const memory = static_cast<char*>(std::malloc(static_cast<size_t>(doubles) * 8));
    if (!memory) return false;
    at_ = reinterpret_cast<double*>((reinterpret_cast<uintptr_t>(memory) + 63) / 64 * 64);
    accumulators_ = take(plan_.threads * a_thread_);
    partials_ = take(order_.chunks() * S::kAccumulators * period_);
    origins_ = take(3 * row_);
    map_ = reinterpret_cast<Number*>(take(kKinds * row_));
    wide_ = take((kKinds + 1) * channels_);
    flags_ = reinterpret_cast<Flags*>(take(channels_));
    expanded_ = expanded > 0 ? take(expanded) : nullptr;
    on_threads(plan_.threads, [&] { run_thread(); });
    std::free(memory);
    return true;
  }

 private:
  struct Flags {
    bool open, wild;
  };

  static int64_t rounded(int64_t count) { return (count + kLanes - 1) / kLanes * kLanes; }

  double* take(int64_t doubles) {
    double* const taken = at_;
    at_ += (doubles + kOctet - 1) / kOctet * kOctet;
    return taken;
  }

  void run_thread() {
    const Share channels(channels_);
    if (expanded_) expand_weights();
    if (job_.has_sums) {
      constexpr bool kFirstCentred = !kIsNarrow<T>;
      if (kFirstCentred || Job::kReadsCoefficients) {
        for (int64_t c = channels.from; c < channels.to; c++) begin(c);
      }
      if (kFirstCentred || Job::kReadsCoefficients || expanded_) {
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
      for (int64_t c = channels.from; c < channels.to; c++) finish(c, nullptr, job_.given(c));
#pragma omp barrier
    }
    if (job_.maps()) map_all();
  }

  // Calls body(j) for each of the sums that make up channel c.
  template <class Body>
  void each_sum(int64_t c, const Body& body) const {
    const int64_t count = period_ / (channels_ > 0 ? channels_ : 1);
    for (int64_t s = 0; s < count; s++) {
      body(shape_.channels_last ? s * channels_ + c : c * count + s);
    }
  }
  // Writes a channel's value wherever it stands in one of the arrays that are as wide as memory is.
  template <class E>
  void spread(int64_t c, E value, E* row) const {
    each_sum(c, [&](int64_t j) {
      for (int64_t i = j; i < repeated_ + kLanes; i += period_) row[i] = value;
    });
  }
  double* shift_row() const { return origins_; }
  double* shift_lo_row() const { return origins_ + row_; }
  double* scale_row() const { return origins_ + 2 * row_; }
  Number* map_row(int kind) const { return map_ + kind * row_; }

  void centre(int64_t c, const Centre& centre) const {
    spread(c, centre.shift, shift_row());
    spread(c, centre.shift_lo, shift_lo_row());
    if (!kIsNarrow<T>) spread(c, centre.scale, scale_row());
  }

  void begin(int64_t c) {
    centre(c, job_.first_centre(c));
    if constexpr (Job::kReadsCoefficients) {
      double map[kKinds];
      job_.prepare(c, map);
      for (int kind = 0; kind < kKinds; kind++) {
        spread(c, static_cast<Number>(map[kind]), map_row(kind));
      }
    }
  }

  // The weights of N*S positions for memory whose rows of positions are short.
  void expand_weights() {
    const Share samples(shape_.n);
    for (int64_t n = samples.from; n < samples.to; n++) {
      for (int64_t c = 0; c < channels_; c++) {
        int64_t s = 0;
        each_sum(
            c, [&](int64_t j) { expanded_[n * period_ + j] = job_.weights()[n * shape_.s + s++]; });
      }
    }
  }

  // ---- sums

  struct Task {
    int64_t row, row_end, from, to;  // rows and positions of a chunk
    int64_t sum, sum_end;            // of the period
  };

  Task task_of(int64_t index) const {
    const int64_t chunk = index / plan_.slices, slice = index % plan_.slices;
    const int64_t group = chunk / order_.segments, from = chunk % order_.segments * order_.segment;
    const int64_t to = from + order_.segment < order_.run ? from + order_.segment : order_.run;
    const int64_t unit = plan_.slices > 1 ? kLanes : 1, units = (period_ + unit - 1) / unit;
    const int64_t end = units * (slice + 1) / plan_.slices * unit;
    return {order_.rows * group / order_.groups,
            order_.rows * (group + 1) / order_.groups,
            from,
            to,
            units * slice / plan_.slices * unit,
            end < period_ ? end : period_};
  }

  template <bool kCentred>
  void sum_all(bool again) {
    double* const sums = accumulators_ + omp_get_thread_num() * a_thread_;
    if (plan_.rows && order_.segments > 1) {
      sum_segments<kCentred>(again, sums);
      return;
    }
    const Share share(order_.chunks() * plan_.slices);
    for (int64_t index = share.from; index < share.to; index++) {
      const Task task = task_of(index);
      double* const to = partials_ + index / plan_.slices * S::kAccumulators * period_;
      if (plan_.rows) {
        sum_rows<kCentred>(task, again, sums, to);
      } else {
        sum_columns<kCentred>(task, again, sums, to);
      }
    }
  }

  // Rows of more than a chunk: each chunk is contiguous, and they are taken as they lie in memory.
  template <bool kCentred>
  void sum_segments(bool again, double* memory) {
    const Share share(order_.rows * channels_ * order_.segments);
    for (int64_t index = share.from; index < share.to; index++) {
      const int64_t row = index / order_.segments, k = index % order_.segments;
      const int64_t n = row / channels_, c = row % channels_, from = k * order_.segment;
      if (again && !flags_[c].open) continue;
      Octet* const sums = reinterpret_cast<Octet*>(memory);
      for (int a = 0; a < S::kAccumulators; a++) sums[a] = zeros<Octet>();
      const int64_t end = from + order_.segment;
      sum_row<kCentred>(n, c, from, end < order_.run ? end : order_.run, sums);
      const int64_t chunk = n * order_.segments + k;
      fold_all(memory, kOctet, 1, partials_ + chunk * S::kAccumulators * period_ + c);
    }
  }

  Origin<Job> origin(int64_t j) const {
    Origin<Job> origin;
    origin.shift = load_as<Octet>(shift_row() + j);
    origin.shift_lo = load_as<Octet>(shift_lo_row() + j);
    if (!kIsNarrow<T>) origin.scale = load_as<Octet>(scale_row() + j);
    JBN_UNROLLED
    for (int kind = 0; Job::kReadsCoefficients && kind < kKinds; kind++) {
      origin.coefficients.of[kind] = load_as<TermOctet<T>>(map_row(kind) + j);
    }
    return origin;
  }
  // The same channel's in all lanes.
  Origin<Job> origin_of_row(int64_t c) const {
    Origin<Job> origin;
    fill(origin.shift, shift_row()[c]);
    fill(origin.shift_lo, shift_lo_row()[c]);
    if (!kIsNarrow<T>) fill(origin.scale, scale_row()[c]);
    JBN_UNROLLED
    for (int kind = 0; Job::kReadsCoefficients && kind < kKinds; kind++) {
      fill(origin.coefficients.of[kind], map_row(kind)[c]);
    }
    return origin;
  }
  template <class Lanes>
  JBN_INLINE static void fill(Lanes& lanes, typename Lanes::Element value) {
    JBN_EACH_VECTOR
    for (int i = 0; i < Lanes::kCount; i++) lanes.v[i] = same<typename Lanes::Vector>(value);
  }

  template <bool kCentred>
  void sum_rows(const Task& task, bool again, double* memory, double* to) {
    Octet* const sums = reinterpret_cast<Octet*>(memory);
    for (int64_t row = task.row; row < task.row_end; row++) {
      for (int64_t c = task.sum; c < task.sum_end; c++) {
        if (again && !flags_[c].open) continue;
        Octet* const own = sums + (c - task.sum) * S::kAccumulators;
        if (row == task.row) {
          for (int a = 0; a < S::kAccumulators; a++) own[a] = zeros<Octet>();
        }
        sum_row<kCentred>(row, c, task.from, task.to, own);
      }
    }
    for (int64_t c = task.sum; c < task.sum_end; c++) {
      if (again && !flags_[c].open) continue;
      const double* const own = memory + (c - task.sum) * S::kAccumulators * kOctet;
      fold_all(own, kOctet, 1, to + c);
    }
  }

  // Narrow elements are centred only where their first sums were poor: rare, and in little code.
  template <bool kCentred>
  static constexpr bool kIsRare = kCentred&& kIsNarrow<T>;

  template <bool kCentred>
  JBN_OUTLINE void sum_row(int64_t n, int64_t c, int64_t from, int64_t to, Octet* sums) const {
    const Job job = job_;
    const Origin<Job> around =
        kCentred || Job::kReadsCoefficients ? origin_of_row(c) : Origin<Job>{};
    const double* const w = job.weights() ? job.weights() + n * shape_.s + from : nullptr;
    Place place = {(n * channels_ + c) * shape_.s + from, kOctet, w, kOctet, true};
    int64_t left = to - from;
    Octet local[S::kAccumulators];
    JBN_UNROLLED
    for (int a = 0; a < S::kAccumulators; a++) local[a] = sums[a];
    for (; left >= kBlock; left -= kBlock) {
      add_block<Job, kCentred, !kIsRare<kCentred>>(job, around, place, {kDeep, kOctet, 0}, local);
      place.advance(kBlock, kBlock);
    }
    const int full = static_cast<int>(left / kOctet), rest = static_cast<int>(left % kOctet);
    const Part part = {full, kOctet, rest};
    if (left == 0) {
    } else if (kHasMasks && !kIsRare<kCentred> && left <= 2 * kOctet) {
      add_block<Job, kCentred, false, 2>(job, around, place, part, local);
    } else {
      add_block<Job, kCentred, false>(job, around, place, part, local);
    }
    JBN_UNROLLED
    for (int a = 0; a < S::kAccumulators; a++) sums[a] = local[a];
  }

  // Accumulator a of sum j of lane l lies at [(a * kOctet + l) * width + j].
  template <bool kCentred>
  void sum_columns(const Task& task, bool again, double* sums, double* to) {
    const int64_t width = rounded(task.sum_end - task.sum);
    // All lanes of a block as one stretch, where neither origins nor weights have to be repeated.
    const bool whole = !again && task.sum_end - task.sum == period_ &&
                       (repeated_ > period_ || (!kCentred && !Job::kReadsCoefficients)) &&
                       (!job_.weights() || expanded_);
    for (int64_t i = 0; i < S::kAccumulators * kOctet * width; i++) sums[i] = 0;
    for (int64_t row = task.row; row < task.row_end; row++) {
      for (int64_t p = task.from; p < task.to; p += kBlock) {
        const int64_t positions = task.to - p < kBlock ? task.to - p : kBlock;
        const int64_t first = row * order_.run + p;
        if (whole) {
          const Stretch stretch = {first, 0, kOctet * period_, positions / kOctet,
                                   positions % kOctet * period_};
          add_stretch<kCentred>(stretch, again, kOctet * width, sums);
          continue;
        }
        for (int64_t l = 0; l < kOctet && l < positions; l++) {
          const Stretch stretch = {first + l, task.sum, task.sum_end - task.sum,
                                   (positions - l + kOctet - 1) / kOctet, 0};
          add_stretch<kCentred>(stretch, again, kOctet * width, sums + l * width);
        }
      }
    }
    const int64_t lane = whole ? period_ : width;
    for (int64_t j = task.sum; j < task.sum_end; j += kWidth) {
      const int64_t left = task.sum_end - j;
      fold_columns(sums + (j - task.sum), kOctet * width, lane,
                   static_cast<int>(left < kWidth ? left : kWidth), to + j);
    }
  }

  // The sums of a chunk of kWidth neighbours, or of the first `count`, from the lanes of their
  // accumulators.
  void fold_columns(const double* sums, int64_t accumulator, int64_t lane, int count,
                    double* to) const {
    for (int s = 0; s < S::kSums; s++) {
      const double* const from = sums + s * S::kParts * accumulator;
      Doubles hi[kOctet], lo = all(0);
      for (int l = 0; l < kOctet; l++) read_vector(from + l * lane, hi[l]);
      if (S::kExact) {
        Doubles sum = all(0);
        for (int l = 0; l < kOctet; l++) {
          Doubles error;
          read_vector(from + accumulator + l * lane, error);
          add_exactly(hi[l], sum, lo);
          lo += error;
        }
        hi[0] = sum;
      }
      for (int half = S::kExact ? 0 : kOctet / 2; half > 0; half /= 2) {
        for (int l = 0; l < half; l++) hi[l] += hi[l + half];
      }
      std::memcpy(to + s * S::kParts * period_, &hi[0], sizeof(double) * count);
      if (S::kExact) std::memcpy(to + (2 * s + 1) * period_, &lo, sizeof(double) * count);
    }
  }

  // `length` sums from `sum` on, at `deep` positions of a lane, and the first `more` of them at one
  // position more.
  struct Stretch {
    int64_t position, sum, length, deep, more;
  };

  template <bool kCentred>
  JBN_OUTLINE void add_stretch(const Stretch& stretch, bool again, int64_t accumulator,
                               double* sums) const {
    const Job job = job_;
    const int64_t stride = kOctet * period_;
    Place place = {stretch.position * period_ + stretch.sum, stride, nullptr, 0, false};
    if (expanded_) {
      place.weight = expanded_ + place.at, place.weight_stride = stride, place.weight_each = true;
    } else if (job.weights()) {
      place.weight = job.weights() + stretch.position, place.weight_stride = kOctet;
    }
    if constexpr (!kIsRare<kCentred>) {
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
    const int64_t block = kBlock * period_;
    const bool asks = stretch.length == kOctet * period_ && block * sizeof(T) <= kMostAhead;
    for (int64_t i = 0; i < stretch.length; i += kOctet) {
      if (asks && i % kLanes == 0) {
        JBN_UNROLLED
        for (int j = 0; j < kDeep; j++) job.fetch(place.at - i + block + i * kDeep + j * kLanes);
      }
      const Origin<Job> around =
          kCentred || Job::kReadsCoefficients ? origin(stretch.sum + i) : Origin<Job>{};
      Octet local[S::kAccumulators];
      JBN_UNROLLED
      for (int a = 0; a < S::kAccumulators; a++) {
        local[a] = load_as<Octet>(sums + i + a * accumulator);
      }
      add_block<Job, kCentred, true>(job, around, place, {kDeep, kOctet, 0}, local);
      JBN_UNROLLED
      for (int a = 0; a < S::kAccumulators; a++) store(sums + i + a * accumulator, local[a]);
      place.advance(kOctet, place.weight_each ? kOctet : 0);
    }
  }

  template <bool kCentred>
  JBN_OUTLINE void add_rest(const Stretch& stretch, Place place, bool again, int64_t accumulator,
                            double* sums) const {
    const Job job = job_;
    const int deep = static_cast<int>(stretch.deep);
    for (int64_t i = 0; i < stretch.length; i += kOctet) {
      if (!again || is_any_open(stretch.sum + i)) {
        const int64_t more = stretch.more - i, left = stretch.length - i;
        const int count = static_cast<int>(left < kOctet ? left : kOctet);
        const int rest = static_cast<int>(more < 0 ? 0 : more < kOctet ? more : kOctet);
        const Origin<Job> around =
            kCentred || Job::kReadsCoefficients ? origin(stretch.sum + i) : Origin<Job>{};
        Octet local[S::kAccumulators];
        JBN_UNROLLED
        for (int a = 0; a < S::kAccumulators; a++) {
          local[a] = load_as<Octet>(sums + i + a * accumulator);
        }
        add_block<Job, kCentred, false>(job, around, place, {deep, count, rest}, local);
        JBN_UNROLLED
        for (int a = 0; a < S::kAccumulators; a++) store(sums + i + a * accumulator, local[a]);
      }
      place.advance(kOctet, place.weight_each ? kOctet : 0);
    }
  }

  bool is_any_open(int64_t j) const {
    for (int64_t i = j; i < j + kOctet && i < period_; i++) {
      if (flags_[channel_of(i)].open) return true;
    }
    return false;
  }
  int64_t channel_of(int64_t j) const {
    return shape_.channels_last ? j % channels_ : j / (period_ / channels_);
  }

  // The sums of a chunk, from the lanes of its accumulators.
  void fold_all(const double* sums, int64_t accumulator, int64_t lane, double* to) const {
    for (int s = 0; s < S::kSums; s++) {
      const double* const from = sums + s * S::kParts * accumulator;
      if (!S::kExact) {
        to[s * period_] = fold(from, lane);
        continue;
      }
      Sum sum;
      for (int l = 0; l < kOctet; l++) {
        sum.add(from[l * lane]);
        sum.lo += from[accumulator + l * lane];
      }
      to[2 * s * period_] = sum.hi;
      to[(2 * s + 1) * period_] = sum.lo;
    }
  }

  // ---- channels

  // Adds up the chunks of some channels, those that are open or, at first, all.
  void settle(const Share& channels, int attempt) {
    for (int64_t c = channels.from; c < channels.to; c++) {
      if (attempt > 0 && !flags_[c].open) continue;
      double sums[S::kSums];
      for (int s = 0; s < S::kSums; s++) {
        Sum sum;
        for (int64_t chunk = 0; chunk < order_.chunks(); chunk++) {
          const double* const from =
              partials_ + (chunk * S::kAccumulators + s * S::kParts) * period_;
          each_sum(c, [&](int64_t j) {
            sum.add(from[j]);
            if (S::kExact) sum.lo += from[period_ + j];
          });
        }
        sums[s] = sum.value();
      }
      // A first centre that no one wrote is 0.
      const bool is_0 = order_.chunks() == 0 || (kIsNarrow<T> && attempt == 0);
      const int64_t j = shape_.channels_last ? c : c * (period_ / channels_);
      Centre around = {0, 0, 1};
      if (!is_0) around = {shift_row()[j], shift_lo_row()[j], kIsNarrow<T> ? 1 : scale_row()[j]};
      Moments moments;
      flags_[c].open = job_.settle(c, sums, attempt, &around, &moments);
      if (flags_[c].open) {
        centre(c, around);
#pragma omp atomic write
        is_open_[attempt] = true;
      } else {
        finish(c, sums, moments);
      }
    }
  }

  void finish(int64_t c, const double* sums, const Moments& moments) {
    double wide[kKinds], map[kKinds];
    flags_[c].open = false;
    flags_[c].wild = job_.finish(c, sums, moments, wide, map);
    for (int kind = 0; kind < kKinds; kind++) {
      wide_[kind * channels_ + c] = wide[kind];
      spread(c, static_cast<Number>(map[kind]), map_row(kind));
    }
    wide_[kKinds * channels_ + c] = moments.scale;
    if (flags_[c].wild) {
#pragma omp atomic write
      is_wild_ = true;
    }
  }

  // ---- maps

  void map_all() {
    const int64_t elements = shape_.n * channels_ * shape_.s;
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
      map_parts(Rows(*this, from), from, head, end, to);
    } else {
      map_parts(Columns(*this, from), from, head, end, to);
    }
  }

  template <class Way>
  void map_parts(Way way, int64_t from, int64_t head, int64_t end, int64_t to) const {
    if (from < head) way.some(from, static_cast<int>(head - from));
    way.groups(head, end);
    if (end < to) way.some(end, static_cast<int>(to - end));
  }

  // Up to sixteen elements with coefficients of their own.
  JBN_OUTLINE void map_some(const EachLanes<G, kKinds>& f, int64_t at, int count,
                            const Weights& w) const {
    job_.map(f, at, count, w, plan_.streams);
  }

  // Goes over rows: one channel's coefficients for many elements.
  class Rows {
   public:
    Rows(const Passes& passes, int64_t at)
        : p_(passes), s_(passes.shape_.s), row_(at / s_), c_(row_ % p_.channels_) {
      end_ = (row_ + 1) * s_;
    }
    JBN_INLINE void groups(int64_t at, int64_t to) {
      const Job job = p_.job_;
      const bool streams = p_.plan_.streams;
      while (at < to) {
        const int64_t whole = at + (end_ - at) / kLanes * kLanes;
        const int64_t stop = whole < to ? whole : to;
        SameLanes<G, kKinds> f;
        JBN_UNROLLED
        for (int kind = 0; kind < kKinds; kind++) {
          f.of[kind] = same<typename G::Vector>(p_.map_row(kind)[c_]);
        }
        const double* const w = p_.job_.weights() ? weights(at) : nullptr;
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
      if (p_.job_.weights()) {
        for (int64_t i = 0; i < count && i < left; i++) w[i] = weights(at)[i];
      }
      if (left < count) next();
      if (p_.job_.weights()) {
        for (int64_t i = left; i < count; i++) w[i] = weights(at + left)[i - left];
      }
      p_.map_some(f, at, count, {w, 1});
    }

   private:
    const double* weights(int64_t at) const {
      return p_.job_.weights() + row_ / p_.channels_ * s_ + (at - (end_ - s_));
    }
    // The coefficients of this row and of the next.
    JBN_INLINE EachLanes<G, kKinds> joined_lanes(int64_t at) const {
      const int64_t after = c_ + 1 == p_.channels_ ? 0 : c_ + 1;
      EachLanes<G, kKinds> f;
      JBN_UNROLLED
      for (int kind = 0; kind < kKinds; kind++) {
        const Number* const row = p_.map_row(kind);
        G first, second;
        fill(first, row[c_]), fill(second, row[after]);
        f.of[kind] = joined(first, second, end_ - at);
      }
      return f;
    }
    void next() {
      row_++, end_ += s_;
      c_ = c_ + 1 == p_.channels_ ? 0 : c_ + 1;
    }

    const Passes& p_;
    const int64_t s_;
    int64_t row_, c_, end_;
  };

  // Goes over columns: neighbouring elements have coefficients of their own, which repeat.
  class Columns {
   public:
    Columns(const Passes& passes, int64_t at)
        : p_(passes), j_(at % passes.repeated_), position_(at / p_.period_), c_(at % p_.period_) {}
    JBN_INLINE void groups(int64_t at, int64_t to) {
      const Job job = p_.job_;
      const Number* const map = p_.map_;
      const int64_t row = p_.row_, repeated = p_.repeated_;
      const bool streams = p_.plan_.streams;
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
      p_.map_some(coefficients(p_.map_ + j_, p_.row_), at, count, weights(at, count, w));
      j_ += count;
      if (j_ >= p_.repeated_) j_ -= p_.repeated_;
    }

   private:
    JBN_INLINE static EachLanes<G, kKinds> coefficients(const Number* map, int64_t row) {
      EachLanes<G, kKinds> f;
      JBN_UNROLLED
      for (int kind = 0; kind < kKinds; kind++) f.of[kind] = load_as<G>(map + kind * row);
      return f;
    }
    JBN_INLINE Weights weights(int64_t at, int count, double* w) {
      if (!p_.job_.weights()) return {nullptr, 1};
      if (p_.expanded_) return {p_.expanded_ + at, 1};
      const double* const from = p_.job_.weights() + position_;
      const bool alone = c_ + count <= p_.period_;
      for (int i = 0; i < count && !alone; i++) w[i] = from[(c_ + i) / p_.period_];
      c_ += count;
      while (c_ >= p_.period_) c_ -= p_.period_, position_++;
      return {alone ? nullptr : w, *from};
    }

    const Passes& p_;
    int64_t j_, position_, c_;
  };

  // Element by element, wild channels in double.
  void map_each(int64_t from, int64_t to) const {
    for (int64_t at = from; at < to; at++) {
      int64_t n = at / (channels_ * shape_.s), s = at % shape_.s, c = at / shape_.s % channels_;
      if (shape_.channels_last) c = at % channels_, s = at / channels_ % shape_.s;
      const double w = job_.weights() ? job_.weights()[n * shape_.s + s] : 1;
      if (flags_[c].wild) {
        double f[kKinds];
        for (int kind = 0; kind < kKinds; kind++) f[kind] = wide_[kind * channels_ + c];
        job_.map_one(f, wide_[kKinds * channels_ + c], at, w);
      } else {
        const int64_t j = shape_.channels_last ? c : c * (period_ / channels_);
        Number f[kKinds];
        for (int kind = 0; kind < kKinds; kind++) f[kind] = map_row(kind)[j];
        job_.map_one(f, Number{1}, at, w);
      }
    }
  }

  const Job& job_;
  const Plan& plan_;
  const Order& order_;
  const Shape& shape_;
  const int64_t channels_, period_;
  const int64_t repeated_;  // period_, or a multiple of it that fills vectors
  const int64_t row_;       // of coefficients: what is repeated, and a group more
  const int64_t a_thread_;  // doubles of accumulators
  double* at_ = nullptr;
  double *accumulators_ = nullptr, *partials_ = nullptr, *origins_ = nullptr, *wide_ = nullptr;
  double* expanded_ = nullptr;
  Number* map_ = nullptr;
  Flags* flags_ = nullptr;
  bool is_open_[kAttempts<T>] = {}, is_wild_ = false;
};

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_PASSES_HPP
