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
// Samples are taken in blocks of a power of two, such that a channel has kBlock elements or more in
// a block. Its elements are rows there: a row of S positions for each sample, which are cut into
// segments where they are longer than kSegment; or, where S is below kShortRow, S rows of samples,
// each with sums of its own. In a segment of a block, position t of a row goes to lane t % 8; 8
// neighbours of a lane are added as a tree, and the lanes are folded. The segments of a block are
// added as a binary tree, and so are the blocks: 2i and 2i + 1, then pairs of pairs, what is not there
// left out. Whoever has the sums of some blocks can go on with those of others. The S rows are added
// in order at last.
struct Order {
  int64_t rows;
  int64_t run;         // positions of a row
  int64_t segments;    // of a row: blocks, where rows are of samples
  int64_t segment;     // positions of one, but for the last
  int64_t row_blocks;  // of neighbouring rows
  int64_t block;       // samples of a block
  int64_t parts;       // of a block, each summed by a task: segments, or one where rows are short
  int64_t chunks() const { return row_blocks * segments; }
  int64_t blocks() const { return chunks() / parts; }
};

constexpr int64_t kShortRow = 16;
constexpr int64_t kBlock = 1024;
constexpr int64_t kSegment = 2048;

Order order_of(int64_t n, int64_t s);

// Elements of a channel of m that the first sums of doubles are taken near: i * m / probes, each i.
inline int64_t probes_of(int64_t m) { return m < 16 ? m : 16; }

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
