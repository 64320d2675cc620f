// Times the kernel beside what memory allows, and beside oneDNN where there is one. Rounds of all
// that is measured for a shape are shuffled, so that a busy machine slows each alike.
#include <benchmark/benchmark.h>
#include <jbatchnorm/jbatchnorm.h>
#include <omp.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <random>

#include "limits.hpp"
#include "onednn.hpp"
#include "report.hpp"
#include "shapes.hpp"

namespace {

using bench::Measured;
using bench::Setting;
using bench::Shape;

// Memory that cold runs go round, so that a call finds nothing of its data in a cache.
constexpr int64_t kPastCaches = int64_t{1} << 29;

void check(int status) {
  if (status != JBN_OK) throw std::runtime_error(jbn_status_text(status));
}

// Aligned memory, every page touched.
class Buffer {
 public:
  explicit Buffer(int64_t bytes)
      : at_(static_cast<char*>(std::aligned_alloc(4096, round_up(bytes)))) {
    if (!at_) throw std::runtime_error("not enough memory for the shape");
    std::memset(at_, 0, round_up(bytes));
  }
  ~Buffer() { std::free(at_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  char* at() const { return at_; }

 private:
  static size_t round_up(int64_t bytes) {
    return (static_cast<size_t>(bytes) + 4095) / 4096 * 4096;
  }
  char* at_;
};

template <class T>
void fill(char* memory, int64_t bytes, unsigned seed) {
  std::minstd_rand random(seed);
  std::normal_distribution<T> normal(T(0.5), T(1));
  T* const values = reinterpret_cast<T*>(memory);
  constexpr int64_t kDistinct = 65521;  // a prime: no channel sees the same few over again
  const int64_t count = bytes / static_cast<int64_t>(sizeof(T));
  for (int64_t i = 0; i < count; i++)
    values[i] = i < kDistinct ? normal(random) : values[i - kDistinct];
}

// 16-bit elements: the upper half of a float, or binary16 numbers from 1/8 to 2.
void fill_halves(char* memory, int64_t bytes, unsigned seed, bool bf16) {
  std::minstd_rand random(seed);
  std::normal_distribution<float> normal(0.5f, 1);
  uint16_t* const values = reinterpret_cast<uint16_t*>(memory);
  for (int64_t i = 0; i < bytes / 2; i++) {
    const float value = normal(random);
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    values[i] = static_cast<uint16_t>(bf16 ? bits >> 16 : 0x3000 + random() % 0x1000);
  }
}

int dtype_of(const std::string& name) {
  return name == "f64" ? JBN_F64 : name == "bf16" ? JBN_BF16 : name == "f16" ? JBN_F16 : JBN_F32;
}

int64_t bytes_of(int dtype) { return dtype == JBN_F64 ? 8 : dtype == JBN_F32 ? 4 : 2; }

// The memory of a shape, several times over where caches are to be cold.
struct Data {
  int64_t bytes;  // of one array, in whole pages so that no two share one
  int64_t slots;
  int64_t scale = 1;  // what offsets into these arrays are divided by
  Buffer x, y, dy, dx;

  Data(int64_t array, bool cold, int dtype)
      : bytes((array + 4095) / 4096 * 4096),
        slots(cold ? kPastCaches / (2 * bytes) + 2 : 1),
        x(bytes * slots),
        y(bytes * slots),
        dy(bytes * slots),
        dx(bytes * slots) {
    for (const auto& [buffer, seed] : {std::pair<Buffer*, unsigned>{&x, 1}, {&dy, 2}}) {
      if (dtype == JBN_F64) {
        fill<double>(buffer->at(), bytes * slots, seed);
      } else if (dtype != JBN_F32) {
        fill_halves(buffer->at(), bytes * slots, seed, dtype == JBN_BF16);
      } else {
        fill<float>(buffer->at(), bytes * slots, seed);
      }
    }
  }
};

// Collects what Google Benchmark measures.
class Collector : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.error_occurred) throw std::runtime_error(run.error_message);
      if (run.run_type != Run::RT_Iteration) continue;
      seconds_[run.run_name.function_name].push_back(run.real_accumulated_time /
                                                     static_cast<double>(run.iterations));
    }
  }
  std::map<std::string, double> medians() {
    std::map<std::string, double> result;
    for (auto& [name, seconds] : seconds_) {
      std::nth_element(seconds.begin(), seconds.begin() + static_cast<long>(seconds.size() / 2),
                       seconds.end());
      result[name] = seconds[seconds.size() / 2];
    }
    return result;
  }

 private:
  std::map<std::string, std::vector<double>> seconds_;
};

