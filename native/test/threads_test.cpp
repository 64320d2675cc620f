#include <doctest/doctest.h>
#include <omp.h>

#include <cstddef>
#include <vector>

#include "calls.hpp"

namespace {

// What a forward and a backward of some sizes give.
std::vector<float> results_of(int64_t n, int64_t c, int64_t s, int threads) {
  const size_t elements = static_cast<size_t>(n * c * s), channels = static_cast<size_t>(c);
  std::vector<float> x(elements), dy(elements), all(2 * elements + 4 * channels);
  for (size_t i = 0; i < elements; i++) {
    x[i] = static_cast<float>(i * 7919 % 1009) / 100;
    dy[i] = static_cast<float>(i * 104729 % 997) / 100;
  }
  std::vector<double> saved(4 * channels);
  float* const y = all.data();
  float* const dx = y + elements;
  float* const rest = dx + elements;
  const calls::Sizes sizes = {JBN_F32, JBN_NCHW, n, c, s};
  const int32_t exec = JBN_EXEC(threads, JBN_ISA_BEST);
  const int forward = calls::forward(sizes, x.data(), nullptr, nullptr, 1e-5, y, rest,
                                     rest + channels, saved.data(), exec);
  const int backward = calls::backward(sizes, x.data(), dy.data(), nullptr, saved.data(), 1e-5, dx,
                                       rest + 2 * channels, rest + 3 * channels, exec);
  if (forward != JBN_OK || backward != JBN_OK) all.clear();
  return all;
}

}  // namespace

TEST_CASE("calls from within a caller's own parallel region") {
  const int64_t large = 40;  // past what one thread is enough for
  std::vector<std::vector<float>> expected, got(8);
  for (int i = 0; i < 8; i++) expected.push_back(results_of(i % 2 ? large : 3, 8, 100 + i, 1));
  for (const int threads : {1, 3}) {
    INFO("threads " << threads);
#pragma omp parallel for num_threads(4) schedule(dynamic)
    for (int i = 0; i < 8; i++) {
      got[static_cast<size_t>(i)] = results_of(i % 2 ? large : 3, 8, 100 + i, threads);
    }
    for (size_t i = 0; i < 8; i++) {
      INFO("call " << i);
      CHECK(!got[i].empty());
      CHECK(got[i] == expected[i]);
    }
  }
}
