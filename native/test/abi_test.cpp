#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "calls.hpp"
#include "jbatchnorm/jbatchnorm.h"

namespace {

// A call that is right in every argument; each test makes one of them wrong.
struct Call {
  float memory[64] = {};
  int dtype = JBN_F32, layout = JBN_NCHW;
  int64_t n = 2, c = 2, s = 3;
  const void* x = memory;
  const void* gamma = memory + 12;
  double eps = 1e-5;
  void* y = memory + 20;
  void* mean = memory + 40;
  int32_t exec = 0;

  int forward() {
    return calls::forward({dtype, layout, n, c, s}, x, gamma, nullptr, eps, y, mean, nullptr,
                          nullptr, exec);
  }
};

}  // namespace

TEST_CASE("a right call is accepted") { CHECK(Call().forward() == JBN_OK); }

TEST_CASE("y may be left out, or be x") {
  Call call;
  call.y = nullptr;
  CHECK(call.forward() == JBN_OK);
  call.y = call.memory;
  CHECK(call.forward() == JBN_OK);
}

TEST_CASE("each wrong argument has its status and leaves the outputs alone") {
  Call call;
  int expected = JBN_OK;
  SUBCASE("dtype") { call.dtype = 7, expected = JBN_BAD_DTYPE; }
  SUBCASE("layout") { call.layout = -1, expected = JBN_BAD_LAYOUT; }
  SUBCASE("negative size") { call.c = -1, expected = JBN_BAD_SHAPE; }
  SUBCASE("overflow of N*C*S") {
    call.n = call.c = int64_t{1} << 31, call.s = 4, expected = JBN_BAD_SHAPE;
  }
  SUBCASE("overflow hidden by an empty axis") {
    call.n = call.c = INT64_MAX, call.s = 0, expected = JBN_BAD_SHAPE;
  }
  SUBCASE("negative eps") { call.eps = -1e-9, expected = JBN_BAD_EPS; }
  SUBCASE("NaN eps") { call.eps = std::nan(""), expected = JBN_BAD_EPS; }
  SUBCASE("infinite eps") {
    call.eps = std::numeric_limits<double>::infinity(), expected = JBN_BAD_EPS;
  }
  SUBCASE("null x") { call.x = nullptr, expected = JBN_NULL; }
  SUBCASE("unaligned x") {
    call.x = reinterpret_cast<char*>(call.memory) + 2, expected = JBN_UNALIGNED;
  }
  SUBCASE("y overlaps x") { call.y = call.memory + 11, expected = JBN_OVERLAP; }
  SUBCASE("mean overlaps y") { call.mean = call.memory + 31, expected = JBN_OVERLAP; }
  SUBCASE("threads") { call.exec = JBN_EXEC(JBN_MAX_THREADS + 1, 0), expected = JBN_BAD_THREADS; }
  SUBCASE("negative exec") { call.exec = -1, expected = JBN_BAD_THREADS; }
  SUBCASE("isa") { call.exec = JBN_EXEC(0, 99), expected = JBN_BAD_ISA; }
  float before[64];
  std::memcpy(before, call.memory, sizeof before);
  REQUIRE(expected != JBN_OK);
  CHECK(call.forward() == expected);
  CHECK(std::memcmp(before, call.memory, sizeof before) == 0);
}

TEST_CASE("an empty call needs no memory") {
  CHECK(calls::forward({JBN_F32, JBN_NCHW, 0, 0, 0}, nullptr, nullptr, nullptr, 0, nullptr, nullptr,
                       nullptr, nullptr, 0) == JBN_OK);
  CHECK(calls::infer({JBN_F64, JBN_NHWC, 3, 0, 5}, nullptr, nullptr, nullptr, nullptr, nullptr, 0,
                     nullptr, 0) == JBN_OK);
  CHECK(calls::backward({JBN_F64, JBN_NCHW, 3, 0, 5}, nullptr, nullptr, nullptr, nullptr, 0,
                        nullptr, nullptr, nullptr, 0) == JBN_OK);
}

