// A batch that lies in several places: what a share of it says of its sums, and what all of them say
// together. Blocks of samples that are whole in a share are summed there, as Passes sums them, and
// sent as nodes of the tree of all blocks; samples of a block that ends in another share are sent as
// they are, and the block is summed where its parts come together.
#ifndef JBATCHNORM_SRC_SHARES_HPP
#define JBATCHNORM_SRC_SHARES_HPP

#include <cstdlib>
#include <cstring>

#include "batchnorm/backward.hpp"
#include "batchnorm/forward.hpp"
#include "batchnorm/passes.hpp"
#include "batchnorm/shared_batch.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// Memory that is given back; null where there is none.
template <class E>
struct Room {
  E* const at;

  explicit Room(int64_t count)
      : at(static_cast<E*>(std::malloc(static_cast<size_t>(count + 1) * sizeof(E)))) {}
  ~Room() { std::free(at); }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
};

// Rows of sums of blocks, which come in their order: added as soon as a pair is whole.
template <class Job>
class RowTree {
  using S = SumsOf<Job>;
  static constexpr int kLevels = 63;

 public:
  explicit RowTree(int64_t period)
      : row_(S::kAccumulators * period), period_(period), rows_(row_ * (kLevels + 1)) {}

  bool has_memory() const { return rows_.at != nullptr; }
  double* next() { return row(kLevels); }  // where the row that comes next is written

  // Adds the next row, of 2^level blocks.
  JBN_RARE void add(int level) {
    int at = level;
    for (; count_ >> at & 1; at++) add_left(row(at));
    std::memcpy(row(at), next(), bytes());
    count_ += int64_t{1} << level;
  }
  // The sums of all blocks; 0 where there are none.
  JBN_RARE const double* total() {
    bool is_first = true;
    if (count_ == 0) std::memset(next(), 0, bytes());
    for (int level = 0; count_ >> level > 0; level++) {
      if ((count_ >> level & 1) == 0) continue;
      if (is_first) {
        std::memcpy(next(), row(level), bytes());
      } else {
        add_left(row(level));
      }
      is_first = false;
    }
    return next();
  }

 private:
  size_t bytes() const { return static_cast<size_t>(row_) * sizeof(double); }
  double* row(int level) const { return rows_.at + level * row_; }
  // The next row becomes its sum with one that comes before it.
  void add_left(double* left) {
    add_sums<Job>(next(), period_, 0, period_, left);
    std::memcpy(next(), left, bytes());
  }

  const int64_t row_, period_;
  int64_t count_ = 0;
  Room<double> rows_;
};

// Call is a ForwardCall or a BackwardCall of this share's samples, whose count is of all shares.
template <class Job, class Call>
class Shares {
  using T = typename Job::Element;
  using S = SumsOf<Job>;

 public:
  Shares(const Call& call, const SharedBatch& batch) : call_(call), batch_(batch) {}

  // Writes what this share says of its sums: around `centres`, or, where that is null, the job's own.
  JBN_RARE bool write(const SharedState* centres, char* message) const {
    if (elements() == 0) return true;
    const Cut cut = batch_.cut(batch_.own, batch_.first(batch_.own));
    message = put_samples(cut.first, cut.from, message);
    if (cut.from < cut.to) {
      double* const nodes = reinterpret_cast<double*>(message);
      if (!sum(part(cut.from - cut.first, cut.to - cut.from), cut.from, centres, nodes)) {
        return false;
      }
      message += batch_.node_count(cut) * batch_.node_bytes;
    }
    put_samples(cut.to, cut.end, message);
    return true;
  }

