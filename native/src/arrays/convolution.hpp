// Cross-correlation of one to three dimensions as products with a matrix of patches: row (c, tap),
// column (sample, position of the output), 0 outside of x. Small images share a matrix; of large
// ones a matrix has a band of positions (forward) or a block of channels (gradients), so that it
// stays in the cache.
#ifndef JBATCHNORM_SRC_CONVOLUTION_HPP
#define JBATCHNORM_SRC_CONVOLUTION_HPP

#include "arrays/elementwise.hpp"
#include "arrays/patches.hpp"
#include "arrays/product.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// Everything of one call; the memory of a thread holds patches, outputs, masks and a packed matrix.
template <class T>
struct Convolution {
  Geometry g;
  Multiplier<T> multiply;
  T* memory;
  int64_t of_thread, before_patches, of_patches, of_outputs, of_masks;  // in elements

  explicit Convolution(Fields& fields)
      : g(Geometry::read(fields)), multiply{reinterpret_cast<Gemm<T>>(fields.integer())} {
    memory = fields.pointer<T>();
    of_thread = fields.integer();
    before_patches = fields.integer();
    of_patches = fields.integer();
    of_outputs = fields.integer();
    of_masks = fields.integer();
  }

  T* patches() const { return memory + omp_get_thread_num() * of_thread + before_patches; }
  T* outputs() const { return patches() + of_patches; }
  Mask<T>* masks() const { return reinterpret_cast<Mask<T>*>(outputs() + of_outputs); }
  double* packed() const { return reinterpret_cast<double*>(outputs() + of_outputs + of_masks); }
  // A mask for each of a tap's columns, over so many lines and a vector more.
  int64_t mask_size() const { return of_masks / g.taps[2]; }

  // Sets the masks of a geometry whose taps read runs: which columns of outputs a tap reads, or, for `inputs`, which
  // columns of inputs are read by it.
  void set_masks(bool inputs) const {
    if (!g.taps_read_runs) return;
    for (int64_t k = 0; k < g.taps[2]; k++) {
      const Reach columns(g, 2, k);
      const int64_t shift = inputs ? columns.shift : 0;
      Mask<T>* const mask = masks() + k * mask_size();
      for (int64_t i = 0, column = 0; i < mask_size(); i++) {
        mask[i] = column >= columns.first + shift && column < columns.end + shift ? -1 : 0;
        column = column + 1 == g.out[2] ? 0 : column + 1;
      }
    }
  }
  // The columns of the matrices of a batch.
  int64_t columns(int64_t batch, const Band& band) const {
    return g.samples == 1 ? band.count() : g.samples_of(batch) * g.positions();
  }

  // Rows of patches begin at a vector each.
  static int64_t whole_vectors(int64_t count) { return (count + kLanes - 1) / kLanes * kLanes; }

  // A channel of a group of a batch's first sample.
  template <class U>
  U* plane(U* x, int64_t batch, int64_t group, int64_t channel) const {
    return x + ((batch * g.samples * g.groups + group) * g.c + channel) * g.plane();
  }
  // An output channel of a group of a sample.
  template <class U>
  U* place(U* y, int64_t sample, int64_t group, int64_t channel) const {
    return y + ((sample * g.groups + group) * g.o + channel) * g.positions();
  }
  int64_t sample_size() const { return g.groups * g.c * g.plane(); }

  // The patches of some channels of a group of a batch of samples.
  Matrix<const T> read(const T* x, int64_t batch, int64_t group, const Channels& channels,
                       const Band& band) const {
    const T* const from = plane(x, batch, group, 0);
    if (g.is_plain()) {
      const int64_t first = band.line * g.out[2] + band.column;
      return {from + channels.from * g.plane() + first, g.plane(), false};
    }
    const int64_t width = whole_vectors(columns(batch, band));
    if (g.taps_read_runs && band.width() == g.out[2]) {
      read_planes_by_runs(x, batch, group, channels, band, width);
      return {patches(), width, false};
    }
    const int64_t present = g.samples_of(batch);
    each_tap(g, channels, [&](int64_t c, const Reach* reach, int64_t row) {
      for (int64_t s = 0; s < present; s++) {
        read_tap(g, from + s * sample_size() + c * g.plane(), reach, band,
                 patches() + row * width + s * g.positions());
      }
    });
    return {patches(), width, false};
  }

