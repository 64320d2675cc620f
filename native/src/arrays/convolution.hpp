// Cross-correlation of one to three dimensions: tiles of a product of the filters with a panel of
// what the taps read, which stays in the cache. A gradient for x is the same of dy, one phase of x's
// elements after the other.
#ifndef JBATCHNORM_SRC_CONVOLUTION_HPP
#define JBATCHNORM_SRC_CONVOLUTION_HPP

#include "arrays/elementwise.hpp"
#include "arrays/panel.hpp"
#include "arrays/tile.hpp"
#include "platform/threads.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// Where the summands of a step lie: as listed.
struct Places {
  int32_t a, b;
};
struct Listed {
  const Places* places;

  int64_t a(int64_t s) const { return places[s].a; }
  int64_t b(int64_t s) const { return places[s].b; }
};

// Everything of one call; the memory of a thread holds a panel, then what else a call needs.
template <class T>
struct Convolution {
  Geometry g;
  bool ordered;
  T* memory;
  int64_t of_thread, of_panel;  // in elements

  explicit Convolution(Fields& fields) : g(Geometry::read(fields)), ordered(fields.flag()) {
    memory = fields.pointer<T>();
    of_thread = fields.integer();
    of_panel = fields.integer();
  }

  T* panel() const { return memory + omp_get_thread_num() * of_thread; }
  T* rest() const { return panel() + of_panel; }
  static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
};

// What follows a sum: bend(sum + bias).
template <class T>
struct Tail {
  const T* bias;  // of the first row, or null
  T slope;

  void apply(int64_t row, T* sums) const {
    if (bias) {
      const T shift = bias[row];
#pragma omp simd
      for (int i = 0; i < kSumColumns<T>; i++) sums[i] += shift;
    }
    if (slope != 1) {
#pragma omp simd
      for (int i = 0; i < kSumColumns<T>; i++) sums[i] = bend(sums[i], slope);
    }
  }
};

// The outputs of a gather of one batch and band, where rows are planes of a destination.
template <class T>
class Outputs {
 public:
  Outputs(const Gather& gather, const Band& band, const int64_t* sizes, int64_t sample)
      : g_(gather), band_(band), sizes_(sizes), sample_(sample), plane_(Geometry::product(sizes)) {
    const int64_t every = g_.every[0] * g_.every[1] * g_.every[2];
    // Positions that lie together: of the whole band, or of its lines.
    run_ = band.width() == g_.d[2].out && every == 1 ? band.count() : band.width();
  }

  // Stores a tile whose first column is the panel's column `from`; rows go to planes from `to` on.
  void store(const T* tile, int64_t rows, int64_t from, int64_t columns, T* to) const {
    for (int64_t done = 0; done < columns;) {
      const int64_t column = from + done, size = band_.count();
      const int64_t s = column < size ? 0 : column / size, position = column - s * size;
      const int64_t line = position < run_ ? 0 : position / run_, first = position - line * run_;
      const int64_t left = columns - done, rest = run_ - first;
      const int64_t length = left < rest ? left : rest;
      T* const at = to + s * sample_ + place(line, first);
      for (int64_t r = 0; r < rows; r++) {
        store_run(tile + r * kSumColumns<T> + done, length, at + r * plane_);
      }
      done += length;
    }
  }

 private:
  void store_run(const T* sums, int64_t length, T* to) const {
    if (g_.every[2] > 1) {
      for (int64_t i = 0; i < length; i++) to[i * g_.every[2]] = sums[i];
    } else if (length == kSumColumns<T>) {
      std::memcpy(to, sums, kSumColumns<T> * sizeof(T));
    } else {
      for (int64_t i = 0; i < length; i++) to[i] = sums[i];
    }
  }
  // The index in a plane of a band's line, and a position in it.
  int64_t place(int64_t line, int64_t first) const {
    const int64_t all = band_.line + line;
    const int64_t slice = all < g_.d[1].out ? 0 : all / g_.d[1].out;
    const int64_t in_slice = all - slice * g_.d[1].out;
    const int64_t i = g_.from[0] + slice * g_.every[0], j = g_.from[1] + in_slice * g_.every[1];
    return (i * sizes_[1] + j) * sizes_[2] + g_.from[2] + (band_.column + first) * g_.every[2];
  }

  const Gather& g_;
  const Band& band_;
  const int64_t* sizes_;
  int64_t sample_, plane_, run_;
};

// The filters as a gather reads them: row r of a group begins at r * row, channel c of what is
// gathered at c * channel; the filters' elements of the taps lie together.
struct Factors {
  int64_t rows, row, channels, channel;
};

