// Target: a batch in shares by the calls of jbatchnorm.h, whose results are the bits of one call on all
// of it for any data and any shares; messages lie between guard pages. Shares that do not fit are refused.
#include <cstddef>
#include <cstring>
#include <limits>
#include <vector>

#include "bytes.hpp"
#include "data.hpp"
#include "jbatchnorm/jbatchnorm.h"
#include "memory.hpp"

namespace {

using fuzz::Bytes;
using fuzz::Kind;
using Room = std::vector<char>;

constexpr int kMostShares = 5;

// What is the same for the whole batch and its shares.
struct Setting {
  int64_t dtype, layout, c, s, exec;
  double eps, slope;
  Kind kind;
  bool has_y;

  size_t element() const { return fuzz::bytes_of(static_cast<int>(dtype)); }
  int parameter() const { return dtype == JBN_F64 ? JBN_F64 : JBN_F32; }
  size_t row() const { return static_cast<size_t>(c * s) * element(); }
  size_t channels() const { return static_cast<size_t>(c) * fuzz::bytes_of(parameter()); }
  size_t state() const { return static_cast<size_t>(1 + 20 * c); }

  template <class Args>
  Args args(int64_t n) const {
    Args a;
    std::memset(&a, 0, sizeof a);
    a.size = sizeof a, a.dtype = dtype, a.layout = layout;
    a.n = n, a.c = c, a.s = s, a.exec = exec, a.eps = eps, a.slope = slope;
    return a;
  }
};

// Samples, and what calls on them give; gamma and beta are the whole batch's.
struct Batch {
  int64_t n;
  Room x, dy, y, mean, var, dx, dgamma, dbeta;
  std::vector<double> saved;

  Batch(const Setting& set, int64_t samples)
      : n(samples),
        x(static_cast<size_t>(samples) * set.row() + 8),
        dy(x.size()),
        y(x.size()),
        mean(set.channels() + 8),
        var(mean.size()),
        dx(x.size()),
        dgamma(mean.size()),
        dbeta(mean.size()),
        saved(static_cast<size_t>(4 * set.c) + 1) {}

  jbn_forward_args forward(const Setting& set, const Room& gamma, const Room& beta) {
    jbn_forward_args a = set.args<jbn_forward_args>(n);
    a.x = x.data(), a.gamma = gamma.data(), a.beta = beta.data(), a.y = y.data();
    a.mean = mean.data(), a.var = var.data(), a.saved = saved.data();
    return a;
  }
  jbn_backward_args backward(const Setting& set, const Room& gamma, const Room& beta) {
    jbn_backward_args a = set.args<jbn_backward_args>(n);
    a.x = x.data(), a.dy = dy.data(), a.gamma = gamma.data(), a.beta = beta.data();
    a.y = set.has_y ? y.data() : nullptr;
    a.saved = saved.data(), a.dx = dx.data(), a.dgamma = dgamma.data(), a.dbeta = dbeta.data();
    return a;
  }
};

void expect(int status, int expected, const char* what) {
  if (status != expected) fuzz::fail("%s: status %d, not %d", what, status, expected);
}

void expect_same(int dtype, const char* a, const char* b, size_t count, const char* what) {
  const size_t at = fuzz::first_difference(dtype, a, b, count);
  if (at != count) fuzz::fail("%s: element %zu of %zu differs", what, at, count);
}

class Shared {
 public:
  Shared(const std::vector<int64_t>& counts, fuzz::Memory* memory)
      : counts_(counts), memory_(*memory) {}

  jbn_share_args share(size_t own, double* state) {
    jbn_share_args a = {};
    a.size = sizeof a;
    a.shares = static_cast<int64_t>(counts_.size()), a.own = static_cast<int64_t>(own);
    a.counts = counts_.data(), a.state = state, a.bytes = bytes_;
    return a;
  }

