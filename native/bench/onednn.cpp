#include "onednn.hpp"

#if defined(BENCH_ONEDNN)
#include <omp.h>

#include <dnnl.hpp>

namespace bench {

namespace {

using dnnl::memory;
using Norm = dnnl::batch_normalization_forward;
using NormBack = dnnl::batch_normalization_backward;
constexpr auto kFlags = dnnl::normalization_flags::use_scale_shift;
constexpr float kEps = 1e-5f;

memory::dims dims_of(const Shape& shape) {
  memory::dims dims = {shape.n, shape.c};
  for (int64_t size : shape.positions) dims.push_back(size);
  while (dims.size() < 4) dims.push_back(1);
  return dims;
}

// One layout's three primitives; data handles are set anew for each call.
class Peer {
 public:
  Peer(const memory::desc& data, int64_t channels, const PeerData& memory_of)
      : data_(memory_of),
        scale_shift_({2, channels}, memory::data_type::f32, memory::format_tag::nc),
        statistic_({channels}, memory::data_type::f32, memory::format_tag::a),
        train_desc_({dnnl::prop_kind::forward_training, data, kEps, kFlags}, engine_),
        infer_desc_({dnnl::prop_kind::forward_inference, data, kEps,
                     kFlags | dnnl::normalization_flags::use_global_stats},
                    engine_),
        back_desc_({dnnl::prop_kind::backward, data, data, kEps, kFlags}, engine_, train_desc_),
        train_(train_desc_),
        infer_(infer_desc_),
        back_(back_desc_),
        x_(data, engine_, data_.x),
        y_(data, engine_, data_.y),
        dy_(data, engine_, data_.dy),
        dx_(data, engine_, data_.dx),
        weights_(scale_shift_, engine_),
        d_weights_(scale_shift_, engine_),
        mean_(statistic_, engine_),
        var_(statistic_, engine_) {
    float* weights = static_cast<float*>(weights_.get_data_handle());
    float* mean = static_cast<float*>(mean_.get_data_handle());
    float* var = static_cast<float*>(var_.get_data_handle());
    for (int64_t c = 0; c < channels; c++) {
      weights[c] = 1.5f, weights[channels + c] = 0.5f, mean[c] = 0, var[c] = 1;
    }
  }

  void forward(int64_t at) {
    move(at);
    run(train_, {{DNNL_ARG_SRC, x_},
                 {DNNL_ARG_DST, y_},
                 {DNNL_ARG_MEAN, mean_},
                 {DNNL_ARG_VARIANCE, var_},
                 {DNNL_ARG_SCALE_SHIFT, weights_}});
  }
  void infer(int64_t at) {
    move(at);
    run(infer_, {{DNNL_ARG_SRC, x_},
                 {DNNL_ARG_DST, y_},
                 {DNNL_ARG_MEAN, mean_},
                 {DNNL_ARG_VARIANCE, var_},
                 {DNNL_ARG_SCALE_SHIFT, weights_}});
  }
  void backward(int64_t at) {
    move(at);
    run(back_, {{DNNL_ARG_SRC, x_},
                {DNNL_ARG_DIFF_DST, dy_},
                {DNNL_ARG_DIFF_SRC, dx_},
                {DNNL_ARG_MEAN, mean_},
                {DNNL_ARG_VARIANCE, var_},
                {DNNL_ARG_SCALE_SHIFT, weights_},
                {DNNL_ARG_DIFF_SCALE_SHIFT, d_weights_}});
  }

 private:
  void move(int64_t at) {
    x_.set_data_handle(data_.x + at);
    y_.set_data_handle(data_.y + at);
    dy_.set_data_handle(data_.dy + at);
    dx_.set_data_handle(data_.dx + at);
  }
  void run(const dnnl::primitive& primitive, const std::unordered_map<int, memory>& arguments) {
    primitive.execute(stream_, arguments);
    stream_.wait();
  }

  PeerData data_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  memory::desc scale_shift_, statistic_;
  Norm::primitive_desc train_desc_, infer_desc_;
  NormBack::primitive_desc back_desc_;
  Norm train_, infer_;
  NormBack back_;
  memory x_, y_, dy_, dx_, weights_, d_weights_, mean_, var_;
};

}  // namespace

std::vector<PeerCall> onednn_calls(const Shape& shape, const PeerData& data, int threads) {
  omp_set_num_threads(threads);  // oneDNN uses OpenMP's number
  const memory::dims dims = dims_of(shape);
  const bool is_3d = dims.size() == 5;
  using Tag = memory::format_tag;
  std::vector<std::pair<std::string, Tag>> layouts = {
      {"onednn nchw", is_3d ? Tag::ncdhw : Tag::nchw},
      {"onednn nhwc", is_3d ? Tag::ndhwc : Tag::nhwc}};
  // The blocked layout pads the channels; only where there is nothing to pad is it the same work.
  if (shape.c % 16 == 0)
    layouts.push_back({"onednn blocked", is_3d ? Tag::nCdhw16c : Tag::nChw16c});
  std::vector<PeerCall> calls;
  for (const auto& [name, tag] : layouts) {
    const memory::desc desc(dims, memory::data_type::f32, tag);
    const auto peer = std::make_shared<Peer>(desc, shape.c, data);
    calls.push_back({name, [peer](int64_t at) { peer->forward(at); },
                     [peer](int64_t at) { peer->infer(at); },
                     [peer](int64_t at) { peer->backward(at); }});
  }
  return calls;
}

}  // namespace bench
#else
namespace bench {
std::vector<PeerCall> onednn_calls(const Shape&, const PeerData&, int) { return {}; }
}  // namespace bench
#endif
