// Forward: sums d = x - shift and d * d; maps x to y.
#ifndef JBATCHNORM_SRC_FORWARD_HPP
#define JBATCHNORM_SRC_FORWARD_HPP

#include "batchnorm/channel.hpp"
#include "batchnorm/maps.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// kMore: z is added, the tail applied, elements are weighted.
template <class T, bool kMore>
struct ForwardJob {
  using Element = T;
  using Number = typename MapGroup<T>::Element;  // what the map computes with
  enum { kK = kFirst, kB, kKinds };
  static constexpr bool kMayBeGiven = true;          // its statistics
  static constexpr bool kSettlesAhead = false;       // without its sums
  static constexpr bool kReadsCoefficients = false;  // while it sums

  // Sums of term 0, and of the products of 0 and 1.
  static constexpr int kTerms = 2, kPlain = 1, kProducts = 1;
  static constexpr int kPairs[kProducts][2] = {{0, 1}};

  const ForwardCall<T> call;
  const Shape shape;
  const bool has_sums;
  const int64_t first;  // position that counts

  explicit ForwardJob(const ForwardCall<T>& forward)
      : call(forward),
        shape(forward.shape),
        has_sums(!forward.given && !forward.given_mean),
        first(first_counted()) {}

  const double* weights() const { return kMore ? call.weights : nullptr; }
  bool maps() const { return call.y != nullptr; }
  uintptr_t output() const { return reinterpret_cast<uintptr_t>(call.y); }

  // What the first sums are taken around: 0 where squares are exact in double, else near the mean.
  Centre first_centre(int64_t c) const { return {kIsNarrow<T> ? 0 : probe(c, 1), 0, 1}; }

  // The mean of up to 16 elements, evenly spread over the channel. Exactly the value of a constant
  // channel, since it is taken from differences. With weights, the first element that counts.
  double probe(int64_t c, double scale) const {
    const int64_t m = call.probes ? static_cast<int64_t>(call.count) : shape.n * shape.s;
    if (first == m) return 0;
    const double origin = (call.probes ? call.probes[c] : value(c, first)) * scale;
    if (weights()) return origin;
    const int64_t probes = probes_of(m);
    double sum = 0;
    for (int64_t i = 1; i < probes; i++) {
      const double x = call.probes ? call.probes[i * shape.c + c] : value(c, i * m / probes);
      sum += x * scale - origin;
    }
    return origin + sum / static_cast<double>(probes);
  }
  int64_t first_counted() const {
    int64_t index = 0;
    while (weights() && index < shape.n * shape.s && !(call.weights[index] > 0)) index++;
    return index;
  }
  double value(int64_t c, int64_t index) const {
    const int64_t n = index / shape.s, s = index % shape.s;
    const int64_t at = shape.channels_last ? index * shape.c + c : (n * shape.c + c) * shape.s + s;
    return value_of(call.x[at]);
  }

  JBN_INLINE void fetch(int64_t at) const { JBN_NAMESPACE::fetch(call.x + at); }

  template <bool kCentred, bool kWhole, class Origin>
  JBN_INLINE void read(int64_t at, int count, const Weights& w, const Origin& origin, int i,
                       Doubles* term) const {
    Doubles d = widened(load_term<kWhole>(call.x + at, count));
    if (!kIsNarrow<T>) d = d * origin.scale.v[i];
    if (kCentred) d = d - origin.shift.v[i];
    if (kCentred && !kWhole) d = first_of(d, count);
    term[0] = term[1] = d;
    if (!weights()) return;
    // Elements of weight 0 are not computed with.
    const Doubles weight = w.vector<kWhole>(count);
    term[1] = where_counted(weight, d);
    term[0] = weight * term[1];
  }

