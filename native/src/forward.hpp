// The forward jobs: with the batch's own statistics, and with given ones.
#ifndef JBATCHNORM_SRC_FORWARD_HPP
#define JBATCHNORM_SRC_FORWARD_HPP

#include "formulas.hpp"
#include "sweep.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// One channel's coefficients, for a run of its positions.
struct AffineRow {
  AffineLanes<Same> all;

  explicit AffineRow(const Affine& f)
      : all{Same(f.mean), Same(f.mean_lo), Same(f.scale), Same(f.shift)} {}
  JBN_INLINE const AffineLanes<Same>& lanes() const { return all; }
  JBN_INLINE const AffineLanes<Same>& lanes(int) const { return all; }
  JBN_INLINE void advance(int64_t) {}
};

// The coefficients of all channels, a run of C for each.
struct AffineColumns {
  double *mean, *mean_lo, *scale, *shift;

  static AffineColumns in(double* memory, int64_t c) {
    return {memory, memory + c, memory + 2 * c, memory + 3 * c};
  }
  void set(int64_t c, const Affine& f) const {
    mean[c] = f.mean, mean_lo[c] = f.mean_lo, scale[c] = f.scale, shift[c] = f.shift;
  }
  Affine get(int64_t c) const { return {mean[c], mean_lo[c], scale[c], shift[c]}; }
  void advance(int64_t c) { mean += c, mean_lo += c, scale += c, shift += c; }
  // The coefficients of the first `channels` over and over again, `times` times.
  AffineColumns repeated(double* memory, int64_t channels, int64_t times) const {
    const AffineColumns to = in(memory, channels * times);
    for (int64_t i = 0; i < times; i++) {
      for (int64_t c = 0; c < channels; c++) to.set(i * channels + c, get(c));
    }
    return to;
  }
  JBN_INLINE AffineLanes<Each> lanes() const {
    return {Each(mean), Each(mean_lo), Each(scale), Each(shift)};
  }
  JBN_INLINE AffineLanes<Each> lanes(int count) const {
    return {Each(mean, count), Each(mean_lo, count), Each(scale, count), Each(shift, count)};
  }
};

// How x becomes y.
template <class T>
struct AffineMap {
  using Element = T;
  static constexpr int64_t kBytes = sizeof(T);  // of input, an element
  static constexpr int64_t kCoefficients = 4;   // a channel

  const T* const x;
  T* const y;
  const AffineColumns affine;

  AffineRow row(int64_t c) const { return AffineRow(affine.get(c)); }
  AffineColumns columns(int64_t c) const {
    AffineColumns columns = affine;
    columns.advance(c);
    return columns;
  }
  T* out(int64_t at) const { return y + at; }
  template <class Lanes>
  JBN_INLINE Group map(const Lanes& lanes, int64_t at) const {
    return normalize(x, load(x + at), lanes);
  }
  template <class Lanes>
  JBN_INLINE Group map(const Lanes& lanes, int64_t at, int count) const {
    return normalize(x, load(x + at, count), lanes);
  }
};

// The shifts of all channels, or of those of a run of elements.
struct ShiftColumns {
  const double* shift;

  Shift<Each> lanes(int64_t c, int count) const {
    return {count < kLanes ? Each(shift + c, count) : Each(shift + c)};
  }
  ShiftColumns repeated(Repeated& memory, int64_t channels) const {
    memory.fill(shift, shift, channels);
    return {memory.hi};
  }
};

// Sums d = x - shift and d * d; maps x to y.
template <class T>
struct ForwardJob : AffineMap<T> {
  using AffineMap<T>::affine;
  static constexpr int64_t kScratch = 5;  // doubles a channel
  static bool maps(const ForwardJob&) { return true; }

  struct Inputs {
    const T* x;
    JBN_INLINE void fetch(int64_t at) const { JBN_NAMESPACE::fetch(x, at); }
  };
  struct Gathered {
    T x[kChunk];
    Inputs inputs() const { return {x}; }
  };

  const Shape shape;
  const ForwardCall<T>& call;
  double* const shift;

  ForwardJob(const ForwardCall<T>& forward, double* scratch)
      : AffineMap<T>{forward.x, forward.y, AffineColumns::in(scratch, forward.shape.c)},
        shape(forward.shape),
        call(forward),
        shift(scratch + 4 * forward.shape.c) {}

  // The first shift: 0 for f32, whose squares are exact in double; near the mean for f64.
  void prepare(int64_t from, int64_t to) const {
    for (int64_t c = from; c < to; c++) shift[c] = sizeof(T) == sizeof(float) ? 0 : probe(c);
  }

