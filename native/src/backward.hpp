// The backward job: the gradients of the forward job with the batch's own statistics.
#ifndef JBATCHNORM_SRC_BACKWARD_HPP
#define JBATCHNORM_SRC_BACKWARD_HPP

#include "formulas.hpp"
#include "sweep.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// Sums dy and dy * d with d = x - origin; maps x and dy to dx.
template <class T>
struct BackwardJob {
  using Element = T;
  static constexpr int64_t kBytes = 2 * sizeof(T);  // of input, an element
  static constexpr int64_t kScratch = 6;            // doubles a channel
  static constexpr int64_t kCoefficients = kGradient;
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
  double *const dy_mean, *const slope, *const scale, *const centre, *const mean, *const mean_lo;

  BackwardJob(const BackwardCall<T>& backward, double* scratch)
      : shape(backward.shape),
        call(backward),
        dy_mean(scratch),
        slope(scratch + shape.c),
        scale(scratch + 2 * shape.c),
        centre(scratch + 3 * shape.c),
        mean(scratch + 4 * shape.c),
        mean_lo(scratch + 5 * shape.c) {}

  Moments moments(int64_t c) const { return saved_moments<T>(call.saved, shape, c); }

  // What x is taken around: 0 where products are exact in double, unless the mean is far.
  void prepare(int64_t from, int64_t to) const {
    for (int64_t c = from; c < to; c++) {
      centre[c] = plain(c) ? 0 : call.saved[c];
      split_mean<T>(call.saved[c], call.saved[shape.c + c], mean + c, mean_lo + c);
    }
  }

  Inputs inputs() const { return {call.x, call.dy}; }
  bool plain(int64_t c) const { return kIsNarrow<T> && !is_far(moments(c)); }
  Lanes<Same<Group>, 2> origin(int64_t c) const { return origins().row(c).all; }
  Columns<Group, 2> origins() const { return {{centre, call.saved + shape.c}}; }
  template <bool kPlain, class L>
  JBN_INLINE void add(const Inputs& in, const L& origin, int64_t at, Group& sum,
                      Group& products) const {
    add_values<kPlain>(load(in.x + at), load(in.dy + at), origin, kLanes, sum, products);
  }
  template <bool kPlain, class L>
  JBN_INLINE void add(const Inputs& in, const L& origin, int64_t at, int count, Group& sum,
                      Group& products) const {
    add_values<kPlain>(load(in.x + at, count), load(in.dy + at, count), origin, count, sum,
                       products);
  }
  // Lanes from `count` on add 0, which leaves their bits: a sum that began with 0 is never -0.
  template <bool kPlain, class L>
  JBN_INLINE void add_values(const Group& values, const Group& dy, const L& origin, int count,
                             Group& sum, Group& products) const {
    JBN_NAMESPACE::add(sum, dy);
    if (kPlain) {
      add_exact_product(products, dy, values);
      return;
    }
    Group d = centred<T>(values, origin);
    if (count < kLanes) d = keep(d, count);
    add_product(products, dy, d);
  }
  void gather(int64_t at, int64_t to, Gathered& gathered) const {
    gathered.x[to] = call.x[at];
    gathered.dy[to] = call.dy[at];
  }

  bool settle(int64_t c, const Sum& dy_sum, const Sum& product_sum, int) const {
    const double m = static_cast<double>(shape.n * shape.s);
    const Moments statistics = moments(c);
    const double dbeta = dy_sum.value(), sum = product_sum.value();
    const double products = plain(c) ? sum - statistics.mean * dbeta : sum;
    const double inv_std = inv_std_of(statistics, call.eps);
    const double dgamma = m == 0 ? 0 : products * inv_std;
    if (call.dgamma) call.dgamma[c] = static_cast<Parameter<T>>(dgamma);
    if (call.dbeta) call.dbeta[c] = static_cast<Parameter<T>>(dbeta);
    dy_mean[c] = dbeta / m;
    slope[c] = dgamma / m * inv_std;
    scale[c] = scale_of(statistics, call.gamma, c, call.eps);
    return false;
  }

  using G = MapGroup<T>;
  Columns<G, kGradient> columns(int64_t c) const {
    return Columns<G, kGradient>{{mean, mean_lo, dy_mean, slope, scale}}.from(c);
  }
  Row<G, kGradient> row(int64_t c) const { return columns(0).row(c); }
  T* out(int64_t at) const { return call.dx + at; }
  template <class L>
  JBN_INLINE G map(const L& lanes, int64_t at) const {
    const G d = centred<T>(load_as<G>(call.x + at), lanes);
    return differentiate(d, load_as<G>(call.dy + at), lanes);
  }
  template <class L>
  JBN_INLINE G map(const L& lanes, int64_t at, int count) const {
    const G d = centred<T>(load_as<G>(call.x + at, count), lanes);
    return differentiate(d, load_as<G>(call.dy + at, count), lanes);
  }
};

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_BACKWARD_HPP
