// The cases of cases.txt: their data, made the same way in Java (SharedCase.java), and their hash.
#ifndef JBATCHNORM_TEST_CASES_HPP
#define JBATCHNORM_TEST_CASES_HPP

#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "jbatchnorm/jbatchnorm.h"

namespace cases {

struct Case {
  std::string dtype, layout, data, hash;
  int64_t n, c, s;

  std::string name() const {
    std::ostringstream out;
    out << dtype << ' ' << layout << ' ' << n << ' ' << c << ' ' << s << ' ' << data;
    return out.str();
  }
};

inline std::vector<Case> read_cases(const char* path) {
  std::vector<Case> all;
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (line.empty() || line[0] == '#') continue;
    Case one;
    std::istringstream fields(line);
    fields >> one.dtype >> one.layout >> one.n >> one.c >> one.s >> one.data >> one.hash;
    all.push_back(one);
  }
  return all;
}

// SplitMix64 (Steele, Lea and Flood 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  // In [-1, 1), a sum of three uniforms over 1.5: near enough to a bell, and exact to reproduce.
  double next() { return (uniform() + uniform() + uniform() - 1.5) / 1.5; }

 private:
  double uniform() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }
  uint64_t state_;
};

// FNV-1a over the elements' bits, every NaN the same.
class Hash {
 public:
  template <class T>
  void add(const std::vector<T>& values) {
    for (T value : values) {
      uint64_t bits = 0;
      if (std::isnan(value)) value = std::numeric_limits<T>::quiet_NaN();
      std::memcpy(&bits, &value, sizeof(T));
      value_ = (value_ ^ bits) * 0x100000001b3u;
    }
  }
  std::string text() const {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value_));
    return text;
  }

 private:
  uint64_t value_ = 0xcbf29ce484222325u;
};

template <class T>
struct Data {
  std::vector<T> x, dy, gamma, beta, mean, var;

  explicit Data(const Case& one) : c_(one.c), s_(one.s), last_(one.layout == "nhwc") {
    const int64_t m = one.n * one.s;
    Random random(1000003u * static_cast<uint64_t>(one.n) + 1009u * static_cast<uint64_t>(one.c) +
                  static_cast<uint64_t>(one.s));
    x.resize(static_cast<size_t>(m * one.c));
    dy.resize(x.size());
    for (int64_t c = 0; c < one.c; c++) {
      gamma.push_back(static_cast<T>(1 + random.next() / 2));
      beta.push_back(static_cast<T>(random.next()));
      mean.push_back(static_cast<T>(random.next()));
      var.push_back(static_cast<T>(1 + random.next() / 2));
      for (int64_t i = 0; i < m; i++) {
        x[at(i, c)] = static_cast<T>(element(one.data, random.next(), i, m, c));
        dy[at(i, c)] = static_cast<T>(random.next());
      }
    }
  }

 private:
  static double element(const std::string& kind, double r, int64_t i, int64_t m, int64_t c) {
    if (kind == "offset") return 1e4 + 1e-2 * r;
    if (kind == "spread") return r * (c % 3 == 0 ? 1e-8 : c % 3 == 1 ? 1.0 : 1e8);
    if (kind == "constant") return c % 2 == 0 ? 0.1 * static_cast<double>(c + 1) : r;
    if (kind == "probes") {
      const int64_t probes = m < 16 ? m : 16;
      const int64_t j = i * probes / m;
      const bool probe = i == j * m / probes || i == (j + 1) * m / probes;
      return probe ? 1e6 : r;
    }
    if (kind == "special" && i == m / 2) {
      const double infinity = std::numeric_limits<double>::infinity();
      if (c % 4 == 1) return std::numeric_limits<double>::quiet_NaN();
      if (c % 4 == 2) return infinity;
      if (c % 4 == 3) return -infinity;
    }
    return r;
  }

  size_t at(int64_t i, int64_t c) const {
    return static_cast<size_t>(last_ ? i * c_ + c : (i / s_ * c_ + c) * s_ + i % s_);
  }

  int64_t c_, s_;
  bool last_;
};

constexpr double kEps = 1e-5;

// The hash of everything that the three calls give.
template <class T>
std::string run(const Case& one, int threads, int isa, int* status) {
  const Data<T> data(one);
  const int dtype = sizeof(T) == sizeof(float) ? JBN_F32 : JBN_F64;
  const int layout = one.layout == "nhwc" ? JBN_NHWC : JBN_NCHW;
  const int32_t exec = JBN_EXEC(threads, isa);
  const size_t c = static_cast<size_t>(one.c);
  std::vector<T> y(data.x.size()), z(y), dx(y), mean(c), var(c), dgamma(c), dbeta(c);
  std::vector<double> saved(3 * c);
  *status =
      jbn_forward(dtype, layout, one.n, one.c, one.s, data.x.data(), data.gamma.data(),
                  data.beta.data(), kEps, y.data(), mean.data(), var.data(), saved.data(), exec);
  if (*status != JBN_OK) return "";
  *status = jbn_infer(dtype, layout, one.n, one.c, one.s, data.x.data(), nullptr, data.beta.data(),
                      data.mean.data(), data.var.data(), kEps, z.data(), exec);
  if (*status != JBN_OK) return "";
  *status = jbn_backward(dtype, layout, one.n, one.c, one.s, data.x.data(), data.dy.data(),
                         data.gamma.data(), saved.data(), kEps, dx.data(), dgamma.data(),
                         dbeta.data(), exec);
  if (*status != JBN_OK) return "";
  Hash hash;
  for (const auto* part : {&y, &mean, &var, &z, &dx, &dgamma, &dbeta}) hash.add(*part);
  hash.add(saved);
  return hash.text();
}

inline std::string run(const Case& one, int threads, int isa, int* status) {
  return one.dtype == "f32" ? run<float>(one, threads, isa, status)
                            : run<double>(one, threads, isa, status);
}

}  // namespace cases

#endif  // JBATCHNORM_TEST_CASES_HPP
