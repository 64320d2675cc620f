// The backward job of everything but the plain call: a tail, a sum before it, given statistics, and
// xHat recovered from the output.
#ifndef JBATCHNORM_SRC_FUSED_HPP
#define JBATCHNORM_SRC_FUSED_HPP

#include "formulas.hpp"
#include "sweep.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// Sums g and g * d, where g is dy times the tail's derivative and d = in - centre; maps to dx and,
// beside it, to dz. `in` is x, and centre the mean; or, inverted, what the tail was applied to, and
// centre beta.
// kTail: the common case, a tail alone, whose sign is computed again.
template <class T, bool kTail>
struct FusedBackwardJob {
  using Element = T;
  static constexpr int64_t kBytes = (kTail ? 2 : 3) * sizeof(T);
  enum { kPreScale = kGradient, kPreShift, kAll, kMapMean = kAll, kMapMeanLo, kRuns };
  static constexpr int64_t kCoefficients = kAll;
  static constexpr int64_t kScratch = kRuns;
  static bool maps(const FusedBackwardJob& job) { return job.call.dx || job.call.dz; }

  struct Inputs {
    const T *x, *dy, *y;
    JBN_INLINE void fetch(int64_t at) const {
      JBN_NAMESPACE::fetch(x, at);
      JBN_NAMESPACE::fetch(dy, at);
    }
  };
  struct Gathered {
    T x[kChunk], dy[kChunk], y[kChunk];
    Inputs inputs() const { return {x, dy, y}; }
  };
  template <class G>
  struct Values {
    G d, g;
  };

  const Shape shape;
  const BackwardCall<T>& call;
  double* const coefficients;  // kRuns runs of C
  const bool has_tail, has_sign;

  FusedBackwardJob(const BackwardCall<T>& backward, double* scratch)
      : shape(backward.shape),
        call(backward),
        coefficients(scratch),
        has_tail(backward.slope != 1),
        has_sign(backward.y || backward.inverted) {}

  JBN_INLINE bool bends() const { return kTail || has_tail; }
  JBN_INLINE bool inverted() const { return !kTail && call.inverted; }
  JBN_INLINE bool given() const { return !kTail && call.given; }
  JBN_INLINE const T* dz() const { return kTail ? nullptr : call.dz; }
  // The sign that the tail saw is that of y; else it is computed again.
  JBN_INLINE bool has_y() const { return !kTail && has_sign; }

  double& at(int kind, int64_t c) const { return coefficients[kind * shape.c + c]; }
  Moments moments(int64_t c) const { return saved_moments<T>(call.saved, shape, c); }
  double beta(int64_t c) const { return call.beta ? static_cast<double>(call.beta[c]) : 0; }

  void prepare(int64_t from, int64_t to) const {
    for (int64_t c = from; c < to; c++) {
      const Moments statistics = moments(c);
      at(kMean, c) = inverted() ? beta(c) : statistics.mean;
      at(kMeanLo, c) = inverted() ? 0 : statistics.mean_lo;
      split_mean<T>(at(kMean, c), at(kMeanLo, c), &at(kMapMean, c), &at(kMapMeanLo, c));
      at(kPreScale, c) = scale_of(statistics, call.gamma, c, call.eps);
      at(kPreShift, c) = beta(c);
    }
  }

  Inputs inputs() const { return {call.x, call.dy, inverted() ? call.x : call.y}; }
  bool plain(int64_t) const { return false; }
  Lanes<Same<Group>, kAll> origin(int64_t c) const { return origins().row(c).all; }
  Columns<Group, kAll> origins() const { return Columns<Group, kAll>::in(coefficients, shape.c); }