  // The taps of a geometry whose taps read runs by positions of a band of outputs, or of inputs.
  void set_taps(bool inputs, const Band& band, RunTap<T>* taps) const {
    for (int64_t j = 0, t = 0; j < g.taps[1]; j++) {
      const Reach lines = Reach(g, 1, j).within(band.line, band.line_end);
      for (int64_t k = 0; k < g.taps[2]; k++, t++) {
        const Reach columns(g, 2, k);
        const int64_t first = inputs ? lines.shift : -band.line;
        const int64_t shift = lines.shift * g.in[2] + columns.shift;
        const bool none = lines.is_empty() || columns.is_empty();
        taps[t].from = none ? 0 : (lines.first + first) * g.in[2];
        taps[t].to = none ? 0 : (lines.end + first) * g.in[2];
        taps[t].shift = inputs ? -shift : shift + band.line * g.in[2];
        taps[t].mask = masks() + k * mask_size();
      }
    }
  }

  void read_planes_by_runs(const T* x, int64_t batch, int64_t group, const Channels& channels,
                           const Band& band, int64_t width) const {
    RunTap<T> taps[kMostRunTaps];
    set_taps(false, band, taps);
    T* row = patches();
    for (int64_t c = channels.from; c < channels.to; c++) {
      const T* const first = plane(x, batch, group, c);
      for (int64_t t = 0; t < g.filter(); t++, row += width) {  // in the order of memory
        for (int64_t s = 0; s < g.samples_of(batch); s++) {
          read_runs(taps[t], first + s * sample_size(), x, x + g.n * sample_size(), band.count(),
                    row + s * g.positions());
        }
      }
    }
  }

  // Adds the rows of patches of some channels back to where they were read from.
  void add_back(const T* rows, int64_t batch, int64_t group, const Channels& channels, T* x) const {
    const int64_t width = whole_vectors(columns(batch, g.whole()));
    const int64_t present = g.samples_of(batch);
    T* const to = plane(x, batch, group, 0);
    if (g.taps_read_runs) {
      RunTap<T> taps[kMostRunTaps];
      set_taps(true, g.whole(), taps);
      for (int64_t c = channels.from; c < channels.to; c++) {
        const T* const own = rows + (c - channels.from) * g.filter() * width;
        for (int64_t s = 0; s < present; s++) {
          sum_runs(taps, g.filter(), own + s * g.positions(), width, g.plane(),
                   to + s * sample_size() + c * g.plane());
        }
      }
      return;
    }
    for (int64_t s = 0; s < present; s++) {
      fill_zero(to + s * sample_size() + channels.from * g.plane(),
                (channels.to - channels.from) * g.plane());
    }
    each_tap(g, channels, [&](int64_t c, const Reach* reach, int64_t row) {
      for (int64_t s = 0; s < present; s++) {
        add_tap(g, rows + row * width + s * g.positions(), reach,
                to + s * sample_size() + c * g.plane());
      }
    });
  }

  // The gradients of a batch's outputs as a matrix: themselves, or gathered from its samples.
  Matrix<const T> gather(const T* dy, int64_t batch, int64_t group) const {
    if (g.samples == 1) return {place(dy, batch, group, 0), g.positions(), false};
    T* const to = outputs();
    const int64_t present = g.samples_of(batch), size = g.positions();
    for (int64_t o = 0; o < g.o; o++) {
      for (int64_t s = 0; s < present; s++) {
        std::memcpy(to + (o * present + s) * size, place(dy, batch * g.samples + s, group, o),
                    static_cast<size_t>(size) * sizeof(T));
      }
    }
    return {to, present * size, false};
  }

  // y = bend(products + bias): products, `width` elements a row, may be y itself.
  void finish(const T* products, int64_t width, int64_t batch, int64_t group, const Band& band,
              const T* bias, T slope, T* y) const {
    const int64_t size = band.count(), first = band.line * g.out[2] + band.column;
    if (g.samples == 1 && !bias && slope == 1) return;
    for (int64_t o = 0; o < g.o; o++) {
      const T shift = bias ? bias[group * g.o + o] : T{0};
      for (int64_t s = 0; s < g.samples_of(batch); s++) {
        const T* const from = products + o * width + s * size;
        T* const to = place(y, batch * g.samples + s, group, o) + first;
        if (slope != 1) {
#pragma omp simd
          for (int64_t i = 0; i < size; i++) to[i] = bend(bias ? from[i] + shift : from[i], slope);
        } else if (bias) {
#pragma omp simd
          for (int64_t i = 0; i < size; i++) to[i] = from[i] + shift;
        } else {
          std::memcpy(to, from, static_cast<size_t>(size) * sizeof(T));
        }
      }
    }
  }