  // Turns the sums into statistics. True: they are to be taken again around *centre.
  bool settle(int64_t c, const double* sums, int attempt, Centre* centre, Moments* moments) const {
    const bool poor = moments_of<T>(sums[0], sums[1], *centre, call.count, moments);
    if (attempt + 1 < kAttempts<T>) {
      const double scale = kIsNarrow<T> || centre->scale != 1 || !(call.count > 0)
                               ? centre->scale
                               : scale_for(sums[1], call.eps);
      if (scale != centre->scale) {
        *centre = {attempt == 0 ? probe(c, scale) : centre->shift * scale, 0, scale};
        return true;
      }
      if (poor && (attempt == 0 || scale != 1)) {
        centre->shift = moments->mean;
        return true;
      }
    }
    if (centre->scale != 1) *moments = plainest(*moments);
    return false;
  }
  Moments given(int64_t c, double*) const {
    if (call.given) return saved_moments<T>(call.given, shape, c);
    return {static_cast<double>(call.given_mean[c]), 0, static_cast<double>(call.given_var[c]), 1};
  }

  // Writes a channel's results, and the coefficients of its map: in double, and for `map`. Returns
  // true where the channel is wild.
  bool finish(int64_t c, const double*, const Moments& m, double* wide, double* map) const {
    if (call.mean) call.mean[c] = static_cast<Parameter<T>>(m.unscaled_mean());
    if (call.var) call.var[c] = static_cast<Parameter<T>>(m.unscaled_var());
    if (call.saved) save(m, call.saved, shape, c);
    wide[kHi] = m.mean, wide[kLo] = m.mean_lo;
    wide[kK] = value_or(call.gamma, c, 1) * inv_std_of(m, call.eps);
    wide[kB] = value_or(call.beta, c, 0);
    for (int kind = 0; kind < kKinds; kind++) map[kind] = wide[kind];
    if (!kIsNarrow<T>) return m.scale != 1;
    map[kHi] = static_cast<float>(m.mean);
    map[kK] = static_cast<float>(wide[kK]);
    // Around hi and not the mean: the difference goes into the term, with the rounded factor.
    const double rest = (map[kHi] - m.mean) - m.mean_lo;
    if (rest != 0) map[kB] = wide[kB] + rest * map[kK];
    return is_wild_centre(m.mean) || is_wild_factor(wide[kK]) || is_wild_term(map[kB]);
  }

  template <class V, class E>
  JBN_INLINE V formula(V x, V z, const V* f, E slope) const {
    V y = madd(centred(x, f, E{}), f[kK], f[kB]);
    if (!kMore) return y;
    if (call.z) y = y + z;
    return slope == 1 ? y : bend(y, y, slope);
  }

  template <class Lanes>
  JBN_INLINE void map(const Lanes& f, int64_t at, int count, const Weights& w, bool streams) const {
    using G = MapGroup<T>;
    using V = typename G::Vector;
    const G x = load_some<G>(call.x + at, count);
    G z = x, y;
    if (kMore && call.z) z = load_some<G>(call.z + at, count);
    const Number slope = static_cast<Number>(call.slope);
    JBN_EACH_PART
    for (int i = 0; i < G::kCount; i++) {
      const V coefficients[kKinds] = {f.at(kHi, i), f.at(kLo, i), f.at(kK, i), f.at(kB, i)};
      y.v[i] = formula(x.v[i], z.v[i], coefficients, slope);
    }
    if (weights()) y = where_counted(w.as<G>(count), y);
    put(call.y + at, y, count, streams);
  }

  // One element, with coefficients of its own, which are those of x * scale.
  template <class E>
  void map_one(const E* f, E scale, int64_t at, double w) const {
    const E x = static_cast<E>(value_of(call.x[at])) * scale;
    const E z = kMore && call.z ? static_cast<E>(value_of(call.z[at])) : x;
    const E y = formula(x, z, f, static_cast<E>(call.slope));
    put_rounded(weights() && !(w > 0) ? 0.0 : static_cast<double>(y), call.y + at);
  }
};

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_FORWARD_HPP
