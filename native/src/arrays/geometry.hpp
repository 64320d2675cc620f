// The sizes of a convolution, and how it is cut into matrices: arrays/ConvolutionTiles.java decides.
// Everything has three dimensions here; missing ones, in front, are of size 1.
#ifndef JBATCHNORM_SRC_GEOMETRY_HPP
#define JBATCHNORM_SRC_GEOMETRY_HPP

#include "arrays/arrays.hpp"

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

constexpr int64_t kMostRunTaps = 64;  // as Convolution.isFlat has it

struct Geometry {
  int64_t n, groups, c, o;  // c and o of one group
  const int64_t *in, *taps, *out, *stride, *padding, *dilation;
  int64_t samples;                      // that share a matrix of patches
  int64_t bands;                        // of an output, where samples is 1
  int64_t pieces;                       // of a line, where a band is not whole lines
  int64_t input_blocks, filter_blocks;  // of channels, for the gradients of each
  bool taps_read_runs;  // what a tap reads of a plane is one run, but for columns outside of it

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
    g.input_blocks = fields.integer();
    g.filter_blocks = fields.integer();
    g.taps_read_runs = fields.flag();
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
  Channels block(int64_t i, int64_t of) const { return {c * i / of, c * (i + 1) / of}; }
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

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_GEOMETRY_HPP
