// The order of every sum: part of the contract (docs/numerics.md), a function of the shape alone.
//
// A channel's N*S elements are seen as rows: N rows of S positions where S >= 16, else one row of
// N*S. Rows are cut into chunks of about 1024 elements: a long row into segments, short rows taken
// several together. In a chunk, position t of a row goes to lane t % 16; the lanes are folded in
// halves; the chunks' sums are added in order with their rounding errors kept (TwoSum).
#ifndef JBATCHNORM_SRC_ORDER_HPP
#define JBATCHNORM_SRC_ORDER_HPP

#include <cstdint>

namespace jbn {
namespace JBN_NAMESPACE {

constexpr int kLanes = 16;
constexpr int64_t kChunk = 1024;
constexpr int kProbes = 16;

struct Order {
  int64_t rows;
  int64_t run;       // positions of a row
  int64_t segments;  // of a row, where it is longer than a chunk; else 1
  int64_t group;     // rows of a chunk
  int64_t chunks;
};

// A chunk: positions [from, to) of each of the rows [row, row_end).
struct Chunk {
  int64_t row, row_end, from, to;
};

inline Order order_of(int64_t n, int64_t s) {
  const bool flat = s < kLanes;
  const int64_t rows = flat ? 1 : n;
  const int64_t run = flat ? n * s : s;
  const int64_t segments = run <= kChunk ? 1 : (run + kChunk - 1) / kChunk;
  const int64_t group = run == 0 || run > kChunk ? 1 : kChunk / run;
  return {rows, run, segments, group, (rows + group - 1) / group * segments};
}

inline Chunk chunk_of(const Order& order, int64_t index) {
  const int64_t row = index / order.segments * order.group;
  const int64_t from = index % order.segments * kChunk;
  const int64_t row_end = row + order.group < order.rows ? row + order.group : order.rows;
  const int64_t to = from + kChunk < order.run ? from + kChunk : order.run;
  return {row, row_end, from, to};
}

// The running sum of the chunks: value and the rounding errors' sum.
struct Sum {
  double hi = 0, lo = 0;

  void add(double value) {
    const double sum = hi + value;
    const double part = sum - hi;
    lo += (hi - (sum - part)) + (value - part);
    hi = sum;
  }
  double value() const { return hi + lo; }
};

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_ORDER_HPP
