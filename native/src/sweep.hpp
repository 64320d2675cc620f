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
#include "float_environment.hpp"
#include "kernel.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// Partial sums of all chunks, a run of C for each: sums at [chunk][0], products at [chunk][1].
struct Partials {
  double* at;
  int64_t c;

  double* first(int64_t chunk) const { return at + 2 * chunk * c; }
  double* second(int64_t chunk) const { return at + (2 * chunk + 1) * c; }
};

// This thread's share [from, to) of `count` tasks.
struct Share {
  int64_t from, to;

  explicit Share(int64_t count, int64_t unit = 1) {
    const int64_t thread = omp_get_thread_num(), threads = omp_get_num_threads();
    const int64_t units = (count + unit - 1) / unit;
    from = units * thread / threads * unit;
    to = units * (thread + 1) / threads * unit;
    if (to > count) to = count;
  }
};

// Runs `body` on `threads` threads, each with the floating-point environment of the contract.
template <class Body>
inline void on_threads(int threads, const Body& body) {
  if (threads <= 1) {
    const FloatEnvironment environment;
    body();
    return;
  }
#pragma omp parallel num_threads(threads)
  {
    const FloatEnvironment environment;
    body();
  }
}

// Sums one chunk of one channel where its positions are contiguous.
template <class Job>
inline void reduce_rows(const Job& job, const Order& order, int64_t chunk, int64_t c, Lanes& a,
                        Lanes& b) {
  a = Lanes{};
  b = Lanes{};
  const Chunk part = chunk_of(order, chunk);
  for (int64_t row = part.row; row < part.row_end; row++) {
    job.add(c, (row * job.shape.c + c) * order.run + part.from, part.to - part.from, order.run, a,
            b);
  }
}

// Sums one chunk of one channel whose rows are too short for lanes: gathers it first.
template <class Job>
inline void reduce_gathered(const Job& job, const Order& order, int64_t chunk, int64_t c, Lanes& a,
                            Lanes& b) {
  a = Lanes{};
  b = Lanes{};
  const Chunk part = chunk_of(order, chunk);
  typename Job::Gathered gathered;
  for (int64_t t = part.from; t < part.to; t++) {
    const int64_t n = t / job.shape.s, s = t % job.shape.s;
    job.gather((n * job.shape.c + c) * job.shape.s + s, t - part.from, gathered);
  }
  job.add(c, gathered, part.to - part.from, a, b);
}

template <class Job>
inline void reduce_chunk(const Job& job, const Order& order, int64_t chunk, int64_t c, Lanes& a,
                         Lanes& b) {
  if (job.shape.s < kLanes) {
    reduce_gathered(job, order, chunk, c, a, b);
  } else {
    reduce_rows(job, order, chunk, c, a, b);
  }
}

// Sums one channel from its first chunk to its last.
template <class Job>
void reduce_channel(const Job& job, const Order& order, int64_t c, Sum& sum, Sum& products) {
  Lanes a, b;
  for (int64_t chunk = 0; chunk < order.chunks; chunk++) {
    reduce_chunk(job, order, chunk, c, a, b);
    sum.add(fold(a));
    products.add(fold(b));
  }
}

// Each thread takes whole channels: the way for rows too short for lanes.
template <class Job>
void sweep_channels(const Job& job, const Order& order, bool streams) {
  const Share share(job.shape.c);
  job.prepare(share.from, share.to);
  Writer<Job> writer(job, streams);
  for (int64_t c = share.from; c < share.to; c++) {
    Sum sum, products;
    reduce_channel(job, order, c, sum, products);
    if (job.settle(c, sum, products)) {
      sum = products = Sum{};
      reduce_channel(job, order, c, sum, products);
      job.settle(c, sum, products);
    }
    for (int64_t n = 0; Job::maps(job) && n < job.shape.n; n++) {
      writer.run(c, (n * job.shape.c + c) * job.shape.s, job.shape.s);
    }
  }
}

// Sums a chunk of a block of channels where the channels of a position are contiguous.
template <class Job>
inline void reduce_columns(const Job& job, const Order& order, const Partials& partials,
                           int64_t chunk, int64_t c, int width) {
  BlockLanes a, b;
  a.clear();
  b.clear();
  const Chunk part = chunk_of(order, chunk);
  for (int64_t row = part.row; row < part.row_end; row++) {
    for (int64_t l = 0; l < kLanes && part.from + l < part.to; l++) {
      const int64_t position = row * order.run + part.from + l;
      const int64_t count = (part.to - part.from - l + kLanes - 1) / kLanes;
      job.add(c, width, position * job.shape.c + c, count, kLanes * job.shape.c, a.v[l], b.v[l]);
    }
  }
  a.fold();
  b.fold();
  for (int j = 0; j < width; j++) {
    partials.first(chunk)[c + j] = a.v[0][j];
    partials.second(chunk)[c + j] = b.v[0][j];
  }
}

