// The cases of cases.txt: their data, made the same way in Java (SharedCase.java), and their hash.
#ifndef JBATCHNORM_TEST_CASES_HPP
#define JBATCHNORM_TEST_CASES_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include "calls.hpp"
#include "jbatchnorm/jbatchnorm.h"

namespace cases {

struct Case {
  std::string dtype, layout, data, call, hash;
  int64_t n, c, s;

  std::string name() const {
    std::ostringstream out;
    out << dtype << ' ' << layout << ' ' << n << ' ' << c << ' ' << s << ' ' << data << ' ' << call;
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
    fields >> one.dtype >> one.layout >> one.n >> one.c >> one.s >> one.data >> one.call >>
        one.hash;
    all.push_back(one);
  }
  return all;
}

// How a call of this shape goes over memory, each number of the plan's words as none, one or many.
inline std::string way(const Case& one) {
  const int dtype = one.dtype == "f64" ? JBN_F64 : JBN_F32;
  const int layout = one.layout == "nhwc" ? JBN_NHWC : JBN_NCHW;
  const jbn_forward_args args = calls::args_of<jbn_forward_args>(
      {dtype, layout, one.n, one.c, one.s}, 1, JBN_EXEC(2, JBN_ISA_BEST));
  char words[100];
  if (jbn_describe_forward(&args, words, sizeof words) != JBN_OK) return "refused";
  std::istringstream in(words);
  std::string way, word;
  while (in >> word) way += std::strtol(word.c_str(), nullptr, 10) > 1 ? "many " : word + " ";
  return way;
}

// The cases, smallest first, that bring a pair that none before them has: a dtype and layout with a
// call, a way or a kind of data; a layout and call with a way.
inline std::vector<Case> cover(std::vector<Case> all) {
  std::stable_sort(all.begin(), all.end(),
                   [](const Case& a, const Case& b) { return a.n * a.c * a.s < b.n * b.c * b.s; });
  std::set<std::string> seen;
  std::vector<Case> chosen;
  for (const Case& one : all) {
    const std::string type = one.dtype + " " + one.layout + " ", path = way(one);
    bool brings = false;
    for (const std::string& pair :
         {type + one.call, type + path, type + one.data, one.layout + " " + one.call + path}) {
      brings |= seen.insert(pair).second;
    }
    if (brings) chosen.push_back(one);
  }
  return chosen;
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

// Elements as they lie in memory, with the value that each stands for. 16-bit elements are decoded
// by their definition, and encoded by looking for the nearest.
struct Bf16 {
  uint16_t bits;
};
struct F16 {
  uint16_t bits;
};

inline double decode(float v) { return v; }
inline double decode(double v) { return v; }
inline double decode(uint32_t bits, int fraction, int bias, int most) {
  const int exponent = static_cast<int>(bits >> fraction) & (most - 1);
  const double part = static_cast<double>(bits & ((1u << fraction) - 1));
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == most - 1) {
    return part == 0 ? sign * std::numeric_limits<double>::infinity()
                     : std::numeric_limits<double>::quiet_NaN();
  }
  const double one = std::ldexp(1, fraction);
  return sign * std::ldexp(exponent == 0 ? part : one + part,
                           (exponent == 0 ? 1 : exponent) - bias - fraction);
}
inline double decode(Bf16 v) { return decode(v.bits, 7, 127, 256); }
inline double decode(F16 v) { return decode(v.bits, 10, 15, 32); }

inline void encode(double v, float* to) { *to = static_cast<float>(v); }
inline void encode(double v, double* to) { *to = v; }
template <class T>
void encode(double v, T* to) {
  if (std::isnan(v)) {
    to->bits = 0x7fff;
    return;
  }
  // The largest magnitude that is not above v's, by its bits, and the next.
  static const std::vector<double> all = [] {
    std::vector<double> values;
    for (uint16_t bits = 0; !std::isinf(decode(T{bits})); bits++) values.push_back(decode(T{bits}));
    return values;
  }();
  const auto above = std::upper_bound(all.begin(), all.end(), std::fabs(v));
  const uint16_t below = static_cast<uint16_t>(above - all.begin() - 1);
  const double low = std::fabs(v) - decode(T{below});
  // Infinity stands where the next number would.
  const T next = {static_cast<uint16_t>(below + 1)}, last = {static_cast<uint16_t>(below - 1)};
  const double gap =
      std::isinf(decode(next)) ? decode(T{below}) - decode(last) : decode(next) - decode(T{below});
  const bool up = low > gap / 2 || (low == gap / 2 && below % 2 == 1);
  to->bits = static_cast<uint16_t>((std::signbit(v) ? 0x8000 : 0) | (below + (up ? 1 : 0)));
}

// FNV-1a over the elements' bits, every NaN the same.
class Hash {
 public:
  void add(const std::vector<float>& values) {
    each(values, std::numeric_limits<float>::quiet_NaN());
  }
  void add(const std::vector<double>& values) {
    each(values, std::numeric_limits<double>::quiet_NaN());
  }
  void add(const std::vector<Bf16>& values) { each(values, Bf16{0x7fc0}); }
  void add(const std::vector<F16>& values) { each(values, F16{0x7e00}); }
  std::string text() const {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value_));
    return text;
  }

 private:
  template <class T>
  void each(const std::vector<T>& values, T nan) {
    for (const T value : values) {
      uint64_t bits = 0;
      std::memcpy(&bits, std::isnan(decode(value)) ? &nan : &value, sizeof(T));
      value_ = (value_ ^ bits) * 0x100000001b3u;
    }
  }
  uint64_t value_ = 0xcbf29ce484222325u;
};