  // The mean of up to 16 elements, evenly spread over the channel. Exactly the value of a constant
  // channel, since it is taken from differences.
  double probe(int64_t c) const {
    const int64_t m = shape.n * shape.s;
    if (m == 0) return 0;
    const int64_t probes = m < kProbes ? m : kProbes;
    const double first = static_cast<double>(call.x[offset(0, c)]);
    double sum = 0;
    for (int64_t i = 1; i < probes; i++) {
      sum += static_cast<double>(call.x[offset(i * m / probes, c)]) - first;
    }
    return first + sum / static_cast<double>(probes);
  }

  // Where element `index` of N*S of channel c lies.
  int64_t offset(int64_t index, int64_t c) const {
    if (shape.channels_last) return index * shape.c + c;
    return (index / shape.s * shape.c + c) * shape.s + index % shape.s;
  }

  Inputs inputs() const { return {call.x}; }
  bool plain(int64_t c) const { return sizeof(T) == sizeof(float) && shift[c] == 0; }
  Shift<Same> origin(int64_t c) const { return {Same(shift[c])}; }
  ShiftColumns origins() const { return {shift}; }
  template <bool kPlain, class Origin>
  JBN_INLINE void add(const Inputs& in, const Origin& origin, int64_t at, Group& sum,
                      Group& squares) const {
    add_values<kPlain>(load(in.x + at), origin, kLanes, sum, squares);
  }
  template <bool kPlain, class Origin>
  JBN_INLINE void add(const Inputs& in, const Origin& origin, int64_t at, int count, Group& sum,
                      Group& squares) const {
    add_values<kPlain>(load(in.x + at, count), origin, count, sum, squares);
  }
  // Lanes from `count` on add 0, which leaves their bits: a sum that began with 0 is never -0.
  template <bool kPlain, class Origin>
  JBN_INLINE void add_values(const Group& values, const Origin& origin, int count, Group& sum,
                             Group& squares) const {
    if (kPlain) {
      JBN_NAMESPACE::add(sum, values);
      add_exact_product(squares, values, values);
      return;
    }
    Group d = around(call.x, values, origin);
    if (count < kLanes) d = keep(d, count);
    JBN_NAMESPACE::add(sum, d);
    add_product(squares, d, d);
  }
  void gather(int64_t at, int64_t to, Gathered& gathered) const { gathered.x[to] = call.x[at]; }

  // Turns the sums into statistics. True: the shift was a poor one and is now a better one, and
  // the sums are to be taken again. f32 tries 0, probes, and the mean found; f64 the last two.
  bool settle(int64_t c, const Sum& sum, const Sum& squares, int attempt) const {
    const double m = static_cast<double>(shape.n * shape.s);
    const bool has_probed = sizeof(T) == sizeof(double) || attempt > 0;
    const int last = sizeof(T) == sizeof(double) ? 1 : 2;
    Moments moments;
    if (moments_of<T>(sum, squares, shift[c], m, &moments) && attempt < last) {
      shift[c] = has_probed ? moments.mean : probe(c);
      return true;
    }
    affine.set(c, affine_of(moments, call.gamma, call.beta, c, call.eps));
    if (call.mean) call.mean[c] = static_cast<T>(moments.mean);
    if (call.var) call.var[c] = static_cast<T>(moments.var);
    if (call.saved) {
      call.saved[c] = moments.mean;
      call.saved[shape.c + c] = moments.mean_lo;
      call.saved[2 * shape.c + c] = moments.var;
    }
    return false;
  }
};

template <class T>
struct InferJob : AffineMap<T> {
  using AffineMap<T>::affine;
  static constexpr int64_t kScratch = 4;

  const Shape shape;
  const InferCall<T>& call;

  InferJob(const InferCall<T>& infer, double* scratch)
      : AffineMap<T>{infer.x, infer.y, AffineColumns::in(scratch, infer.shape.c)},
        shape(infer.shape),
        call(infer) {}

  void prepare(int64_t from, int64_t to) const {
    for (int64_t c = from; c < to; c++) {
      const Moments moments = {static_cast<double>(call.mean[c]), 0,
                               static_cast<double>(call.var[c])};
      affine.set(c, affine_of(moments, call.gamma, call.beta, c, call.eps));
    }
  }
};

template <class T>
void forward(const ForwardCall<T>& call, double* scratch, const Resources& resources) {
  const ForwardJob<T> job(call, scratch);
  sweep(job, scratch + ForwardJob<T>::kScratch * call.shape.c, resources);
}

template <class T>
void infer(const InferCall<T>& call, double* scratch, const Resources& resources) {
  const InferJob<T> job(call, scratch);
  const bool streams = streams_pay(job.shape, InferJob<T>::kBytes, sizeof(T), resources);
  on_threads(resources.threads, [&] {
    const Share share(job.shape.c);
    job.prepare(share.from, share.to);
#pragma omp barrier
    if (streams) {
      map_all<InferJob<T>, true>(job, is_columns(job.shape), false);
    } else {
      map_all<InferJob<T>, false>(job, is_columns(job.shape), false);
    }
  });
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_FORWARD_HPP
