// A batch in shares: the bits of one call on all of it, whatever the shares.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <vector>

#include "calls.hpp"
#include "cases.hpp"

namespace {

using calls::Sizes;
using Bytes = std::vector<char>;

int64_t element_of(int dtype) { return dtype == JBN_F64 ? 8 : dtype == JBN_F32 ? 4 : 2; }
int64_t parameter_of(int dtype) { return dtype == JBN_F64 ? 8 : 4; }

// What data are like: near 0; far from it, whose sums are taken again; doubles out of their squares' range.
struct Kind {
  double mean, std;
};

// Not initialized to a value that results could be mistaken for.
Bytes room(int64_t bytes) { return Bytes(static_cast<size_t>(bytes), '\x5a'); }

Bytes data(int dtype, int64_t count, const Kind& kind, uint64_t seed) {
  Bytes bytes = room(count * element_of(dtype));
  cases::Random random(seed);
  for (int64_t i = 0; i < count; i++) {
    const double v = kind.mean + kind.std * random.next();
    const float narrow = static_cast<float>(v);
    uint32_t bits;
    std::memcpy(&bits, &narrow, sizeof bits);
    const uint16_t half = static_cast<uint16_t>(bits >> 16);
    const void* const from = dtype == JBN_F64   ? static_cast<const void*>(&v)
                             : dtype == JBN_F32 ? static_cast<const void*>(&narrow)
                                                : &half;
    const size_t size = static_cast<size_t>(element_of(dtype));
    std::memcpy(bytes.data() + static_cast<size_t>(i) * size, from, size);
  }
  return bytes;
}

alignas(8) const char aligned[8] = {};  // what stands for memory of no elements

// The inputs and the results of forward and backward.
struct Whole {
  Sizes sizes;
  double slope = 1;
  bool inverted = false, has_y = false;
  Bytes x, dy, gamma, beta;
  Bytes y, mean, var, saved, dx, dgamma, dbeta;

  int64_t row() const { return sizes.c * sizes.s * element_of(sizes.dtype); }
  int64_t channels() const { return sizes.c * parameter_of(sizes.dtype); }

  void make(const Kind& kind) {
    const int64_t count = sizes.n * sizes.c * sizes.s;
    const int parameters = sizes.dtype == JBN_F64 ? JBN_F64 : JBN_F32;
    x = data(sizes.dtype, count, kind, 1);
    dy = data(sizes.dtype, count, {0.1, 1}, 2);
    gamma = data(parameters, sizes.c, {2, 1}, 3);
    beta = data(parameters, sizes.c, {0, 1}, 4);
    y = dx = room(count * element_of(sizes.dtype));
    mean = var = dgamma = dbeta = room(channels());
    saved = room(4 * sizes.c * 8);
  }
  jbn_forward_args forward(int32_t exec) {
    jbn_forward_args a = calls::args_of<jbn_forward_args>(sizes, 1e-5, exec);
    a.slope = slope;
    a.x = x.data(), a.gamma = gamma.data(), a.beta = beta.data(), a.y = y.data();
    a.mean = mean.data(), a.var = var.data();
    a.saved = reinterpret_cast<double*>(saved.data());
    return a;
  }
  jbn_backward_args backward(int32_t exec) {
    jbn_backward_args a = calls::args_of<jbn_backward_args>(sizes, 1e-5, exec);
    a.slope = slope, a.inverted = inverted;
    a.x = inverted ? y.data() : x.data(), a.y = !has_y ? nullptr : y.empty() ? aligned : y.data();
    a.dy = dy.data(), a.gamma = gamma.data(), a.beta = beta.data();
    a.saved = reinterpret_cast<const double*>(saved.data());
    a.dx = dx.data(), a.dgamma = dgamma.data(), a.dbeta = dbeta.data();
    return a;
  }
};

Bytes part(const Bytes& all, int64_t from, int64_t count) {
  return Bytes(all.begin() + from, all.begin() + from + count);
}

struct Batch {
  std::vector<Whole> shares;
  std::vector<int64_t> counts;
  int rounds = 0;

