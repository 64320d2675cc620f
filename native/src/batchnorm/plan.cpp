#include "batchnorm/plan.hpp"

#include <algorithm>
#include <cstdio>
#include <limits>

#include "simd/two_sum.hpp"

namespace jbn {
namespace {

constexpr int64_t kTrees = 64;  // of a segment: positions that are added as trees, one a lane
constexpr int64_t kWide = 64;   // sums that a slice has at least

int64_t divided(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Below this many elements a parallel region costs more than it saves.
constexpr int64_t kSerial = 1 << 15;

// The least number of slices that gives each thread as much to do as the others.
int64_t slices_of(int64_t chunks, int64_t period, int threads) {
  if (chunks == 0 || chunks >= 8 * threads || chunks % threads == 0) return 1;
  return std::max<int64_t>(1, std::min<int64_t>(threads, period / kWide));
}

}  // namespace

Order order_of(int64_t n, int64_t s) {
  const bool is_short = s < kShortRow;
  const int64_t rows = is_short ? 1 : n, run = is_short ? n : s;
  if (rows == 0 || run == 0) return {rows, run, 1, 0, 0, 1, 1};
  int64_t block = 1;
  while ((s > 0 && block * s < kBlock) || (is_short && block < 4 * kTrees)) block *= 2;
  if (is_short) return {1, n, divided(n, block), block, 1, block, 1};
  const int64_t parts = divided(s, kSegment);
  const int64_t segment = divided(divided(s, parts), kTrees) * kTrees;
  const int64_t segments = divided(s, segment);
  return {n, s, segments, segment, divided(n, block), block, segments};
}

Plan plan_of(const Shape& shape, int64_t bytes, int threads, int64_t shared_cache) {
  const int64_t elements = shape.n * shape.c * shape.s;
  const bool is_short = shape.s < kShortRow;
  Plan plan;
  plan.order = order_of(shape.n, shape.s);
  plan.rows = !is_short && !shape.channels_last;
  plan.period = is_short ? shape.c * shape.s : shape.c;
  plan.threads = elements < kSerial ? 1 : threads;
  if (elements == 0) plan.order.row_blocks = 0;
  // Chunks that are contiguous, each of one channel, are taken as they lie in memory.
  plan.slices = elements > 0 && plan.rows && plan.order.segments > 1
                    ? plan.period
                    : slices_of(plan.order.chunks(), plan.period, plan.threads);
  plan.streams = elements * bytes > shared_cache;
  return plan;
}

double total_weight(const double* weights, int64_t count) {
  constexpr int kLanes = 8;
  double hi[kLanes] = {}, lo[kLanes] = {};
  bool valid = true;
  for (int64_t i = 0; i < count; i++) {
    valid = valid && weights[i] >= 0 && weights[i] <= std::numeric_limits<double>::max();
    add_exactly<double>(weights[i], hi[i % kLanes], lo[i % kLanes]);
  }
  double sum = 0, error = 0;
  for (int lane = 0; lane < kLanes; lane++) {
    add_exactly(hi[lane], sum, error);
    error += lo[lane];
  }
  const double total = sum + error;
  return valid && total <= std::numeric_limits<double>::max()
             ? total
             : std::numeric_limits<double>::quiet_NaN();
}

void describe(const Plan& plan, char* text, size_t size) {
  std::snprintf(text, size, "%s, %lld chunks x %lld slices, %d threads, %s",
                plan.rows ? "rows" : "columns", static_cast<long long>(plan.order.chunks()),
                static_cast<long long>(plan.slices), plan.threads,
                plan.streams ? "streams" : "stores");
}

}  // namespace jbn
