#include <doctest/doctest.h>

#include "cases.hpp"

TEST_CASE("the same bits for every thread count and instruction set, as in cases.txt") {
  const std::vector<cases::Case> all = cases::read_cases(JBATCHNORM_CASES);
  REQUIRE(all.size() > 50);
  for (const cases::Case& one : all) {
    INFO(one.name());
    const cases::Prepared run = cases::prepare_case(one);
    for (int isa = JBN_ISA_SSE2; isa <= JBN_ISA_SVE; isa++) {
      if (!jbn_has_isa(isa)) continue;
      INFO("isa " << jbn_isa_name(isa));
      for (int threads : {1, 2, 3, 4, 8}) {
        INFO("threads " << threads);
        int status = -1;
        CHECK(run(threads, isa, &status) == one.hash);
        CHECK(status == JBN_OK);
      }
    }
  }
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
