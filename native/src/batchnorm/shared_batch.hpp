// How a batch is shared out, and what of it a share sends: decided by the sizes alone, so that
// everyone knows every message's length.
#ifndef JBATCHNORM_SRC_SHARED_BATCH_HPP
#define JBATCHNORM_SRC_SHARED_BATCH_HPP

#include <cstdint>

#include "batchnorm/plan.hpp"

namespace jbn {

// Samples [first, end) of a share: of whole blocks [from, to), and before and after.
struct Cut {
  int64_t first, from, to, end;
};

// Of nodes first, first + 1, ... in a tree of blocks: aligned groups of 2^level, as large as fit into
// [block, end). Calls body(block, level) for each.
template <class Body>
void each_group(int64_t block, int64_t end, const Body& body) {
  while (block < end) {
    int level = 0;
    while ((block >> level & 1) == 0 && block + (int64_t{2} << level) <= end) level++;
    body(block, level);
    block += int64_t{1} << level;
  }
}

// Calls body(i) for the probes of a share, the first element of whose channels is `first` of m.
template <class Body>
void each_probe(int64_t m, int64_t first, int64_t count, const Body& body) {
  const int64_t probes = probes_of(m);
  for (int64_t i = 0; i < probes; i++) {
    if (i * m / probes >= first && i * m / probes < first + count) body(i);
  }
}

inline int64_t rounded_up(int64_t bytes) { return (bytes + 7) / 8 * 8; }

struct SharedBatch {
  const int64_t* counts;  // samples of each share
  int64_t shares, own;
  int64_t total;
  int64_t block;         // samples of one
  int64_t period;        // sums side by side, of an order of sums
  int64_t node_bytes;    // sums of a node
  int64_t sample_bytes;  // a sample of one array
  int64_t arrays;        // that are summed
  int threads;

  int64_t first(int64_t share) const {
    int64_t samples = 0;
    for (int64_t i = 0; i < share; i++) samples += counts[i];
    return samples;
  }
  // Of a share that begins there.
  Cut cut(int64_t share, int64_t begin) const {
    const int64_t end = begin + counts[share];
    const int64_t above = (begin + block - 1) / block * block, below = end / block * block;
    const int64_t from = above < end ? above : end;
    const int64_t to = end == total ? end : below;
    return {begin, from, from < to ? to : from, end};
  }
  template <class Body>
  void each_node(const Cut& cut, const Body& body) const {
    if (cut.from == cut.to) return;
    each_group(cut.from / block, (cut.to + block - 1) / block,
               [&](int64_t, int level) { body(level); });
  }
  int64_t node_count(const Cut& cut) const {
    int64_t nodes = 0;
    each_node(cut, [&](int) { nodes++; });
    return nodes;
  }
  int64_t message_bytes(const Cut& c) const {
    const int64_t before = rounded_up((c.from - c.first) * sample_bytes);
    const int64_t after = rounded_up((c.end - c.to) * sample_bytes);
    return node_count(c) * node_bytes + arrays * (before + after);
  }
};

}  // namespace jbn

#endif  // JBATCHNORM_SRC_SHARED_BATCH_HPP