  // Adds up what all shares say.
  JBN_RARE bool read(const char* message, const SharedState* centres, RowTree<Job>* sums) const {
    const int64_t room = batch_.block * batch_.sample_bytes * batch_.arrays;
    Room<char> samples(room);
    if (!samples.at || !sums->has_memory()) return false;
    Straddling straddling = {samples.at, 0, 0};
    for (int64_t share = 0, first = 0; share < batch_.shares && elements() > 0; share++) {
      const Cut cut = batch_.cut(share, first);
      first = cut.end;
      if (!take_samples(cut.first, cut.from, centres, &message, &straddling, sums)) return false;
      batch_.each_node(cut, [&](int level) {
        std::memcpy(sums->next(), message, static_cast<size_t>(batch_.node_bytes));
        sums->add(level);
        message += batch_.node_bytes;
      });
      if (!take_samples(cut.to, cut.end, centres, &message, &straddling, sums)) return false;
    }
    return true;
  }

 private:
  // A block's samples of each array, as they come in.
  struct Straddling {
    char* at;
    int64_t first, count;
  };

  int64_t elements() const { return call_.shape.c * call_.shape.s; }
  int64_t bytes_of(int64_t samples) const { return samples * elements() * int64_t{sizeof(T)}; }

  // The call on some of its samples.
  Call part(int64_t from, int64_t samples) const {
    Call some = call_;
    some.shape.n = samples;
    for (int i = 0; i < batch_.arrays && samples > 0; i++) *some.input(i) += from * elements();
    return some;
  }

  // Samples [from, to) of the batch, array after array, each from a multiple of eight bytes on.
  JBN_RARE char* put_samples(int64_t from, int64_t to, char* message) const {
    Call some = part(from - batch_.first(batch_.own), to - from);
    for (int i = 0; i < batch_.arrays && from < to; i++) {
      const T* const input = *some.input(i);
      const int64_t bytes = bytes_of(to - from);
      std::memcpy(message, input, static_cast<size_t>(bytes));
      std::memset(message + bytes, 0, static_cast<size_t>(rounded_up(bytes) - bytes));
      message += rounded_up(bytes);
    }
    return message;
  }

  // The same, as they come in: once the block that they belong to is whole, it is summed.
  JBN_RARE bool take_samples(int64_t from, int64_t to, const SharedState* centres,
                             const char** message, Straddling* straddling,
                             RowTree<Job>* sums) const {
    if (from == to) return true;
    if (straddling->count == 0) straddling->first = from;
    Call whole = call_;
    for (int i = 0; i < batch_.arrays; i++) {
      char* const samples = straddling->at + bytes_of(batch_.block) * i;
      const int64_t bytes = bytes_of(to - from);
      std::memcpy(samples + bytes_of(straddling->count), *message, static_cast<size_t>(bytes));
      *message += rounded_up(bytes);
      *whole.input(i) = reinterpret_cast<const T*>(samples);
    }
    straddling->count += to - from;
    if (to % batch_.block != 0 && to != batch_.total) return true;
    whole.shape.n = straddling->count;
    straddling->count = 0;
    if (!sum(whole, straddling->first, centres, sums->next())) return false;
    sums->add(0);
    return true;
  }

  // Sums whole blocks, the first of which begins at sample `first` of the batch.
  JBN_RARE bool sum(const Call& call, int64_t first, const SharedState* centres,
                    double* nodes) const {
    const Job job(call);
    const Plan plan = plan_of(call.shape, 0, batch_.threads, INT64_MAX);
    return Passes<Job>(job, plan).sum(first / batch_.block, centres, nodes);
  }

  const Call call_;
  const SharedBatch& batch_;
};

// The elements that sums are first taken near: of doubles, whose squares are not exact.
template <class T>
bool is_probing(const SharedState& state) {
  return !kIsNarrow<T> && state.round() == 0;
}

template <class T>
JBN_RARE bool write_forward(const ForwardCall<T>& call, const SharedBatch& batch, double* memory,
                            char* message) {
  using Job = ForwardJob<T, false>;
  const Shape& shape = call.shape;
  const SharedState state = {memory, shape.c};
  if (!is_probing<T>(state)) {
    const bool around = !kIsNarrow<T> || state.round() > 0;
    return Shares<Job, ForwardCall<T>>(call, batch).write(around ? &state : nullptr, message);
  }
  const Job job(call);
  const int64_t m = batch.total * shape.s, first = batch.first(batch.own) * shape.s;
  double* probe = reinterpret_cast<double*>(message);
  each_probe(m, first, shape.n * shape.s, [&](int64_t i) {
    for (int64_t c = 0; c < shape.c; c++) {
      *probe++ = job.value(c, i * m / probes_of(m) - first);
    }
  });
  return true;
}

