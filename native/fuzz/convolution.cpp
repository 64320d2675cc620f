// Convolutions, forward and both gradients, cut into tiles in any way that ConvolutionTiles may
// choose. y, and dx, are also held to the plain sums that they stand for.
#include <algorithm>
#include <cmath>

#include "fields.hpp"

namespace fuzz {
namespace {

using Three = std::vector<int64_t>;

int64_t product_of(const Three& sizes) { return sizes[0] * sizes[1] * sizes[2]; }
int64_t divided(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t vectors(int64_t elements) { return divided(elements, 16) * 16; }
int64_t aligned(int64_t elements) { return (elements + 31) / 16 * 16; }

struct Sizes {
  int64_t n, groups, c, o;
  Three in, taps, out, stride, padding, dilation;
  int64_t samples, bands, pieces, input_blocks, filter_blocks;

  explicit Sizes(Bytes* bytes) {
    const bool is_flat = bytes->flag();
    n = bytes->below(5), groups = 1 + bytes->below(3), c = bytes->below(5), o = bytes->below(5);
    for (int d = 0; d < 3; d++) {
      const bool is_used = d > 0 || (!is_flat && bytes->flag());
      taps.push_back(is_used ? 1 + bytes->below(4) : 1);
      dilation.push_back(is_used ? 1 + bytes->below(3) : 1);
      stride.push_back(is_used && !is_flat ? 1 + bytes->below(3) : 1);
      padding.push_back(is_used ? bytes->below(4) : 0);
      const int64_t reach = (taps[d] - 1) * dilation[d] + 1;
      if (is_flat && d == 2) {  // lines as long as x's
        if (reach % 2 == 0) taps[d] = dilation[d] = 1;
        padding[d] = (taps[d] - 1) * dilation[d] / 2;
      }
      const int64_t least = std::max<int64_t>(0, (taps[d] - 1) * dilation[d] + 1 - 2 * padding[d]);
      constexpr int64_t kMore[] = {0, 1, 2, 3, 5, 8, 13, 17, 30, 1, 2, 3};
      in.push_back(is_used ? least + bytes->any(kMore) : 1);
      out.push_back((in[d] + 2 * padding[d] - (taps[d] - 1) * dilation[d] - 1) / stride[d] + 1);
    }
    samples = 1 + bytes->below(static_cast<int>(std::max<int64_t>(1, n)));
    pieces = samples > 1 ? 1 : 1 + bytes->below(static_cast<int>(std::min<int64_t>(3, out[2])));
    const int64_t lines = out[0] * out[1];
    bands = samples > 1  ? 1
            : pieces > 1 ? lines * pieces
                         : 1 + bytes->below(static_cast<int>(std::min<int64_t>(lines, 6)));
    input_blocks = 1 + bytes->below(static_cast<int>(channels()));
    filter_blocks = 1 + bytes->below(static_cast<int>(channels()));
  }

  int64_t channels() const { return std::max<int64_t>(1, c); }
  int64_t plane() const { return product_of(in); }
  int64_t positions() const { return product_of(out); }
  int64_t filter() const { return product_of(taps); }
  size_t of_x() const { return static_cast<size_t>(n * groups * c * plane()); }
  size_t of_filters() const { return static_cast<size_t>(groups * o * c * filter()); }
  size_t of_y() const { return static_cast<size_t>(n * groups * o * positions()); }
  bool is_flat() const {
    return in[0] == 1 && out[0] == 1 && taps[0] == 1 && padding[0] == 0 && stride[1] == 1 &&
           stride[2] == 1 && in[2] == out[2];
  }
  bool is_plain() const {
    return samples == 1 && product_of(taps) == 1 && product_of(stride) == 1 &&
           padding[0] + padding[1] + padding[2] == 0;
  }
  // The index in a plane of x of what a tap reads for an output, or -1 outside of it.
  int64_t read(int64_t position, int64_t tap) const {
    int64_t index = 0, step = 1;
    for (int d = 2; d >= 0; d--) {
      const int64_t i = position % out[d] * stride[d] + tap % taps[d] * dilation[d] - padding[d];
      if (i < 0 || i >= in[d]) return -1;
      index += i * step;
      step *= in[d], position /= out[d], tap /= taps[d];
    }
    return index;
  }
};

enum Which { kForward, kInput, kFilters };

template <class T>
class Run {
 public:
  Run(const Setup& setup, const Sizes& sizes)
      : setup_(setup), g(sizes), job_(&setup.memory), fields_(&setup.of_fields) {}

  void run() {
    const Which which = static_cast<Which>(setup_.bytes.below(3));
    const int64_t gemm = some_gemm(setup_);
    const int dtype = setup_.dtype;
    x_ = which == kInput ? job_.output(dtype, g.of_x()) : input(g.of_x());
    filters_ = which == kFilters ? -1 : input(g.of_filters());
    y_ = which == kForward ? job_.output(dtype, g.of_y()) : input(g.of_y());
    put_sizes(which, gemm);
    const char* name = "convolve";
    int call = JBN_ARRAY_CONVOLVE;
    if (which == kForward) {
      put_forward();
    } else if (which == kInput) {
      name = "convolve_input", call = JBN_ARRAY_CONVOLVE_INPUT;
      fields_.address(y_).address(filters_).address(x_);
    } else {
      name = "convolve_filters", call = JBN_ARRAY_CONVOLVE_FILTERS;
      const int64_t parts = 1 + setup_.bytes.below(4);
      const int all = job_.output(dtype, static_cast<size_t>(parts) * g.of_filters());
      fields_.address(x_).address(y_).address(all).integer(parts);
    }
    job_.run(name, ways(&setup_.bytes), JBN_OK,
             [&](const Way& way) { return fields_.call(call, job_, way); });
    if (which == kForward) check_forward();
    if (which == kInput) check_input();
  }

 private:
  int input(size_t count) {
    return job_.input(setup_.dtype, count, setup_.kind, setup_.bytes.seed());
  }

  // As NativeArrays.Workspace lays it out.
  void put_sizes(Which which, int64_t gemm) {
    const int64_t lines = g.out[0] * g.out[1], width = g.out[2];
    const int64_t columns = g.samples * lines * width;
    const int64_t band =
        g.samples > 1 ? columns : divided(lines * g.pieces, g.bands) * divided(width, g.pieces);
    const int64_t blocks = std::min(g.input_blocks, g.filter_blocks);
    const int64_t matrix = g.is_plain() ? 0
                           : which == kForward
                               ? g.filter() * g.c * vectors(band)
                               : g.filter() * divided(g.channels(), blocks) * vectors(columns);
    const int64_t before = aligned(width), patches = aligned(matrix + width);
    const int64_t outputs = aligned(g.samples > 1 ? g.o * columns : 0);
    const int64_t masks = g.is_flat() ? g.taps[2] * aligned(std::max(g.positions(), g.plane())) : 0;
    const int64_t inner = std::max(g.c * g.filter(), std::max(g.o, columns));
    const int64_t packed = gemm ? 0 : 16 * std::min<int64_t>(inner, 1 << 16);
    const int64_t element = static_cast<int64_t>(sizeof(T));
    const int64_t of_thread = before + patches + outputs + masks + aligned(packed * 8 / element);
    const int memory = job_.scratch(static_cast<size_t>(4 * of_thread * element));
    fields_.integer(setup_.dtype).integer(g.n).integer(g.groups).integer(g.c).integer(g.o);
    for (const Three* three : {&g.in, &g.taps, &g.out, &g.stride, &g.padding, &g.dilation})
      fields_.integers(*three);
    fields_.integer(g.samples)
        .integer(g.bands)
        .integer(g.pieces)
        .integer(g.input_blocks)
        .integer(g.filter_blocks);
    fields_.integer(g.is_flat()).integer(gemm).address(memory);
    fields_.integer(of_thread).integer(before).integer(patches).integer(outputs).integer(masks);
  }

  void put_forward() {
    constexpr double kSlopes[] = {1, 1, 0, 0.25};
    slope_ = setup_.bytes.any(kSlopes);
    if (setup_.bytes.flag()) bias_ = input(static_cast<size_t>(g.groups * g.o));
    fields_.address(x_).address(filters_);
    bias_ < 0 ? fields_.integer(0) : fields_.address(bias_);
    fields_.number(slope_).address(y_);
  }

  const T* at(int argument) const { return reinterpret_cast<const T*>(job_.at(argument)); }

  void check(const char* name, int argument, size_t i, T expected) const {
    if (first_difference(setup_.dtype, at(argument) + i, &expected, 1) == 0) {
      fail("%s: element %zu is %.17g, not %.17g", name, i, static_cast<double>(at(argument)[i]),
           static_cast<double>(expected));
    }
  }

  T bent(T value) const {
    if (slope_ == 1) return value;
    const T slope = static_cast<T>(slope_);
    if (value > 0 || value != value) return value;
    return slope == 0 ? T{0} : value * slope;
  }

  void check_forward() const {
    for (int64_t i = 0; i < static_cast<int64_t>(g.of_y()); i++) {
      const int64_t position = i % g.positions(), output = i / g.positions() % (g.groups * g.o);
      const int64_t sample = i / g.positions() / (g.groups * g.o), group = output / g.o;
      double sum = 0;
      for (int64_t c = 0; c < g.c; c++) {
        const T* const plane = at(x_) + ((sample * g.groups + group) * g.c + c) * g.plane();
        for (int64_t tap = 0; tap < g.filter(); tap++) {
          const int64_t from = g.read(position, tap);
          const double factor = at(filters_)[(output * g.c + c) * g.filter() + tap];
          sum += factor * (from < 0 ? 0.0 : static_cast<double>(plane[from]));
        }
      }
      const T value = static_cast<T>(sum);
      check("convolve", y_, static_cast<size_t>(i),
            bent(bias_ < 0 ? value : value + at(bias_)[output]));
    }
  }

  // The products of one tap and one position: a sum over output channels.
  T product(int64_t sample, int64_t group, int64_t c, int64_t tap, int64_t position) const {
    double sum = 0;
    for (int64_t o = 0; o < g.o; o++) {
      const int64_t output = group * g.o + o;
      const double factor = at(filters_)[(output * g.c + c) * g.filter() + tap];
      sum += factor * static_cast<double>(
                          at(y_)[(sample * g.groups * g.o + output) * g.positions() + position]);
    }
    return static_cast<T>(sum);
  }

  void check_input() const {
    std::vector<T> plane(static_cast<size_t>(g.plane()));
    for (int64_t i = 0; i < g.n * g.groups * g.c; i++) {
      const int64_t c = i % g.c, group = i / g.c % g.groups, sample = i / g.c / g.groups;
      std::fill(plane.begin(), plane.end(), T{0});
      for (int64_t tap = 0; tap < g.filter(); tap++) {
        for (int64_t position = 0; position < g.positions(); position++) {
          const int64_t to = g.read(position, tap);
          if (to < 0) continue;
          const T value = product(sample, group, c, tap, position);
          T& sum = plane[static_cast<size_t>(to)];
          sum = g.is_plain() ? value : sum + value;
        }
      }
      for (int64_t j = 0; j < g.plane(); j++) {
        check("convolve_input", x_, static_cast<size_t>(i * g.plane() + j),
              plane[static_cast<size_t>(j)]);
      }
    }
  }

  const Setup& setup_;
  const Sizes& g;
  Job job_;
  Fields fields_;
  int x_ = -1, filters_ = -1, y_ = -1, bias_ = -1;
  double slope_ = 1;
};

}  // namespace

void convolution(const Setup& setup) {
  const Sizes sizes(&setup.bytes);
  const size_t work = sizes.of_y() * static_cast<size_t>(sizes.c * sizes.filter());
  if (work > 60000 || sizes.of_x() > 20000) return;
  if (setup.dtype == JBN_F64) {
    Run<double>(setup, sizes).run();
  } else {
    Run<float>(setup, sizes).run();
  }
}

}  // namespace fuzz