TEST_CASE("an empty batch has NaN statistics and zero parameter gradients") {
  double mean = 1, var = 1, dgamma = 1, dbeta = 1, saved[4];
  REQUIRE(calls::forward({JBN_F64, JBN_NCHW, 0, 1, 20}, nullptr, nullptr, nullptr, 1e-5, nullptr,
                         &mean, &var, saved, 0) == JBN_OK);
  CHECK(std::isnan(mean));
  CHECK(std::isnan(var));
  REQUIRE(calls::backward({JBN_F64, JBN_NCHW, 0, 1, 20}, nullptr, nullptr, nullptr, saved, 1e-5,
                          nullptr, &dgamma, &dbeta, 0) == JBN_OK);
  CHECK(dgamma == 0);
  CHECK(dbeta == 0);
}

TEST_CASE("without elements the other sizes take no time") {
  const double none = 0;
  const int64_t many = int64_t{1} << 40;
  for (const calls::Sizes& sizes :
       {calls::Sizes{JBN_F32, JBN_NCHW, many, 2, 0}, calls::Sizes{JBN_F64, JBN_NHWC, many, 0, 0}}) {
    float mean[2], gradient[2];
    const double saved[8] = {0, 0, 0, 0, 1, 1, 1, 1};
    auto forward = calls::args_of<jbn_forward_args>(sizes, 1e-5, 0);
    forward.slope = 1, forward.weights = &none;
    if (sizes.c > 0) forward.mean = mean;
    CHECK(jbn_forward(&forward) == JBN_OK);
    auto backward = calls::args_of<jbn_backward_args>(sizes, 1e-5, 0);
    backward.slope = 1, backward.weights = &none, backward.saved = saved;
    if (sizes.c > 0) backward.dgamma = gradient;
    CHECK(jbn_backward(&backward) == JBN_OK);
  }
}

TEST_CASE("names, statuses and the version have texts") {
  CHECK(std::string(jbn_version()) == JBATCHNORM_VERSION);
  std::set<std::string> texts;
  for (int status = -1; status <= JBN_AGAIN; status++) texts.insert(jbn_status_text(status));
  CHECK(texts.size() == JBN_AGAIN + 2);
  CHECK(std::string(jbn_status_text(JBN_AGAIN + 1)) == jbn_status_text(-1));
  CHECK(std::string(jbn_isa_name(JBN_ISA_AVX2)) == "avx2");
  CHECK(std::string(jbn_isa_name(1000)) == "unknown");
  CHECK(jbn_has_isa(jbn_best_isa()));
  CHECK(jbn_has_isa(JBN_ISA_BEST));
  CHECK_FALSE(jbn_has_isa(1000));
  CHECK(jbn_default_threads() >= 1);
}

TEST_CASE("copy copies every byte, whatever the length") {
  for (const int64_t bytes : {0, 1, 127, 128, 1000, 1 << 19, (1 << 19) + 77}) {
    for (int past : {0, 1}) {
      for (int threads : {1, 3}) {
        INFO("bytes " << bytes << " past " << past << " threads " << threads);
        struct alignas(64) Line {
          unsigned char bytes[64];
        };
        std::vector<Line> from(static_cast<size_t>(bytes) / 64 + 1), to(from.size());
        unsigned char* const x = from[0].bytes;
        unsigned char* const y = to[0].bytes;
        for (int64_t i = 0; i < bytes; i++) x[i] = static_cast<unsigned char>(i * 7 + i / 256);
        REQUIRE(jbn_copy(x, y, bytes, past, JBN_EXEC(threads, JBN_ISA_BEST)) == JBN_OK);
        CHECK(std::equal(x, x + bytes, y));
        CHECK(y[bytes] == 0);
      }
    }
  }
}

TEST_CASE("copy checks its arguments") {
  alignas(64) char memory[256] = {};
  CHECK(jbn_copy(memory, memory + 128, -1, 0, 0) == JBN_BAD_SIZE);
  CHECK(jbn_copy(nullptr, memory, 64, 0, 0) == JBN_NULL);
  CHECK(jbn_copy(memory, memory + 8, 8, 0, 0) == JBN_UNALIGNED);
  CHECK(jbn_copy(memory, memory + 64, 128, 0, 0) == JBN_OVERLAP);
  CHECK(jbn_copy(memory, memory + 128, 64, 0, -1) == JBN_BAD_THREADS);
}
