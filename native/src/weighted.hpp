// Forward and backward with a weight for each position: 0 takes it out altogether, its element of
// x, z and dy unread in effect, its y, dx and dz 0.
#ifndef JBATCHNORM_SRC_WEIGHTED_HPP
#define JBATCHNORM_SRC_WEIGHTED_HPP

#include "gathered.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

inline double bent(double v, double slope) { return v > 0 ? v : v * slope + 0; }

inline double total_weight(const Order& order, const double* weights) {
  Sum total;
  for (int64_t k = 0; k < order.chunks; k++) {
    const Stretch part = stretch_of(order, k);
    total.add(sum_of(part, [&](int64_t i) { return weights[part.from + i]; }));
  }
  return total.value();
}

template <class T>
struct WeightedForward {
  const ForwardCall<T>& call;
  const Shape& shape;
  const Order order;
  const double total;

  explicit WeightedForward(const ForwardCall<T>& forward)
      : call(forward),
        shape(forward.shape),
        order(order_of(shape.n, shape.s)),
        total(total_weight(order, forward.weights)) {}

  // The first element that counts: the first shift.
  double first(int64_t c) const {
    for (int64_t i = 0; i < shape.n * shape.s; i++) {
      if (call.weights[i] > 0) return value_of(call.x[offset(shape, c, i)]);
    }
    return 0;
  }

  void sums(int64_t c, double shift, Sum& sum, Sum& squares) const {
    Elements x;
    for (int64_t k = 0; k < order.chunks; k++) {
      const Stretch part = stretch_of(order, k);
      const double* const w = call.weights + part.from;
      gather(shape, c, part, call.x, x);
      sum.add(sum_of(part, [&](int64_t i) { return w[i] > 0 ? w[i] * (x.of[i] - shift) : 0; }));
      squares.add(sum_of(part, [&](int64_t i) {
        const double d = x.of[i] - shift;
        return w[i] > 0 ? w[i] * d * d : 0;
      }));
    }
  }

  Moments moments(int64_t c) const {
    double shift = first(c);
    Moments found;
    for (int attempt = 0; attempt < 2; attempt++) {
      Sum sum, squares;
      sums(c, shift, sum, squares);
      moments_of<T>(sum, squares, shift, total, &found);
      shift = found.mean;
    }
    return found;
  }

  void run(int64_t c) const {
    const bool given = call.given || call.given_mean;
    const Moments statistics = given ? given_moments(call, c) : moments(c);
    put(call, c, statistics);
    if (!call.y) return;
    const Affine f = affine_of(statistics, call.gamma, call.beta, c, call.eps);
    const bool bends = call.z || call.slope != 1;
    Elements x, z;
    for (int64_t k = 0; k < order.chunks; k++) {
      const Stretch part = stretch_of(order, k);
      const double* const w = call.weights + part.from;
      gather(shape, c, part, call.x, x);
      if (call.z) gather(shape, c, part, call.z, z);
      for (int64_t i = 0; i < part.count; i++) {
        double y = centred<T>(x.of[i], f) * f.scale + f.shift;
        if (call.z) y += z.of[i];
        x.of[i] = !(w[i] > 0) ? 0 : bends ? bent(y, call.slope) : y;
      }
      scatter(shape, c, part, x, call.y);
    }
  }
};

template <class T>
struct WeightedBackward {
  const BackwardCall<T>& call;
  const Shape& shape;
  const Order order;
  const double total;

  explicit WeightedBackward(const BackwardCall<T>& backward)
      : call(backward),
        shape(backward.shape),
        order(order_of(shape.n, shape.s)),
        total(total_weight(order, backward.weights)) {}

  struct Part {
    Elements d, g;
  };

  // d and g of a stretch, as in fused.hpp; 0 where the weight is.
  void read(int64_t c, const Stretch& part, const Affine& f, Part& to) const {
    const double* const w = call.weights + part.from;
    Elements y;
    gather(shape, c, part, call.x, to.d);
    gather(shape, c, part, call.dy, to.g);
    if (call.y) gather(shape, c, part, call.y, y);
    for (int64_t i = 0; i < part.count; i++) {
      if (!(w[i] > 0)) {
        to.d.of[i] = to.g.of[i] = 0;
        continue;
      }
      const double d = centred<T>(to.d.of[i], f);
      const double before = call.y ? y.of[i] : d * f.scale + f.shift;
      to.d.of[i] = d;
      if (call.slope != 1 && !(before > 0)) to.g.of[i] *= call.slope;
    }
  }

  void run(int64_t c) const {
    const Moments statistics = saved_moments<T>(call.saved, shape, c);
    const Affine f = affine_of(statistics, call.gamma, call.beta, c, call.eps);
    Part part;
    Sum sum, products;
    for (int64_t k = 0; k < order.chunks; k++) {
      const Stretch stretch = stretch_of(order, k);
      read(c, stretch, f, part);
      sum.add(sum_of(stretch, [&](int64_t i) { return part.g.of[i]; }));
      products.add(sum_of(stretch, [&](int64_t i) { return part.g.of[i] * part.d.of[i]; }));
    }
    const double inv_std = inv_std_of(statistics, call.eps);
    const double dbeta = sum.value();
    const double dgamma = total > 0 ? products.value() * inv_std : 0;
    if (call.dgamma) call.dgamma[c] = static_cast<Parameter<T>>(dgamma);
    if (call.dbeta) call.dbeta[c] = static_cast<Parameter<T>>(dbeta);
    if (call.dx || call.dz) map(c, f, dbeta / total, dgamma / total * inv_std, part);
  }

  void map(int64_t c, const Affine& f, double dy_mean, double slope, Part& part) const {
    for (int64_t k = 0; k < order.chunks; k++) {
      const Stretch stretch = stretch_of(order, k);
      const double* const w = call.weights + stretch.from;
      read(c, stretch, f, part);
      if (call.dz) scatter(shape, c, stretch, part.g, call.dz);
      if (!call.dx) continue;
      for (int64_t i = 0; i < stretch.count; i++) {
        const double g = part.g.of[i], d = part.d.of[i];
        const double rest = call.given ? g : (g - w[i] * dy_mean) - w[i] * (d * slope);
        part.d.of[i] = w[i] > 0 ? rest * f.scale : 0;
      }
      scatter(shape, c, stretch, part.d, call.dx);
    }
  }
};

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_WEIGHTED_HPP
