// The way where the channels of a position are contiguous (NHWC, and any data with S = 1): the sums
// of all lanes of a slice of channels lie in memory, sixteen channels to a group; memory is read in
// order, a few rows at a time.
#ifndef JBATCHNORM_SRC_COLUMNS_HPP
#define JBATCHNORM_SRC_COLUMNS_HPP

#include "writer.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

constexpr int64_t kSlice = 256;  // channels summed together, at most
constexpr int64_t kTile = 8;     // positions of a lane that are added while its sum is in registers

// Sixteen lanes of a slice of channels: lane l of channel j is at [l * width + j], where the width
// is a whole number of groups.
class SliceSums {
 public:
  void clear(int64_t width) {
    width_ = (width + kLanes - 1) / kLanes * kLanes;
    for (int64_t i = 0; i < kLanes * width_; i++) first_[i] = second_[i] = 0;
  }
  double* first(int64_t lane) { return first_ + lane * width_; }
  double* second(int64_t lane) { return second_ + lane * width_; }

  // Leaves the sums over the lanes in lane 0.
  void fold() {
    for (int64_t half = kLanes / 2; half > 0; half /= 2) {
      for (int64_t i = 0; i < half * width_; i += kLanes) {
        fold(first_ + i, half * width_);
        fold(second_ + i, half * width_);
      }
    }
  }

 private:
  static void fold(double* sums, int64_t distance) {
    Group sum = load(sums);
    add(sum, load(sums + distance));
    store(sums, sum);
  }

  int64_t width_ = 0;
  alignas(64) double first_[kLanes * kSlice];
  alignas(64) double second_[kLanes * kSlice];
};

// Sums the positions [from, to) of one row into the slice's lanes: channels [c, c + width).
template <bool kPlain, class Job>
void sum_columns(const Job& job, int64_t row, int64_t from, int64_t to, int64_t c, int64_t width,
                 SliceSums& sums) {
  const auto in = job.inputs();
  const int64_t stride = kLanes * job.shape.c;
  for (int64_t tile = from; tile < to; tile += kLanes * kTile) {
    const int64_t end = tile + kLanes * kTile < to ? tile + kLanes * kTile : to;
    for (int64_t lane = 0; lane < kLanes && tile + lane < end; lane++) {
      const int64_t count = (end - tile - lane + kLanes - 1) / kLanes;
      const int64_t first = (row + tile + lane) * job.shape.c + c;
      for (int64_t j = 0; j < width; j += kLanes) {
        const int rest = static_cast<int>(width - j < kLanes ? width - j : kLanes);
        const auto origin = job.origins(c + j, rest);
        Group a = load(sums.first(lane) + j), b = load(sums.second(lane) + j);
        int64_t at = first + j;
        if (rest < kLanes) {
          for (int64_t i = 0; i < count; i++, at += stride) {
            job.template add<kPlain>(in, origin, at, rest, a, b);
          }
        } else {
          for (int64_t i = 0; i < count; i++, at += stride) {
            job.template add<kPlain>(in, origin, at, a, b);
          }
        }
        store(sums.first(lane) + j, a);
        store(sums.second(lane) + j, b);
      }
    }
  }
}

// Maps the positions [from, to), channels [c, c + width): several rows at a time, so that a group's
// coefficients are loaded once for all of them, or row after row where rows share lines.
template <class Job, bool kStreams>
void map_columns(const Job& job, int64_t from, int64_t to, int64_t c, int64_t width) {
  const int64_t channels = job.shape.c;
  const bool whole = channels % kLanes == 0 && width % kLanes == 0 &&
                     reinterpret_cast<uintptr_t>(job.out(0)) % 64 == 0;
  if (!whole) {
    Writer<Job, kStreams> writer(job);
    for (int64_t p = from; p < to; p++) writer.run(job.columns(c), p * channels + c, width);
    return;
  }
  for (int64_t tile = from; tile < to; tile += kTile) {
    const int64_t end = tile + kTile < to ? tile + kTile : to;
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

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_COLUMNS_HPP
