// The way of the rarer calls (weights, second gradients): a channel's elements are gathered chunk by
// chunk into doubles, whatever the layout, and results scattered back. Threads share channels.
#ifndef JBATCHNORM_SRC_GATHERED_HPP
#define JBATCHNORM_SRC_GATHERED_HPP

#include "channel.hpp"
#include "sweep.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// The elements of one chunk of a channel.
struct Elements {
  alignas(64) double of[kChunk];
};

// The elements [from, from + count) of the N*S of a channel, all rows of a chunk.
struct Stretch {
  int64_t from, count, row;  // row: elements of a row of the chunk
};

inline Stretch stretch_of(const Order& order, int64_t index) {
  const Chunk chunk = chunk_of(order, index);
  const int64_t row = chunk.to - chunk.from;
  return {chunk.row * order.run + chunk.from, (chunk.row_end - chunk.row) * row, row};
}

// Calls body(i, at) for element i of a stretch of channel c, which lies at `at`.
template <class Body>
JBN_INLINE void each(const Shape& shape, int64_t c, const Stretch& stretch, const Body& body) {
  if (shape.channels_last) {
    for (int64_t i = 0; i < stretch.count; i++) body(i, (stretch.from + i) * shape.c + c);
    return;
  }
  int64_t n = stretch.from / shape.s, s = stretch.from % shape.s;
  for (int64_t i = 0; i < stretch.count;) {
    const int64_t at = (n * shape.c + c) * shape.s + s;
    const int64_t left = stretch.count - i;
    const int64_t run = left < shape.s - s ? left : shape.s - s;
    for (int64_t j = 0; j < run; j++) body(i + j, at + j);
    i += run;
    n++;
    s = 0;
  }
}

template <class T>
void gather(const Shape& shape, int64_t c, const Stretch& stretch, const T* from, Elements& to) {
  each(shape, c, stretch, [&](int64_t i, int64_t at) { to.of[i] = value_of(from[at]); });
}

template <class T>
void scatter(const Shape& shape, int64_t c, const Stretch& stretch, const Elements& from, T* to) {
  each(shape, c, stretch, [&](int64_t i, int64_t at) { put_value(from.of[i], to + at); });
}

// The sum of term(i) over a stretch, in the lanes of its rows.
template <class Term>
double sum_of(const Stretch& stretch, const Term& term) {
  double lanes[kLanes] = {};
  for (int64_t row = 0; row < stretch.count; row += stretch.row) {
    for (int64_t t = 0; t < stretch.row; t++) lanes[t % kLanes] += term(row + t);
  }
  return fold(load(lanes));
}

// Runs body(c) for each of this thread's channels.
template <class Body>
void each_channel(const Shape& shape, const Resources& resources, const Body& body) {
  on_threads(resources.threads, [&] {
    const Share share(shape.c);
    for (int64_t c = share.from; c < share.to; c++) body(c);
  });
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_GATHERED_HPP
