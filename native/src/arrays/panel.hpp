// A panel: what the taps of a convolution read for a band of its outputs, in rows that are read from
// one position to the next.
#ifndef JBATCHNORM_SRC_PANEL_HPP
#define JBATCHNORM_SRC_PANEL_HPP

#include "arrays/geometry.hpp"
#include "simd/vectors.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

template <class T>
void fill_zero(T* at, int64_t count) {
  if (count > 0) std::memset(at, 0, static_cast<size_t>(count) * sizeof(T));
}

// Rows are written from the first element to the last, so that a vector may reach over the end of what
// is cleared: what it spoils is written next. Calls of memset and memcpy take longer here.
template <class T>
JBN_INLINE void clear(T* from, T* to) {
  for (; from < to; from += kLanes) std::memset(from, 0, kLanes * sizeof(T));
}
template <class T>
JBN_INLINE void copy(const T* from, int64_t count, T* to) {
  if (count < kLanes) {
    for (int64_t i = 0; i < count; i++) to[i] = from[i];
    return;
  }
  for (int64_t i = 0; i < count - kLanes; i += kLanes) {
    std::memcpy(to + i, from + i, kLanes * sizeof(T));
  }
  std::memcpy(to + count - kLanes, from + count - kLanes, kLanes * sizeof(T));
}

template <class T>
JBN_INLINE void clear_column(T* at, int64_t width, int64_t lines) {
  for (int64_t l = 0; l < lines; l++) at[l * width] = 0;
}

// Columns [column, column_end) of lines of a plane as one tap reads them, 0 outside of it. Line l of
// `count` is line + l * step of the plane's.
template <class T>
void read_lines(const T* plane, int64_t lines, const Dimension& columns, int64_t shift,
                const Band& band, int64_t line, int64_t step, int64_t count, T* to) {
  const int64_t width = band.width(), in = columns.in;
  int64_t from = first_from(0, step, line), end = first_from(lines, step, line);
  int64_t first = first_from(0, columns.step, shift), last = first_from(in, columns.step, shift);
  if (first < band.column) first = band.column;
  if (last > band.column_end) last = band.column_end;
  if (end > count) end = count;
  if (from >= end || first >= last) {
    clear(to, to + count * width);
    return;
  }
  clear(to, to + from * width);
  if (step == 1 && columns.step == 1 && width == in &&
      band.column == 0) {  // one run, but for columns outside
    const T* const run = plane + (line + from) * in + shift;
    const int64_t skipped = shift < 0 ? -shift : 0, missing = shift > 0 ? shift : 0;
    copy(run + skipped, (end - from) * width - skipped - missing, to + from * width + skipped);
    for (int64_t i = 0; i < first; i++) clear_column(to + from * width + i, width, end - from);
    for (int64_t i = last; i < width; i++) clear_column(to + from * width + i, width, end - from);
    clear(to + end * width, to + count * width);
    return;
  }
  for (int64_t l = from; l < end; l++) {
    const T* const source = plane + (line + l * step) * in + shift;
    T* const own = to + l * width - band.column;
    for (int64_t i = band.column; i < first; i++) own[i] = 0;
    if (columns.step == 1) {
      copy(source + first, last - first, own + first);
    } else {
      for (int64_t i = first; i < last; i++) own[i] = source[i * columns.step];
    }
    for (int64_t i = last; i < band.column_end; i++) own[i] = 0;
  }
  clear(to + end * width, to + count * width);
}

// Taps along lines whose step is 1 share a row: each reads it from another line on. Where samples
// share a panel, or outputs have slices, each tap has its own row.
template <class T>
class Panel {
 public:
  Panel(const Gather& gather, int64_t samples, const Band& band, T* at)
      : g_(gather), band_(band), samples_(samples), at_(at) {
    const int64_t lines = band.line_end - band.line;
    const int64_t together = row_of((lines + g_.d[1].reach()) * band.width());
    row_ = row_of(samples * band.count());
    shared_ =
        samples == 1 && g_.d[0].out == 1 && g_.d[1].step == 1 && together <= g_.d[1].taps * row_;
    if (shared_) row_ = together;
  }
  // An odd number of vectors: rows do not fall on the same sets of a cache.
  static int64_t row_of(int64_t elements) {
    return (((elements + kLanes - 1) / kLanes) | 1) * kLanes;
  }