// Convolves what a gather reads of `from`, whose channels are factors.channels * g.groups.
template <class T>
void convolve_gather(const Convolution<T>& job, const Gather& gather, const Factors& factors,
                     int64_t task, const T* from, const T* filters, const int64_t* sizes,
                     const T* bias, T slope, T* to) {
  const Geometry& g = job.g;
  const int64_t batch = task / g.bands / g.groups, group = task / g.bands % g.groups;
  const Band band = g.band(gather, task % g.bands);
  if (band.count() == 0) return;
  const int64_t first = batch * g.samples, samples = g.samples_of(batch);
  const Panel<T> panel(gather, samples, band, job.panel());
  Places* const places = reinterpret_cast<Places*>(job.rest());
  int64_t steps = 0;
  for (int64_t c = 0; c < factors.channels; c++) {
    const int64_t plane = (first * g.groups + group) * factors.channels + c;
    panel.read(from + plane * gather.inputs(), g.groups * factors.channels * gather.inputs(), c);
    for (int64_t i = 0; i < gather.d[0].taps; i++) {
      for (int64_t j = 0; j < gather.d[1].taps; j++) {
        for (int64_t k = 0; k < gather.d[2].taps; k++, steps++) {
          const int64_t in_filters = c * factors.channel + gather.tap(i, j, k, g.taps);
          places[steps] = {static_cast<int32_t>(in_filters),
                           static_cast<int32_t>(panel.offset(c, i, j, k))};
        }
      }
    }
  }
  const int64_t plane = Geometry::product(sizes);
  const Outputs<T> outputs(gather, band, sizes, g.groups * factors.rows * plane);
  T* const own = to + (first * g.groups + group) * factors.rows * plane;
  const T* const of_group = filters + group * g.o * g.patch();
  const Tail<T> tail = {bias ? bias + group * factors.rows : nullptr, slope};
  const int64_t columns = panel.columns();
  alignas(64) T tile[kSumRows * kSumColumns<T>];
  for (int64_t column = 0; column < columns; column += kSumColumns<T>) {
    const int64_t wide = job.least(columns - column, kSumColumns<T>);
    for (int64_t row = 0; row < factors.rows; row += kSumRows) {
      const int64_t rows = job.least(factors.rows - row, kSumRows);
      const T* a[kSumRows];
      for (int r = 0; r < kSumRows; r++) a[r] = of_group + (row + (r < rows ? r : 0)) * factors.row;
      multiply_some(job.ordered, a, rows, panel.at() + column, wide, Listed{places}, steps, tile);
      for (int64_t r = 0; r < rows; r++) tail.apply(row + r, tile + r * kSumColumns<T>);
      outputs.store(tile, rows, column, wide, own + row * plane);
    }
  }
}

template <class T>
void convolve_of(Fields fields, int threads) {
  const Convolution<T> job(fields);
  const Geometry& g = job.g;
  const T* const x = fields.pointer<const T>();
  const T* const filters = fields.pointer<const T>();
  const T* const bias = fields.pointer<const T>();
  const T slope = static_cast<T>(fields.number());
  T* const y = fields.pointer<T>();
  const Gather gather = g.forward();
  const Factors factors = {g.o, g.patch(), g.c, g.filter()};
  on_threads(threads, [&] {
#pragma omp for schedule(dynamic)
    for (int64_t task = 0; task < g.batches() * g.groups * g.bands; task++) {
      convolve_gather(job, gather, factors, task, x, filters, g.out, bias, slope, y);
    }
  });
}

template <class T>
void convolve_input_of(Fields fields, int threads) {
  const Convolution<T> job(fields);
  const Geometry& g = job.g;
  const T* const dy = fields.pointer<const T>();
  const T* const filters = fields.pointer<const T>();
  T* const dx = fields.pointer<T>();
  const Factors factors = {g.c, g.filter(), g.o, g.patch()};
  const int64_t tasks = g.batches() * g.groups * g.bands;
  on_threads(threads, [&] {
#pragma omp for schedule(dynamic)
    for (int64_t task = 0; task < g.phases() * tasks; task++) {
      const Gather gather = g.phase(task % g.phases());
      convolve_gather<T>(job, gather, factors, task / g.phases(), dy, filters, g.in, nullptr, T{1},
                         dx);
    }
  });
}

inline void convolve(Fields fields, int threads) {
  fields.integer() == 1 ? convolve_of<double>(fields, threads)
                        : convolve_of<float>(fields, threads);
}
inline void convolve_input(Fields fields, int threads) {
  fields.integer() == 1 ? convolve_input_of<double>(fields, threads)
                        : convolve_input_of<float>(fields, threads);
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_CONVOLUTION_HPP
