// Cross-correlation of one to three dimensions as products with a matrix of patches: row (c, tap),
// column (sample, position of the output), 0 outside of x. Small images share a matrix; of large
// ones a matrix has a band of positions (forward) or a block of channels (gradients), so that it
// stays in the cache. Everything has three dimensions here; missing ones, in front, are of size 1.
#ifndef JBATCHNORM_SRC_CONVOLUTION_HPP
#define JBATCHNORM_SRC_CONVOLUTION_HPP

#include "elementwise.hpp"
#include "product.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// A part of the positions of an output that lie together: whole lines, or a piece of one.
struct Band {
  int64_t line, line_end, column, column_end;

  int64_t width() const { return column_end - column; }
  int64_t count() const { return (line_end - line) * width(); }
};

struct Channels {
  int64_t from, to;
};

struct Geometry {
  int64_t n, groups, c, o;  // c and o of one group
  const int64_t *in, *taps, *out, *stride, *padding, *dilation;
  int64_t samples;  // that share a matrix of patches
  int64_t bands;    // of an output, where samples is 1
  int64_t pieces;   // of a line, where a band is not whole lines
  int64_t blocks;   // of channels

  static Geometry read(Fields& fields) {
    Geometry g;
    g.n = fields.integer();
    g.groups = fields.integer();
    g.c = fields.integer();
    g.o = fields.integer();
    g.in = fields.integers(3);
    g.taps = fields.integers(3);
    g.out = fields.integers(3);
    g.stride = fields.integers(3);
    g.padding = fields.integers(3);
    g.dilation = fields.integers(3);
    g.samples = fields.integer();
    g.bands = fields.integer();
    g.pieces = fields.integer();
    g.blocks = fields.integer();
    return g;
  }
  static int64_t product(const int64_t* sizes) { return sizes[0] * sizes[1] * sizes[2]; }
  int64_t plane() const { return product(in); }
  int64_t lines() const { return out[0] * out[1]; }
  int64_t positions() const { return product(out); }
  int64_t filter() const { return product(taps); }
  int64_t patch() const { return c * filter(); }
  int64_t batches() const { return (n + samples - 1) / samples; }
  int64_t samples_of(int64_t batch) const {
    const int64_t left = n - batch * samples;
    return left < samples ? left : samples;
  }
  Band whole() const { return {0, lines(), 0, out[2]}; }
  Band band(int64_t i) const {
    if (pieces == 1) return {lines() * i / bands, lines() * (i + 1) / bands, 0, out[2]};
    const int64_t line = i / pieces, piece = i % pieces;
    return {line, line + 1, out[2] * piece / pieces, out[2] * (piece + 1) / pieces};
  }
  Channels block(int64_t i) const { return {c * i / blocks, c * (i + 1) / blocks}; }
  // The matrix is x itself: one tap that visits every element once.
  bool is_plain() const {
    bool plain = samples == 1;
    for (int d = 0; d < 3; d++) plain &= taps[d] == 1 && stride[d] == 1 && padding[d] == 0;
    return plain;
  }
};

// What one tap reads along one dimension: output [first, end) from input index * stride + shift.
struct Reach {
  int64_t first, end, shift;

  Reach(const Geometry& g, int d, int64_t tap) {
    const int64_t stride = g.stride[d];
    shift = tap * g.dilation[d] - g.padding[d];
    const int64_t last = g.in[d] - 1 - shift;
    if (stride == 1) {  // divisions would take longer than what they are for
      first = shift >= 0 ? 0 : -shift;
      end = last < 0 ? 0 : last + 1;
    } else {
      first = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
      end = last < 0 ? 0 : last / stride + 1;
    }
    if (end > g.out[d]) end = g.out[d];
    if (first > end) first = end;
  }
  // The part within [from, to), perhaps none.
  Reach within(int64_t from, int64_t to) const {
    Reach part = *this;
    if (part.first < from) part.first = from;
    if (part.end > to) part.end = to;
    if (part.end < part.first) part.end = part.first;
    return part;
  }
  bool is_empty() const { return first == end; }
};

template <class T>
void fill_zero(T* at, int64_t count) {
  if (count > 0) std::memset(at, 0, static_cast<size_t>(count) * sizeof(T));
}

// Whether a tap reads a plane as one run: the output's rows lie as the input's do.
inline bool keeps_rows(const Geometry& g) {
  return g.stride[1] == 1 && g.stride[2] == 1 && g.in[2] == g.out[2];
}

