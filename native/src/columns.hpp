// The way where the channels of a position are contiguous (NHWC, and any data with S = 1): the sums
// of all lanes of a slice of channels lie in memory, sixteen channels to a group; memory is read in
// order, a few rows at a time.
#ifndef JBATCHNORM_SRC_COLUMNS_HPP
#define JBATCHNORM_SRC_COLUMNS_HPP

#include "writer.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

constexpr int64_t kSlice = 512;  // channels summed together, at most
constexpr int64_t kDepth = 8;    // positions of a lane added while its sum is in registers, at most
constexpr int64_t kTile = 8;     // rows that are mapped together, at most

constexpr int64_t kRowChannels = 512;  // whose coefficients the first cache holds

// Fewer channels than this that do not fill groups are taken as they lie, positions and channels
// mixed: the lanes of sixteen positions are a whole number of groups.
constexpr int64_t kFlatChannels = 64;

inline bool is_flat(int64_t channels) { return channels < kFlatChannels && channels % kLanes != 0; }

// Sixteen lanes of a slice of channels: lane l of channel j is at [l * width + j].
class SliceSums {
 public:
  void clear(int64_t width) {
    width_ = width;
    for (int64_t i = 0; i < kLanes * width_; i++) first_[i] = second_[i] = 0;
  }
  double* first(int64_t lane) { return first_ + lane * width_; }
  double* second(int64_t lane) { return second_ + lane * width_; }

  // Leaves the sums over the lanes in lane 0.
  void fold() {
    for (int64_t half = kLanes / 2; half > 0; half /= 2) {
      const int64_t length = half * width_;
#pragma omp simd
      for (int64_t i = 0; i < length; i++) first_[i] += first_[i + length];
#pragma omp simd
      for (int64_t i = 0; i < length; i++) second_[i] += second_[i + length];
    }
  }

 private:
  int64_t width_ = 0;
  alignas(64) double first_[kLanes * kSlice];
  alignas(64) double second_[kLanes * kSlice];
};

// Adds up to `count` <= 16 elements at `at`, and as many every `stride` from there, `times` times.
template <bool kPlain, class Job, class Origin>
JBN_INLINE void add_column(const Job& job, const typename Job::Inputs& in, const Origin& origin,
                           int64_t at, int count, int64_t stride, int64_t times, double* first,
                           double* second) {
  Group a = load(first), b = load(second);
  if (count < kLanes) {
    for (int64_t i = 0; i < times; i++, at += stride) {
      job.template add<kPlain>(in, origin, at, count, a, b);
    }
    store(first, a, count);
    store(second, b, count);
    return;
  }
  for (int64_t i = 0; i < times; i++, at += stride) {
    job.template add<kPlain>(in, origin, at, a, b);
  }
  store(first, a);
  store(second, b);
}

// Sums the positions [from, to) of one row into the slice's lanes: channels [c, c + width).
template <bool kPlain, class Job>
void sum_columns(const Job& job, int64_t row, int64_t from, int64_t to, int64_t c, int64_t width,
                 SliceSums& sums) {
  constexpr int64_t kTimes = kDepth * sizeof(typename Job::Element) / Job::kBytes;
  const auto in = job.inputs();
  const auto origins = job.origins();
  for (int64_t tile = from; tile < to; tile += kLanes * kTimes) {
    const int64_t end = tile + kLanes * kTimes < to ? tile + kLanes * kTimes : to;
    for (int64_t lane = 0; lane < kLanes && tile + lane < end; lane++) {
      const int64_t times = (end - tile - lane + kLanes - 1) / kLanes;
      const int64_t at = (row + tile + lane) * job.shape.c + c;
      for (int64_t j = 0; j < width; j += kLanes) {
        const int count = static_cast<int>(width - j < kLanes ? width - j : kLanes);
        add_column<kPlain>(job, in, origins.lanes(c + j, count), at + j, count,
                           kLanes * job.shape.c, times, sums.first(lane) + j,
                           sums.second(lane) + j);
      }
    }
  }
}

// As sum_columns, for all channels where they are few: sixteen positions are one run of elements,
// laid out as the sums are.
template <bool kPlain, class Job>
void sum_flat(const Job& job, int64_t row, int64_t from, int64_t to, SliceSums& sums) {
  constexpr int64_t kTimes = kDepth * sizeof(typename Job::Element) / Job::kBytes;
  const int64_t channels = job.shape.c, period = kLanes * channels;
  alignas(64) double repeated[Job::kCoefficients * kLanes * kFlatChannels];
  auto origins = job.origins();
  if (!kPlain) origins = origins.repeated(repeated, channels, kLanes);
  const auto in = job.inputs();
  for (int64_t tile = from; tile < to;) {
    const int64_t whole = (to - tile) / kLanes;
    const int64_t times = whole == 0 ? 1 : whole < kTimes ? whole : kTimes;
    const int64_t length = whole == 0 ? (to - tile) * channels : period;
    for (int64_t k = 0; k < length; k += kLanes) {
      const int count = static_cast<int>(length - k < kLanes ? length - k : kLanes);
      add_column<kPlain>(job, in, origins.lanes(k, count), (row + tile) * channels + k, count,
                         period, times, sums.first(0) + k, sums.second(0) + k);
    }
    tile += whole == 0 ? to - tile : times * kLanes;
  }
}

// Maps the positions [from, to), channels [c, c + width). Where the coefficients are past the first
// cache it takes several rows at a time, so that a group's are loaded once for all of them.
template <class Job, bool kStreams>
void map_columns(const Job& job, int64_t from, int64_t to, int64_t c, int64_t width) {
  using T = typename Job::Element;
  const int64_t channels = job.shape.c;
  const bool whole = channels % kLanes == 0 && width % kLanes == 0 &&
                     reinterpret_cast<uintptr_t>(job.out(0)) % (kLanes * sizeof(T)) == 0;
  if (!whole) {
    Writer<Job, kStreams> writer(job);
    for (int64_t p = from; p < to; p++) writer.run(job.columns(c), p * channels + c, width);
    return;
  }
  const int64_t rows =
      channels <= kRowChannels && !kIsHalf<T> ? 1 : kTile * sizeof(T) / Job::kBytes;
  for (int64_t tile = from; tile < to; tile += rows) {
    const int64_t end = tile + rows < to ? tile + rows : to;
    auto columns = job.columns(c);
    for (int64_t j = 0; j < width; j += kLanes, columns.advance(kLanes)) {
      const auto lanes = columns.lanes();
      for (int64_t p = tile; p < end; p++) {
        const int64_t at = p * channels + c + j;
        if (kStreams) {
          stream(job.out(at), job.map(lanes, at));
        } else {
          store(job.out(at), job.map(lanes, at));
        }
      }
    }
  }
  if (kStreams) stream_fence();
}

// As map_columns, for all channels where they are few: runs of many positions, with coefficients
// that repeat.
template <class Job, bool kStreams>
void map_flat(const Job& job, int64_t from, int64_t to) {
  const int64_t channels = job.shape.c;
  const int64_t most = kLanes * (kFlatChannels / channels);
  const int64_t positions = to - from < most ? to - from : most;
  alignas(64) double memory[Job::kCoefficients * kLanes * kFlatChannels];
  const auto columns = job.columns(0).repeated(memory, channels, positions);
  Writer<Job, kStreams> writer(job);
  for (int64_t p = from; p < to; p += positions) {
    const int64_t end = p + positions < to ? p + positions : to;
    writer.run(columns, p * channels, (end - p) * channels);
  }
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_COLUMNS_HPP
