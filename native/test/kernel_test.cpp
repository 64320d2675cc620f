#include <doctest/doctest.h>

#include <cstddef>
#include <cstdlib>
#include <set>
#include <string>

#include "cases.hpp"

namespace {

// All of cases.txt, or what covers it where a processor is emulated.
std::vector<cases::Case> chosen() {
  const std::vector<cases::Case> all = cases::read_cases(JBATCHNORM_CASES);
  return std::getenv("JBATCHNORM_TEST_COVER") ? cases::cover(all) : all;
}

// Numbers of threads, and the size that the shared cache is given: results go to memory past a cache
// of one byte, through one of a terabyte, and as the machine has it at 0.
struct Way {
  int threads;
  int64_t cache;
};
constexpr int64_t kLeast = 1, kMost = int64_t{1} << 40;

std::vector<Way> ways() {
  if (std::getenv("JBATCHNORM_TEST_COVER")) return {{1, kMost}, {3, kLeast}};
  return {{1, kMost}, {2, kLeast}, {3, 0}, {4, kMost}, {8, kLeast}};
}

void same_bits(int isa) {
  if (!jbn_has_isa(isa)) {
    MESSAGE("skipped: no " << jbn_isa_name(isa) << " here");
    return;
  }
  for (const cases::Case& one : chosen()) {
    INFO(one.name());
    const cases::Prepared run = cases::prepare_case(one);
    for (const Way& way : ways()) {
      INFO("threads " << way.threads << " cache " << way.cache);
      REQUIRE(jbn_set_shared_cache(way.cache) == JBN_OK);
      int status = -1;
      CHECK(run(way.threads, isa, &status) == one.hash);
      CHECK(status == JBN_OK);
    }
  }
  REQUIRE(jbn_set_shared_cache(0) == JBN_OK);
}

}  // namespace

// A test of its own for each instruction set: CMakeLists.txt runs them side by side.
TEST_CASE("the bits of cases.txt for every thread count and kind of store: sse2") {
  same_bits(JBN_ISA_SSE2);
}
TEST_CASE("the bits of cases.txt for every thread count and kind of store: avx2") {
  same_bits(JBN_ISA_AVX2);
}
TEST_CASE("the bits of cases.txt for every thread count and kind of store: avx512") {
  same_bits(JBN_ISA_AVX512);
}
TEST_CASE("the bits of cases.txt for every thread count and kind of store: neon") {
  same_bits(JBN_ISA_NEON);
}
TEST_CASE("the bits of cases.txt for every thread count and kind of store: sve") {
  same_bits(JBN_ISA_SVE);
}

TEST_CASE("the cover is a part that has every dtype, layout, call, way and kind of data") {
  const auto kinds = [](const std::vector<cases::Case>& all) {
    std::set<std::string> found;
    for (const cases::Case& one : all) {
      const std::string type = one.dtype + " " + one.layout + " ";
      for (const std::string& kind : {one.call, cases::way(one), one.data}) {
        found.insert(type + kind);
      }
    }
    return found;
  };
  const std::vector<cases::Case> all = cases::read_cases(JBATCHNORM_CASES);
  const std::vector<cases::Case> cover = cases::cover(all);
  REQUIRE(all.size() > 50);
  CHECK(cover.size() * 4 < all.size());
  CHECK(kinds(cover) == kinds(all));
}

TEST_CASE("a shared cache has a size") { CHECK(jbn_set_shared_cache(-1) == JBN_BAD_SIZE); }

TEST_CASE("a plan is described, with as many threads as there is work for") {
  jbn_forward_args a = calls::args_of<jbn_forward_args>({JBN_F32, JBN_NCHW, 4, 64, 1000}, 1e-5,
                                                        JBN_EXEC(2, JBN_ISA_BEST));
  const auto text = [&a] {
    char words[100];
    REQUIRE(jbn_describe_forward(&a, words, sizeof words) == JBN_OK);
    return std::string(words);
  };
  CHECK(text() == "rows, 2 chunks x 1 slices, 2 threads, stores");
  a.layout = JBN_NHWC, a.s = 4;
  CHECK(text() == "columns, 1 chunks x 1 slices, 1 threads, stores");
  char word[5];
  CHECK(jbn_describe_forward(&a, word, sizeof word) == JBN_OK);
  CHECK(std::string(word) == "colu");
  CHECK(jbn_describe_forward(&a, nullptr, 10) == JBN_NULL);
  a.size = 4;
  CHECK(jbn_describe_forward(&a, word, sizeof word) == JBN_BAD_SIZE);
}

TEST_CASE("a call on empty memory takes no time and no memory") {
  CHECK(calls::forward({JBN_F32, JBN_NCHW, int64_t{1} << 40, 3, 0}, nullptr, nullptr, nullptr, 1,
                       nullptr, nullptr, nullptr, nullptr, 0) == JBN_OK);
  CHECK(calls::forward({JBN_F32, JBN_NHWC, int64_t{1} << 40, 0, 3}, nullptr, nullptr, nullptr, 1,
                       nullptr, nullptr, nullptr, nullptr, 0) == JBN_OK);
}

