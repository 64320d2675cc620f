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

struct Sizes {
  int64_t n, groups, c, o;
  Three in, taps, out, stride, padding, dilation;
  int64_t samples, bands, pieces;

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
    pieces = samples > 1 ? 1 : 1 + bytes->below(3);
    bands = samples > 1 ? 1 : 1 + bytes->below(6);
  }

  int64_t plane() const { return product_of(in); }
  int64_t positions() const { return product_of(out); }
  int64_t filter() const { return product_of(taps); }
  size_t of_x() const { return static_cast<size_t>(n * groups * c * plane()); }
  size_t of_filters() const { return static_cast<size_t>(groups * o * c * filter()); }
  size_t of_y() const { return static_cast<size_t>(n * groups * o * positions()); }
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
    ordered_ = setup_.bytes.flag();
    const int dtype = setup_.dtype;
    x_ = which == kInput ? job_.output(dtype, g.of_x()) : input(g.of_x());
    filters_ = which == kFilters ? -1 : input(g.of_filters());
    y_ = which == kForward ? job_.output(dtype, g.of_y()) : input(g.of_y());
    put_sizes(which);
    const char* name = "convolve";
    int call = JBN_ARRAY_CONVOLVE;
    if (which == kForward) {
      put_forward();
    } else if (which == kInput) {
      name = "convolve_input", call = JBN_ARRAY_CONVOLVE_INPUT;
      fields_.address(y_).address(filters_).address(x_);
    } else {
      name = "convolve_filters", call = JBN_ARRAY_CONVOLVE_FILTERS;
      const int64_t parts = 1 + setup_.bytes.below(4), width = vectors(g.o);
      const int64_t blocks = 1 + setup_.bytes.below(static_cast<int>(std::max<int64_t>(1, g.c)));
      const size_t rows = static_cast<size_t>(parts * g.groups * g.c * g.filter());
      const int all = job_.scratch(rows * static_cast<size_t>(width) * sizeof(T));
      filters_ = job_.output(dtype, g.of_filters());
      fields_.address(x_).address(y_).address(all).integer(parts).integer(width).integer(blocks);
      fields_.address(filters_);
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

  // As NativeConvolution.Workspace lays it out.
  void put_sizes(Which which) {
    const bool is_input = which == kInput;
    const Three& sizes = is_input ? g.in : g.out;
    // The outputs of the first phase, in whole bands; each tap with a row of its own.
    Three out(3);
    for (int d = 0; d < 3; d++) out[d] = is_input ? divided(sizes[d], g.stride[d]) : sizes[d];
    const int64_t lines = out[0] * out[1];
    const int64_t bands = g.pieces > 1 ? std::max<int64_t>(1, lines) * g.pieces : g.bands;
    const int64_t count = divided(lines, divided(bands, g.pieces)) * divided(out[2], g.pieces);
    const int64_t taps = (is_input ? g.o : g.c) * g.filter();
    const int64_t panel = taps * ((divided(g.samples * count, 16) | 1) * 16) + 64;
    const int64_t element = static_cast<int64_t>(sizeof(T));
    const int64_t rest =
        which == kFilters ? g.samples * count * vectors(g.o) : divided(taps * 8, element);
    const int64_t of_thread = vectors(panel) + vectors(rest);
    const int memory = job_.scratch(static_cast<size_t>(4 * of_thread * element));
    fields_.integer(setup_.dtype).integer(g.n).integer(g.groups).integer(g.c).integer(g.o);
    for (const Three* three : {&g.in, &g.taps, &g.out, &g.stride, &g.padding, &g.dilation})
      fields_.integers(*three);
    fields_.integer(g.samples).integer(bands).integer(g.pieces).integer(ordered_);
    fields_.address(memory).integer(of_thread).integer(vectors(panel));
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

  // A sum of products, as the kernel adds them.
  struct Sum {
    bool ordered;
    double value;

    void add(T a, T b) {
      if (ordered || sizeof(T) == sizeof(double)) {
        value += static_cast<double>(a) * static_cast<double>(b);
      } else {
        value = std::fma(static_cast<float>(a), static_cast<float>(b), static_cast<float>(value));
      }
    }
  };

  void check_forward() const {
    for (int64_t i = 0; i < static_cast<int64_t>(g.of_y()); i++) {
      const int64_t position = i % g.positions(), output = i / g.positions() % (g.groups * g.o);
      const int64_t sample = i / g.positions() / (g.groups * g.o), group = output / g.o;
      Sum sum = {ordered_, 0};
      for (int64_t c = 0; c < g.c; c++) {
        const T* const plane = at(x_) + ((sample * g.groups + group) * g.c + c) * g.plane();
        for (int64_t tap = 0; tap < g.filter(); tap++) {
          const int64_t from = g.read(position, tap);
          sum.add(at(filters_)[(output * g.c + c) * g.filter() + tap],
                  from < 0 ? T{0} : plane[from]);
        }
      }
      const T value = static_cast<T>(sum.value);
      check("convolve", y_, static_cast<size_t>(i),
            bent(bias_ < 0 ? value : value + at(bias_)[output]));
    }
  }

  // The sum for an element of x: over output channels, and taps that some output, perhaps one that
  // there is not, would see it by.
  T sum_of(int64_t sample, int64_t group, int64_t c, int64_t element) const {
    Sum sum = {ordered_, 0};
    for (int64_t o = 0; o < g.o; o++) {
      const int64_t output = group * g.o + o;
      const T* const plane = at(y_) + (sample * g.groups * g.o + output) * g.positions();
      for (int64_t tap = 0; tap < g.filter(); tap++) {
        int64_t index = 0, step = 1, left = element, rest = tap;
        bool is_seen = true, is_inside = true;
        for (int d = 2; d >= 0; d--) {
          const int64_t at = left % g.in[d] + g.padding[d] - rest % g.taps[d] * g.dilation[d];
          is_seen &= at % g.stride[d] == 0;
          is_inside &= at >= 0 && at / g.stride[d] < g.out[d];
          index += at / g.stride[d] * step;
          step *= g.out[d], left /= g.in[d], rest /= g.taps[d];
        }
        if (is_seen) {
          sum.add(at(filters_)[(output * g.c + c) * g.filter() + tap],
                  is_inside ? plane[index] : T{0});
        }
      }
    }
    return static_cast<T>(sum.value);
  }

  void check_input() const {
    for (int64_t i = 0; i < static_cast<int64_t>(g.of_x()); i++) {
      const int64_t plane = i / g.plane(), c = plane % g.c, group = plane / g.c % g.groups;
      check("convolve_input", x_, static_cast<size_t>(i),
            sum_of(plane / g.c / g.groups, group, c, i % g.plane()));
    }
  }

  const Setup& setup_;
  const Sizes& g;
  Job job_;
  Fields fields_;
  int x_ = -1, filters_ = -1, y_ = -1, bias_ = -1;
  double slope_ = 1;
  bool ordered_ = false;
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