  Batch(const Whole& whole, const std::vector<int64_t>& of) : counts(of) {
    int64_t first = 0;
    for (const int64_t count : counts) {
      Whole share = whole;
      share.sizes.n = count;
      share.x = part(whole.x, first * whole.row(), count * whole.row());
      share.dy = part(whole.dy, first * whole.row(), count * whole.row());
      share.y = share.dx = room(count * whole.row());
      share.mean = share.var = share.dgamma = share.dbeta = room(whole.channels());
      share.saved = room(4 * whole.sizes.c * 8);
      shares.push_back(share);
      first += count;
    }
  }

  jbn_share_args share(size_t own, std::vector<double>* state, std::vector<int64_t>* bytes) const {
    jbn_share_args a = {};
    a.size = sizeof a;
    a.shares = static_cast<int64_t>(counts.size()), a.own = static_cast<int64_t>(own);
    a.counts = counts.data(), a.state = state->data(), a.bytes = bytes->data();
    return a;
  }

  // One exchange of messages; returns the status that all shares agree on.
  template <class Args>
  int exchange(std::vector<Args>* args, std::vector<std::vector<double>>* states,
               int (*sizes)(const Args*, const jbn_share_args*),
               int (*write)(const Args*, const jbn_share_args*),
               int (*join)(const Args*, const jbn_share_args*)) {
    rounds++;
    std::vector<double> messages;
    std::vector<int64_t> bytes(counts.size());
    for (size_t i = 0; i < counts.size(); i++) {
      jbn_share_args a = share(i, &(*states)[i], &bytes);
      REQUIRE(sizes(&(*args)[i], &a) == JBN_OK);
      REQUIRE(bytes[i] % 8 == 0);
      // A message in memory of just its length, so that sanitizers see what is past it.
      std::vector<double> message(static_cast<size_t>(bytes[i] / 8));
      double none;
      a.message = message.empty() ? &none : message.data();
      REQUIRE(write(&(*args)[i], &a) == JBN_OK);
      messages.insert(messages.end(), message.begin(), message.end());
    }
    messages.shrink_to_fit();
    int status = -1;
    for (size_t i = 0; i < counts.size(); i++) {
      jbn_share_args a = share(i, &(*states)[i], &bytes);
      double none;
      a.messages = messages.empty() ? &none : messages.data();
      const int own = join(&(*args)[i], &a);
      REQUIRE((status == -1 || status == own));
      status = own;
    }
    return status;
  }