TEST_CASE("empty axes with everything that a call can have") {
  for (const int64_t n : {0, 1, 2}) {
    for (const int64_t c : {0, 1, 3}) {
      for (const int64_t s : {0, 1, 20}) {
        for (const int layout : {JBN_NCHW, JBN_NHWC}) {
          INFO(n << " " << c << " " << s << " layout " << layout);
          std::vector<float> x(static_cast<size_t>(n * c * s), 1.5f), y(x), dx(x), dz(x);
          std::vector<float> gamma(static_cast<size_t>(c), 2), dgamma(gamma), dbeta(gamma);
          std::vector<double> saved(4 * gamma.size()), weights(static_cast<size_t>(n * s), 1);
          jbn_forward_args f =
              calls::args_of<jbn_forward_args>({JBN_F32, layout, n, c, s}, 1e-5, 0);
          f.x = x.data(), f.z = x.data(), f.gamma = gamma.data(), f.weights = weights.data();
          f.y = y.data(), f.saved = saved.data();
          CHECK(jbn_forward(&f) == JBN_OK);
          jbn_backward_args b =
              calls::args_of<jbn_backward_args>({JBN_F32, layout, n, c, s}, 1e-5, 0);
          b.x = x.data(), b.dy = x.data(), b.y = y.data(), b.gamma = gamma.data();
          b.saved = saved.data(), b.weights = weights.data(), b.dx = dx.data();
          b.dz = dz.data(), b.dgamma = dgamma.data(), b.dbeta = dbeta.data();
          CHECK(jbn_backward(&b) == JBN_OK);
          for (const float value : dgamma) CHECK(value == 0);
          jbn_second_args g = calls::args_of<jbn_second_args>({JBN_F32, layout, n, c, s}, 1e-5, 0);
          g.x = x.data(), g.dy = x.data(), g.v = x.data(), g.saved = saved.data();
          g.gx = dx.data(), g.gdy = dz.data(), g.ggamma = dgamma.data();
          CHECK(jbn_second(&g) == JBN_OK);
        }
      }
    }
  }
}

TEST_CASE("a struct of another size: less is 0, more has to be") {
  struct Longer {
    jbn_forward_args known;
    int64_t unknown;
  } longer = {};
  longer.known = calls::args_of<jbn_forward_args>({JBN_F32, JBN_NCHW, 0, 0, 0}, 1, 0);
  longer.known.size = sizeof longer;
  CHECK(jbn_forward(&longer.known) == JBN_OK);
  longer.unknown = 1;
  CHECK(jbn_forward(&longer.known) == JBN_BAD_SIZE);
  longer.known.size = offsetof(jbn_forward_args, x);
  CHECK(jbn_forward(&longer.known) == JBN_OK);
  longer.known.size = 0;
  CHECK(jbn_forward(&longer.known) == JBN_BAD_SIZE);
  CHECK(jbn_forward(nullptr) == JBN_NULL);
}

TEST_CASE("a caller that flushes denormals gets the same bits") {
  const cases::Case one = {"f64", "nchw", "plain", "plain", "", 2, 3, 40};
  cases::Data<double> data(one);
  for (double& value : data.x) value *= 1e-310;
  std::vector<double> expected(data.x.size()), got(expected);
  const auto forward = [&](std::vector<double>& y) {
    return calls::forward({JBN_F64, JBN_NCHW, 2, 3, 40}, data.x.data(), nullptr, nullptr, 1.0,
                          y.data(), nullptr, nullptr, nullptr, JBN_EXEC(1, JBN_ISA_BEST));
  };
  REQUIRE(forward(expected) == JBN_OK);
  CHECK(expected[0] != 0);
#if defined(__x86_64__)
  const unsigned before = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(before | 0x8040);  // FTZ and DAZ
  const int status = forward(got);
  const unsigned after = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(before);
  CHECK((after & 0x8040) == 0x8040);
#else
  const int status = forward(got);
#endif
  REQUIRE(status == JBN_OK);
  CHECK(expected == got);
}

#if defined(__x86_64__)
TEST_CASE("a caller that rounds in another way gets the same bits, of weights too") {
  const cases::Case one = {"f32", "nchw", "plain", "weights", "", 2, 3, 40};
  const cases::Prepared run = cases::prepare_case(one);
  int status = -1;
  const std::string expected = run(1, JBN_ISA_BEST, &status);
  REQUIRE(status == JBN_OK);
  const unsigned before = __builtin_ia32_stmxcsr();
  for (const unsigned rounding : {0x2000u, 0x4000u, 0x6000u}) {  // down, up, to 0
    __builtin_ia32_ldmxcsr(before | rounding);
    const std::string got = run(1, JBN_ISA_BEST, &status);
    __builtin_ia32_ldmxcsr(before);
    CHECK(status == JBN_OK);
    CHECK(got == expected);
  }
}
#endif

TEST_CASE("a constant channel gives exactly beta") {
  const std::vector<float> x(300, 0.1f), beta = {0.7f, -1.3f, 1e-30f};
  std::vector<float> y(300), var(3);
  REQUIRE(calls::forward({JBN_F32, JBN_NHWC, 10, 3, 10}, x.data(), nullptr, beta.data(), 1e-5,
                         y.data(), nullptr, var.data(), nullptr, 0) == JBN_OK);
  for (size_t i = 0; i < y.size(); i++) CHECK(y[i] == beta[i % 3]);
  for (float v : var) CHECK(v == 0);
}

TEST_CASE("known values") {
  // x = 1, 2, 3, 4: mean 2.5, var 1.25; with eps = 0 xHat = -1.5, -0.5, 0.5, 1.5 over sqrt(1.25).
  const double x[] = {1, 2, 3, 4};
  double y[4], mean, var;
  REQUIRE(calls::forward({JBN_F64, JBN_NCHW, 4, 1, 1}, x, nullptr, nullptr, 0, y, &mean, &var,
                         nullptr, 0) == JBN_OK);
  CHECK(mean == 2.5);
  CHECK(var == 1.25);
  for (int i = 0; i < 4; i++)
    CHECK(y[i] == doctest::Approx((i - 1.5) / std::sqrt(1.25)).epsilon(1e-15));
}
