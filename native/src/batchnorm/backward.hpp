// Backward: sums g and g * d, where g is dy times the tail's derivative and d = x - mean; maps x and
// dy to dx and dz.
#ifndef JBATCHNORM_SRC_BACKWARD_HPP
#define JBATCHNORM_SRC_BACKWARD_HPP

#include "batchnorm/channel.hpp"
#include "batchnorm/maps.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// What may be asked for besides the plain call: each kind has the one before, and inner loops of its
// own, which ask for nothing that it has not got.
enum class With {
  kNothing,
  kTail,     // a tail, dz, statistics that were given
  kWeights,  // weights, xHat recovered from forward's output
};

// Where xHat is recovered from forward's output, that is x: what stands for x is the output before the
// tail, and for its mean beta.
template <class T, With kWith>
struct BackwardJob {
  using Element = T;
  using Number = typename MapGroup<T>::Element;
  enum { kK = kFirst, kS, kC, kB, kKinds };  // kB: forward's, to compute again what the tail saw
  static constexpr bool kMore = kWith != With::kNothing;
  static constexpr bool kMayBeGiven = true;    // its sums
  static constexpr bool kSettlesAhead = true;  // whether sums are taken around a mean
  static constexpr bool kReadsCoefficients = kMore;

  static constexpr int kTerms = 2, kPlain = 1, kProducts = 1;
  static constexpr int kPairs[kProducts][2] = {{0, 1}};

  const BackwardCall<T> call;
  const Shape shape;
  const bool has_sums, has_sign;
  const Number slope, inverse;

  explicit BackwardJob(const BackwardCall<T>& backward)
      : call(backward),
        shape(backward.shape),
        has_sums(!backward.sums),
        has_sign(backward.y || backward.inverted),
        slope(static_cast<Number>(backward.slope)),
        inverse(static_cast<Number>(1 / backward.slope)) {}

  const double* weights() const { return kWith == With::kWeights ? call.weights : nullptr; }
  bool inverted() const { return kWith == With::kWeights && call.inverted; }
  bool maps() const { return call.dx || call.dz; }
  uintptr_t output() const { return reinterpret_cast<uintptr_t>(call.dx ? call.dx : call.dz); }

  // The mean of what stands for x, and its variance.
  Centre centre_of(int64_t c) const {
    if (inverted()) return {value_or(call.beta, c, 0), 0, 1};
    const Moments m = saved_moments<T>(call.saved, shape, c);
    return {m.mean, m.mean_lo, m.scale};
  }
  double spread(int64_t c, const Moments& m) const {
    const double gamma = value_or(call.gamma, c, 1);
    return inverted() ? gamma * gamma : m.var;
  }
  Centre first_centre(int64_t c) const { return kIsNarrow<T> ? Centre{0, 0, 1} : centre_of(c); }

  // What stands for x, and g.
  template <class V, class E>
  JBN_INLINE void values(V x, V dy, V y, const V* f, E slope_of, E inverse_of, V* in, V* g) const {
    *in = x, *g = dy;
    if (!kMore || slope_of == 1) return;
    if (inverted()) *in = bend(x, x, inverse_of);
    const V sign = has_sign ? y : madd(centred(x, f, E{}), f[kK], f[kB]);
    *g = bend(sign, dy, slope_of);
  }
  const T* sign() const { return inverted() ? call.x : call.y; }

  JBN_INLINE void fetch(int64_t at) const {
    JBN_NAMESPACE::fetch(call.x + at);
    JBN_NAMESPACE::fetch(call.dy + at);
  }

  template <bool kCentred, bool kWhole, class Origin>
  JBN_INLINE void read(int64_t at, int count, const Weights& w, const Origin& origin, int i,
                       Doubles* term) const {
    using V = typename TermOctet<T>::Vector;
    V x = load_term<kWhole>(call.x + at, count), g = load_term<kWhole>(call.dy + at, count);
    if constexpr (!kIsNarrow<T>) x = x * origin.scale.v[i];
    if (kMore && slope != 1) {
      const V y = has_sign ? load_term<kWhole>(sign() + at, count) : g;
      V f[kKinds];
      JBN_UNROLLED
      for (int kind = 0; kind < kKinds; kind++) f[kind] = origin.coefficients.at(kind, i);
      values(x, g, y, f, slope, inverse, &x, &g);
    }
    term[0] = widened(g);
    term[1] = widened(x);
    if (kCentred) term[1] = (term[1] - origin.shift.v[i]) - origin.shift_lo.v[i];
    if (kCentred && !kWhole) term[1] = first_of(term[1], count);
    if (!weights()) return;
    const Doubles weight = w.vector<kWhole>(count);
    term[0] = where_counted(weight, term[0]);
    term[1] = where_counted(weight, term[1]);
  }

  // The sums of g and of g * d. True: they are to be taken around the mean.
  bool settle(int64_t c, double* sums, int attempt, Centre* around, Moments* moments) const {
    *moments = saved_moments<T>(call.saved, shape, c);
    if (!kIsNarrow<T> || attempt > 0) return false;
    const Centre own = centre_of(c);
    if (!is_far(own.shift, spread(c, *moments))) {
      sums[1] -= own.shift * sums[0];
      return false;
    }
    *around = own;
    return true;
  }

