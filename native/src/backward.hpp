// The backward job: the gradients of the forward job with the batch's own statistics.
#ifndef JBATCHNORM_SRC_BACKWARD_HPP
#define JBATCHNORM_SRC_BACKWARD_HPP

#include "sweep.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// The coefficients of Gradient, a run of C for each; the mean is what forward saved.
struct GradientColumns {
  const double *mean, *mean_lo, *var;
  double *dy_mean, *slope, *scale;

  GradientColumns(const double* saved, double* memory, int64_t c)
      : mean(saved),
        mean_lo(saved + c),
        var(saved + 2 * c),
        dy_mean(memory),
        slope(memory + c),
        scale(memory + 2 * c) {}
  Moments moments(int64_t c) const { return {mean[c], mean_lo[c], var[c]}; }
  void set(int64_t c, const Gradient& g) const {
    dy_mean[c] = g.dy_mean, slope[c] = g.slope, scale[c] = g.scale;
  }
  GradientColumns after(int64_t c) const {
    GradientColumns columns = *this;
    columns.mean += c, columns.mean_lo += c, columns.var += c;
    columns.dy_mean += c, columns.slope += c, columns.scale += c;
    return columns;
  }
  Gradient get(int64_t c) const { return {mean[c], mean_lo[c], dy_mean[c], slope[c], scale[c]}; }
};

// Sums dy and dy * (x - mean); maps x and dy to dx.
template <class T>
struct BackwardJob {
  using Element = T;
  static constexpr int64_t kBytes = 2 * sizeof(T);
  static bool maps(const BackwardJob& job) { return job.call.dx != nullptr; }
  static constexpr int64_t kScratch = 3;  // doubles a channel
  struct Gathered {
    T x[kChunk], dy[kChunk];
  };

  const Shape shape;
  const BackwardCall<T>& call;
  const GradientColumns gradient;

  BackwardJob(const BackwardCall<T>& backward, double* scratch)
      : shape(backward.shape),
        call(backward),
        gradient(backward.saved, scratch, backward.shape.c) {}

  void prepare(int64_t, int64_t) const {}

  void add(int64_t c, int64_t at, int64_t length, int64_t ahead, Lanes& sum,
           Lanes& products) const {
    add_gradients(call.x + at, call.dy + at, length, ahead, gradient.moments(c), sum, products);
  }
  Moments summand(int64_t c) const { return gradient.moments(c); }
  void add_group(const Moments& moments, int64_t at, int64_t ahead, Lanes& sum,
                 Lanes& products) const {
    fetch_lanes(call.x, at + ahead);
    fetch_lanes(call.dy, at + ahead);
    JBN_NAMESPACE::add_group(call.x + at, call.dy + at, moments, sum, products);
  }
  void gather(int64_t at, int64_t to, Gathered& gathered) const {
    gathered.x[to] = call.x[at];
    gathered.dy[to] = call.dy[at];
  }
  void add(int64_t c, const Gathered& gathered, int64_t length, Lanes& sum, Lanes& products) const {
    add_gradients(gathered.x, gathered.dy, length, 0, gradient.moments(c), sum, products);
  }
  void add(int64_t c, int width, int64_t at, int64_t count, int64_t stride, double* sum,
           double* products) const {
    add_gradients(call.x + at, call.dy + at, count, stride, width, gradient.mean + c,
                  gradient.mean_lo + c, sum, products);
  }

  bool settle(int64_t c, const Sum& sum, const Sum& products) const {
    const double m = static_cast<double>(shape.n * shape.s);
    gradient.set(c, gradient_of(sum, products, gradient.moments(c), call.gamma, c, call.eps, m,
                                call.dgamma, call.dbeta));
    return false;
  }

  Gradient channel(int64_t c) const { return gradient.get(c); }
  GradientColumns columns(int64_t c) const { return gradient.after(c); }
  T* out(int64_t at) const { return call.dx + at; }
  void fetch(int64_t at) const {
    fetch_line(call.x, at);
    fetch_line(call.dy, at);
  }
  void map(const Gradient& g, int64_t at, int64_t length, T* to) const {
    differentiate(call.x + at, call.dy + at, to, length, g);
  }
  void map_line(const Gradient& g, int64_t at, T* to) const {
    differentiate_line(call.x + at, call.dy + at, to, g);
  }
  void map_part(const Gradient& g, int64_t at, int64_t count, T* to) const {
    differentiate_part(call.x + at, call.dy + at, to, g, static_cast<int>(count));
  }
  void map(const GradientColumns& g, int64_t at, int64_t width, T* to) const {
    differentiate(call.x + at, call.dy + at, to, width, g.mean, g.mean_lo, g.dy_mean, g.slope,
                  g.scale);
  }
  void map_line(const GradientColumns& g, int64_t at, T* to) const {
    map(g, at, 64 / sizeof(T), to);
  }
  void map_part(const GradientColumns& g, int64_t at, int64_t count, T* to) const {
    map(g, at, count, to);
  }
};

template <class T>
void backward(const BackwardCall<T>& call, double* scratch, const Resources& resources) {
  const BackwardJob<T> job(call, scratch);
  sweep(job, scratch + BackwardJob<T>::kScratch * call.shape.c, resources);
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_BACKWARD_HPP