Measured measure(const Shape& shape, const Setting& setting, int isa, bool peers) {
  const int dtype = dtype_of(setting.dtype);
  const bool f64 = dtype == JBN_F64;
  const int layout = setting.layout == "nhwc" ? JBN_NHWC : JBN_NCHW;
  const int64_t n = shape.n, c = shape.c, s = shape.s();
  const int64_t array = shape.elements() * bytes_of(dtype);
  const int threads = setting.threads;
  const int32_t exec = JBN_EXEC(threads, isa);
  Data data(array, setting.cold, dtype);
  const int64_t line_bytes = data.bytes;

  std::vector<double> gamma(static_cast<size_t>(c)), beta = gamma, mean = gamma, var = gamma,
                                                     dgamma = gamma, dbeta = gamma;
  std::vector<double> saved(4 * static_cast<size_t>(c));
  if (f64) {
    std::fill(gamma.begin(), gamma.end(), 1.5);
  } else {
    std::fill_n(reinterpret_cast<float*>(gamma.data()), c, 1.5f);
  }
  const auto forward_args = [&](int64_t at) {
    jbn_forward_args a = {};
    a.size = sizeof a, a.dtype = dtype, a.layout = layout, a.exec = exec;
    a.n = n, a.c = c, a.s = s, a.eps = 1e-5, a.slope = 1;
    a.x = data.x.at() + at, a.y = data.y.at() + at, a.gamma = gamma.data(), a.beta = beta.data();
    return a;
  };
  const auto training_args = [&](int64_t at) {
    jbn_forward_args a = forward_args(at);
    a.mean = mean.data(), a.var = var.data(), a.saved = saved.data();
    return a;
  };
  const auto backward_args = [&](int64_t at) {
    jbn_backward_args a = {};
    a.size = sizeof a, a.dtype = dtype, a.layout = layout, a.exec = exec;
    a.n = n, a.c = c, a.s = s, a.eps = 1e-5, a.slope = 1;
    a.x = data.x.at() + at, a.dy = data.dy.at() + at, a.dx = data.dx.at() + at;
    a.gamma = gamma.data(), a.saved = saved.data();
    a.dgamma = dgamma.data(), a.dbeta = dbeta.data();
    return a;
  };
  const jbn_forward_args first = training_args(0);
  check(jbn_forward(&first));
  char plan[200];
  check(jbn_describe_forward(&first, plan, sizeof plan));

  using Call = std::function<void(int64_t)>;  // of a slot's offset in bytes
  std::vector<std::pair<std::string, Call>> calls;
  for (const bool past : {false, true}) {
    if (past && !bench::has_stores_past_caches()) continue;
    const std::string suffix = past ? " past caches" : "";
    calls.push_back({"copy" + suffix, [&, past](int64_t at) {
                       bench::copy(data.y.at() + at, data.x.at() + at, line_bytes, threads, past);
                     }});
    calls.push_back({"triad" + suffix, [&, past](int64_t at) {
                       bench::triad(data.dx.at() + at, data.x.at() + at, data.dy.at() + at,
                                    line_bytes, threads, past);
                     }});
  }
  calls.push_back({"read", [&](int64_t at) {
                     benchmark::DoNotOptimize(bench::read(data.x.at() + at, line_bytes, threads));
                   }});
  calls.push_back({"forward", [&](int64_t at) {
                     const jbn_forward_args a = training_args(at);
                     check(jbn_forward(&a));
                   }});
  calls.push_back({"backward", [&](int64_t at) {
                     const jbn_backward_args a = backward_args(at);
                     check(jbn_backward(&a));
                   }});
  calls.push_back({"inference", [&](int64_t at) {
                     jbn_forward_args a = forward_args(at);
                     a.given_mean = mean.data(), a.given_var = var.data();
                     check(jbn_forward(&a));
                   }});
  if (peers && dtype == JBN_F32) {
    const auto floats = [](const Buffer& buffer) { return reinterpret_cast<float*>(buffer.at()); };
    for (const bench::PeerCall& peer : bench::onednn_calls(
             shape, {floats(data.x), floats(data.y), floats(data.dy), floats(data.dx)}, threads)) {
      calls.push_back({peer.name + " forward", [peer](int64_t at) { peer.forward(at / 4); }});
      calls.push_back({peer.name + " backward", [peer](int64_t at) { peer.backward(at / 4); }});
      calls.push_back({peer.name + " inference", [peer](int64_t at) { peer.infer(at / 4); }});
    }
  }

  // The same with a tail, in place, and with 16-bit elements: what they cost beside the plain call.
  std::vector<std::unique_ptr<Data>> halves;
  const auto add_variant = [&](const std::string& name, const Data& memory, int type,
                               const std::function<void(jbn_forward_args*, int64_t)>& forward,
                               const std::function<void(jbn_backward_args*, int64_t)>& backward) {
    calls.push_back({name + " forward", [&memory, &gamma, &beta, &saved, &shape, type, layout, exec,
                                         forward](int64_t at) {
                       at = at / memory.scale;
                       jbn_forward_args a = {};
                       a.size = sizeof a, a.dtype = type, a.layout = layout, a.exec = exec;
                       a.n = shape.n, a.c = shape.c, a.s = shape.s(), a.eps = 1e-5, a.slope = 1;
                       a.x = memory.x.at() + at, a.y = memory.y.at() + at;
                       a.gamma = gamma.data(), a.beta = beta.data(), a.saved = saved.data();
                       forward(&a, at);
                       check(jbn_forward(&a));
                     }});
    calls.push_back({name + " backward", [&memory, &gamma, &beta, &saved, &dgamma, &dbeta, &shape,
                                          type, layout, exec, backward](int64_t at) {
                       at = at / memory.scale;
                       jbn_backward_args a = {};
                       a.size = sizeof a, a.dtype = type, a.layout = layout, a.exec = exec;
                       a.n = shape.n, a.c = shape.c, a.s = shape.s(), a.eps = 1e-5, a.slope = 1;
                       a.x = memory.x.at() + at, a.dy = memory.dy.at() + at;
                       a.dx = memory.dx.at() + at, a.gamma = gamma.data(), a.beta = beta.data();
                       a.saved = saved.data();
                       a.dgamma = dgamma.data(), a.dbeta = dbeta.data();
                       backward(&a, at);
                       check(jbn_backward(&a));
                     }});
  };
  if (setting.variants) {
    const auto relu = [](auto* a, int64_t) { a->slope = 0; };
    add_variant("relu", data, dtype, relu, relu);
    add_variant(
        "add+relu", data, dtype,
        [&data](jbn_forward_args* a, int64_t at) { a->slope = 0, a->z = data.dy.at() + at; },
        [&data](jbn_backward_args* a, int64_t at) {
          a->slope = 0, a->y = data.y.at() + at, a->dz = data.dy.at() + at;
        });
    add_variant(
        "in place", data, dtype,
        [](jbn_forward_args* a, int64_t) { a->slope = 0.5, a->y = const_cast<void*>(a->x); },
        [](jbn_backward_args* a, int64_t) {
          a->slope = 0.5, a->inverted = 1, a->dx = const_cast<void*>(a->dy);
        });
    for (const char* type : {"bf16", "f16"}) {
      if (dtype != JBN_F32) continue;
      halves.push_back(std::make_unique<Data>(array / 2, setting.cold, dtype_of(type)));
      halves.back()->scale = data.bytes / halves.back()->bytes;
      const auto plain = [](auto*, int64_t) {};
      add_variant(type, *halves.back(), dtype_of(type), plain, plain);
    }
  }

  for (const auto& [name, call] : calls) {
    benchmark::RegisterBenchmark(name.c_str(),
                                 [&data, call = call](benchmark::State& state) {
                                   int64_t slot = 0;
                                   for (auto _ : state) {
                                     call(slot * data.bytes);
                                     if (++slot == data.slots) slot = 0;
                                   }
                                 })
        ->UseRealTime()
        ->MinTime(0.02)
        ->Repetitions(setting.rounds);
  }
  Collector collector;
  benchmark::RunSpecifiedBenchmarks(&collector);
  benchmark::ClearRegisteredBenchmarks();
  return {shape, array, collector.medians(), plan};
}