  const T* at() const { return at_; }
  int64_t columns() const { return samples_ * band_.count(); }
  // Where a tap's elements for the first position lie.
  int64_t offset(int64_t c, int64_t i, int64_t j, int64_t k) const {
    const int64_t slice = c * g_.d[0].taps + i;
    if (!shared_) return ((slice * g_.d[1].taps + j) * g_.d[2].taps + k) * row_;
    const int64_t line = j * g_.d[1].spread + g_.d[1].front();
    return (slice * g_.d[2].taps + k) * row_ + line * band_.width();
  }

  // Reads a channel of the samples, which lie `sample` elements apart.
  void read(const T* x, int64_t sample, int64_t c) const {
    const Dimension &slices = g_.d[0], &lines = g_.d[1];
    for (int64_t i = 0; i < slices.taps; i++) {
      for (int64_t j = 0; j < (shared_ ? 1 : lines.taps); j++) {
        for (int64_t k = 0; k < g_.d[2].taps; k++) {
          if (shared_) {
            const int64_t count = band_.line_end - band_.line + lines.reach();
            read_slice(x, slices.shift(i), k, band_.line + lines.first - lines.front(), count,
                       at_ + (((c * slices.taps) + i) * g_.d[2].taps + k) * row_);
          } else {
            T* const row = at_ + offset(c, i, j, k);
            for (int64_t s = 0; s < samples_; s++) {
              read_band(x + s * sample, i, j, k, row + s * band_.count());
            }
          }
        }
      }
    }
  }

 private:
  void read_slice(const T* x, int64_t slice, int64_t k, int64_t line, int64_t count, T* to) const {
    const bool outside = slice < 0 || slice >= g_.d[0].in;
    const int64_t area = g_.d[1].in * g_.d[2].in;
    read_lines(outside ? x : x + slice * area, outside ? 0 : g_.d[1].in, g_.d[2], g_.d[2].shift(k),
               band_, line, g_.d[1].step, count, to);
  }
  void read_band(const T* x, int64_t i, int64_t j, int64_t k, T* to) const {
    const Dimension &slices = g_.d[0], &lines = g_.d[1];
    for (int64_t line = band_.line; line < band_.line_end;) {
      const int64_t slice = line / lines.out, from = line - slice * lines.out;
      const int64_t left = band_.line_end - line, rest = lines.out - from;
      const int64_t count = left < rest ? left : rest;
      read_slice(x, slice * slices.step + slices.shift(i), k, from * lines.step + lines.shift(j),
                 count, to);
      line += count;
      to += count * band_.width();
    }
  }

  const Gather& g_;
  Band band_;
  int64_t samples_;
  T* at_;
  bool shared_;
  int64_t row_;
};

// to[column][row] = from[row][column], in blocks of four by four.
template <class T>
void transpose(const T* from, int64_t from_width, int64_t rows, int64_t columns, T* to,
               int64_t to_width) {
  typedef T Four __attribute__((vector_size(4 * sizeof(T))));
  int64_t row = 0;
  for (; row + 4 <= rows; row += 4) {
    int64_t column = 0;
    for (; column + 4 <= columns; column += 4) {
      const T* const source = from + row * from_width + column;
      Four a, b, c, d;
      std::memcpy(&a, source, sizeof a);
      std::memcpy(&b, source + from_width, sizeof b);
      std::memcpy(&c, source + 2 * from_width, sizeof c);
      std::memcpy(&d, source + 3 * from_width, sizeof d);
      const Four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
      const Four ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
      const Four cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
      const Four cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
      const Four turned[] = {__builtin_shufflevector(ab, cd, 0, 1, 4, 5),
                             __builtin_shufflevector(ab, cd, 2, 3, 6, 7),
                             __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5),
                             __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7)};
      JBN_UNROLLED
      for (int i = 0; i < 4; i++) {
        std::memcpy(to + (column + i) * to_width + row, &turned[i], sizeof turned[i]);
      }
    }
    for (; column < columns; column++) {
      for (int i = 0; i < 4; i++) {
        to[column * to_width + row + i] = from[(row + i) * from_width + column];
      }
    }
  }
  for (; row < rows; row++) {
    for (int64_t column = 0; column < columns; column++) {
      to[column * to_width + row] = from[row * from_width + column];
    }
  }
}

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_PANEL_HPP