  Moments given(int64_t c, double* sums) const {
    sums[0] = call.sums[c], sums[1] = call.sums[shape.c + c];
    return saved_moments<T>(call.saved, shape, c);
  }

  // The coefficients that the sums read, before there are any sums.
  void prepare(int64_t c, double* map) const {
    double wide[kKinds];
    coefficients(c, saved_moments<T>(call.saved, shape, c), wide, map);
  }
  void coefficients(int64_t c, const Moments& m, double* wide, double* map) const {
    const Centre centre = centre_of(c);
    wide[kHi] = centre.shift, wide[kLo] = centre.shift_lo;
    wide[kK] = value_or(call.gamma, c, 1) * inv_std_of(m, call.eps);
    wide[kB] = value_or(call.beta, c, 0);
    wide[kS] = wide[kC] = 0;
    for (int kind = 0; kind < kKinds; kind++) map[kind] = wide[kind];
    if (!kIsNarrow<T>) return;
    map[kHi] = static_cast<float>(wide[kHi]);
    map[kK] = static_cast<float>(wide[kK]);
    const double rest = (map[kHi] - wide[kHi]) - wide[kLo];
    if (rest != 0) map[kB] = wide[kB] + rest * map[kK];
  }

  bool finish(int64_t c, const double* sums, const Moments& m, double* wide, double* map) const {
    // xHat = d * factor
    const double factor = inverted() ? 1 / value_or(call.gamma, c, 1) : inv_std_of(m, call.eps);
    const double dbeta = sums[0];
    const double dgamma = call.count > 0 ? sums[1] * factor : 0;
    if (call.dgamma) call.dgamma[c] = static_cast<Parameter<T>>(dgamma);
    if (call.dbeta) call.dbeta[c] = static_cast<Parameter<T>>(dbeta);
    coefficients(c, m, wide, map);
    wide[kS] = -(wide[kK] * (dgamma / call.count * factor));
    wide[kC] = -(wide[kK] * (dbeta / call.count));
    map[kS] = wide[kS], map[kC] = wide[kC];
    if (!kIsNarrow<T>) return m.scale != 1;
    map[kS] = static_cast<float>(wide[kS]);
    const double rest = (map[kHi] - wide[kHi]) - wide[kLo];
    if (rest != 0) map[kC] = wide[kC] + rest * map[kS];
    const double reach = std::sqrt(spread(c, m) * call.count);
    return is_wild_centre(wide[kHi]) || is_wild_factor(wide[kK]) || is_wild_factor(wide[kS]) ||
           is_wild_term(map[kB]) || is_wild_term(map[kC]) || is_wild_term(map[kS] * reach);
  }

  template <class V, class E>
  JBN_INLINE V dx(V in, V g, V w, const V* f, E number) const {
    if (kMore && call.given) return f[kK] * g;
    V rest = madd(f[kS], centred(in, f, number), f[kC]);
    if (weights()) rest = w * rest;
    return madd(f[kK], g, rest);
  }

  template <class Lanes>
  JBN_INLINE void map(const Lanes& f, int64_t at, int count, const Weights& w, bool streams) const {
    using G = MapGroup<T>;
    using V = typename G::Vector;
    const G x = load_some<G>(call.x + at, count), dy = load_some<G>(call.dy + at, count);
    G y = x, weight = x, result, g;
    if (kMore && call.y) y = load_some<G>(call.y + at, count);
    if (weights()) weight = w.as<G>(count);
    JBN_EACH_PART
    for (int i = 0; i < G::kCount; i++) {
      V coefficients[kKinds], in;
      JBN_UNROLLED
      for (int kind = 0; kind < kKinds; kind++) coefficients[kind] = f.at(kind, i);
      values(x.v[i], dy.v[i], y.v[i], coefficients, slope, inverse, &in, &g.v[i]);
      result.v[i] = dx(in, g.v[i], weight.v[i], coefficients, Number{});
    }
    if (weights()) result = where_counted(weight, result), g = where_counted(weight, g);
    if (call.dx) put(call.dx + at, result, count, streams);
    if (kMore && call.dz) {
      // Past the caches only where it is aligned as dx is.
      const bool aligned = reinterpret_cast<uintptr_t>(call.dz + at) % (kLanes * sizeof(T)) == 0;
      put(call.dz + at, g, count, streams && aligned);
    }
  }

  // The gradient for x is scale times that for x * scale.
  template <class E>
  void map_one(const E* f, E scale, int64_t at, double w) const {
    const E own = static_cast<E>(value_of(call.x[at])), dy = static_cast<E>(value_of(call.dy[at]));
    const E x = inverted() ? own : own * scale;
    const E y = kMore && call.y ? static_cast<E>(value_of(call.y[at])) : x;
    E in, g;
    values(x, dy, y, f, static_cast<E>(call.slope), static_cast<E>(1 / call.slope), &in, &g);
    const bool counts = !weights() || w > 0;
    const E result = dx(in, g, Weights::element(w, E{}), f, E{}) * scale;
    if (call.dx) put_rounded(counts ? static_cast<double>(result) : 0.0, call.dx + at);
    if (kMore && call.dz) put_rounded(counts ? static_cast<double>(g) : 0.0, call.dz + at);
  }
};

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_BACKWARD_HPP