// The elements of a slice of outputs that a tap which keeps rows reads as one run.
struct Run {
  int64_t from, past;

  Run(const Geometry& g, const Reach* reach)
      : from(reach[1].first * g.out[2] + reach[2].first),
        past((reach[1].end - 1) * g.out[2] + reach[2].end) {}
};

// Sets the columns of lines that a tap reads outside of x to 0.
template <class T>
JBN_INLINE void clear_sides(int64_t lines, int64_t width, const Reach& columns, T* at) {
  for (int64_t k = 0; k < columns.first; k++) {
    for (int64_t j = 0; j < lines; j++) at[j * width + k] = 0;
  }
  for (int64_t k = columns.end; k < width; k++) {
    for (int64_t j = 0; j < lines; j++) at[j * width + k] = 0;
  }
}

// Patches are written from the first element to the last, so that a vector may reach over the end of
// its run: what it spoils is written next. Calls of memset and memcpy cost more than they save here.
template <class T>
JBN_INLINE void clear(T* at, int64_t from, int64_t to) {
  for (int64_t k = from; k < to; k += kLanes) std::memset(at + k, 0, kLanes * sizeof(T));
}

// As clear; reads no further than `limit`.
template <class T>
JBN_INLINE void copy_run(const T* from, const T* limit, int64_t count, T* to) {
  int64_t k = 0;
  for (; k < count && from + k + kLanes <= limit; k += kLanes) {
    std::memcpy(to + k, from + k, kLanes * sizeof(T));
  }
  for (; k < count; k++) to[k] = from[k];
}

// The part of a row of patches that lies in one slice of outputs, lines [from, to): what one tap
// reads of one plane.
template <class T>
JBN_INLINE void read_slice(const Geometry& g, const T* slice, const T* limit, const Reach& lines,
                           const Reach& columns, int64_t from, int64_t to, const Band& band,
                           T* row) {
  const int64_t width = band.width();
  if (width == g.out[2] && keeps_rows(g)) {
    const int64_t first = (lines.first - from) * width + columns.first;
    const int64_t past = (lines.end - 1 - from) * width + columns.end;
    clear(row, 0, first);
    copy_run(slice + (lines.first + lines.shift) * width + columns.first + columns.shift, limit,
             past - first, row + first);
    clear(row, past, (to - from) * width);
    clear_sides(lines.end - lines.first, width, columns, row + (lines.first - from) * width);
    return;
  }
  clear(row, 0, (lines.first - from) * width);
  for (int64_t j = lines.first; j < lines.end; j++) {
    const T* const line = slice + (j * g.stride[1] + lines.shift) * g.in[2] + columns.shift;
    T* const at = row + (j - from) * width - band.column;
    for (int64_t k = band.column; k < columns.first; k++) at[k] = 0;
    for (int64_t k = columns.first; k < columns.end; k++) at[k] = line[k * g.stride[2]];
    for (int64_t k = columns.end; k < band.column_end; k++) at[k] = 0;
  }
  clear(row, (lines.end - from) * width, (to - from) * width);
}

// One row of patches: what one tap reads of one plane for a band of positions.
template <class T>
void read_tap(const Geometry& g, const T* plane, const T* limit, const Reach* reach,
              const Band& band, T* row) {
  const Reach columns = reach[2].within(band.column, band.column_end);
  for (int64_t line = band.line; line < band.line_end;) {
    const int64_t i = line == 0 ? 0 : line / g.out[1], from = line - i * g.out[1];
    const int64_t left = band.line_end - i * g.out[1], to = left < g.out[1] ? left : g.out[1];
    const Reach lines = reach[1].within(from, to);
    if (i < reach[0].first || i >= reach[0].end || lines.is_empty() || columns.is_empty()) {
      clear(row, 0, (to - from) * band.width());
    } else {
      read_slice(g, plane + (i * g.stride[0] + reach[0].shift) * g.in[1] * g.in[2], limit, lines,
                 columns, from, to, band, row);
    }
    row += (to - from) * band.width();
    line += to - from;
  }
}

