// The gradients of the gradients: of sum(v dx) + sum(vgamma dgamma) + sum(vbeta dbeta) for x, dy and
// gamma. docs/numerics.md derives them.
#ifndef JBATCHNORM_SRC_SECOND_HPP
#define JBATCHNORM_SRC_SECOND_HPP

#include "gathered.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

template <class T>
struct Second {
  const SecondCall<T>& call;
  const Shape& shape;
  const Order order;

  explicit Second(const SecondCall<T>& second)
      : call(second), shape(second.shape), order(order_of(shape.n, shape.s)) {}

  struct Part {
    Elements d, g, v;
  };

  void read(int64_t c, const Stretch& stretch, const Affine& f, Part& to) const {
    gather(shape, c, stretch, call.x, to.d);
    gather(shape, c, stretch, call.dy, to.g);
    if (call.v) {
      gather(shape, c, stretch, call.v, to.v);
    } else {
      for (int64_t i = 0; i < stretch.count; i++) to.v.of[i] = 0;
    }
    for (int64_t i = 0; i < stretch.count; i++) to.d.of[i] = centred<T>(to.d.of[i], f);
  }

  // Means over the channel; h is xHat.
  struct Means {
    double g, v, gh, vh, vg;
  };

  Means means(int64_t c, const Affine& f, double inv_std, Part& part) const {
    Sum g, v, gd, vd, vg;
    for (int64_t k = 0; k < order.chunks; k++) {
      const Stretch stretch = stretch_of(order, k);
      read(c, stretch, f, part);
      g.add(sum_of(stretch, [&](int64_t i) { return part.g.of[i]; }));
      v.add(sum_of(stretch, [&](int64_t i) { return part.v.of[i]; }));
      gd.add(sum_of(stretch, [&](int64_t i) { return part.g.of[i] * part.d.of[i]; }));
      vd.add(sum_of(stretch, [&](int64_t i) { return part.v.of[i] * part.d.of[i]; }));
      vg.add(sum_of(stretch, [&](int64_t i) { return part.v.of[i] * part.g.of[i]; }));
    }
    const double m = static_cast<double>(shape.n * shape.s);
    return {g.value() / m, v.value() / m, gd.value() / m * inv_std, vd.value() / m * inv_std,
            vg.value() / m};
  }

  void run(int64_t c) const {
    const double m = static_cast<double>(shape.n * shape.s);
    const Moments statistics = saved_moments<T>(call.saved, shape, c);
    const double inv_std = inv_std_of(statistics, call.eps);
    const Affine f = affine_of<Parameter<T>>(statistics, call.gamma, nullptr, c, call.eps);
    const double vgamma = call.vgamma ? static_cast<double>(call.vgamma[c]) : 0;
    const double vbeta = call.vbeta ? static_cast<double>(call.vbeta[c]) : 0;
    Part part;
    Means mean = means(c, f, inv_std, part);
    if (call.given) {
      if (call.ggamma) call.ggamma[c] = static_cast<Parameter<T>>(mean.vg * m * inv_std);
      mean = {};
    }
    const double together = (mean.vg - mean.v * mean.g) - mean.vh * mean.gh;
    if (call.ggamma && !call.given) {
      call.ggamma[c] = static_cast<Parameter<T>>(m == 0 ? 0 : together * m * inv_std);
    }
    const double of_h = f.scale * inv_std * mean.vh, of_d = vgamma * inv_std;
    const double x_v = f.scale * mean.gh, x_g = vgamma - f.scale * mean.vh;
    const double x_d =
        ((vgamma * mean.gh + f.scale * (together - 2 * (mean.vh * mean.gh)))) * inv_std;
    for (int64_t k = 0; k < order.chunks; k++) {
      const Stretch stretch = stretch_of(order, k);
      read(c, stretch, f, part);
      for (int64_t i = 0; i < stretch.count; i++) {
        const double d = part.d.of[i], v = part.v.of[i] - mean.v, g = part.g.of[i] - mean.g;
        part.g.of[i] = ((v * f.scale - d * of_h) + d * of_d) + vbeta;
        part.v.of[i] = ((g * x_g - v * x_v) - d * x_d) * inv_std;
      }
      if (call.gdy) scatter(shape, c, stretch, part.g, call.gdy);
      if (call.gx) scatter(shape, c, stretch, part.v, call.gx);
    }
  }
};

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_SECOND_HPP
