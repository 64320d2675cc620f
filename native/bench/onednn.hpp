// oneDNN's batch normalization on the same memory, where the build has found it.
#ifndef JBATCHNORM_BENCH_ONEDNN_HPP
#define JBATCHNORM_BENCH_ONEDNN_HPP

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "shapes.hpp"

namespace bench {

// What oneDNN works on; x, y, dy, dx are as large as the blocked layouts need (padded_elements).
struct PeerData {
  float *x, *y, *dy, *dx;
};

struct PeerCall {
  std::string name;  // "onednn nchw", "onednn nhwc", "onednn blocked"
  std::function<void(int64_t offset)> forward, infer, backward;  // offset: elements, of all data
};

// Empty where oneDNN was not found. f32 only.
std::vector<PeerCall> onednn_calls(const Shape& shape, const PeerData& data, int threads);

}  // namespace bench

#endif  // JBATCHNORM_BENCH_ONEDNN_HPP