  // Says and hears once; returns the status that all agree on.
  template <class Args>
  int exchange(std::vector<Args>* args, std::vector<std::vector<double>>* states,
               int (*sizes)(const Args*, const jbn_share_args*),
               int (*write)(const Args*, const jbn_share_args*),
               int (*join)(const Args*, const jbn_share_args*)) {
    memory_.reset();
    std::vector<char> all;
    for (size_t i = 0; i < counts_.size(); i++) {
      jbn_share_args a = share(i, (*states)[i].data());
      expect(sizes(&(*args)[i], &a), JBN_OK, "sizes");
      const size_t size = static_cast<size_t>(bytes_[i]);
      a.message = memory_.take(size, alignof(double), true);
      expect(write(&(*args)[i], &a), JBN_OK, "share");
      all.insert(all.end(), static_cast<char*>(a.message), static_cast<char*>(a.message) + size);
    }
    char* const messages = memory_.take(all.size(), alignof(double), true);
    if (!all.empty()) std::memcpy(messages, all.data(), all.size());
    int status = -1;
    for (size_t i = 0; i < counts_.size(); i++) {
      jbn_share_args a = share(i, (*states)[i].data());
      a.messages = messages;
      const int own = join(&(*args)[i], &a);
      if (status != -1) expect(own, status, "join, as the shares before");
      status = own;
    }
    memory_.check();
    return status;
  }

