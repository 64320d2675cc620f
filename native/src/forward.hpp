// The forward jobs: with the batch's own statistics, and with given ones.
#ifndef JBATCHNORM_SRC_FORWARD_HPP
#define JBATCHNORM_SRC_FORWARD_HPP

#include "sweep.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// The coefficients of Affine, a run of C for each.
struct AffineColumns {
  double *mean, *mean_lo, *scale, *shift;

  static AffineColumns in(double* memory, int64_t c) {
    return {memory, memory + c, memory + 2 * c, memory + 3 * c};
  }
  void set(int64_t c, const Affine& f) const {
    mean[c] = f.mean, mean_lo[c] = f.mean_lo, scale[c] = f.scale, shift[c] = f.shift;
  }
  Affine get(int64_t c) const { return {mean[c], mean_lo[c], scale[c], shift[c]}; }
  // The coefficients from channel c on.
  AffineColumns after(int64_t c) const { return {mean + c, mean_lo + c, scale + c, shift + c}; }
};

// How x becomes y, with the coefficients of one channel or of a run of channels.
template <class T>
struct AffineMap {
  using Element = T;

  const T* const x;
  T* const y;
  const AffineColumns affine;

  Affine channel(int64_t c) const { return affine.get(c); }
  AffineColumns columns(int64_t c) const { return affine.after(c); }
  T* out(int64_t at) const { return y + at; }
  void fetch(int64_t at) const { fetch_line(x, at); }
  void map(const Affine& f, int64_t at, int64_t length, T* to) const {
    normalize(x + at, to, length, f);
  }
  void map_line(const Affine& f, int64_t at, T* to) const { normalize_line(x + at, to, f); }
  void map_part(const Affine& f, int64_t at, int64_t count, T* to) const {
    normalize_part(x + at, to, f, static_cast<int>(count));
  }
  void map(const AffineColumns& f, int64_t at, int64_t width, T* to) const {
    normalize(x + at, to, width, f.mean, f.mean_lo, f.scale, f.shift);
  }
  void map_line(const AffineColumns& f, int64_t at, T* to) const {
    normalize(x + at, to, 64 / sizeof(T), f.mean, f.mean_lo, f.scale, f.shift);
  }
  void map_part(const AffineColumns& f, int64_t at, int64_t count, T* to) const {
    map(f, at, count, to);
  }
};

// Sums d = x - shift and d * d, with a shift near the channel's mean; maps x to y.
template <class T>
struct ForwardJob : AffineMap<T> {
  using AffineMap<T>::affine;
  static constexpr int64_t kBytes = sizeof(T);
  static bool maps(const ForwardJob&) { return true; }
  static constexpr int64_t kScratch = 5;  // doubles a channel
  struct Gathered {
    T x[kChunk];
  };

  const Shape shape;
  const ForwardCall<T>& call;
  double* const shift;

  ForwardJob(const ForwardCall<T>& forward, double* scratch)
      : AffineMap<T>{forward.x, forward.y, AffineColumns::in(scratch, forward.shape.c)},
        shape(forward.shape),
        call(forward),
        shift(scratch + 4 * forward.shape.c) {}

  // The shift: the mean of up to 16 elements, evenly spread over the channel. Exactly the value of
  // a constant channel, since it is taken from differences.
  void prepare(int64_t from, int64_t to) const {
    const int64_t m = shape.n * shape.s;
    const int64_t probes = m < kProbes ? m : kProbes;
    const int64_t step = shape.channels_last ? 1 : shape.s;
    for (int64_t c = from; c < to; c++) shift[c] = 0;
    if (m == 0) return;
    const T* const first = call.x + offset(0, 0);
    for (int64_t i = 1; i < probes; i++) {
      const T* const probe = call.x + offset(i * m / probes, 0);
      for (int64_t c = from; c < to; c++) {
        shift[c] += static_cast<double>(probe[c * step]) - static_cast<double>(first[c * step]);
      }
    }
    for (int64_t c = from; c < to; c++) {
      shift[c] = static_cast<double>(first[c * step]) + shift[c] / static_cast<double>(probes);
    }
  }

  // Where element `index` of N*S of channel c lies.
  int64_t offset(int64_t index, int64_t c) const {
    if (shape.channels_last) return index * shape.c + c;
    return (index / shape.s * shape.c + c) * shape.s + index % shape.s;
  }

  void add(int64_t c, int64_t at, int64_t length, int64_t ahead, Lanes& sum, Lanes& squares) const {
    add_moments(call.x + at, length, ahead, shift[c], sum, squares);
  }
  double summand(int64_t c) const { return shift[c]; }
  void add_group(double k, int64_t at, int64_t ahead, Lanes& sum, Lanes& squares) const {
    fetch_lanes(call.x, at + ahead);
    JBN_NAMESPACE::add_group(call.x + at, k, sum, squares);
  }
  void gather(int64_t at, int64_t to, Gathered& gathered) const { gathered.x[to] = call.x[at]; }
  void add(int64_t c, const Gathered& gathered, int64_t length, Lanes& sum, Lanes& squares) const {
    add_moments(gathered.x, length, 0, shift[c], sum, squares);
  }
  void add(int64_t c, int width, int64_t at, int64_t count, int64_t stride, double* sum,
           double* squares) const {
    add_moments(call.x + at, count, stride, width, shift + c, sum, squares);
  }

  // Turns the sums into statistics. True: the shift was a poor one and is now the mean found, and
  // the sums are to be taken again.
  bool settle(int64_t c, const Sum& sum, const Sum& squares) const {
    const double m = static_cast<double>(shape.n * shape.s);
    Moments moments;
    const bool retry = moments_of<T>(sum, squares, shift[c], m, &moments);
    if (retry) shift[c] = moments.mean;
    affine.set(c, affine_of(moments, call.gamma, call.beta, c, call.eps));
    if (call.mean) call.mean[c] = static_cast<T>(moments.mean);
    if (call.var) call.var[c] = static_cast<T>(moments.var);
    if (call.saved) {
      call.saved[c] = moments.mean;
      call.saved[shape.c + c] = moments.mean_lo;
      call.saved[2 * shape.c + c] = moments.var;
    }
    return retry;
  }
};

template <class T>
struct InferJob : AffineMap<T> {
  using AffineMap<T>::affine;
  static constexpr int64_t kBytes = sizeof(T);
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
    map_all(job, is_columns(job.shape), streams);
  });
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_FORWARD_HPP
