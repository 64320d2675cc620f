// Cross-correlation of one to three dimensions as products with a matrix of patches: row (c, tap),
// column (sample, position of the output), 0 outside of x. A few samples share a matrix where the
// images are small. Everything has three dimensions here; missing ones, in front, are of size 1.
#ifndef JBATCHNORM_SRC_CONVOLUTION_HPP
#define JBATCHNORM_SRC_CONVOLUTION_HPP

#include "elementwise.hpp"
#include "product.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

struct Geometry {
  int64_t n, groups, c, o;  // c and o of one group
  const int64_t *in, *taps, *out, *stride, *padding, *dilation;
  int64_t samples;  // that share a matrix of patches

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
    return g;
  }
  static int64_t product(const int64_t* sizes) { return sizes[0] * sizes[1] * sizes[2]; }
  int64_t plane() const { return product(in); }
  int64_t positions() const { return product(out); }
  int64_t patch() const { return c * product(taps); }
  int64_t columns() const { return samples * positions(); }
  int64_t batches() const { return (n + samples - 1) / samples; }
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
    shift = tap * g.dilation[d] - g.padding[d];
    first = shift >= 0 ? 0 : (-shift + g.stride[d] - 1) / g.stride[d];
    const int64_t last = g.in[d] - 1 - shift;
    end = last < 0 ? 0 : last / g.stride[d] + 1;
    if (end > g.out[d]) end = g.out[d];
    if (first > end) first = end;
  }
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

