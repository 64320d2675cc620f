// The backward job: the gradients of the forward job with the batch's own statistics.
#ifndef JBATCHNORM_SRC_BACKWARD_HPP
#define JBATCHNORM_SRC_BACKWARD_HPP

#include "formulas.hpp"
#include "sweep.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// One channel's coefficients, for a run of its positions.
struct GradientRow {
  GradientLanes<Same> all;

  explicit GradientRow(const Gradient& g)
      : all{Same(g.mean), Same(g.mean_lo), Same(g.dy_mean), Same(g.slope), Same(g.scale)} {}
  JBN_INLINE const GradientLanes<Same>& lanes() const { return all; }
  JBN_INLINE const GradientLanes<Same>& lanes(int) const { return all; }
  JBN_INLINE void advance(int64_t) {}
};

// The coefficients of all channels, a run of C for each; the mean is what forward saved.
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
  Gradient get(int64_t c) const { return {mean[c], mean_lo[c], dy_mean[c], slope[c], scale[c]}; }
  void advance(int64_t c) {
    mean += c, mean_lo += c, var += c;
    dy_mean += c, slope += c, scale += c;
  }
  // The coefficients of the first `channels` over and over again, `times` times.
  GradientColumns repeated(double* memory, int64_t channels, int64_t times) const {
    const int64_t length = channels * times;
    double *to_mean = memory, *to_mean_lo = memory + length;
    GradientColumns to(to_mean, memory + 2 * length, length);
    to.mean_lo = to_mean_lo;
    for (int64_t i = 0; i < length; i++) {
      const int64_t c = i % channels;
      to_mean[i] = mean[c], to_mean_lo[i] = mean_lo[c];
      to.set(i, get(c));
    }
    return to;
  }
  JBN_INLINE GradientLanes<Each> lanes() const {
    return {Each(mean), Each(mean_lo), Each(dy_mean), Each(slope), Each(scale)};
  }
  JBN_INLINE GradientLanes<Each> lanes(int count) const {
    return {Each(mean, count), Each(mean_lo, count), Each(dy_mean, count), Each(slope, count),
            Each(scale, count)};
  }
};

// What x is taken around, of all channels or of those of a run of elements.
struct CentreColumns {
  const double *mean, *mean_lo;

  Centre<Each> lanes(int64_t c, int count) const {
    if (count < kLanes) return {Each(mean + c, count), Each(mean_lo + c, count)};
    return {Each(mean + c), Each(mean_lo + c)};
  }
  CentreColumns repeated(Repeated& memory, int64_t channels) const {
    memory.fill(mean, mean_lo, channels);
    return {memory.hi, memory.lo};
  }
};

// Sums dy and dy * d with d = x - origin; maps x and dy to dx.
template <class T>
struct BackwardJob {
  using Element = T;
  static constexpr int64_t kBytes = 2 * sizeof(T);  // of input, an element
  static constexpr int64_t kScratch = 4;            // doubles a channel
  static constexpr int64_t kCoefficients = 5;
  static bool maps(const BackwardJob& job) { return job.call.dx != nullptr; }

  struct Inputs {
    const T *x, *dy;
    JBN_INLINE void fetch(int64_t at) const {
      JBN_NAMESPACE::fetch(x, at);
      JBN_NAMESPACE::fetch(dy, at);
    }
  };
  struct Gathered {
    T x[kChunk], dy[kChunk];
    Inputs inputs() const { return {x, dy}; }
  };

  const Shape shape;
  const BackwardCall<T>& call;
  const GradientColumns gradient;
  double* const centre;

  BackwardJob(const BackwardCall<T>& backward, double* scratch)
      : shape(backward.shape),
        call(backward),
        gradient(backward.saved, scratch, backward.shape.c),
        centre(scratch + 3 * backward.shape.c) {}

  // What x is taken around: 0 for f32, whose products are exact in double, unless the mean is far.
  void prepare(int64_t from, int64_t to) const {
    for (int64_t c = from; c < to; c++) {
      const Moments moments = gradient.moments(c);
      centre[c] = is_plain(moments) ? 0 : moments.mean;
    }
  }
  static bool is_plain(const Moments& moments) {
    return sizeof(T) == sizeof(float) && !is_far(moments);
  }

  Inputs inputs() const { return {call.x, call.dy}; }
  bool plain(int64_t c) const { return is_plain(gradient.moments(c)); }
  Centre<Same> origin(int64_t c) const { return {Same(centre[c]), Same(gradient.mean_lo[c])}; }
  CentreColumns origins() const { return {centre, gradient.mean_lo}; }
  template <bool kPlain, class Origin>
  JBN_INLINE void add(const Inputs& in, const Origin& origin, int64_t at, Group& sum,
                      Group& products) const {
    add_values<kPlain>(load(in.x + at), load(in.dy + at), origin, kLanes, sum, products);
  }
  template <bool kPlain, class Origin>
  JBN_INLINE void add(const Inputs& in, const Origin& origin, int64_t at, int count, Group& sum,
                      Group& products) const {
    add_values<kPlain>(load(in.x + at, count), load(in.dy + at, count), origin, count, sum,
                       products);
  }
  // Lanes from `count` on add 0, which leaves their bits: a sum that began with 0 is never -0.
  template <bool kPlain, class Origin>
  JBN_INLINE void add_values(const Group& values, const Group& dy, const Origin& origin, int count,
                             Group& sum, Group& products) const {
    JBN_NAMESPACE::add(sum, dy);
    if (kPlain) {
      add_exact_product(products, dy, values);
      return;
    }
    Group d = around(call.x, values, origin);
    if (count < kLanes) d = keep(d, count);
    add_product(products, dy, d);
  }
  void gather(int64_t at, int64_t to, Gathered& gathered) const {
    gathered.x[to] = call.x[at];
    gathered.dy[to] = call.dy[at];
  }

  bool settle(int64_t c, const Sum& sum, const Sum& products, int) const {
    const double m = static_cast<double>(shape.n * shape.s);
    gradient.set(c, gradient_of(sum, products, plain(c), gradient.moments(c), call.gamma, c,
                                call.eps, m, call.dgamma, call.dbeta));
    return false;
  }

  GradientRow row(int64_t c) const { return GradientRow(gradient.get(c)); }
  GradientColumns columns(int64_t c) const {
    GradientColumns columns = gradient;
    columns.advance(c);
    return columns;
  }
  T* out(int64_t at) const { return call.dx + at; }
  template <class Lanes>
  JBN_INLINE Group map(const Lanes& lanes, int64_t at) const {
    return differentiate(call.x, load(call.x + at), load(call.dy + at), lanes);
  }
  template <class Lanes>
  JBN_INLINE Group map(const Lanes& lanes, int64_t at, int count) const {
    return differentiate(call.x, load(call.x + at, count), load(call.dy + at, count), lanes);
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
