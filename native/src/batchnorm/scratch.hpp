// What the threads of a call share: their sums, and the coefficients of each channel, written
// wherever the channel stands in arrays that are as wide as memory is.
#ifndef JBATCHNORM_SRC_SCRATCH_HPP
#define JBATCHNORM_SRC_SCRATCH_HPP

#include <cstdlib>

#include "batchnorm/channel.hpp"
#include "batchnorm/sums.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

constexpr int64_t kFewSums = 64;  // so few side by side are repeated, to fill vectors

// Of a channel: its sums are to be taken again; it is mapped in double.
struct Flags {
  bool open, wild;
};

// Rows [row, row_end) and positions [from, to) of a chunk; sums [sum, sum_end) of the period.
struct Task {
  int64_t row, row_end, from, to;
  int64_t sum, sum_end;
};

// Narrow elements are centred only where their first sums were poor: rare, and in little code.
template <class Job, bool kCentred>
constexpr bool kIsRare = kCentred&& kIsNarrow<typename Job::Element>;

template <class Lanes>
JBN_INLINE void fill(Lanes& lanes, typename Lanes::Element value) {
  JBN_EACH_VECTOR
  for (int i = 0; i < Lanes::kCount; i++) lanes.v[i] = same<typename Lanes::Vector>(value);
}

// Adds the sums of neighbours [j, end) of some block, or segment, to those of another.
template <class Job>
JBN_OUTLINE void add_sums(const double* from, int64_t period, int64_t j, int64_t end, double* to) {
  using S = SumsOf<Job>;
  for (int s = 0; s < S::kSums; s++) {
    const int64_t at = s * S::kParts * period, error = at + (S::kExact ? period : 0);
    for (int64_t i = j; i < end; i++) {
      SumOf<double, S::kExact> sum = sum_at<S::kExact>(to + at + i, to + error + i);
      sum.add(sum_at<S::kExact>(from + at + i, from + error + i));
      put_sum(sum, to + at + i, to + error + i);
    }
  }
}

// Sum s of channel c, of all neighbours that make it up, from rows that are added up.
template <class Job>
inline double channel_sum(const double* rows, const Shape& shape, int64_t period, int s,
                          int64_t c) {
  using S = SumsOf<Job>;
  const int64_t each = period / shape.c, step = shape.channels_last ? shape.c : 1;
  const double* hi = rows + s * S::kParts * period + (shape.channels_last ? c : c * each);
  SumOf<double, S::kExact> sum = {};
  for (int64_t i = 0; i < each; i++, hi += step) {
    sum.add(sum_at<S::kExact>(hi, hi + (S::kExact ? period : 0)));
  }
  return sum.value();
}

template <class Job>
struct Scratch {
  using T = typename Job::Element;
  using S = SumsOf<Job>;
  using Number = typename Job::Number;
  static constexpr int kKinds = Job::kKinds;

  const Job& job;
  const Plan& plan;
  const Order& order;
  const Shape& shape;
  const int64_t channels, period;
  const int64_t repeated;  // period, or a multiple of it that fills vectors
  const int64_t row;       // of coefficients: what is repeated, and a group more
  const int64_t a_thread;  // doubles of accumulators

  double *accumulators = nullptr, *partials = nullptr, *origins = nullptr, *wide = nullptr;
  double* expanded = nullptr;  // weights of N*S positions for memory whose rows are short; or null
  Number* map = nullptr;
  Flags* flags = nullptr;

