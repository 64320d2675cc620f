// The way for rows that are long enough for lanes: each thread takes blocks of neighbouring
// channels that fit in its cache, and sums the next block while it maps this one, run by run, so
// that memory is read and written at the same time and each element is read from memory once.
#ifndef JBATCHNORM_SRC_BLOCKS_HPP
#define JBATCHNORM_SRC_BLOCKS_HPP

#include "lanes.hpp"
#include "writer.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

constexpr int64_t kMostChannels = 64;  // of a block

// Sums one channel from its first chunk to its last (sweep.hpp).
template <class Job>
void reduce_channel(const Job& job, const Order& order, int64_t c, Sum& sum, Sum& products);

template <class Job>
class BlockSweep {
 public:
  BlockSweep(const Job& job, const Order& order, int64_t width, bool streams)
      : job_(job), order_(order), width_(width), writer_(job, streams) {}

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
  struct Block {
    int64_t from, to;
    int64_t width() const { return to - from; }
  };

  void start(const Block& block) {
    job_.prepare(block.from, block.to);
    for (int64_t j = 0; j < block.width(); j++) {
      first_[j] = second_[j] = Lanes{};
      sums_[j] = products_[j] = Sum{};
    }
  }

  void step_through(const Block& current, const Block& next) {
    const int64_t wide = current.width() > next.width() ? current.width() : next.width();
    const int64_t n = job_.shape.n, c = job_.shape.c, s = job_.shape.s;
    // What is summed a step later: the next piece of the row, or the next row's.
    const int64_t ahead = s > kChunk ? 512 : c * s;
    for (int64_t row = 0; row < n; row++) {
      const bool ends = (row + 1) % order_.group == 0 || row + 1 == n;
      for (int64_t j = 0; j < wide; j++) {
        const bool sums = j < next.width();
        const bool maps = Job::maps(job_) && j < current.width();
        for (int64_t at = 0; at < s; at += kChunk) {
          const int64_t length = at + kChunk < s ? kChunk : s - at;
          const int64_t from = (row * c + next.from + j) * s + at;
          const int64_t onto = (row * c + current.from + j) * s + at;
          if (sums && maps && writer_.streams()) {
            step(next.from + j, j, from, current.from + j, onto, length, ahead);
          } else {
            if (sums) job_.add(next.from + j, from, length, ahead, first_[j], second_[j]);
            if (maps) writer_.run(current.from + j, onto, length);
          }
          if (sums && (ends || order_.segments > 1)) end_chunk(j);
        }
      }
    }
  }

  // Sums a run of the next block's channel c while it maps one of this block's channel d.
  void step(int64_t c, int64_t j, int64_t from, int64_t d, int64_t onto, int64_t length,
            int64_t ahead) {
    Lanes a = first_[j], b = second_[j];
    const auto summand = job_.summand(c);
    const int64_t groups = writer_.run_beside(d, onto, length, length / kLanes, [&](int64_t i) {
      job_.add_group(summand, from + i * kLanes, ahead, a, b);
    });
    const int64_t done = groups * kLanes;
    job_.add(c, from + done, length - done, ahead, a, b);
    first_[j] = a;
    second_[j] = b;
  }

  void end_chunk(int64_t j) {
    sums_[j].add(fold(first_[j]));
    products_[j].add(fold(second_[j]));
    first_[j] = second_[j] = Lanes{};
  }

  // A channel that asks for another reduction gets it here: it is rare (channel.hpp, Retry).
  void settle(const Block& block) {
    for (int64_t j = 0; j < block.width(); j++) {
      if (!job_.settle(block.from + j, sums_[j], products_[j])) continue;
      Sum sum, products;
      reduce_channel(job_, order_, block.from + j, sum, products);
      job_.settle(block.from + j, sum, products);
    }
  }

  const Job& job_;
  const Order& order_;
  const int64_t width_;
  Writer<Job> writer_;
  Lanes first_[kMostChannels], second_[kMostChannels];
  Sum sums_[kMostChannels], products_[kMostChannels];
};

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_BLOCKS_HPP