 private:
  const std::vector<int64_t>& counts_;
  fuzz::Memory& memory_;
  int64_t bytes_[kMostShares] = {};
};

void check(const Setting& set, const Batch& whole, const std::vector<Batch>& shares) {
  const int dtype = static_cast<int>(set.dtype);
  const size_t c = static_cast<size_t>(set.c);
  size_t from = 0;
  for (const Batch& share : shares) {
    const size_t size = static_cast<size_t>(share.n) * set.row(), count = size / set.element();
    expect_same(dtype, share.y.data(), whole.y.data() + from, count, "y");
    expect_same(dtype, share.dx.data(), whole.dx.data() + from, count, "dx");
    expect_same(set.parameter(), share.mean.data(), whole.mean.data(), c, "mean");
    expect_same(set.parameter(), share.var.data(), whole.var.data(), c, "var");
    expect_same(set.parameter(), share.dgamma.data(), whole.dgamma.data(), c, "dgamma");
    expect_same(set.parameter(), share.dbeta.data(), whole.dbeta.data(), c, "dbeta");
    expect_same(JBN_F64, reinterpret_cast<const char*>(share.saved.data()),
                reinterpret_cast<const char*>(whole.saved.data()), 4 * c, "saved");
    from += size;
  }
}

// What does not fit is refused before anything is read.
void run_wrong(const Setting& set, const std::vector<int64_t>& counts, Bytes* bytes) {
  const size_t own = static_cast<size_t>(bytes->below(static_cast<int>(counts.size())));
  Batch batch(set, counts[own]);
  const Room parameters(set.channels() + 8);
  const jbn_forward_args a = batch.forward(set, parameters, parameters);
  std::vector<int64_t> wrong = counts;
  std::vector<double> state(set.state());
  int64_t sizes[kMostShares + 1] = {};
  jbn_share_args share = {};
  share.size = sizeof share, share.shares = static_cast<int64_t>(wrong.size());
  share.own = static_cast<int64_t>(own), share.state = state.data(), share.bytes = sizes;
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  switch (bytes->below(4)) {
    case 0:
      wrong[own]++;
      break;
    case 1:
      share.own = bytes->any({int64_t{-1}, share.shares, kLeast, kMost});
      break;
    case 2:
      share.shares = bytes->any({int64_t{0}, int64_t{-1}, kLeast, kMost, int64_t{1} << 40});
      break;
    default:
      wrong[own] = bytes->any({int64_t{-1}, kLeast, kMost, kMost / 2});
      break;
  }
  share.counts = wrong.data();
  const Room before = batch.y;
  expect(jbn_forward_sizes(&a, &share), JBN_BAD_SHARES, "sizes of wrong shares");
  share.message = fuzz::Memory::forbidden();
  expect(jbn_forward_share(&a, &share), JBN_BAD_SHARES, "share of wrong shares");
  share.messages = fuzz::Memory::forbidden();
  expect(jbn_forward_join(&a, &share), JBN_BAD_SHARES, "join of wrong shares");
  if (batch.y != before) fuzz::fail("wrong shares: y was written");
}

Setting choose(Bytes* bytes) {
  Setting set = {};
  set.dtype = bytes->any({JBN_F32, JBN_F64, JBN_BF16, JBN_F16});
  set.layout = bytes->any({JBN_NCHW, JBN_NHWC});
  set.c = bytes->below(6);
  set.s = bytes->any({1, 2, 5, 16, 49, 260, 1100});
  set.exec = JBN_EXEC(1 + bytes->below(3), JBN_ISA_BEST);
  set.eps = bytes->any({1e-5, 0.0, 1.0});
  set.slope = bytes->any({1.0, 0.0, 0.25});
  set.kind = static_cast<Kind>(bytes->below(fuzz::kKinds));
  set.has_y = bytes->flag();
  return set;
}

std::vector<int64_t> choose_counts(const Setting& set, Bytes* bytes) {
  const int most = set.s == 1 ? 1500 : set.s < 16 ? 300 : set.s < 100 ? 60 : 5;
  std::vector<int64_t> counts(static_cast<size_t>(1 + bytes->below(kMostShares)));
  for (int64_t& count : counts) {
    count = bytes->rarely(4) ? 0 : (bytes->byte() << 8 | bytes->byte()) % most;
  }
  return counts;
}

void run_right(const Setting& set, const std::vector<int64_t>& counts, Bytes* bytes,
               fuzz::Memory* memory) {
  int64_t n = 0;
  for (const int64_t count : counts) n += count;
  Batch whole(set, n);
  const size_t elements = static_cast<size_t>(n * set.c * set.s), c = static_cast<size_t>(set.c);
  Room gamma(set.channels() + 8), beta(gamma.size());
  fuzz::fill(static_cast<int>(set.dtype), set.kind, bytes->seed(), elements, whole.x.data());
  fuzz::fill(static_cast<int>(set.dtype), fuzz::kPlain, bytes->seed(), elements, whole.dy.data());
  fuzz::fill(set.parameter(), fuzz::kPlain, bytes->seed(), c, gamma.data());
  fuzz::fill(set.parameter(), fuzz::kPlain, bytes->seed(), c, beta.data());

  std::vector<Batch> shares;
  size_t from = 0;
  for (const int64_t count : counts) {
    shares.emplace_back(set, count);
    const size_t size = static_cast<size_t>(count) * set.row();
    std::memcpy(shares.back().x.data(), whole.x.data() + from, size);
    std::memcpy(shares.back().dy.data(), whole.dy.data() + from, size);
    from += size;
  }
  jbn_forward_args forward = whole.forward(set, gamma, beta);
  expect(jbn_forward(&forward), JBN_OK, "forward of all");
  jbn_backward_args backward = whole.backward(set, gamma, beta);
  expect(jbn_backward(&backward), JBN_OK, "backward of all");

  Shared shared(counts, memory);
  std::vector<std::vector<double>> states(counts.size(), std::vector<double>(set.state()));
  std::vector<jbn_forward_args> forwards;
  for (Batch& share : shares) forwards.push_back(share.forward(set, gamma, beta));
  int status = JBN_AGAIN;
  for (int round = 0; status == JBN_AGAIN; round++) {
    if (round == 6) fuzz::fail("forward: no end of messages");
    status =
        shared.exchange(&forwards, &states, jbn_forward_sizes, jbn_forward_share, jbn_forward_join);
  }
  expect(status, JBN_OK, "join");
  for (jbn_forward_args& a : forwards) {
    a.given = a.saved, a.saved = nullptr, a.mean = nullptr, a.var = nullptr;
    expect(jbn_forward(&a), JBN_OK, "forward of a share");
  }
  std::vector<std::vector<double>> sums(counts.size(), std::vector<double>(2 * c + 1));
  std::vector<jbn_backward_args> backwards;
  for (Batch& share : shares) backwards.push_back(share.backward(set, gamma, beta));
  expect(
      shared.exchange(&backwards, &sums, jbn_backward_sizes, jbn_backward_share, jbn_backward_join),
      JBN_OK, "join of backward");
  for (size_t i = 0; i < counts.size(); i++) {
    backwards[i].sums = sums[i].data(), backwards[i].total = n;
    expect(jbn_backward(&backwards[i]), JBN_OK, "backward of a share");
  }
  check(set, whole, shares);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static fuzz::Memory memory;
  Bytes bytes(data, size);
  const bool is_wrong = bytes.rarely(8);
  const Setting set = choose(&bytes);
  const std::vector<int64_t> counts = choose_counts(set, &bytes);
  if (is_wrong) {
    run_wrong(set, counts, &bytes);
  } else {
    run_right(set, counts, &bytes, &memory);
  }
  return 0;
}