  void run(int32_t exec) {
    const size_t c = static_cast<size_t>(shares[0].sizes.c);
    std::vector<std::vector<double>> states(counts.size(), std::vector<double>(1 + 20 * c));
    std::vector<jbn_forward_args> forwards;
    for (Whole& share : shares) forwards.push_back(share.forward(exec));
    int status = JBN_AGAIN;
    while (status == JBN_AGAIN) {
      status = exchange(&forwards, &states, jbn_forward_sizes, jbn_forward_share, jbn_forward_join);
    }
    REQUIRE(status == JBN_OK);
    for (jbn_forward_args& a : forwards) {
      a.given = a.saved;
      a.saved = nullptr, a.mean = nullptr, a.var = nullptr;
      REQUIRE(jbn_forward(&a) == JBN_OK);
    }
    std::vector<std::vector<double>> sums(counts.size(), std::vector<double>(2 * c));
    std::vector<jbn_backward_args> backwards;
    for (Whole& share : shares) backwards.push_back(share.backward(exec));
    REQUIRE(exchange(&backwards, &sums, jbn_backward_sizes, jbn_backward_share,
                     jbn_backward_join) == JBN_OK);
    for (size_t i = 0; i < counts.size(); i++) {
      backwards[i].sums = sums[i].data();
      backwards[i].total = std::accumulate(counts.begin(), counts.end(), int64_t{0});
      REQUIRE(jbn_backward(&backwards[i]) == JBN_OK);
    }
  }
};

void check_same(const Whole& whole, const Batch& batch) {
  Bytes y, dx;
  for (const Whole& share : batch.shares) {
    y.insert(y.end(), share.y.begin(), share.y.end());
    dx.insert(dx.end(), share.dx.begin(), share.dx.end());
    CHECK(share.mean == whole.mean);
    CHECK(share.var == whole.var);
    CHECK(share.saved == whole.saved);
    CHECK(share.dgamma == whole.dgamma);
    CHECK(share.dbeta == whole.dbeta);
  }
  CHECK(y == whole.y);
  CHECK(dx == whole.dx);
}

// Shares that are equal, unequal, empty; some end within a block of samples, some with it.
std::vector<std::vector<int64_t>> shares_of(int64_t n) {
  const int64_t third = n / 3, most = n > 0 ? n - 1 : 0, block = std::min<int64_t>(n, 256);
  return {{n},
          {n / 2, n - n / 2},
          {most, 0, n - most},
          {third, 0, n - 2 * third, third},
          {block, n - block},
          {0, 0, n, 0, 0},
          {n / 8, n / 8, n / 8, n / 8, n / 8, n / 8, n / 8, n - 7 * (n / 8)}};
}

void check_made(Whole* whole, const Kind& kind, int rounds) {
  jbn_forward_args forward = whole->forward(JBN_EXEC(2, JBN_ISA_BEST));
  REQUIRE(jbn_forward(&forward) == JBN_OK);
  jbn_backward_args backward = whole->backward(JBN_EXEC(2, JBN_ISA_BEST));
  REQUIRE(jbn_backward(&backward) == JBN_OK);
  int threads = 1;
  for (const std::vector<int64_t>& counts : shares_of(whole->sizes.n)) {
    INFO("dtype " << whole->sizes.dtype << " layout " << whole->sizes.layout << " sizes "
                  << whole->sizes.n << ' ' << whole->sizes.c << ' ' << whole->sizes.s << " mean "
                  << kind.mean << " shares " << counts.size() << " first " << counts[0]);
    Batch batch(*whole, counts);
    batch.run(JBN_EXEC(threads, threads % 2 == 0 ? JBN_ISA_BEST : 0));
    check_same(*whole, batch);
    CHECK(batch.rounds == rounds);
    threads = threads % 4 + 1;
  }
}

void check_all(Whole* whole, const Kind& kind, int rounds) {
  whole->make(kind);
  check_made(whole, kind, rounds);
}

constexpr Kind kNear = {0.5, 1}, kFar = {100000, 0.25}, kHuge = {1e200, 1e199};

}  // namespace

TEST_CASE("shares of a batch have the bits of one call on all of it") {
  for (const int layout : {JBN_NCHW, JBN_NHWC}) {
    for (const int64_t s : {1, 5, 16, 49, 260, 2600}) {
      if (std::getenv("JBATCHNORM_TEST_COVER") && s > 49) continue;  // emulated: slow
      const int64_t n = s == 1 ? 3000 : s < 16 ? 700 : s < 100 ? 150 : 13;
      for (const int dtype : {JBN_F32, JBN_F64, JBN_BF16}) {
        Whole whole;
        whole.sizes = {dtype, layout, n, 5, s};
        const int more = dtype == JBN_F64 ? 1 : 0;
        check_all(&whole, kNear, 2 + more);
        if (dtype != JBN_BF16) check_all(&whole, kFar, 3);
        if (dtype == JBN_F64) check_all(&whole, kHuge, 4);
      }
    }
  }
}

