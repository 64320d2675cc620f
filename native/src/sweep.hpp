// How a job goes over memory: a reduction of two sums a channel, then a map of every element.
//
// A job says what is summed and what is mapped (forward.hpp, backward.hpp); a sweep says in which
// order memory is visited and by which thread. The order of the sums is order.hpp's, whatever the
// sweep: that is what keeps the bits.
#ifndef JBATCHNORM_SRC_SWEEP_HPP
#define JBATCHNORM_SRC_SWEEP_HPP

#include <omp.h>

#include "blocks.hpp"
#include "columns.hpp"
#include "kernel.hpp"
#include "threads.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// Partial sums of all chunks, a run of C for each: sums at [chunk][0], products at [chunk][1].
struct Partials {
  double* at;
  int64_t c;

  double* first(int64_t chunk) const { return at + 2 * chunk * c; }
  double* second(int64_t chunk) const { return at + (2 * chunk + 1) * c; }
};

struct TwoSums {
  double first, second;
};

// Sums one chunk of one channel whose rows are too short for lanes: gathers it first.
template <bool kPlain, class Job>
TwoSums reduce_gathered(const Job& job, const Chunk& chunk, int64_t c) {
  typename Job::Gathered gathered;
  for (int64_t t = chunk.from; t < chunk.to; t++) {
    const int64_t n = t / job.shape.s, s = t % job.shape.s;
    job.gather((n * job.shape.c + c) * job.shape.s + s, t - chunk.from, gathered);
  }
  Group a = zeros(), b = zeros();
  sum_run<kPlain>(job, gathered.inputs(), job.origin(c), 0, chunk.to - chunk.from, 0, a, b);
  return {fold(a), fold(b)};
}

// Sums one chunk of one channel where its positions are contiguous.
template <bool kPlain, class Job>
TwoSums reduce_rows(const Job& job, const Order& order, const Chunk& chunk, int64_t c) {
  if (job.shape.s < kLanes) return reduce_gathered<kPlain>(job, chunk, c);
  const auto in = job.inputs();
  const auto origin = job.origin(c);
  const int64_t ahead =
      order.segments > 1 ? kAhead<typename Job::Element> : job.shape.c * order.run;
  Group a = zeros(), b = zeros();
  for (int64_t row = chunk.row; row < chunk.row_end; row++) {
    const int64_t at = (row * job.shape.c + c) * order.run + chunk.from;
    sum_run<kPlain>(job, in, origin, at, chunk.to - chunk.from, ahead, a, b);
  }
  return {fold(a), fold(b)};
}

template <class Job>
TwoSums reduce_chunk(const Job& job, const Order& order, int64_t chunk, int64_t c) {
  const Chunk part = chunk_of(order, chunk);
  return job.plain(c) ? reduce_rows<true>(job, order, part, c)
                      : reduce_rows<false>(job, order, part, c);
}

// Sums one channel from its first chunk to its last.
template <class Job>
void reduce_channel(const Job& job, const Order& order, int64_t c, Sum& sum, Sum& products) {
  for (int64_t chunk = 0; chunk < order.chunks; chunk++) {
    const TwoSums sums = reduce_chunk(job, order, chunk, c);
    sum.add(sums.first);
    products.add(sums.second);
  }
}

// Each thread takes whole channels, one after the other: the way for rows too short for lanes, and
// for what the core's cache holds anyway.
template <class Job, bool kStreams>
void sweep_channels(const Job& job, const Order& order) {
  const Share share(job.shape.c);
  job.prepare(share.from, share.to);
  Writer<Job, kStreams> writer(job);
  for (int64_t c = share.from; c < share.to; c++) {
    int attempt = 0;
    Sum sum, products;
    do {
      sum = products = Sum{};
      reduce_channel(job, order, c, sum, products);
    } while (job.settle(c, sum, products, attempt++));
    for (int64_t n = 0; Job::maps(job) && n < job.shape.n; n++) {
      writer.run(job.row(c), (n * job.shape.c + c) * job.shape.s, job.shape.s);
    }
  }
}

// Sums a chunk of a slice of channels where the channels of a position are contiguous.
template <class Job>
void reduce_columns(const Job& job, const Order& order, const Partials& partials, int64_t chunk,
                    int64_t c, int64_t width) {
  SliceSums sums;
  sums.clear(width);
  bool plain = true;
  for (int64_t j = c; j < c + width; j++) plain = plain && job.plain(j);
  const bool flat = is_flat(job.shape.c) && width == job.shape.c;
  const Chunk part = chunk_of(order, chunk);
  for (int64_t row = part.row; row < part.row_end; row++) {
    const int64_t first = row * order.run;
    if (flat && plain) {
      sum_flat<true>(job, first, part.from, part.to, sums);
    } else if (flat) {
      sum_flat<false>(job, first, part.from, part.to, sums);
    } else if (plain) {
      sum_columns<true>(job, first, part.from, part.to, c, width, sums);
    } else {
      sum_columns<false>(job, first, part.from, part.to, c, width, sums);
    }
  }
  sums.fold();
  for (int64_t j = 0; j < width; j++) {
    partials.first(chunk)[c + j] = sums.first(0)[j];
    partials.second(chunk)[c + j] = sums.second(0)[j];
  }
}