// Adds one row of patches back to the plane that it was read from.
template <class T>
void add_tap(const Geometry& g, T* row, const Reach* reach, T* plane) {
  const int64_t width = g.out[2], area = width * g.out[1];
  const int64_t first = reach[2].first, end = reach[2].end;
  if (first == end || reach[1].first == reach[1].end) return;
  for (int64_t i = reach[0].first; i < reach[0].end; i++) {
    T* const slice =
        plane + (i * g.stride[0] + reach[0].shift) * g.in[1] * g.in[2] + reach[2].shift;
    T* const from = row + i * area;
    if (keeps_rows(g)) {
      const Run run(g, reach);
      clear_sides(reach[1].end - reach[1].first, width, reach[2], from + reach[1].first * width);
      T* const to = slice + reach[1].shift * width;
#pragma omp simd
      for (int64_t k = run.from; k < run.past; k++) to[k] += from[k];
      continue;
    }
    for (int64_t j = reach[1].first; j < reach[1].end; j++) {
      T* const to = slice + (j * g.stride[1] + reach[1].shift) * g.in[2];
      const T* const line = from + j * width;
      for (int64_t k = first; k < end; k++) to[k * g.stride[2]] += line[k];
    }
  }
}

// Calls `visit` with the channel, the reach and the row of each tap of some channels of a group.
template <class Visit>
void each_tap(const Geometry& g, const Channels& channels, const Visit& visit) {
  int64_t row = 0;
  for (int64_t c = channels.from; c < channels.to; c++) {
    for (int64_t i = 0; i < g.taps[0]; i++) {
      for (int64_t j = 0; j < g.taps[1]; j++) {
        for (int64_t k = 0; k < g.taps[2]; k++) {
          const Reach reach[] = {{g, 0, i}, {g, 1, j}, {g, 2, k}};
          visit(c, reach, row++);
        }
      }
    }
  }
}

// Everything of one call; the memory of a thread holds patches, outputs and a packed matrix.
template <class T>
struct Convolution {
  Geometry g;
  Multiplier<T> multiply;
  T* memory;
  int64_t of_thread, of_patches, of_outputs;  // in elements

  explicit Convolution(Fields& fields)
      : g(Geometry::read(fields)), multiply{reinterpret_cast<Gemm<T>>(fields.integer())} {
    memory = fields.pointer<T>();
    of_thread = fields.integer();
    of_patches = fields.integer();
    of_outputs = fields.integer();
  }

  T* patches() const { return memory + omp_get_thread_num() * of_thread; }
  T* outputs() const { return patches() + of_patches; }
  double* packed() const { return reinterpret_cast<double*>(outputs() + of_outputs); }
  // The columns of the matrices of a batch.
  int64_t columns(int64_t batch, const Band& band) const {
    return g.samples == 1 ? band.count() : g.samples_of(batch) * g.positions();
  }

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
    T* const to = patches();
    const int64_t present = g.samples_of(batch), width = columns(batch, band);
    each_tap(g, channels, [&](int64_t c, const Reach* reach, int64_t row) {
      T* const line = to + row * width;
      for (int64_t s = 0; s < present; s++) {
        read_tap(g, from + s * sample_size() + c * g.plane(), x + g.n * sample_size(), reach, band,
                 line + s * g.positions());
      }
    });
    return {to, width, false};
  }

  void add_back(T* patch_rows, int64_t batch, int64_t group, const Channels& channels, T* x) const {
    T* const to = plane(x, batch, group, 0);
    const int64_t present = g.samples_of(batch), width = columns(batch, g.whole());
    for (int64_t s = 0; s < present; s++) {
      fill_zero(to + s * sample_size() + channels.from * g.plane(),
                (channels.to - channels.from) * g.plane());
    }
    each_tap(g, channels, [&](int64_t c, const Reach* reach, int64_t row) {
      T* const line = patch_rows + row * width;
      for (int64_t s = 0; s < present; s++) {
        add_tap(g, line + s * g.positions(), reach, to + s * sample_size() + c * g.plane());
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
#pragma omp for schedule(dynamic) collapse(3)
    for (int64_t batch = 0; batch < g.batches(); batch++) {
      for (int64_t group = 0; group < g.groups; group++) {
        for (int64_t i = 0; i < g.blocks; i++) {
          const Channels channels = g.block(i);
          const int64_t columns = job.columns(batch, g.whole());
          T* const to = g.is_plain() ? job.plane(dx, batch, group, channels.from) : job.patches();
          job.multiply(job.filters(filters, group, channels.from, true),
                       job.gather(dy, batch, group), false,
                       {(channels.to - channels.from) * g.filter(), columns, g.o}, to, columns,
                       job.packed());
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
#pragma omp for schedule(dynamic) collapse(3)
    for (int64_t part = 0; part < count; part++) {
      for (int64_t group = 0; group < g.groups; group++) {
        for (int64_t i = 0; i < g.blocks; i++) {
          const Channels channels = g.block(i);
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