  Scratch(const Job& of, const Plan& by)
      : job(of),
        plan(by),
        order(by.order),
        shape(of.shape),
        channels(shape.c),
        period(by.period),
        repeated(by.rows || period >= kFewSums ? period : period * kLanes),
        row(rounded(repeated + kLanes)),
        a_thread(of.has_sums ? S::kAccumulators * kOctet * rounded(period / by.slices + 2 * kLanes)
                             : 0) {
    const int64_t sums = S::kAccumulators * period, weights = expands() ? shape.n * period : 0;
    const int64_t doubles = plan.threads * a_thread + order.chunks() * sums + (3 + kKinds) * row +
                            (kKinds + 1) * channels + channels + weights + 16 * kOctet;
    memory_ = static_cast<char*>(std::malloc(static_cast<size_t>(doubles) * 8));
    if (!memory_) return;
    at_ = reinterpret_cast<double*>((reinterpret_cast<uintptr_t>(memory_) + 63) / 64 * 64);
    accumulators = take(plan.threads * a_thread);
    partials = take(order.chunks() * sums);
    origins = take(3 * row);
    map = reinterpret_cast<Number*>(take(kKinds * row));
    wide = take((kKinds + 1) * channels);
    flags = reinterpret_cast<Flags*>(take(channels));
    if (expands()) expanded = take(weights);
  }
  ~Scratch() { std::free(memory_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  bool has_memory() const { return memory_ != nullptr; }

  static int64_t rounded(int64_t count) { return (count + kLanes - 1) / kLanes * kLanes; }

  bool expands() const { return job.weights() && !plan.rows && period != channels; }

  // Channel c's sums are `count` of the period: this one, and the next ones so far apart.
  int64_t first_of(int64_t c) const { return shape.channels_last ? c : c * (period / channels); }
  int64_t channel_of(int64_t j) const {
    return shape.channels_last ? j % channels : j / (period / channels);
  }
  // Calls body(j) for each of the sums that make up channel c.
  template <class Body>
  void each_sum(int64_t c, const Body& body) const {
    const int64_t count = period / channels, step = shape.channels_last ? channels : 1;
    for (int64_t s = 0; s < count; s++) body(first_of(c) + s * step);
  }
  // Writes a channel's value wherever it stands.
  template <class E>
  void spread(int64_t c, E value, E* to) const {
    each_sum(c, [&](int64_t j) {
      for (int64_t i = j; i < repeated + kLanes; i += period) to[i] = value;
    });
  }
  double* shift_row() const { return origins; }
  double* shift_lo_row() const { return origins + row; }
  double* scale_row() const { return origins + 2 * row; }
  Number* map_row(int kind) const { return map + kind * row; }

  void centre(int64_t c, const Centre& centre) const {
    spread(c, centre.shift, shift_row());
    spread(c, centre.shift_lo, shift_lo_row());
    if (!kIsNarrow<T>) spread(c, centre.scale, scale_row());
  }
  Centre centre_of(int64_t c) const {
    const int64_t j = first_of(c);
    return {shift_row()[j], shift_lo_row()[j], kIsNarrow<T> ? 1 : scale_row()[j]};
  }

  Task task_of(int64_t index) const {
    const int64_t from = index % order.segments * order.segment;
    const int64_t slice = index / order.segments % plan.slices;
    const int64_t row_block = index / order.segments / plan.slices;
    const int64_t unit = plan.rows || plan.slices == 1 ? 1 : kLanes;
    const int64_t units = (period + unit - 1) / unit;
    const int64_t to = from + order.segment, end = units * (slice + 1) / plan.slices * unit;
    const int64_t first = row_block * order.block, last = first + order.block;
    return {first,
            last < order.rows ? last : order.rows,
            from,
            to < order.run ? to : order.run,
            units * slice / plan.slices * unit,
            end < period ? end : period};
  }
  // Where the sums of a task's chunk go.
  double* partial(int64_t index) const {
    const int64_t row_block = index / order.segments / plan.slices,
                  segment = index % order.segments;
    return partial_row(row_block * order.segments + segment);
  }
  double* partial_row(int64_t chunk) const { return partials + chunk * S::kAccumulators * period; }

  // Adds up, in place, the parts of each block, of some channels: the first one has the sums of all.
  void add_parts(int64_t channel, int64_t channel_end) const {
    for (int64_t block = 0; block < order.blocks() && order.parts > 1; block++) {
      add_tree(block * order.parts, 1, order.parts, channel, channel_end);
    }
  }
  // The same of `count` blocks.
  void add_blocks(int64_t block, int64_t count, int64_t channel, int64_t channel_end) const {
    add_tree(block * order.parts, order.parts, count, channel, channel_end);
  }
  // Sum s of channel c, added up.
  double total(int s, int64_t c) const { return channel_sum<Job>(partials, shape, period, s, c); }

  // Maps up to sixteen elements with coefficients of their own.
  JBN_OUTLINE void map_some(const EachLanes<MapGroup<T>, kKinds>& f, int64_t at, int count,
                            const Weights& w) const {
    job.map(f, at, count, w, plan.streams);
  }

  // What sum j and its neighbours are taken around.
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

 private:
  // Of `count` chunks, from the first one on, each so far from the last.
  JBN_OUTLINE void add_tree(int64_t first, int64_t step, int64_t count, int64_t channel,
                            int64_t channel_end) const {
    if (count < 2) return;
    const int64_t each = period / channels;
    for (int64_t half = 1; half < count; half *= 2) {
      for (int64_t i = 0; i + half < count; i += 2 * half) {
        double* const to = partial_row(first + i * step);
        const double* const from = partial_row(first + (i + half) * step);
        if (!shape.channels_last) {
          add_sums<Job>(from, period, channel * each, channel_end * each, to);
          continue;
        }
        for (int64_t j = 0; j < period; j += channels) {
          add_sums<Job>(from, period, j + channel, j + channel_end, to);
        }
      }
    }
  }
  double* take(int64_t doubles) {
    double* const taken = at_;
    at_ += (doubles + kOctet - 1) / kOctet * kOctet;
    return taken;
  }

  char* memory_;
  double* at_ = nullptr;
};

// The sums of a chunk of as many neighbours as V has elements, or of the first `count`, from the
// lanes of their accumulators, each so far from the last.
template <class Job, class V>
JBN_INLINE void fold(const double* sums, int64_t accumulator, int64_t lane, int count,
                     int64_t period, double* to) {
  using S = SumsOf<Job>;
  const size_t bytes = sizeof(double) * static_cast<size_t>(count);
  for (int s = 0; s < S::kSums; s++, to += S::kParts * period) {
    const double* const from = sums + s * S::kParts * accumulator;
    V hi[kOctet], lo = same<V>(0.0);
    for (int l = 0; l < kOctet; l++) std::memcpy(&hi[l], from + l * lane, sizeof(V));
    if (S::kExact) {
      V sum = same<V>(0.0);
      for (int l = 0; l < kOctet; l++) {
        V error;
        std::memcpy(&error, from + accumulator + l * lane, sizeof error);
        add_exactly(hi[l], sum, lo);
        lo += error;
      }
      hi[0] = sum;
      std::memcpy(to + period, &lo, bytes);
    }
    for (int half = S::kExact ? 0 : kOctet / 2; half > 0; half /= 2) {
      for (int l = 0; l < half; l++) hi[l] += hi[l + half];
    }
    std::memcpy(to, &hi[0], bytes);
  }
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_SCRATCH_HPP