template <class T>
using Parameter = std::conditional_t<std::is_same_v<T, double>, double, float>;

template <class T>
struct Data {
  std::vector<T> x, dy, z;
  std::vector<Parameter<T>> gamma, beta, mean, var;
  std::vector<double> weights;

  explicit Data(const Case& one) : c_(one.c), s_(one.s), last_(one.layout == "nhwc") {
    const int64_t m = one.n * one.s;
    Random random(1000003u * static_cast<uint64_t>(one.n) + 1009u * static_cast<uint64_t>(one.c) +
                  static_cast<uint64_t>(one.s));
    x.resize(static_cast<size_t>(m * one.c));
    dy.resize(x.size());
    for (int64_t c = 0; c < one.c; c++) {
      const bool zeros = one.data == "zeros";
      const double scale = 1 + random.next() / 2, shift = random.next();
      gamma.push_back(static_cast<Parameter<T>>(zeros && c % 2 == 0 ? -0.0 : scale));
      beta.push_back(static_cast<Parameter<T>>(zeros ? -0.0 : shift));
      mean.push_back(static_cast<Parameter<T>>(random.next()));
      var.push_back(static_cast<Parameter<T>>(1 + random.next() / 2));
      for (int64_t i = 0; i < m; i++) {
        encode(element(one.data, random.next(), i, m, c), &x[at(i, c)]);
        encode(random.next(), &dy[at(i, c)]);
      }
    }
    // A third of the positions out, the others of weights from 0.5 to 1.5.
    for (int64_t i = 0; i < m; i++) {
      const double r = random.next();
      weights.push_back(i % 3 == 1 ? 0 : 1 + r / 2);
    }
    z.resize(x.size());
    for (T& value : z) encode(random.next(), &value);
  }