  // The filters of a group as a matrix, from a channel on.
  Matrix<const T> filters(const T* all, int64_t group, int64_t channel, bool transposed) const {
    return {all + group * g.o * g.patch() + channel * g.filter(), g.patch(), transposed};
  }
};

template <class T>
void convolve_of(Fields fields, int threads) {
  const Convolution<T> job(fields);
  const Geometry& g = job.g;
  const T* const x = fields.pointer<const T>();
  const T* const filters = fields.pointer<const T>();
  const T* const bias = fields.pointer<const T>();
  const T slope = static_cast<T>(fields.number());
  T* const y = fields.pointer<T>();
  on_threads(threads, [&] {
    job.set_masks(false);
#pragma omp for schedule(dynamic) collapse(3)
    for (int64_t batch = 0; batch < g.batches(); batch++) {
      for (int64_t group = 0; group < g.groups; group++) {
        for (int64_t i = 0; i < g.bands; i++) {
          const Band band = g.band(i);
          const Matrix<const T> patches = job.read(x, batch, group, {0, g.c}, band);
          const bool in_place = g.samples == 1;
          const int64_t columns = job.columns(batch, band);
          T* const to = in_place
                            ? job.place(y, batch, group, 0) + band.line * g.out[2] + band.column
                            : job.outputs();
          const int64_t width = in_place ? g.positions() : columns;
          job.multiply(job.filters(filters, group, 0, false), patches, false,
                       {g.o, columns, g.patch()}, to, width, job.packed());
          job.finish(to, width, batch, group, band, bias, slope, y);
        }
      }
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
  on_threads(threads, [&] {
    job.set_masks(true);
#pragma omp for schedule(dynamic) collapse(3)
    for (int64_t batch = 0; batch < g.batches(); batch++) {
      for (int64_t group = 0; group < g.groups; group++) {
        for (int64_t i = 0; i < g.input_blocks; i++) {
          const Channels channels = g.block(i, g.input_blocks);
          const int64_t columns = job.columns(batch, g.whole());
          T* const to = g.is_plain() ? job.plane(dx, batch, group, channels.from) : job.patches();
          const int64_t width = g.is_plain() ? columns : job.whole_vectors(columns);
          job.multiply(
              job.filters(filters, group, channels.from, true), job.gather(dy, batch, group), false,
              {(channels.to - channels.from) * g.filter(), columns, g.o}, to, width, job.packed());
          if (!g.is_plain()) job.add_back(to, batch, group, channels, dx);
        }
      }
    }
  });
}

// The gradients of the filters, in so many parts, each of a run of batches, to be summed in order.
template <class T>
void convolve_filters_of(Fields fields, int threads) {
  const Convolution<T> job(fields);
  const Geometry& g = job.g;
  const T* const x = fields.pointer<const T>();
  const T* const dy = fields.pointer<const T>();
  T* const parts = fields.pointer<T>();
  const int64_t count = fields.integer();
  const int64_t size = g.o * g.patch();
  on_threads(threads, [&] {
    job.set_masks(false);
#pragma omp for schedule(dynamic) collapse(3)
    for (int64_t part = 0; part < count; part++) {
      for (int64_t group = 0; group < g.groups; group++) {
        for (int64_t i = 0; i < g.filter_blocks; i++) {
          const Channels channels = g.block(i, g.filter_blocks);
          T* const whole = parts + (part * g.groups + group) * size;
          const int64_t from = g.batches() * part / count, end = g.batches() * (part + 1) / count;
          if (from == end && i == 0) fill_zero(whole, size);
          for (int64_t batch = from; batch < end; batch++) {
            Matrix<const T> patches = job.read(x, batch, group, channels, g.whole());
            patches.transposed = true;
            job.multiply(
                job.gather(dy, batch, group), patches, batch > from,
                {g.o, (channels.to - channels.from) * g.filter(), job.columns(batch, g.whole())},
                whole + channels.from * g.filter(), g.patch(), job.packed());
          }
        }
      }
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
inline void convolve_filters(Fields fields, int threads) {
  fields.integer() == 1 ? convolve_filters_of<double>(fields, threads)
                        : convolve_filters_of<float>(fields, threads);
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_CONVOLUTION_HPP
