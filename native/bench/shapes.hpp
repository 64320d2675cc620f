// The shapes that are measured: by name, or in benchdnn's notation.
#ifndef JBATCHNORM_BENCH_SHAPES_HPP
#define JBATCHNORM_BENCH_SHAPES_HPP

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

struct Shape {
  std::string name;  // as benchdnn writes it
  int64_t n, c;
  std::vector<int64_t> positions;  // the axes after the channel, outermost first

  int64_t s() const;
  int64_t elements() const { return n * c * s(); }
};

// "mb32ic64ih56iw56": mb and ic, then id, ih, iw as far as there are such axes; iw is ih where only
// ih is given. Throws std::invalid_argument on anything else.
Shape parse_shape(const std::string& text);

// A table by name (resnet50, others, small, sizes), or a single shape. Throws
// std::invalid_argument.
std::vector<Shape> shapes_of(const std::string& text);

}  // namespace bench

#endif  // JBATCHNORM_BENCH_SHAPES_HPP