int isa_of(const std::string& name) {
  for (int isa = JBN_ISA_BEST; isa <= JBN_ISA_SVE; isa++) {
    if (name == jbn_isa_name(isa)) return isa;
  }
  throw std::invalid_argument("isa '" + name + "' is unknown");
}

int run(int argc, char** argv) {
  CLI::App app{"jbatchnorm's benchmarks: the kernel beside the limits of memory"};
  std::vector<std::string> names = {"resnet50"};
  Setting setting = {"f32", "nchw", "best", omp_get_max_threads(), 9, false, false};
  std::string json, chart;
  bool no_peers = false;
  app.add_option("shapes", names,
                 "resnet50, others, small, sizes, or shapes like mb32ic64ih56iw56");
  app.add_option("--dtype", setting.dtype, "f32, f64, bf16 or f16")
      ->check(CLI::IsMember({"f32", "f64", "bf16", "f16"}));
  app.add_option("--layout", setting.layout, "nchw or nhwc")
      ->check(CLI::IsMember({"nchw", "nhwc"}));
  app.add_option("--isa", setting.isa, "best, sse2, avx2, avx512, neon, sve");
  app.add_option("--threads", setting.threads, "threads")->check(CLI::Range(1, JBN_MAX_THREADS));
  app.add_option("--rounds", setting.rounds, "rounds that the medians are of")
      ->check(CLI::Range(1, 1000));
  app.add_flag("--cold", setting.cold, "each call's data is in memory, in no cache");
  app.add_flag("--variants", setting.variants, "tails, in place and 16-bit elements beside");
  app.add_flag("--no-peers", no_peers, "leave oneDNN out");
  app.add_option("--json", json, "file for all figures");
  app.add_option("--chart", chart, "file for an SVG of GB/s over size (needs gnuplot)");
  CLI11_PARSE(app, argc, argv);

  const int isa = isa_of(setting.isa);
  if (!jbn_has_isa(isa))
    throw std::invalid_argument("isa '" + setting.isa + "' is not on this machine");
  setting.isa = jbn_isa_name(isa == JBN_ISA_BEST ? jbn_best_isa() : isa);
  std::vector<Shape> shapes;
  for (const std::string& name : names) {
    for (const Shape& shape : bench::shapes_of(name)) shapes.push_back(shape);
  }
  std::string program = argv[0], shuffle = "--benchmark_enable_random_interleaving=true";
  char* options[] = {program.data(), shuffle.data(), nullptr};
  int count = 2;
  benchmark::Initialize(&count, options);

  bench::print_heading(setting);
  std::vector<Measured> all;
  for (const Shape& shape : shapes) {
    all.push_back(measure(shape, setting, isa, !no_peers));
    bench::print(all.back());
  }
  bench::print_means(all);
  if (!json.empty()) bench::write_json(json, setting, all);
  if (!chart.empty()) bench::write_chart(chart, setting, all);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "jbatchnorm_bench: %s\n", failure.what());
    return 2;
  }
}
