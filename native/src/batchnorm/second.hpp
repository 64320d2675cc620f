// The gradients of the gradients: of sum(v dx) + sum(vgamma dgamma) + sum(vbeta dbeta) for x, dy and
// gamma. docs/numerics.md derives them. Sums g, v, g * d, v * d and v * g, with g = dy; maps to gdy
// and gx.
#ifndef JBATCHNORM_SRC_SECOND_HPP
#define JBATCHNORM_SRC_SECOND_HPP

#include "batchnorm/channel.hpp"
#include "batchnorm/maps.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

template <class T>
struct SecondJob {
  using Element = T;
  using Number = typename MapGroup<T>::Element;
  // gdy = V v + D d + C; gx = GxG g + GxV v + GxD d + GxC
  enum { kV = kFirst, kD, kC, kGxG, kGxV, kGxD, kGxC, kKinds };
  static constexpr bool kMayBeGiven = false, kSettlesAhead = false;
  static constexpr bool kReadsCoefficients = false;

  static constexpr int kTerms = 3, kPlain = 2, kProducts = 3;
  static constexpr int kPairs[kProducts][2] = {{0, 2}, {1, 2}, {1, 0}};
  enum { kSumG, kSumV, kSumGd, kSumVd, kSumVg };

  const SecondCall<T> call;
  const Shape shape;
  static constexpr bool has_sums = true;

  explicit SecondJob(const SecondCall<T>& second) : call(second), shape(second.shape) {}

  const double* weights() const { return nullptr; }
  bool maps() const { return call.gx || call.gdy; }
  uintptr_t output() const { return reinterpret_cast<uintptr_t>(call.gx ? call.gx : call.gdy); }
  Centre first_centre(int64_t c) const {
    const Moments m = saved_moments<T>(call.saved, shape, c);
    return kIsNarrow<T> ? Centre{0, 0, 1} : Centre{m.mean, m.mean_lo, m.scale};
  }

  JBN_INLINE void fetch(int64_t at) const {
    JBN_NAMESPACE::fetch(call.x + at);
    JBN_NAMESPACE::fetch(call.dy + at);
  }

  template <bool kCentred, bool kWhole, class Origin>
  JBN_INLINE void read(int64_t at, int count, const Weights&, const Origin& origin, int i,
                       Doubles* term) const {
    term[0] = widened(load_term<kWhole>(call.dy + at, count));
    term[1] = call.v ? widened(load_term<kWhole>(call.v + at, count)) : all(0);
    term[2] = widened(load_term<kWhole>(call.x + at, count));
    // Of x * scale, whose gradient is v * scale.
    if (!kIsNarrow<T>) term[1] = term[1] * origin.scale.v[i], term[2] = term[2] * origin.scale.v[i];
    if (kCentred) term[2] = (term[2] - origin.shift.v[i]) - origin.shift_lo.v[i];
    if (kCentred && !kWhole) term[2] = first_of(term[2], count);
  }

  bool settle(int64_t c, double* sums, int attempt, Centre* centre, Moments* moments) const {
    *moments = saved_moments<T>(call.saved, shape, c);
    if (!kIsNarrow<T> || attempt > 0) return false;
    if (!is_far(moments->mean, moments->var)) {
      sums[kSumGd] -= moments->mean * sums[kSumG];
      sums[kSumVd] -= moments->mean * sums[kSumV];
      return false;
    }
    *centre = {moments->mean, moments->mean_lo, 1};
    return true;
  }

  bool finish(int64_t c, const double* sums, const Moments& m, double* wide, double* map) const {
    const double count = static_cast<double>(shape.n * shape.s);
    const double s = inv_std_of(m, call.eps);
    const double k = value_or(call.gamma, c, 1) * s;
    const double vgamma = value_or(call.vgamma, c, 0), vbeta = value_or(call.vbeta, c, 0);
    double g = sums[kSumG] / count, v = sums[kSumV] / count, vg = sums[kSumVg] / count;
    double gh = sums[kSumGd] / count * s, vh = sums[kSumVd] / count * s;
    if (call.given) g = v = gh = vh = 0;
    const double together = (vg - v * g) - vh * gh;
    if (call.ggamma) {
      call.ggamma[c] = static_cast<Parameter<T>>(count > 0 ? together * count * s : 0);
    }
    wide[kHi] = m.mean, wide[kLo] = m.mean_lo;
    wide[kV] = k;
    wide[kD] = s * (vgamma - k * vh);
    wide[kC] = vbeta - k * v;
    wide[kGxG] = s * (vgamma - k * vh);
    wide[kGxV] = -(s * (k * gh));
    wide[kGxD] = call.given ? 0 : -(s * ((vgamma * gh + k * (together - 2 * (vh * gh))) * s));
    wide[kGxC] = -(wide[kGxG] * g + wide[kGxV] * v);
    for (int kind = 0; kind < kKinds; kind++) map[kind] = wide[kind];
    if (!kIsNarrow<T>) return m.scale != 1;
    bool wild = is_wild_centre(m.mean);
    map[kHi] = static_cast<float>(m.mean);
    for (int kind = kV; kind < kKinds; kind++) {
      if (kind == kC || kind == kGxC) continue;
      map[kind] = static_cast<float>(wide[kind]);
      wild = wild || is_wild_factor(wide[kind]);
    }
    const double rest = (map[kHi] - m.mean) - m.mean_lo, reach = std::sqrt(m.var * count);
    if (rest != 0) map[kC] = wide[kC] + rest * map[kD], map[kGxC] = wide[kGxC] + rest * map[kGxD];
    return wild || is_wild_term(map[kC]) || is_wild_term(map[kGxC]) ||
           is_wild_term(map[kD] * reach) || is_wild_term(map[kGxD] * reach);
  }

  template <class V, class E>
  JBN_INLINE void formula(V x, V dy, V v, const V* f, E number, V* gdy, V* gx) const {
    const V d = centred(x, f, number);
    *gdy = madd(f[kV], v, madd(f[kD], d, f[kC]));
    *gx = madd(f[kGxG], dy, madd(f[kGxV], v, madd(f[kGxD], d, f[kGxC])));
  }

  template <class Lanes>
  JBN_INLINE void map(const Lanes& f, int64_t at, int count, const Weights&, bool streams) const {
    using G = MapGroup<T>;
    using V = typename G::Vector;
    const G x = load_some<G>(call.x + at, count), dy = load_some<G>(call.dy + at, count);
    const G v = call.v ? load_some<G>(call.v + at, count) : zeros<G>();
    G gdy, gx;
    JBN_EACH_PART
    for (int i = 0; i < G::kCount; i++) {
      V coefficients[kKinds];
      JBN_UNROLLED
      for (int kind = 0; kind < kKinds; kind++) coefficients[kind] = f.at(kind, i);
      formula(x.v[i], dy.v[i], v.v[i], coefficients, Number{}, &gdy.v[i], &gx.v[i]);
    }
    if (call.gx) put(call.gx + at, gx, count, streams);
    if (call.gdy) put(call.gdy + at, gdy, count, false);
  }

  template <class E>
  void map_one(const E* f, E scale, int64_t at, double) const {
    const E v = call.v ? static_cast<E>(value_of(call.v[at])) * scale : 0;
    const E x = static_cast<E>(value_of(call.x[at])) * scale;
    E gdy, gx;
    formula(x, static_cast<E>(value_of(call.dy[at])), v, f, E{}, &gdy, &gx);
    if (call.gx) put_rounded(static_cast<double>(gx * scale), call.gx + at);
    if (call.gdy) put_rounded(static_cast<double>(gdy), call.gdy + at);
  }
};

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_SECOND_HPP