// A channel's sums, of all shares.
template <class Job>
void channel_sums(const double* rows, const Shape& shape, int64_t period, int64_t c, double* sums) {
  for (int s = 0; s < SumsOf<Job>::kSums; s++) {
    sums[s] = channel_sum<Job>(rows, shape, period, s, c);
  }
}

template <class T>
JBN_RARE bool read_forward(const ForwardCall<T>& call, const SharedBatch& batch, double* memory,
                           const char* messages, bool* again) {
  using Job = ForwardJob<T, false>;
  const Shape& shape = call.shape;
  const SharedState state = {memory, shape.c};
  ForwardCall<T> probed = call;
  if (!kIsNarrow<T>) probed.probes = state.probes();
  const Job job(probed);
  *again = is_probing<T>(state);
  if (*again) {
    // Shares are in order, and so are their probes.
    const int64_t count = probes_of(batch.total * shape.s) * shape.c;
    std::memcpy(state.probes(), messages, static_cast<size_t>(count) * sizeof(double));
    for (int64_t c = 0; c < shape.c; c++) state.centre(c, job.first_centre(c));
    state.round()++;
    return true;
  }
  const int attempt = static_cast<int>(state.round()) - (kIsNarrow<T> ? 0 : 1);
  const int64_t period = batch.period;
  RowTree<Job> tree(period);
  const bool around = !kIsNarrow<T> || state.round() > 0;
  if (!Shares<Job, ForwardCall<T>>(call, batch).read(messages, around ? &state : nullptr, &tree)) {
    return false;
  }
  const double* const rows = tree.total();
  for (int64_t c = 0; c < shape.c; c++) {
    if (attempt > 0 && state.open(c) == 0) continue;
    double sums[SumsOf<Job>::kSums], wide[Job::kKinds], map[Job::kKinds];
    channel_sums<Job>(rows, shape, period, c, sums);
    const bool is_0 = batch.total * shape.s == 0 || !around;
    Centre centre = is_0 ? Centre{0, 0, 1} : state.centre(c);
    Moments moments;
    const bool is_open = job.settle(c, sums, attempt, &centre, &moments);
    state.open(c) = is_open;
    state.centre(c, centre);
    if (is_open) {
      *again = true;
    } else {
      job.finish(c, sums, moments, wide, map);
    }
  }
  state.round()++;
  return true;
}

template <class T, With kWith>
JBN_RARE bool write_backward(const BackwardCall<T>& call, const SharedBatch& batch, char* message) {
  return Shares<BackwardJob<T, kWith>, BackwardCall<T>>(call, batch).write(nullptr, message);
}

template <class T, With kWith>
JBN_RARE bool read_backward(const BackwardCall<T>& call, const SharedBatch& batch, double* found,
                            const char* messages) {
  using Job = BackwardJob<T, kWith>;
  const Shape& shape = call.shape;
  RowTree<Job> tree(batch.period);
  if (!Shares<Job, BackwardCall<T>>(call, batch).read(messages, nullptr, &tree)) return false;
  const Job job(call);
  const double* const rows = tree.total();
  for (int64_t c = 0; c < shape.c; c++) {
    double sums[SumsOf<Job>::kSums];
    channel_sums<Job>(rows, shape, batch.period, c, sums);
    Centre around;
    Moments moments;
    if (job.settle(c, sums, 0, &around, &moments)) job.settle(c, sums, 1, &around, &moments);
    found[c] = sums[0], found[shape.c + c] = sums[1];
  }
  return true;
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_SHARES_HPP
