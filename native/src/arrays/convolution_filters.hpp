// A convolution's gradient for the filters: tiles of a product of a panel of what the taps read with dy,
// summed over the positions.
#ifndef JBATCHNORM_SRC_CONVOLUTION_FILTERS_HPP
#define JBATCHNORM_SRC_CONVOLUTION_FILTERS_HPP

#include "arrays/convolution.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// One after the other in a, so many elements apart in b.
struct Apart {
  int64_t width;

  int64_t a(int64_t s) const { return s; }
  int64_t b(int64_t s) const { return s * width; }
};

// The gradients of the filters of a run of items, a batch and a band each: (c, tap) by o.
template <class T>
class FilterPart {
 public:
  FilterPart(const Convolution<T>& job, const Gather& gather, const T* x, const T* dy,
             int64_t width)
      : job_(job), gather_(gather), g(job.g), x_(x), dy_(dy), width_(width) {}

  // Adds an item, of some channels of a group, to what there is, or sets it.
  void add(int64_t item, int64_t group, int64_t from, int64_t end, bool keep, T* to) const {
    const int64_t batch = item / g.bands, first = batch * g.samples;
    const int64_t samples = g.samples_of(batch);
    const Band band = g.band(gather_, item % g.bands);
    const Panel<T> panel(gather_, samples, band, job_.panel());
    for (int64_t c = from; c < end; c++) {
      const int64_t plane = (first * g.groups + group) * g.c + c;
      panel.read(x_ + plane * gather_.inputs(), g.groups * g.c * gather_.inputs(), c - from);
    }
    turn(first, samples, group, band);
    const T* rows[kSumRows];
    int64_t count = 0, row = from * g.filter();
    for (int64_t c = from; c < end; c++) {
      for (int64_t i = 0; i < g.taps[0]; i++) {
        for (int64_t j = 0; j < g.taps[1]; j++) {
          for (int64_t k = 0; k < g.taps[2]; k++) {
            rows[count++] = panel.at() + panel.offset(c - from, i, j, k);
            if (count == kSumRows) {
              multiply(rows, count, panel.columns(), keep, to + row * width_);
              row += count;
              count = 0;
            }
          }
        }
      }
    }
    for (int64_t r = count; r < kSumRows; r++) rows[r] = panel.at();
    if (count > 0) multiply(rows, count, panel.columns(), keep, to + row * width_);
  }

 private:
  // The gradients of an item's outputs, position by position.
  void turn(int64_t first, int64_t samples, int64_t group, const Band& band) const {
    const int64_t size = gather_.positions(), start = band.line * g.out[2] + band.column;
    if (g.o < width_) fill_zero(job_.rest(), samples * band.count() * width_);
    for (int64_t s = 0; s < samples; s++) {
      const T* const own = dy_ + ((first + s) * g.groups + group) * g.o * size + start;
      transpose(own, size, g.o, band.count(), job_.rest() + s * band.count() * width_, width_);
    }
  }
  void multiply(const T* const* rows, int64_t count, int64_t steps, bool keep, T* to) const {
    alignas(64) T tile[kSumRows * kSumColumns<T>];
    for (int64_t o = 0; o < g.o; o += kSumColumns<T>) {
      const int64_t wide = job_.least(g.o - o, kSumColumns<T>);
      multiply_some(job_.ordered, rows, count, job_.rest() + o, wide, Apart{width_}, steps, tile);
      for (int64_t r = 0; r < count; r++) {
        const T* const sums = tile + r * kSumColumns<T>;
        T* const own = to + r * width_ + o;
        for (int64_t i = 0; i < wide; i++) own[i] = keep ? own[i] + sums[i] : sums[i];
      }
    }
  }

  const Convolution<T>& job_;
  const Gather& gather_;
  const Geometry& g;
  const T *x_, *dy_;
  int64_t width_;
};

// The gradients of the filters, in so many parts, each of a run of items, which are summed in order.
template <class T>
void convolve_filters_of(Fields fields, int threads) {
  const Convolution<T> job(fields);
  const Geometry& g = job.g;
  const T* const x = fields.pointer<const T>();
  const T* const dy = fields.pointer<const T>();
  T* const parts = fields.pointer<T>();
  const int64_t count = fields.integer(), width = fields.integer(), blocks = fields.integer();
  T* const result = fields.pointer<T>();
  const int64_t patch = g.patch(), items = g.batches() * g.bands, size = g.groups * patch * width;
  const Gather gather = g.forward();
  const FilterPart<T> sums(job, gather, x, dy, width);
  on_threads(threads, [&] {
#pragma omp for schedule(dynamic) collapse(3)
    for (int64_t part = 0; part < count; part++) {
      for (int64_t group = 0; group < g.groups; group++) {
        for (int64_t block = 0; block < blocks; block++) {
          const int64_t channel = g.c * block / blocks, end = g.c * (block + 1) / blocks;
          const int64_t from = items * part / count, last = items * (part + 1) / count;
          T* const own = parts + part * size + group * patch * width;
          for (int64_t item = from; item < last; item++) {
            sums.add(item, group, channel, end, item > from, own);
          }
          if (from == last) {
            fill_zero(own + channel * g.filter() * width, (end - channel) * g.filter() * width);
          }
        }
      }
    }
#pragma omp for
    for (int64_t block = 0; block < g.groups * g.c; block++) {
      const int64_t group = block / g.c, first = block % g.c * g.filter();
      T* const own = parts + (group * patch + first) * width;
      for (int64_t tap = 0; tap < g.filter(); tap++) {
        T* const row = own + tap * width;
        for (int64_t o = 0; o < g.o; o++) {
          double sum = row[o];
          for (int64_t part = 1; part < count; part++) sum += row[part * size + o];
          row[o] = static_cast<T>(sum);
        }
      }
      transpose(own, width, g.filter(), g.o, result + group * g.o * patch + first, patch);
    }
  });
}

inline void convolve_filters(Fields fields, int threads) {
  fields.integer() == 1 ? convolve_filters_of<double>(fields, threads)
                        : convolve_filters_of<float>(fields, threads);
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_CONVOLUTION_FILTERS_HPP