// Sums are taken again of the channels that are far, the sums of the others stay.
TEST_CASE("shares of a batch in which some channels are far from 0") {
  for (const int layout : {JBN_NCHW, JBN_NHWC}) {
    for (const int64_t s : {1, 2, 16, 49}) {
      for (const int64_t far : {0, 2, 9, 20}) {
        Whole whole;
        whole.sizes = {JBN_F32, layout, s < 16 ? 300 : 40, 21, s};
        whole.make(kNear);
        float* const x = reinterpret_cast<float*>(whole.x.data());
        for (int64_t i = 0; i < whole.sizes.n * whole.sizes.c * s; i++) {
          const int64_t c = layout == JBN_NHWC ? i % 21 : i / s % 21;
          if (c == far) x[i] += 1e6f;
        }
        check_made(&whole, kNear, 3);
      }
    }
  }
}

TEST_CASE("shares with a tail, of forward's output, and inverted") {
  for (const int layout : {JBN_NCHW, JBN_NHWC}) {
    for (const int64_t s : {1, 49}) {
      Whole whole;
      whole.sizes = {JBN_F32, layout, 333, 20, s};
      whole.slope = 0.25;
      check_all(&whole, kNear, 2);
      whole.has_y = true;
      check_all(&whole, kNear, 2);
      whole.has_y = false, whole.inverted = true;
      check_all(&whole, kNear, 2);
    }
  }
}

TEST_CASE("shares of nothing") {
  for (const Sizes& sizes :
       {Sizes{JBN_F32, JBN_NCHW, 0, 3, 4}, Sizes{JBN_F64, JBN_NHWC, 5, 0, 4},
        Sizes{JBN_F32, JBN_NCHW, 5, 3, 0}, Sizes{JBN_F64, JBN_NCHW, 0, 3, 4}}) {
    Whole whole;
    whole.sizes = sizes;
    check_all(&whole, kNear, sizes.dtype == JBN_F64 ? 3 : 2);
  }
}

TEST_CASE("shares that do not fit are refused") {
  Whole whole;
  whole.sizes = {JBN_F32, JBN_NCHW, 4, 3, 2};
  whole.make(kNear);
  jbn_forward_args a = whole.forward(0);
  std::vector<double> state(61);
  int64_t bytes[2];
  const auto status = [&](std::vector<int64_t> counts, int64_t own) {
    jbn_share_args share = {};
    share.size = sizeof share, share.shares = static_cast<int64_t>(counts.size()), share.own = own;
    share.counts = counts.data(), share.state = state.data(), share.bytes = bytes;
    return jbn_forward_sizes(&a, &share);
  };
  CHECK(status({4, 1}, 0) == JBN_OK);
  CHECK(status({1, 4}, 0) == JBN_BAD_SHARES);
  CHECK(status({4, -1}, 0) == JBN_BAD_SHARES);
  CHECK(status({4, INT64_MAX}, 0) == JBN_BAD_SHARES);
  CHECK(status({4, INT64_MAX / 64}, 0) == JBN_BAD_SHARES);
  CHECK(status({4, 1}, 2) == JBN_BAD_SHARES);
  CHECK(status({4, 1}, -1) == JBN_BAD_SHARES);
  CHECK(status({}, 0) == JBN_BAD_SHARES);
  std::vector<double> weights(8, 1.0);
  a.weights = weights.data();
  CHECK(status({4, 1}, 0) == JBN_NOT_TOGETHER);
  a.weights = nullptr;
  const int64_t counts[] = {4, 1};
  jbn_share_args share = {};
  share.size = sizeof share, share.shares = 2, share.counts = counts, share.state = state.data();
  CHECK(jbn_forward_sizes(&a, &share) == JBN_NULL);
  CHECK(jbn_forward_share(&a, &share) == JBN_NULL);
  CHECK(jbn_forward_join(&a, &share) == JBN_NULL);
  share.state = nullptr;
  CHECK(jbn_forward_sizes(&a, &share) == JBN_NULL);
  CHECK(jbn_forward_sizes(&a, nullptr) == JBN_NULL);
  jbn_backward_args b = whole.backward(0);
  b.sums = state.data(), b.total = 3;
  CHECK(jbn_backward(&b) == JBN_BAD_SHARES);
}
