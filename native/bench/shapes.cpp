#include "shapes.hpp"

#include <map>
#include <regex>
#include <stdexcept>

namespace bench {

namespace {

// The convolutions of ResNet-50 that a batch normalization follows, and other shapes that people
// have; `sizes` grows from 1 KB to 1 GB of f32.
const std::map<std::string, std::vector<std::string>>& tables() {
  static const std::map<std::string, std::vector<std::string>> all = {
      {"resnet50",
       {"mb32ic64ih112iw112", "mb32ic256ih56iw56", "mb32ic64ih56iw56", "mb32ic512ih28iw28",
        "mb32ic128ih28iw28", "mb32ic1024ih14iw14", "mb32ic256ih14iw14", "mb32ic2048ih7iw7",
        "mb32ic512ih7iw7"}},
      {"others",
       {"mb1024ic1024", "mb8192ic4096", "mb64ic128iw1000", "mb4ic32id16ih56iw56",
        "mb8ic3ih512iw512"}},
      {"small", {"mb8ic16ih4iw4", "mb4ic8"}},
      {"sizes",
       {"mb2ic8ih4iw4", "mb8ic8ih4iw4", "mb8ic16ih8iw8", "mb8ic32ih11iw11", "mb16ic32ih16iw16",
        "mb32ic32ih23iw23", "mb32ic64ih32iw32", "mb64ic64ih45iw45", "mb64ic128ih64iw64",
        "mb64ic256ih90iw90", "mb64ic256ih128iw128"}},
  };
  return all;
}

}  // namespace

int64_t Shape::s() const {
  int64_t product = 1;
  for (int64_t size : positions) product *= size;
  return product;
}

Shape parse_shape(const std::string& text) {
  static const std::regex form(
      "mb(\\d{1,9})ic(\\d{1,9})(?:id(\\d{1,9}))?(?:ih(\\d{1,9}))?(?:iw(\\d{1,9}))?");
  std::smatch parts;
  if (!std::regex_match(text, parts, form)) {
    throw std::invalid_argument("shape '" + text + "' is not like mb32ic64ih56iw56");
  }
  Shape shape = {text, std::stoll(parts[1]), std::stoll(parts[2]), {}};
  for (size_t axis = 3; axis <= 5; axis++) {
    if (parts[axis].matched) shape.positions.push_back(std::stoll(parts[axis]));
  }
  if (parts[4].matched && !parts[5].matched) shape.positions.push_back(shape.positions.back());
  if (shape.elements() == 0) throw std::invalid_argument("shape '" + text + "' has no elements");
  if (shape.elements() > (int64_t{1} << 32)) {
    throw std::invalid_argument("shape '" + text + "' has more than 2^32 elements");
  }
  return shape;
}

std::vector<Shape> shapes_of(const std::string& text) {
  std::vector<Shape> shapes;
  const auto table = tables().find(text);
  if (table == tables().end()) return {parse_shape(text)};
  for (const std::string& name : table->second) shapes.push_back(parse_shape(name));
  return shapes;
}

}  // namespace bench
