// The system refuses threads: calls go on with those that there are. A program of its own, since it
// stands between OpenMP and the system.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <future>
#include <thread>
#include <vector>

#include "calls.hpp"

namespace {

std::atomic<int> running{0}, most{1 << 20}, refused{0};

struct Start {
  void* (*run)(void*);
  void* argument;
};

void* counted(void* of) {
  const Start start = *static_cast<Start*>(of);
  delete static_cast<Start*>(of);
  void* const result = start.run(start.argument);
  running--;
  return result;
}

}  // namespace

// Instead of the C library's.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*run)(void*), void* argument) {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const Create create = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  if (running.fetch_add(1) >= most) {
    running--;
    refused++;
    return EAGAIN;
  }
  return create(thread, attributes, counted, new Start{run, argument});
}

namespace {

std::vector<double> normalized(int threads) {
  const int64_t n = 20, c = 16, s = 400;
  std::vector<double> x(static_cast<size_t>(n * c * s)), y(x.size());
  for (size_t i = 0; i < x.size(); i++) x[i] = static_cast<double>(i * 7919 % 1009);
  REQUIRE(calls::forward({JBN_F64, JBN_NCHW, n, c, s}, x.data(), nullptr, nullptr, 1e-5, y.data(),
                         nullptr, nullptr, nullptr, JBN_EXEC(threads, JBN_ISA_BEST)) == JBN_OK);
  return y;
}

}  // namespace

TEST_CASE("with the threads that the system gives, none but the caller's own among them") {
  const std::vector<double> expected = normalized(1);
  for (const int given : {0, 1, 3}) {
    INFO("threads given " << given);
    most = given, refused = 0;
    CHECK(normalized(8) == expected);
    CHECK(refused > 0);
  }
  most = 1 << 20, refused = 0;
  CHECK(normalized(8) == expected);
  CHECK(refused == 0);
}

TEST_CASE("several callers at once share what there is") {
  constexpr int kCallers = 4;
  const std::vector<double> expected = normalized(1);
  std::vector<std::vector<double>> got(kCallers);
  std::vector<std::thread> callers;
  std::promise<void> begin;
  const std::shared_future<void> begun = begin.get_future().share();
  most = 1 << 20;
  for (std::vector<double>& result : got) {
    callers.emplace_back([&result, begun] {
      begun.wait();
      for (int i = 0; i < 50; i++) result = normalized(2 + i % 7);
    });
  }
  most = running + 5, refused = 0;
  begin.set_value();
  for (std::thread& caller : callers) caller.join();
  CHECK(refused > 0);
  for (const std::vector<double>& result : got) CHECK(result == expected);
}