 private:
  static double element(const std::string& kind, double r, int64_t i, int64_t m, int64_t c) {
    if (kind == "offset") return 1e4 + 1e-2 * r;
    if (kind == "spread") return r * (c % 3 == 0 ? 1e-8 : c % 3 == 1 ? 1.0 : 1e8);
    if (kind == "huge") return r * 3e38;
    if (kind == "tiny") return r * 1e-40;
    if (kind == "vast") return r * (c % 3 == 0 ? 1.7e308 : c % 3 == 1 ? 1e160 : 1.0);
    if (kind == "minute") return r * (c % 3 == 0 ? 1e-300 : c % 3 == 1 ? 1e-170 : 1.0);
    if (kind == "zeros") return i % 3 == 0 ? -0.0 : r;
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

// Beside the squares of minute elements any eps would be all there is.
inline double eps_of(const Case& one) { return one.data == "minute" ? 0 : 1e-5; }

// The calls of a case, each adding to the hash what it gives.
template <class T>
class Run {
 public:
  Run(const Case& one, const Data<T>& data, int threads, int isa)
      : one_(one),
        data_(data),
        dtype_(one.dtype == "f32"    ? JBN_F32
               : one.dtype == "f64"  ? JBN_F64
               : one.dtype == "bf16" ? JBN_BF16
                                     : JBN_F16),
        exec_(JBN_EXEC(threads, isa)),
        eps_(eps_of(one)),
        y_(data_.x.size()),
        dx_(y_),
        dz_(y_),
        mean_(static_cast<size_t>(one.c)),
        var_(mean_),
        dgamma_(mean_),
        dbeta_(mean_),
        saved_(4 * mean_.size()) {}

  std::string hash(int* status) {
    *status = JBN_OK;
    const std::string& call = one_.call;
    if (call == "plain") plain();
    if (call == "relu") tail(0, false);
    if (call == "leaky") tail(0.25, true);
    if (call == "given") given();
    if (call == "inverted") inverted();
    if (call == "weights") weighted();
    if (call == "second") second();
    *status = status_;
    return hash_.text();
  }

 private:
  jbn_forward_args forward_args() {
    jbn_forward_args a = {};
    begin(&a);
    a.eps = eps_, a.slope = 1;
    a.x = data_.x.data(), a.gamma = data_.gamma.data(), a.beta = data_.beta.data();
    a.y = y_.data(), a.mean = mean_.data(), a.var = var_.data(), a.saved = saved_.data();
    return a;
  }

  jbn_backward_args backward_args() {
    jbn_backward_args a = {};
    begin(&a);
    a.eps = eps_, a.slope = 1;
    a.x = data_.x.data(), a.dy = data_.dy.data();
    a.gamma = data_.gamma.data(), a.beta = data_.beta.data(), a.saved = saved_.data();
    a.dx = dx_.data(), a.dgamma = dgamma_.data(), a.dbeta = dbeta_.data();
    return a;
  }

  calls::Sizes sizes() const {
    return {dtype_, one_.layout == "nhwc" ? JBN_NHWC : JBN_NCHW, one_.n, one_.c, one_.s};
  }

  template <class Args>
  void begin(Args* a) const {
    a->size = sizeof *a;
    a->dtype = dtype_, a->layout = one_.layout == "nhwc" ? JBN_NHWC : JBN_NCHW;
    a->n = one_.n, a->c = one_.c, a->s = one_.s, a->exec = exec_;
  }

  void check(int status) {
    if (status_ == JBN_OK) status_ = status;
  }
  void add_forward() { hash_.add(y_), hash_.add(mean_), hash_.add(var_); }
  void add_backward() { hash_.add(dx_), hash_.add(dgamma_), hash_.add(dbeta_); }

  void plain() {
    check(jbn_forward(&as_lvalue(forward_args())));
    add_forward();
    std::vector<T> z(y_.size());
    check(calls::infer(sizes(), data_.x.data(), nullptr, data_.beta.data(), data_.mean.data(),
                       data_.var.data(), eps_, z.data(), exec_));
    hash_.add(z);
    check(calls::backward(sizes(), data_.x.data(), data_.dy.data(), data_.gamma.data(),
                          saved_.data(), eps_, dx_.data(), dgamma_.data(), dbeta_.data(), exec_));
    add_backward();
    saved_.resize(3 * mean_.size());
    hash_.add(saved_);
  }

  void tail(double slope, bool adds) {
    jbn_forward_args forward = forward_args();
    forward.slope = slope, forward.z = adds ? data_.z.data() : nullptr;
    check(jbn_forward(&forward));
    add_forward();
    jbn_backward_args backward = backward_args();
    backward.slope = slope;
    if (adds) backward.y = y_.data(), backward.dz = dz_.data();
    check(jbn_backward(&backward));
    add_backward();
    hash_.add(dz_);
  }

  void given() {
    jbn_forward_args forward = forward_args();
    forward.slope = 0.25;
    forward.given_mean = data_.mean.data(), forward.given_var = data_.var.data();
    check(jbn_forward(&forward));
    add_forward();
    jbn_backward_args backward = backward_args();
    backward.slope = 0.25, backward.given = 1;
    check(jbn_backward(&backward));
    add_backward();
    const std::vector<double> saved = saved_;
    forward.given_mean = forward.given_var = nullptr, forward.given = saved.data();
    forward.slope = 1, forward.beta = nullptr;
    check(jbn_forward(&forward));
    add_forward();
    backward.slope = 1, backward.dx = nullptr, backward.dz = dz_.data();
    check(jbn_backward(&backward));
    add_backward();
    hash_.add(dz_);
  }

  void inverted() {
    jbn_forward_args forward = forward_args();
    y_ = data_.x;
    forward.x = y_.data(), forward.slope = 0.5, forward.invertible = 1;
    check(jbn_forward(&forward));
    add_forward();
    dx_ = data_.dy;
    jbn_backward_args backward = backward_args();
    backward.slope = 0.5, backward.inverted = 1, backward.x = y_.data(), backward.dy = dx_.data();
    check(jbn_backward(&backward));
    add_backward();
  }

  void weighted() {
    jbn_forward_args forward = forward_args();
    forward.slope = 0.25, forward.z = data_.z.data(), forward.weights = data_.weights.data();
    check(jbn_forward(&forward));
    add_forward();
    jbn_backward_args backward = backward_args();
    backward.slope = 0.25, backward.y = y_.data(), backward.dz = dz_.data();
    backward.weights = data_.weights.data();
    check(jbn_backward(&backward));
    add_backward();
    hash_.add(dz_);
    forward.slope = backward.slope = 0, forward.z = backward.y = nullptr;
    check(jbn_forward(&forward));
    add_forward();
    check(jbn_backward(&backward));
    add_backward();
  }

  void second() {
    check(jbn_forward(&as_lvalue(forward_args())));
    jbn_second_args a = {};
    begin(&a);
    a.eps = eps_, a.x = data_.x.data(), a.dy = data_.dy.data(), a.gamma = data_.gamma.data();
    a.saved = saved_.data(), a.v = data_.z.data();
    a.vgamma = data_.mean.data(), a.vbeta = data_.beta.data();
    a.gx = dx_.data(), a.gdy = dz_.data(), a.ggamma = dgamma_.data();
    for (a.given = 0; a.given < 2; a.given++) {
      check(jbn_second(&a));
      hash_.add(dx_), hash_.add(dz_), hash_.add(dgamma_);
    }
  }

  static jbn_forward_args& as_lvalue(jbn_forward_args&& args) { return args; }

  const Case& one_;
  const Data<T>& data_;
  const int dtype_;
  const int32_t exec_;
  const double eps_;
  std::vector<T> y_, dx_, dz_;
  std::vector<Parameter<T>> mean_, var_, dgamma_, dbeta_;
  std::vector<double> saved_;
  Hash hash_;
  int status_ = JBN_OK;
};

// A case with its data: gives the hash of everything that its calls give.
using Prepared = std::function<std::string(int threads, int isa, int* status)>;

template <class T>
Prepared prepare(const Case& one) {
  const auto data = std::make_shared<Data<T>>(one);
  return [one, data](int threads, int isa, int* status) {
    return Run<T>(one, *data, threads, isa).hash(status);
  };
}

inline Prepared prepare_case(const Case& one) {
  if (one.dtype == "f32") return prepare<float>(one);
  if (one.dtype == "f64") return prepare<double>(one);
  return one.dtype == "bf16" ? prepare<Bf16>(one) : prepare<F16>(one);
}

}  // namespace cases

#endif  // JBATCHNORM_TEST_CASES_HPP
