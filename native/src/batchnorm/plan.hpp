// How a call goes over memory: decided once, from its shape, its type and the machine, before the
// threads start. The order of the sums is a part of it that depends on the shape alone.
#ifndef JBATCHNORM_SRC_PLAN_HPP
#define JBATCHNORM_SRC_PLAN_HPP

#include <cstddef>
#include <cstdint>

namespace jbn {

struct Shape {
  int64_t n, c, s;
  bool channels_last;
};

// The order of every sum: part of the contract (docs/numerics.md), a function of N and S.
//
// A channel's elements are rows: N rows of S positions, or, where S is below kShortRow, S rows of N.
// Rows are cut into chunks of about kChunk elements: a long row into segments, short rows taken
// several together. In a chunk, position t of a row goes to lane t % 8; 8 neighbours of a lane are
// added as a tree; the chunks' sums are added in order with their rounding errors kept.
struct Order {
  int64_t rows;
  int64_t run;         // positions of a row
  int64_t segments;    // of a row, where it is longer than a chunk; else 1
  int64_t segment;     // positions of one, but for the last
  int64_t row_blocks;  // of neighbouring rows
  int64_t chunks() const { return row_blocks * segments; }
};

constexpr int64_t kShortRow = 16;
constexpr int64_t kChunk = 2048;

Order order_of(int64_t n, int64_t s);

struct Plan {
  Order order;
  // Rows: the positions of a row are contiguous, each channel on its own. Else columns: `period`
  // neighbouring sums are contiguous, position after position.
  bool rows;
  int64_t period;  // sums side by side: C, or C*S where rows are short
  int64_t slices;  // of the period: each is a task of its own
  bool streams;    // results are stored past the caches
  int threads;
};

// bytes: of all inputs and outputs of an element.
Plan plan_of(const Shape& shape, int64_t bytes, int threads, int64_t shared_cache);

// The sum of the weights of N*S positions, in the order of lanes p % 8 with their rounding errors
// kept; NaN where one is negative, NaN or infinite, or the sum is past the range of a double.
double total_weight(const double* weights, int64_t count);

// Writes the plan in words, as in "rows, 64 chunks, 2 threads, streams".
void describe(const Plan& plan, char* text, size_t size);

}  // namespace jbn

#endif  // JBATCHNORM_SRC_PLAN_HPP
