// Rows of a matrix of patches: what one tap of a filter reads of one plane, and back.
#ifndef JBATCHNORM_SRC_PATCHES_HPP
#define JBATCHNORM_SRC_PATCHES_HPP

#include "arrays/geometry.hpp"
#include "simd/vectors.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

template <class T>
void fill_zero(T* at, int64_t count) {
  if (count > 0) std::memset(at, 0, static_cast<size_t>(count) * sizeof(T));
}

// 16 elements, in as many registers as the instruction set needs; and as many masks, as wide as an
// element each, all bits of which are set or none.
template <class T>
struct Sixteen;
template <>
struct Sixteen<float> {
  typedef int32_t Mask;
  typedef float Elements __attribute__((vector_size(kLanes * sizeof(float))));
  typedef int32_t Masks __attribute__((vector_size(kLanes * sizeof(int32_t))));
};
template <>
struct Sixteen<double> {
  typedef int64_t Mask;
  typedef double Elements __attribute__((vector_size(kLanes * sizeof(double))));
  typedef int64_t Masks __attribute__((vector_size(kLanes * sizeof(int64_t))));
};
template <class T>
using Mask = typename Sixteen<T>::Mask;

template <class V, class T>
JBN_INLINE V load_sixteen(const T* from) {
  V v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

// One tap of a geometry whose taps read runs: of positions [from, to), those whose mask is set go
// with the element `shift` further on.
template <class T>
struct RunTap {
  int64_t from, to, shift;
  const Mask<T>* mask;

  // The masks of positions from p on.
  JBN_INLINE typename Sixteen<T>::Masks masks(int64_t p) const {
    auto masks = load_sixteen<typename Sixteen<T>::Masks>(mask + p);
    if (from <= p && to >= p + kLanes) return masks;
    const typename Sixteen<T>::Masks places = {0, 1, 2,  3,  4,  5,  6,  7,
                                               8, 9, 10, 11, 12, 13, 14, 15};
    const Mask<T> first = static_cast<Mask<T>>(from - p), end = static_cast<Mask<T>>(to - p);
    return masks & (places >= first) & (places < end);
  }
};

template <class T>
JBN_INLINE typename Sixteen<T>::Elements masked(const T* from, typename Sixteen<T>::Masks masks) {
  typedef typename Sixteen<T>::Elements Elements;
  typedef typename Sixteen<T>::Masks Masks;
  return reinterpret_cast<Elements>(load_sixteen<Masks>(from) & masks);
}

// What one tap reads of one plane, 0 elsewhere: `size` positions of a row of patches, and up to a
// vector more. Reads nothing outside of [begin, limit).
template <class T>
void read_runs(const RunTap<T>& tap, const T* plane, const T* begin, const T* limit, int64_t size,
               T* row) {
  const T* const from = plane + tap.shift;
  for (int64_t p = 0; p < size; p += kLanes) {
    if (tap.from >= p + kLanes || tap.to <= p) {
      std::memset(row + p, 0, kLanes * sizeof(T));
    } else if (from + p >= begin && from + p + kLanes <= limit) {
      const auto elements = masked(from + p, tap.masks(p));
      std::memcpy(row + p, &elements, sizeof elements);
    } else {
      const auto masks = tap.masks(p);
      for (int j = 0; j < kLanes; j++) row[p + j] = masks[j] ? from[p + j] : T{0};
    }
  }
}

// The sums of a plane's elements over the taps, in their order: what adding the rows of patches one
// after the other to 0 gives, as a 0 that is added changes nothing.
template <class T>
void sum_runs(const RunTap<T>* taps, int64_t count, const T* rows, int64_t width, int64_t size,
              T* plane) {
  for (int64_t p = 0; p < size; p += kLanes) {
    typename Sixteen<T>::Elements sums = {};
    for (int64_t t = 0; t < count; t++) {
      const RunTap<T>& tap = taps[t];
      if (tap.from >= p + kLanes || tap.to <= p) continue;
      sums += masked(rows + t * width + tap.shift + p, tap.masks(p));
    }
    const int64_t left = size - p < kLanes ? size - p : kLanes;
    std::memcpy(plane + p, &sums, static_cast<size_t>(left) * sizeof(T));
  }
}

// Patches are written from the first element to the last, so that a vector may reach over the end of
// its run: what it spoils is written next. Calls of memset and memcpy cost more than they save here.
template <class T>
JBN_INLINE void clear(T* at, int64_t from, int64_t to) {
  for (int64_t k = from; k < to; k += kLanes) std::memset(at + k, 0, kLanes * sizeof(T));
}

// One row of patches: what one tap reads of one plane for a band of positions.
template <class T>
void read_tap(const Geometry& g, const T* plane, const Reach* reach, const Band& band, T* row) {
  const int64_t width = band.width();
  const Reach columns = reach[2].within(band.column, band.column_end);
  for (int64_t line = band.line; line < band.line_end;) {
    const int64_t i = line == 0 ? 0 : line / g.out[1], from = line - i * g.out[1];
    const int64_t left = band.line_end - i * g.out[1], to = left < g.out[1] ? left : g.out[1];
    Reach lines = reach[1].within(from, to);
    const bool outside = i < reach[0].first || i >= reach[0].end;
    if (outside || columns.is_empty()) lines.end = lines.first = from;
    const T* const slice = plane + (i * g.stride[0] + reach[0].shift) * g.in[1] * g.in[2];
    clear(row, 0, (lines.first - from) * width);
    for (int64_t j = lines.first; j < lines.end; j++) {
      const T* const source = slice + (j * g.stride[1] + lines.shift) * g.in[2] + columns.shift;
      T* const at = row + (j - from) * width - band.column;
      for (int64_t k = band.column; k < columns.first; k++) at[k] = 0;
      for (int64_t k = columns.first; k < columns.end; k++) at[k] = source[k * g.stride[2]];
      for (int64_t k = columns.end; k < band.column_end; k++) at[k] = 0;
    }
    clear(row, (lines.end - from) * width, (to - from) * width);
    row += (to - from) * width;
    line += to - from;
  }
}

// Adds one row of patches back to the plane that it was read from.
template <class T>
void add_tap(const Geometry& g, const T* row, const Reach* reach, T* plane) {
  const int64_t width = g.out[2], area = width * g.out[1];
  const int64_t first = reach[2].first, end = reach[2].end;
  for (int64_t i = reach[0].first; i < reach[0].end; i++) {
    T* const slice =
        plane + (i * g.stride[0] + reach[0].shift) * g.in[1] * g.in[2] + reach[2].shift;
    for (int64_t j = reach[1].first; j < reach[1].end; j++) {
      T* const to = slice + (j * g.stride[1] + reach[1].shift) * g.in[2];
      const T* const line = row + i * area + j * width;
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
      const Reach slices(g, 0, i);
      for (int64_t j = 0; j < g.taps[1]; j++) {
        const Reach lines(g, 1, j);
        for (int64_t k = 0; k < g.taps[2]; k++) {
          const Reach reach[] = {slices, lines, {g, 2, k}};
          visit(c, reach, row++);
        }
      }
    }
  }
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_PATCHES_HPP
