// The forward jobs: with the batch's own statistics, and with given ones.
#ifndef JBATCHNORM_SRC_FORWARD_HPP
#define JBATCHNORM_SRC_FORWARD_HPP

#include "formulas.hpp"
#include "sweep.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// How x becomes y. Fused: z is added and the tail applied.
template <class T, bool kFused>
struct AffineMap {
  using Element = T;
  static constexpr int64_t kBytes = (kFused ? 2 : 1) * sizeof(T);  // of input, an element
  static constexpr int64_t kCoefficients = kAffine;                // a channel

  const Shape shape;
  const ForwardCall<T>& call;
  double* const affine;  // kAffine runs of C

  AffineMap(const ForwardCall<T>& forward, double* scratch)
      : shape(forward.shape), call(forward), affine(scratch) {}

  static bool maps(const AffineMap& job) { return job.call.y != nullptr; }
  void set(int64_t c, const Moments& moments) const {
    const Affine f = affine_of(moments, call.gamma, call.beta, c, call.eps);
    double* const at = affine + c;
    split_mean<T>(f.mean, f.mean_lo, at + kMean * shape.c, at + kMeanLo * shape.c);
    at[kScale * shape.c] = f.scale, at[kShift * shape.c] = f.shift;
  }
  using G = MapGroup<T>;
  Row<G, kAffine> row(int64_t c) const { return columns(0).row(c); }
  Columns<G, kAffine> columns(int64_t c) const {
    return Columns<G, kAffine>::in(affine, shape.c).from(c);
  }
  T* out(int64_t at) const { return call.y + at; }
  template <class L>
  JBN_INLINE G map(const L& lanes, int64_t at) const {
    G y = normalize<T>(load_as<G>(call.x + at), lanes);
    if (!kFused) return y;
    if (call.z) add(y, load_as<G>(call.z + at));
    return bend(y, call.slope);
  }
  template <class L>
  JBN_INLINE G map(const L& lanes, int64_t at, int count) const {
    G y = normalize<T>(load_as<G>(call.x + at, count), lanes);
    if (!kFused) return y;
    if (call.z) add(y, load_as<G>(call.z + at, count));
    return bend(y, call.slope);
  }
};

// Sums d = x - shift and d * d; maps x to y.
template <class T, bool kFused>
struct ForwardJob : AffineMap<T, kFused> {
  using Base = AffineMap<T, kFused>;
  using Base::call;
  using Base::shape;
  static constexpr int64_t kScratch = kAffine + 1;  // doubles a channel

  struct Inputs {
    const T* x;
    JBN_INLINE void fetch(int64_t at) const { JBN_NAMESPACE::fetch(x, at); }
  };
  struct Gathered {
    T x[kChunk];
    Inputs inputs() const { return {x}; }
  };

  double* const shift;

  ForwardJob(const ForwardCall<T>& forward, double* scratch)
      : Base(forward, scratch), shift(scratch + kAffine * forward.shape.c) {}

  // The first shift: 0 where squares are exact in double; near the mean for f64.
  void prepare(int64_t from, int64_t to) const {
    for (int64_t c = from; c < to; c++) shift[c] = kIsNarrow<T> ? 0 : probe(c);
  }

  // The mean of up to 16 elements, evenly spread over the channel. Exactly the value of a constant
  // channel, since it is taken from differences.
  double probe(int64_t c) const {
    const int64_t m = shape.n * shape.s;
    if (m == 0) return 0;
    const int64_t probes = m < kProbes ? m : kProbes;
    const double first = value_of(call.x[offset(shape, c, 0)]);
    double sum = 0;
    for (int64_t i = 1; i < probes; i++) {
      sum += value_of(call.x[offset(shape, c, i * m / probes)]) - first;
    }
    return first + sum / static_cast<double>(probes);
  }

  Inputs inputs() const { return {call.x}; }
  bool plain(int64_t c) const { return kIsNarrow<T> && shift[c] == 0; }
  Lanes<Same<Group>, 1> origin(int64_t c) const { return {{Same<Group>::of(shift + c)}}; }
  Columns<Group, 1> origins() const { return {{shift}}; }
  template <bool kPlain, class L>
  JBN_INLINE void add(const Inputs& in, const L& origin, int64_t at, Group& sum,
                      Group& squares) const {
    add_values<kPlain>(load(in.x + at), origin, kLanes, sum, squares);
  }
  template <bool kPlain, class L>
  JBN_INLINE void add(const Inputs& in, const L& origin, int64_t at, int count, Group& sum,
                      Group& squares) const {
    add_values<kPlain>(load(in.x + at, count), origin, count, sum, squares);
  }
  // Lanes from `count` on add 0, which leaves their bits: a sum that began with 0 is never -0.
  template <bool kPlain, class L>
  JBN_INLINE void add_values(const Group& values, const L& origin, int count, Group& sum,
                             Group& squares) const {
    if (kPlain) {
      JBN_NAMESPACE::add(sum, values);
      add_exact_product(squares, values, values);
      return;
    }
    Group d;
    JBN_EACH_VECTOR
    for (int i = 0; i < kVectors; i++) d.v[i] = values.v[i] - origin.of[0][i];
    if (count < kLanes) d = keep(d, count);
    JBN_NAMESPACE::add(sum, d);
    add_product(squares, d, d);
  }
  void gather(int64_t at, int64_t to, Gathered& gathered) const { gathered.x[to] = call.x[at]; }

  // Turns the sums into statistics. True: the shift was a poor one and is now a better one, and
  // the sums are to be taken again. f32 tries 0, probes, and the mean found; f64 the last two.
  bool settle(int64_t c, const Sum& sum, const Sum& squares, int attempt) const {
    const double m = static_cast<double>(shape.n * shape.s);
    const bool has_probed = !kIsNarrow<T> || attempt > 0;
    const int last = kIsNarrow<T> ? 2 : 1;
    Moments moments;
    if (moments_of<T>(sum, squares, shift[c], m, &moments) && attempt < last) {
      shift[c] = has_probed ? moments.mean : probe(c);
      return true;
    }
    this->set(c, moments);
    put(call, c, moments);
    return false;
  }
};

template <class T, bool kFused>
struct InferJob : AffineMap<T, kFused> {
  using Base = AffineMap<T, kFused>;
  using Base::Base;
  using Base::call;
  using Base::shape;

  void prepare(int64_t from, int64_t to) const {
    for (int64_t c = from; c < to; c++) {
      const Moments moments = given_moments(call, c);
      this->set(c, moments);
      put(call, c, moments);
    }
  }
};

template <class T, bool kFused>
void forward_job(const ForwardCall<T>& call, double* scratch, const Resources& resources) {
  const ForwardJob<T, kFused> job(call, scratch);
  sweep(job, scratch + ForwardJob<T, kFused>::kScratch * call.shape.c, resources);
}

template <class T, bool kFused>
void infer_job(const ForwardCall<T>& call, double* scratch, const Resources& resources) {
  using Job = InferJob<T, kFused>;
  const Job job(call, scratch);
  const bool streams = streams_pay(job.shape, Job::kBytes, sizeof(T), resources);
  on_threads(resources.threads, [&] {
    const Share share(job.shape.c);
    job.prepare(share.from, share.to);
#pragma omp barrier
    if (!Job::maps(job)) return;
    if (streams) {
      map_all<Job, true>(job, is_columns(job.shape), false);
    } else {
      map_all<Job, false>(job, is_columns(job.shape), false);
    }
  });
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_FORWARD_HPP