// Sums every chunk of every channel into `partials`; threads share chunks and channels, each in
// the order of memory.
template <class Job>
void reduce_all(const Job& job, const Order& order, const Partials& partials, bool columns) {
  const int64_t c = job.shape.c;
  if (columns) {
    // Slices of whole groups, enough of them for every thread.
    const int64_t groups = (c + kLanes - 1) / kLanes;
    const int64_t wanted = 4 * omp_get_num_threads() / (order.chunks > 0 ? order.chunks : 1) + 1;
    const int64_t most = groups / wanted < kSlice / kLanes ? groups / wanted : kSlice / kLanes;
    const Parts slices(groups, is_flat(c) ? groups : most > 0 ? most : 1);
    const Share share(order.chunks * slices.number);
    for (int64_t task = share.from; task < share.to; task++) {
      const int64_t slice = task % slices.number;
      const int64_t from = slices.from(slice) * kLanes, to = slices.to(slice) * kLanes;
      reduce_columns(job, order, partials, task / slices.number, from, (to < c ? to : c) - from);
    }
    return;
  }
  const Share share(order.chunks * c);
  for (int64_t task = share.from; task < share.to; task++) {
    const int64_t channel = task / order.segments % c;
    const int64_t chunk = task / order.segments / c * order.segments + task % order.segments;
    const TwoSums sums = reduce_chunk(job, order, chunk, channel);
    partials.first(chunk)[channel] = sums.first;
    partials.second(chunk)[channel] = sums.second;
  }
}

// Sums the channels [c, c + width) again.
template <class Job>
void reduce_again(const Job& job, const Order& order, const Partials& partials, bool columns,
                  int64_t c, int64_t width) {
  for (int64_t chunk = 0; chunk < order.chunks; chunk++) {
    if (columns) {
      reduce_columns(job, order, partials, chunk, c, width);
      continue;
    }
    for (int64_t j = c; j < c + width; j++) {
      const TwoSums sums = reduce_chunk(job, order, chunk, j);
      partials.first(chunk)[j] = sums.first;
      partials.second(chunk)[j] = sums.second;
    }
  }
}

// Adds up the chunks of the thread's channels. A channel that asks for another reduction gets it
// here, by one thread: it is rare (channel.hpp, Retry). In columns its neighbours, whose lines are
// read anyway, are summed again with it.
template <class Job>
void settle_all(const Job& job, const Order& order, const Partials& partials, bool columns) {
  const int64_t unit = columns ? kLanes : 1;
  const Share share((job.shape.c + unit - 1) / unit);
  for (int64_t group = share.from; group < share.to; group++) {
    const int64_t first = group * unit;
    const int64_t width = first + unit < job.shape.c ? unit : job.shape.c - first;
    unsigned open = (1u << width) - 1;  // the channels that are not settled yet
    for (int attempt = 0; open != 0; attempt++) {
      if (attempt > 0) reduce_again(job, order, partials, columns, first, width);
      for (int64_t j = 0; j < width; j++) {
        if ((open >> j & 1) == 0) continue;
        const int64_t c = first + j;
        Sum sum, products;
        for (int64_t chunk = 0; chunk < order.chunks; chunk++) {
          sum.add(partials.first(chunk)[c]);
          products.add(partials.second(chunk)[c]);
        }
        if (!job.settle(c, sum, products, attempt)) open &= ~(1u << j);
      }
    }
  }
}

