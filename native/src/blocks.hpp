// The way for rows that are long enough for lanes: each thread takes blocks of neighbouring
// channels that fit in its cache, and sums the next block while it maps this one, run by run, so
// that memory is read and written at the same time and each element is read from memory once.
#ifndef JBATCHNORM_SRC_BLOCKS_HPP
#define JBATCHNORM_SRC_BLOCKS_HPP

#include <type_traits>

#include "writer.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

constexpr int64_t kMostChannels = 64;  // of a block
constexpr int64_t kMostRows = 8;       // that a step visits

// Elements from one that is summed to the one whose line is asked for.
template <class T>
constexpr int64_t kAhead = 2048 / static_cast<int64_t>(sizeof(T));

// Adds `length` elements of one channel, element t to lane t % 16.
template <bool kPlain, class Job, class Origin>
JBN_INLINE void sum_run(const Job& job, const typename Job::Inputs& in, const Origin& origin,
                        int64_t at, int64_t length, int64_t ahead, Group& first, Group& second) {
  int64_t t = 0;
  for (; t + kLanes <= length; t += kLanes) {
    in.fetch(at + t + ahead);
    job.template add<kPlain>(in, origin, at + t, first, second);
  }
  const int rest = static_cast<int>(length - t);
  if (rest > 0) job.template add<kPlain>(in, origin, at + t, rest, first, second);
}

// Sums one channel from its first chunk to its last (sweep.hpp).
template <class Job>
void reduce_channel(const Job& job, const Order& order, int64_t c, Sum& sum, Sum& products);

template <class Job, bool kStreams>
class BlockSweep {
 public:
  BlockSweep(const Job& job, const Order& order, int64_t width)
      : job_(job),
        order_(order),
        width_(width),
        steps_((order.group + kMostRows - 1) / kMostRows),
        writers_{Out(job), Out(job), Out(job), Out(job), Out(job), Out(job), Out(job), Out(job)} {}

  // Does the channels [from, to).
  void run(int64_t from, int64_t to) {
    Block current = {from, from};
    while (current.to < to || current.from < current.to) {
      const Block next = {current.to, current.to + width_ < to ? current.to + width_ : to};
      start(next);
      step_through(current, next);
      settle(next);
      current = next;
    }
  }

 private:
  using Out = Writer<Job, kStreams>;
  using T = typename Job::Element;

  struct Block {
    int64_t from, to;
    int64_t width() const { return to - from; }
  };

  // Some rows of a chunk, and a piece of each.
  struct Rows {
    int64_t from, to, at, length;
  };

  void start(const Block& block) {
    job_.prepare(block.from, block.to);
    for (int64_t j = 0; j < block.width(); j++) {
      first_[j] = second_[j] = zeros();
      sums_[j] = products_[j] = Sum{};
    }
  }

  void step_through(const Block& current, const Block& next) {
    const int64_t wide = current.width() > next.width() ? current.width() : next.width();
    const int64_t n = job_.shape.n, s = job_.shape.s;
    for (int64_t row = 0; row < n; row += order_.group) {
      const int64_t end = row + order_.group < n ? row + order_.group : n;
      for (int64_t part = 0; part < steps_; part++) {
        const int64_t from = row + (end - row) * part / steps_;
        const int64_t to = row + (end - row) * (part + 1) / steps_;
        const bool ends = order_.segments > 1 || part + 1 == steps_;
        for (int64_t j = 0; j < wide; j++) {
          for (int64_t at = 0; at < s; at += kChunk) {
            const Rows rows = {from, to, at, at + kChunk < s ? kChunk : s - at};
            visit(current, next, j, rows);
            if (ends && j < next.width()) end_chunk(j);
          }
        }
      }
    }
  }

  void visit(const Block& current, const Block& next, int64_t j, const Rows& rows) {
    const bool maps = Job::maps(job_) && j < current.width();
    if (j >= next.width()) {
      if (maps) map_rows(current.from + j, rows);
    } else if (job_.plain(next.from + j)) {
      sum_rows<true>(current, next, j, maps, rows);
    } else {
      sum_rows<false>(current, next, j, maps, rows);
    }
  }

  int64_t offset(int64_t c, int64_t row, const Rows& rows) const {
    return (row * job_.shape.c + c) * job_.shape.s + rows.at;
  }

  void map_rows(int64_t c, const Rows& rows) {
    for (int64_t row = rows.from; row < rows.to; row++) {
      writers_[row - rows.from].run(job_.row(c), offset(c, row, rows), rows.length);
    }
  }

  // Sums pieces of rows of the next block's channel j while it maps those of this block's.
  template <bool kPlain>
  void sum_rows(const Block& current, const Block& next, int64_t j, bool maps, const Rows& rows) {
    const int64_t c = job_.shape.c, s = job_.shape.s;
    // What lies ahead: more of the block's part of the row, or of a row of the next step.
    const int64_t left = next.width() * s - j * s - rows.at;
    const int64_t skip = (rows.to - rows.from) * c * s - next.width() * s;
    const int64_t ahead = kAhead<T> + (left > kAhead<T> ? 0 : skip);
    const auto in = job_.inputs();
    const auto origin = job_.origin(next.from + j);
    Group a = first_[j], b = second_[j];
    if (maps) {
      const auto coefficients = job_.row(current.from + j);
      for (int64_t row = rows.from; row < rows.to; row++) {
        const int64_t from = offset(next.from + j, row, rows);
        const int64_t groups = writers_[row - rows.from].run(
            coefficients, offset(current.from + j, row, rows), rows.length, [&](int64_t i) {
              in.fetch(from + i * kLanes + ahead);
              job_.template add<kPlain>(in, origin, from + i * kLanes, a, b);
            });
        sum_run<kPlain>(job_, in, origin, from + groups * kLanes, rows.length - groups * kLanes,
                        ahead, a, b);
      }
    } else {
      for (int64_t row = rows.from; row < rows.to; row++) {
        const int64_t from = offset(next.from + j, row, rows);
        sum_run<kPlain>(job_, in, origin, from, rows.length, ahead, a, b);
      }
    }
    first_[j] = a;
    second_[j] = b;
  }

  void end_chunk(int64_t j) {
    sums_[j].add(fold(first_[j]));
    products_[j].add(fold(second_[j]));
    first_[j] = second_[j] = zeros();
  }

  // A channel that asks for another reduction gets it here: it is rare (channel.hpp, Retry).
  void settle(const Block& block) {
    for (int64_t j = 0; j < block.width(); j++) {
      int attempt = 0;
      while (job_.settle(block.from + j, sums_[j], products_[j], attempt++)) {
        sums_[j] = products_[j] = Sum{};
        reduce_channel(job_, order_, block.from + j, sums_[j], products_[j]);
      }
    }
  }

  const Job& job_;
  const Order& order_;
  const int64_t width_;
  const int64_t steps_;     // of a chunk's rows
  Out writers_[kMostRows];  // one for each row of a step
  Group first_[kMostChannels], second_[kMostChannels];
  Sum sums_[kMostChannels], products_[kMostChannels];
};

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_BLOCKS_HPP