// Sums every chunk of every channel into `partials`; threads share chunks and channels.
template <class Job>
void reduce_all(const Job& job, const Order& order, const Partials& partials, bool columns) {
  const int64_t c = job.shape.c;
  if (columns) {
    const int64_t blocks = (c + kBlock - 1) / kBlock;
    const Share share(order.chunks * blocks);
    for (int64_t task = share.from; task < share.to; task++) {
      const int64_t first = task % blocks * kBlock;
      const int width = static_cast<int>(c - first < kBlock ? c - first : kBlock);
      reduce_columns(job, order, partials, task / blocks, first, width);
    }
    return;
  }
  Lanes a, b;
  const Share share(order.chunks * c);
  for (int64_t task = share.from; task < share.to; task++) {
    reduce_chunk(job, order, task / c, task % c, a, b);
    partials.first(task / c)[task % c] = fold(a);
    partials.second(task / c)[task % c] = fold(b);
  }
}

template <class Job>
inline bool settle_channel(const Job& job, const Order& order, const Partials& partials,
                           int64_t c) {
  Sum sum, products;
  for (int64_t chunk = 0; chunk < order.chunks; chunk++) {
    sum.add(partials.first(chunk)[c]);
    products.add(partials.second(chunk)[c]);
  }
  return job.settle(c, sum, products);
}

// Adds up the chunks of the thread's channels. A channel that asks for another reduction gets it
// here, by one thread: it is rare (channel.hpp, Retry).
template <class Job>
void settle_all(const Job& job, const Order& order, const Partials& partials, bool columns) {
  const Share share(job.shape.c);
  for (int64_t c = share.from; c < share.to; c++) {
    if (!settle_channel(job, order, partials, c)) continue;
    for (int64_t chunk = 0; chunk < order.chunks; chunk++) {
      if (columns) {
        reduce_columns(job, order, partials, chunk, c, 1);
      } else {
        Lanes a, b;
        reduce_chunk(job, order, chunk, c, a, b);
        partials.first(chunk)[c] = fold(a);
        partials.second(chunk)[c] = fold(b);
      }
    }
    settle_channel(job, order, partials, c);
  }
}

// Maps every element; threads share rows and, where those are few, parts of rows.
template <class Job>
void map_all(const Job& job, bool columns, bool streams) {
  Writer<Job> writer(job, streams);
  const Shape& shape = job.shape;
  const int64_t unit = 16;  // elements: no two threads write one cache line of aligned memory
  const Share share(shape.n * shape.c * shape.s, unit);
  const int64_t run = columns ? shape.c : shape.s;
  for (int64_t at = share.from; at < share.to;) {
    const int64_t within = at % run;
    const int64_t length = run - within < share.to - at ? run - within : share.to - at;
    if (columns) {
      writer.columns(within, at, length);
    } else {
      writer.run(at / run % shape.c, at, length);
    }
    at += length;
  }
}

// All threads sum, then all settle, then all map: for channels past the cache, and for columns.
template <class Job>
void sweep_passes(const Job& job, const Order& order, const Partials& partials, bool columns,
                  bool streams) {
  const Share share(job.shape.c);
  job.prepare(share.from, share.to);
#pragma omp barrier
  reduce_all(job, order, partials, columns);
#pragma omp barrier
  settle_all(job, order, partials, columns);
#pragma omp barrier
  if (Job::maps(job)) map_all(job, columns, streams);
}

inline bool is_columns(const Shape& shape) { return shape.channels_last || shape.s == 1; }

// True where inputs and output together are past the shared cache: the lines written would push
// out others and come back from memory no sooner.
inline bool streams_pay(const Shape& shape, int64_t in_bytes, int64_t out_bytes,
                        const Resources& resources) {
  return shape.n * shape.c * shape.s * (in_bytes + out_bytes) > resources.shared_cache;
}

// The channels of a block: this and the next block of inputs stay in the core's cache together.
// 0 where not even one channel's share of the shared cache holds it.
inline int64_t block_width(const Shape& shape, int64_t in_bytes, const Resources& resources) {
  const int64_t channel = shape.n * shape.s * in_bytes;
  const int64_t width = channel == 0 ? kMostChannels : resources.core_cache * 2 / 5 / channel;
  if (width > 0) return width < kMostChannels ? width : kMostChannels;
  return 4 * channel * resources.threads <= resources.shared_cache ? 1 : 0;
}

template <class Job>
void sweep(const Job& job, double* partial_memory, const Resources& resources) {
  const Shape& shape = job.shape;
  const Order order = order_of(shape.n, shape.s);
  const bool columns = is_columns(shape);
  const bool streams = streams_pay(shape, Job::kBytes, sizeof(typename Job::Element), resources);
  const int64_t width = block_width(shape, Job::kBytes, resources);
  const bool by_channel = !columns && width > 0 && shape.c >= 4 * resources.threads;
  on_threads(resources.threads, [&] {
    if (!by_channel) {
      sweep_passes(job, order, Partials{partial_memory, shape.c}, columns, streams);
    } else if (shape.s < kLanes) {
      sweep_channels(job, order, streams);
    } else {
      const Share share(shape.c);
      BlockSweep<Job>(job, order, width, streams).run(share.from, share.to);
    }
  });
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_SWEEP_HPP