// Maps every element; threads share rows and, where those are few, parts of rows. `again`: the
// thread has just summed about the same elements, and goes over them from the last to the first,
// since what was read last is still in the caches.
template <class Job, bool kStreams>
void map_all(const Job& job, bool columns, bool again) {
  const Shape& shape = job.shape;
  if (columns && is_flat(shape.c)) {
    const Parts tiles(shape.n * shape.s, 4 * kChunk);
    const Share share(tiles.number);
    for (int64_t i = share.from; i < share.to; i++) {
      const int64_t tile = again ? share.from + share.to - 1 - i : i;
      map_flat<Job, kStreams>(job, tiles.from(tile), tiles.to(tile));
    }
    return;
  }
  if (columns) {
    const Parts tiles(shape.n * shape.s, 4 * kTile);
    const Parts slices((shape.c + kLanes - 1) / kLanes, 1024 / kLanes);
    const Share share(tiles.number * slices.number);
    for (int64_t i = share.from; i < share.to; i++) {
      const int64_t task = again ? share.from + share.to - 1 - i : i;
      const int64_t tile = task / slices.number, slice = task % slices.number;
      const int64_t from = slices.from(slice) * kLanes, to = slices.to(slice) * kLanes;
      map_columns<Job, kStreams>(job, tiles.from(tile), tiles.to(tile), from,
                                 (to < shape.c ? to : shape.c) - from);
    }
    return;
  }
  // Parts of rows: of whole aligned groups, where the row is.
  const Parts parts((shape.s + kLanes - 1) / kLanes, 4 * kChunk / kLanes);
  const Share share(shape.n * shape.c * parts.number);
  const bool backwards = again && shape.s % kLanes == 0;  // else runs share groups
  const int64_t step = backwards ? -1 : 1;
  Writer<Job, kStreams> writer(job);
  if (share.from >= share.to) return;
  const int64_t task = backwards ? share.to - 1 : share.from;
  int64_t row = task / parts.number, part = task % parts.number, c = row % shape.c;
  for (int64_t left = share.to - share.from; left > 0; left--) {
    const int64_t from = parts.from(part) * kLanes, to = parts.to(part) * kLanes;
    writer.run(job.row(c), row * shape.s + from, (to < shape.s ? to : shape.s) - from);
    part += step;
    if (part >= 0 && part < parts.number) continue;
    part = backwards ? parts.number - 1 : 0;
    row += step;
    c += step;
    if (c == shape.c) c = 0;
    if (c < 0) c = shape.c - 1;
  }
}

// All threads sum, then all settle, then all map: for channels past the cache, and for columns.
template <class Job, bool kStreams>
void sweep_passes(const Job& job, const Order& order, const Partials& partials, bool columns) {
  const Share share(job.shape.c);
  job.prepare(share.from, share.to);
#pragma omp barrier
  reduce_all(job, order, partials, columns);
#pragma omp barrier
  settle_all(job, order, partials, columns);
#pragma omp barrier
  if (Job::maps(job)) map_all<Job, kStreams>(job, columns, true);
}

inline bool is_columns(const Shape& shape) { return shape.channels_last || shape.s == 1; }

// True where inputs and output together are past the shared cache: the lines written would push
// out others and come back from memory no sooner.
inline bool streams_pay(const Shape& shape, int64_t in_bytes, int64_t out_bytes,
                        const Resources& resources) {
  return kHasStreams &&
         shape.n * shape.c * shape.s * (in_bytes + out_bytes) > resources.shared_cache;
}

// The channels of a block: this and the next block of inputs stay in the core's cache together.
// 0 where not even one channel's share of the shared cache holds it.
inline int64_t block_width(const Shape& shape, int64_t in_bytes, const Resources& resources) {
  const int64_t channel = shape.n * shape.s * in_bytes;
  const int64_t width = channel == 0 ? kMostChannels : resources.core_cache * 2 / 5 / channel;
  if (width > 0) return width < kMostChannels ? width : kMostChannels;
  return 4 * channel * resources.threads <= resources.shared_cache ? 1 : 0;
}

template <class Job, bool kStreams>
void sweep(const Job& job, double* partial_memory, const Resources& resources) {
  const Shape& shape = job.shape;
  const Order order = order_of(shape.n, shape.s);
  const bool columns = is_columns(shape);
  const int64_t width = block_width(shape, Job::kBytes, resources);
  const bool small = shape.n * shape.c * shape.s * Job::kBytes * 2 < resources.core_cache;
  const bool by_channel =
      !columns && width > 0 && (resources.threads == 1 || shape.c >= 4 * resources.threads);
  on_threads(resources.threads, [&] {
    if (!by_channel) {
      sweep_passes<Job, kStreams>(job, order, Partials{partial_memory, shape.c}, columns);
    } else if (shape.s < kLanes || small) {
      sweep_channels<Job, kStreams>(job, order);
    } else {
      const Share share(shape.c);
      BlockSweep<Job, kStreams>(job, order, width).run(share.from, share.to);
    }
  });
}

template <class Job>
void sweep(const Job& job, double* partial_memory, const Resources& resources) {
  if (streams_pay(job.shape, Job::kBytes, sizeof(typename Job::Element), resources)) {
    sweep<Job, true>(job, partial_memory, resources);
  } else {
    sweep<Job, false>(job, partial_memory, resources);
  }
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_SWEEP_HPP