// Sets the columns of a slice of outputs that a tap reads outside of x to 0.
template <class T>
JBN_INLINE void clear_sides(const Geometry& g, const Reach* reach, T* slice) {
  const int64_t width = g.out[2];
  for (int64_t k = 0; k < reach[2].first; k++) {
    for (int64_t j = reach[1].first; j < reach[1].end; j++) slice[j * width + k] = 0;
  }
  for (int64_t k = reach[2].end; k < width; k++) {
    for (int64_t j = reach[1].first; j < reach[1].end; j++) slice[j * width + k] = 0;
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

// One row of patches: what one tap reads of one plane.
template <class T>
void read_tap(const Geometry& g, const T* plane, const T* limit, const Reach* reach, T* row) {
  const int64_t width = g.out[2], area = width * g.out[1];
  const int64_t first = reach[2].first, end = reach[2].end;
  if (first == end || reach[1].first == reach[1].end) {
    clear(row, 0, area * g.out[0]);
    return;
  }
  const bool runs = keeps_rows(g);
  const Run run(g, reach);
  clear(row, 0, reach[0].first * area);
  for (int64_t i = reach[0].first; i < reach[0].end; i++) {
    const T* const slice =
        plane + (i * g.stride[0] + reach[0].shift) * g.in[1] * g.in[2] + reach[2].shift;
    T* const to = row + i * area;
    if (runs) {
      clear(to, 0, run.from);
      copy_run(slice + reach[1].shift * width + run.from, limit, run.past - run.from,
               to + run.from);
      clear(to, run.past, area);
    } else {
      clear(to, 0, reach[1].first * width);
      for (int64_t j = reach[1].first; j < reach[1].end; j++) {
        const T* const from = slice + (j * g.stride[1] + reach[1].shift) * g.in[2];
        for (int64_t k = first; k < end; k++) to[j * width + k] = from[k * g.stride[2]];
      }
      clear(to, reach[1].end * width, area);
    }
    clear_sides(g, reach, to);
  }
  clear(row, reach[0].end * area, g.out[0] * area);
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
      clear_sides(g, reach, from);  // so that the rest is one run
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

// Calls `visit` with the channel, the reach and the row of each tap of a group's channels.
template <class Visit>
void each_tap(const Geometry& g, const Visit& visit) {
  int64_t row = 0;
  for (int64_t c = 0; c < g.c; c++) {
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
  int64_t stride_of_memory;

  explicit Convolution(Fields& fields)
      : g(Geometry::read(fields)), multiply{reinterpret_cast<Gemm<T>>(fields.integer())} {
    memory = fields.pointer<T>();
    stride_of_memory = fields.integer();
  }

  T* patches() const { return memory + omp_get_thread_num() * stride_of_memory; }
  // Rounded up to whole vectors, and one more, which clear and copy_run may reach into.
  static int64_t aligned(int64_t elements) { return (elements + 31) / 16 * 16; }
  T* outputs() const { return patches() + aligned(g.patch() * g.columns()); }
  double* packed() const {
    return reinterpret_cast<double*>(outputs() + aligned(g.o * g.columns()));
  }
  int64_t samples_of(int64_t batch) const {
    const int64_t left = g.n - batch * g.samples;
    return left < g.samples ? left : g.samples;
  }

  // The patches of a group of a batch of samples; those of missing samples are 0.
  const T* read(const T* x, int64_t batch, int64_t group) const {
    const int64_t sample_size = g.groups * g.c * g.plane();
    const T* const from = x + batch * g.samples * sample_size + group * g.c * g.plane();
    if (g.is_plain()) return from;
    T* const to = patches();
    const int64_t present = samples_of(batch);
    each_tap(g, [&](int64_t c, const Reach* reach, int64_t row) {
      T* const line = to + row * g.columns();
      for (int64_t s = 0; s < present; s++) {
        read_tap(g, from + s * sample_size + c * g.plane(), x + g.n * sample_size, reach,
                 line + s * g.positions());
      }
      fill_zero(line + present * g.positions(), (g.samples - present) * g.positions());
    });
    return to;
  }

  void add_back(T* patch_rows, int64_t batch, int64_t group, T* x) const {
    const int64_t sample_size = g.groups * g.c * g.plane();
    T* const to = x + batch * g.samples * sample_size + group * g.c * g.plane();
    const int64_t present = samples_of(batch);
    for (int64_t s = 0; s < present; s++) fill_zero(to + s * sample_size, g.c * g.plane());
    each_tap(g, [&](int64_t c, const Reach* reach, int64_t row) {
      T* const line = patch_rows + row * g.columns();
      for (int64_t s = 0; s < present; s++) {
        add_tap(g, line + s * g.positions(), reach, to + s * sample_size + c * g.plane());
      }
    });
  }

  // The place of a group of a sample in an array of outputs.
  template <class U>
  U* place(U* y, int64_t sample, int64_t group) const {
    return y + (sample * g.groups + group) * g.o * g.positions();
  }

  // The gradients of a batch's outputs as a matrix: themselves, or gathered from its samples.
  const T* gather(const T* dy, int64_t batch, int64_t group) const {
    if (g.samples == 1) return place(dy, batch, group);
    T* const to = outputs();
    const int64_t present = samples_of(batch), size = g.positions();
    for (int64_t o = 0; o < g.o; o++) {
      for (int64_t s = 0; s < present; s++) {
        std::memcpy(to + o * g.columns() + s * size,
                    place(dy, batch * g.samples + s, group) + o * size,
                    static_cast<size_t>(size) * sizeof(T));
      }
      fill_zero(to + o * g.columns() + present * size, (g.samples - present) * size);
    }
    return to;
  }

  // y = bend(products + bias): products may be y itself.
  void finish(const T* products, int64_t batch, int64_t group, const T* bias, T slope, T* y) const {
    const int64_t present = samples_of(batch), size = g.positions();
    if (g.samples == 1 && !bias && slope == 1) return;
    for (int64_t o = 0; o < g.o; o++) {
      const T shift = bias ? bias[group * g.o + o] : T{0};
      for (int64_t s = 0; s < present; s++) {
        const T* const from = products + o * g.columns() + s * size;
        T* const to = place(y, batch * g.samples + s, group) + o * size;
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

  Matrix<const T> filters(const T* all, int64_t group, bool transposed) const {
    return {all + group * g.o * g.patch(), g.patch(), transposed};
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
#pragma omp for schedule(dynamic) collapse(2)
    for (int64_t batch = 0; batch < g.batches(); batch++) {
      for (int64_t group = 0; group < g.groups; group++) {
        const Matrix<const T> patches = {job.read(x, batch, group), g.columns(), false};
        T* const to = g.samples == 1 ? job.place(y, batch, group) : job.outputs();
        job.multiply(job.filters(filters, group, false), patches, false,
                     {g.o, g.columns(), g.patch()}, to, g.columns(), job.packed());
        job.finish(to, batch, group, bias, slope, y);
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
#pragma omp for schedule(dynamic) collapse(2)
    for (int64_t batch = 0; batch < g.batches(); batch++) {
      for (int64_t group = 0; group < g.groups; group++) {
        const Matrix<const T> grads = {job.gather(dy, batch, group), g.columns(), false};
        T* const direct = dx + (batch * g.groups + group) * g.c * g.plane();
        T* const to = g.is_plain() ? direct : job.patches();
        job.multiply(job.filters(filters, group, true), grads, false, {g.patch(), g.columns(), g.o},
                     to, g.columns(), job.packed());
        if (!g.is_plain()) job.add_back(to, batch, group, dx);
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
#pragma omp for schedule(dynamic) collapse(2)
    for (int64_t part = 0; part < count; part++) {
      for (int64_t group = 0; group < g.groups; group++) {
        T* const to = parts + (part * g.groups + group) * size;
        const int64_t from = g.batches() * part / count, end = g.batches() * (part + 1) / count;
        if (from == end) fill_zero(to, size);
        for (int64_t batch = from; batch < end; batch++) {
          const Matrix<const T> grads = {job.gather(dy, batch, group), g.columns(), false};
          const Matrix<const T> patches = {job.read(x, batch, group), g.columns(), true};
          job.multiply(grads, patches, batch > from, {g.o, g.patch(), g.columns()}, to, g.patch(),
                       job.packed());
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