  // d and g of sixteen elements.
  template <class G, class L>
  JBN_INLINE Values<G> values(const G& in, const G& dy, const G& y, const L& lanes) const {
    Values<G> result;
    result.d = centred<T>(inverted() && bends() ? bend(in, 1 / call.slope) : in, lanes);
    result.g = dy;
    if (!bends()) return result;
    G before = y;
    if (!has_y()) {
      JBN_EACH_VECTOR
      for (int i = 0; i < G::kCount; i++) {
        before.v[i] = result.d.v[i] * lanes.of[kPreScale][i] + lanes.of[kPreShift][i];
      }
    }
    result.g = bend_gradient(dy, before, call.slope);
    return result;
  }
  template <bool, class L>
  JBN_INLINE void add(const Inputs& in, const L& origin, int64_t at, Group& sum,
                      Group& products) const {
    const auto v =
        values(load(in.x + at), load(in.dy + at), has_y() ? load(in.y + at) : zeros(), origin);
    JBN_NAMESPACE::add(sum, v.g);
    add_product(products, v.g, v.d);
  }
  template <bool, class L>
  JBN_INLINE void add(const Inputs& in, const L& origin, int64_t at, int count, Group& sum,
                      Group& products) const {
    auto v = values(load(in.x + at, count), load(in.dy + at, count),
                    has_y() ? load(in.y + at, count) : zeros(), origin);
    v.d = keep(v.d, count);
    JBN_NAMESPACE::add(sum, v.g);
    add_product(products, v.g, v.d);
  }
  void gather(int64_t from, int64_t to, Gathered& gathered) const {
    gathered.x[to] = call.x[from];
    gathered.dy[to] = call.dy[from];
    if (has_y()) gathered.y[to] = inputs().y[from];
  }

  bool settle(int64_t c, const Sum& sum, const Sum& product_sum, int) const {
    const double m = static_cast<double>(shape.n * shape.s);
    const Moments statistics = moments(c);
    // xHat = d * factor
    const double factor = !inverted()  ? inv_std_of(statistics, call.eps)
                          : call.gamma ? 1 / static_cast<double>(call.gamma[c])
                                       : 1;
    const double dbeta = sum.value();
    const double dgamma = m == 0 ? 0 : product_sum.value() * factor;
    if (call.dgamma) call.dgamma[c] = static_cast<Parameter<T>>(dgamma);
    if (call.dbeta) call.dbeta[c] = static_cast<Parameter<T>>(dbeta);
    at(kDyMean, c) = dbeta / m;
    at(kSlope, c) = dgamma / m * factor;
    at(kGradientScale, c) = at(kPreScale, c);
    return false;
  }

  using G = MapGroup<T>;
  Columns<G, kAll> columns(int64_t c) const {
    auto columns = Columns<G, kAll>::in(coefficients, shape.c);
    columns.at[kMean] = &at(kMapMean, 0);
    columns.at[kMeanLo] = &at(kMapMeanLo, 0);
    return columns.from(c);
  }
  Row<G, kAll> row(int64_t c) const { return columns(0).row(c); }
  T* out(int64_t from) const { return (call.dx ? call.dx : call.dz) + from; }
  template <class L>
  JBN_INLINE G gradient(const Values<G>& v, const L& lanes) const {
    if (!call.dx) return v.g;
    if (!given()) return differentiate(v.d, v.g, lanes);
    G dx;
    JBN_EACH_VECTOR
    for (int i = 0; i < G::kCount; i++) dx.v[i] = v.g.v[i] * lanes.of[kGradientScale][i];
    return dx;
  }
  template <class L>
  JBN_INLINE G map(const L& lanes, int64_t from) const {
    const Inputs in = inputs();
    const G x = load_as<G>(in.x + from);
    const auto v =
        values(x, load_as<G>(in.dy + from), has_y() ? load_as<G>(in.y + from) : x, lanes);
    if (call.dx && dz()) store(call.dz + from, v.g);
    return gradient(v, lanes);
  }
  template <class L>
  JBN_INLINE G map(const L& lanes, int64_t from, int count) const {
    const Inputs in = inputs();
    const G x = load_as<G>(in.x + from, count);
    const auto v = values(x, load_as<G>(in.dy + from, count),
                          has_y() ? load_as<G>(in.y + from, count) : x, lanes);
    if (call.dx && dz()) store(call.dz + from, v.g, count);
    return gradient(v, lanes);
  }
};

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_FUSED_HPP
