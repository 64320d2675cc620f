// A process that forks once its calls have had threads: the child's calls end, and give the same bits.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "calls.hpp"

namespace {

constexpr unsigned kSeconds = 60;  // after these, a child that waits for no one is ended

std::vector<float> normalized(int threads) {
  const int64_t n = 32, c = 16, s = 4096;
  std::vector<float> x(static_cast<size_t>(n * c * s)), y(x.size());
  for (size_t i = 0; i < x.size(); i++) x[i] = static_cast<float>(i * 7919 % 1009);
  REQUIRE(calls::forward({JBN_F32, JBN_NCHW, n, c, s}, x.data(), nullptr, nullptr, 1e-5, y.data(),
                         nullptr, nullptr, nullptr, JBN_EXEC(threads, JBN_ISA_BEST)) == JBN_OK);
  return y;
}

}  // namespace

TEST_CASE("the child of a fork computes the parent's bits") {
  const std::vector<float> expected = normalized(4);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(kSeconds);
    _exit(normalized(4) == expected && normalized(1) == expected ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(normalized(4) == expected);
}
