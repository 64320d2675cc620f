// The optimizers' updates of a parameter and their own state, in one pass, in f64.
#ifndef JBATCHNORM_SRC_UPDATE_HPP
#define JBATCHNORM_SRC_UPDATE_HPP

#include <cmath>

#include "arrays/arrays.hpp"
#include "platform/threads.hpp"
#include "simd/vectors.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// The rules, by the numbers that UpdateRule gives them.
enum class Rule { kSgd, kAdam, kRmsProp };

// What a rule is told; JavaArrays says what it means for each.
struct Numbers {
  double rate, decay, decoupled, first, second, eps, correction1, correction2;
  bool nesterov;
};

template <class T, class Step>
void update_with(Fields& fields, const Numbers& given, int threads, const Step& step) {
  T* const parameter = fields.pointer<T>();
  const T* const grad = fields.pointer<const T>();
  T* const one = fields.pointer<T>();
  T* const two = fields.pointer<T>();
  const int64_t size = fields.integer();
  on_threads(size < kSerialElements ? 1 : threads, [&] {
    const Share share(size);
    const Numbers numbers = given;
#pragma omp simd
    for (int64_t i = share.from; i < share.to; i++) {
      double p = parameter[i];
      const double g = grad[i] + numbers.decay * p;
      p -= numbers.rate * numbers.decoupled * p;
      double u = one[i], v = two[i];
      parameter[i] = static_cast<T>(p - numbers.rate * step(numbers, g, u, v));
      one[i] = static_cast<T>(u);
      two[i] = static_cast<T>(v);
    }
  });
}

template <class T>
void update_of(Fields fields, int threads) {
  const Rule rule = static_cast<Rule>(fields.integer());
  Numbers numbers;
  numbers.rate = fields.number();
  numbers.decay = fields.number();
  numbers.decoupled = fields.number();
  numbers.first = fields.number();
  numbers.second = fields.number();
  numbers.eps = fields.number();
  numbers.correction1 = fields.number();
  numbers.correction2 = fields.number();
  numbers.nesterov = fields.flag();
  switch (rule) {
    case Rule::kSgd:  // `two` is `one`, where there is nothing else to keep
      return update_with<T>(fields, numbers, threads,
                            [](const Numbers& a, double g, double& u, double& v) {
                              u = a.first * u + g;
                              v = u;
                              return a.nesterov ? g + a.first * u : u;
                            });
    case Rule::kAdam:
      return update_with<T>(fields, numbers, threads,
                            [](const Numbers& a, double g, double& u, double& v) {
                              u = a.first * u + (1 - a.first) * g;
                              v = a.second * v + (1 - a.second) * g * g;
                              return u / a.correction1 / (std::sqrt(v / a.correction2) + a.eps);
                            });
    case Rule::kRmsProp:
      return update_with<T>(fields, numbers, threads,
                            [](const Numbers& a, double g, double& u, double& v) {
                              v = a.second * v + (1 - a.second) * g * g;
                              u = a.first * u + g / (std::sqrt(v) + a.eps);
                              return u;
                            });
  }
}

inline void update(Fields fields, int threads) {
  fields.integer() == 1 ? update_of<double>(fields, threads) : update_of<float>(fields, threads);
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_UPDATE_HPP
