// The sizes of a convolution, and what a tap reads where: arrays/ConvolutionTiles.java decides how it
// is cut. Everything has three dimensions here; missing ones, in front, are of size 1.
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

// Along one dimension, output i sums over taps t the elements i * step + first + t * spread of the
// inputs, 0 outside of them, times the filters' element tap + t * tap_step.
struct Dimension {
  int64_t in, out, step, first, spread, taps, tap, tap_step;

  int64_t shift(int64_t t) const { return first + t * spread; }
  // What the taps reach beyond the first, and of that, in front of it.
  int64_t reach() const { return taps > 0 ? (taps - 1) * (spread < 0 ? -spread : spread) : 0; }
  int64_t front() const { return spread < 0 ? reach() : 0; }
};

// The first i with i * step + shift >= least.
inline int64_t first_from(int64_t least, int64_t step, int64_t shift) {
  if (shift >= least) return 0;
  return step == 1 ? least - shift : (least - shift + step - 1) / step;
}

// A convolution as its outputs see it: of x, or, of a gradient for x, of dy.
struct Gather {
  Dimension d[3];
  // The outputs have these distances and begin here along each dimension: those of a phase of x.
  int64_t every[3], from[3];

  int64_t lines() const { return d[0].out * d[1].out; }
  int64_t positions() const { return lines() * d[2].out; }
  int64_t inputs() const { return d[0].in * d[1].in * d[2].in; }
  int64_t taps() const { return d[0].taps * d[1].taps * d[2].taps; }
  // Which of the filters' elements a tap is.
  int64_t tap(int64_t i, int64_t j, int64_t k, const int64_t* sizes) const {
    const int64_t a = d[0].tap + i * d[0].tap_step, b = d[1].tap + j * d[1].tap_step;
    return (a * sizes[1] + b) * sizes[2] + d[2].tap + k * d[2].tap_step;
  }
};

struct Geometry {
  int64_t n, groups, c, o;  // c and o of one group
  const int64_t *in, *taps, *out, *stride, *padding, *dilation;
  int64_t samples;  // that share a panel
  int64_t bands;    // of an output, where samples is 1
  int64_t pieces;   // of a line, where a band is not whole lines

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
    return g;
  }
  static int64_t product(const int64_t* sizes) { return sizes[0] * sizes[1] * sizes[2]; }
  int64_t filter() const { return product(taps); }
  int64_t patch() const { return c * filter(); }
  int64_t batches() const { return (n + samples - 1) / samples; }
  int64_t samples_of(int64_t batch) const {
    const int64_t left = n - batch * samples;
    return left < samples ? left : samples;
  }
  // Band i of outputs of a gather, perhaps an empty one.
  Band band(const Gather& gather, int64_t i) const {
    const int64_t lines = gather.lines(), width = gather.d[2].out;
    if (pieces == 1) return {lines * i / bands, lines * (i + 1) / bands, 0, width};
    const int64_t line = i / pieces, piece = i % pieces;
    if (line >= lines) return {0, 0, 0, 0};
    return {line, line + 1, width * piece / pieces, width * (piece + 1) / pieces};
  }

  Gather forward() const {
    Gather gather;
    for (int i = 0; i < 3; i++) {
      gather.d[i] = {in[i], out[i], stride[i], -padding[i], dilation[i], taps[i], 0, 1};
      gather.every[i] = 1;
      gather.from[i] = 0;
    }
    return gather;
  }

  // The elements of x, along a dimension, fall into phases by what they leave when they are divided
  // by the stride: those of one phase see the same taps, as in a convolution of stride 1.
  int64_t phases(int i) const { return stride[i] < in[i] ? stride[i] : in[i]; }
  int64_t phases() const { return phases(0) * phases(1) * phases(2); }
  Gather phase(int64_t index) const {
    Gather gather;
    for (int i = 2; i >= 0; i--) {
      const int64_t r = index % phases(i);
      index /= phases(i);
      int64_t common = stride[i];  // the greatest common divisor of stride and dilation
      for (int64_t b = dilation[i] % common; b > 0;) {
        const int64_t rest = common % b;
        common = b;
        b = rest;
      }
      const int64_t tap_step = stride[i] / common;
      int64_t tap = 0;
      while (tap < tap_step && (r + padding[i] - tap * dilation[i]) % stride[i] != 0) tap++;
      Dimension& d = gather.d[i];
      d = {out[i], (in[i] - r + stride[i] - 1) / stride[i], 1, 0, 0, 0, tap, tap_step};
      if (tap < tap_step && tap < taps[i]) {
        d.taps = (taps[i] - 1 - tap) / tap_step + 1;
        d.first = (r + padding[i] - tap * dilation[i]) / stride[i];
        d.spread = -(dilation[i] / common);
      }
      gather.every[i] = stride[i];
      gather.from[i] = r;
    }
    return gather;
  }
};

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_GEOMETRY_HPP
