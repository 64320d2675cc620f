// Target: the calls of jbn_array, with what the Java side may give them. The same bits in every way,
// and nothing touched but what was given.
#include <algorithm>
#include <cmath>

#include "fields.hpp"

namespace fuzz {
namespace {

size_t product_of(const std::vector<int64_t>& sizes) {
  int64_t product = 1;
  for (const int64_t size : sizes) product *= size;
  return static_cast<size_t>(product);
}

// A shape of at most so many axes and, all together, elements.
std::vector<int64_t> some_shape(Bytes* bytes, int axes, int least, int64_t most) {
  constexpr int64_t kSizes[] = {1,  2,  3,  4,  5,   7,   8,    15,   16,   17,
                                31, 33, 64, 65, 100, 200, 1000, 5000, 17000};
  std::vector<int64_t> shape;
  const int count = bytes->below(axes + 1);
  int64_t elements = 1;
  for (int axis = 0; axis < count; axis++) {
    int64_t size = bytes->rarely(20) ? least : bytes->any(kSizes);
    while (elements * size > most) size /= 2;
    size = std::max<int64_t>(size, least);
    elements *= std::max<int64_t>(size, 1);
    shape.push_back(size);
  }
  return shape;
}

int64_t some_most(Bytes* bytes) { return bytes->rarely(30) ? 40000 : 1000; }

// Where the elements of a strided array lie.
struct Layout {
  std::vector<int64_t> strides;
  int64_t from = 0, length = 1;
};

// Axes in any order, with gaps, backwards, and, where `repeats`, of stride 0.
Layout some_layout(Bytes* bytes, const std::vector<int64_t>& shape, bool repeats) {
  Layout layout;
  layout.strides.assign(shape.size(), 0);
  std::vector<size_t> order;
  for (size_t axis = shape.size(); axis-- > 0;) order.push_back(axis);
  const int style = bytes->below(4);
  if (style == 1 && order.size() > 1) std::swap(order.front(), order.back());
  int64_t stride = style == 2 ? 2 : 1;
  for (const size_t axis : order) {
    if (repeats && style == 3 && bytes->flag()) continue;
    layout.strides[axis] = stride;
    stride *= shape[axis];
    layout.length += layout.strides[axis] * (shape[axis] - 1);
    if (bytes->rarely(6)) {
      layout.from += layout.strides[axis] * (shape[axis] - 1);
      layout.strides[axis] = -layout.strides[axis];
    }
  }
  return layout;
}

template <class T>
void gemm(int order, int trans_a, int trans_b, int m, int n, int k, T alpha, const T* a, int lda,
          const T* b, int ldb, T beta, T* c, int ldc) {
  const bool turned_a = trans_a == 112, turned_b = trans_b == 112;
  const bool fits = order == 101 && m >= 0 && n >= 0 && k >= 0 && alpha == 1 &&
                    (beta == 0 || beta == 1) && lda >= std::max(1, turned_a ? m : k) &&
                    ldb >= std::max(1, turned_b ? k : n) && ldc >= std::max(1, n);
  if (!fits) fail("gemm: m %d n %d k %d lda %d ldb %d ldc %d", m, n, k, lda, ldb, ldc);
  for (int64_t i = 0; i < m; i++) {
    for (int64_t j = 0; j < n; j++) {
      double sum = 0;
      for (int64_t l = 0; l < k; l++) {
        const double left = a[turned_a ? l * lda + i : i * lda + l];
        const double right = b[turned_b ? j * ldb + l : l * ldb + j];
        sum += left * right;
      }
      T& to = c[i * ldc + j];
      to = static_cast<T>(beta == 0 ? sum : to + sum);
    }
  }
}

}  // namespace

int64_t some_gemm(const Setup& setup) {
  if (!setup.bytes.rarely(3)) return 0;
  return setup.dtype == JBN_F64 ? static_cast<int64_t>(reinterpret_cast<intptr_t>(&gemm<double>))
                                : static_cast<int64_t>(reinterpret_cast<intptr_t>(&gemm<float>));
}

void zip(const Setup& setup) {
  constexpr double kNumbers[] = {0, 0.5, -1, 1, 2, 1e-3};
  Bytes& bytes = setup.bytes;
  std::vector<int64_t> shape = some_shape(&bytes, 4, 1, some_most(&bytes));
  if (shape.empty()) shape.push_back(1);
  const double p = bytes.any(kNumbers);
  const Layout a = some_layout(&bytes, shape, true), b = some_layout(&bytes, shape, true);
  const bool in_place = bytes.rarely(4) && a.length == static_cast<int64_t>(product_of(shape));
  const Layout y = in_place ? a : some_layout(&bytes, shape, false);
  Job job(&setup.memory);
  Fields fields(&setup.of_fields);
  const int ja = job.input(setup.dtype, static_cast<size_t>(a.length), setup.kind, bytes.seed());
  const int jb = job.input(setup.dtype, static_cast<size_t>(b.length), setup.kind, bytes.seed());
  const bool separate = !in_place || bytes.flag();
  const int jy =
      separate ? job.changed(setup.dtype, static_cast<size_t>(y.length), kZeros, 1) : job.over(ja);
  const int64_t ndim = static_cast<int64_t>(shape.size());
  fields.integer(setup.dtype)
      .integer(bytes.below(26))
      .number(p)
      .number(p + std::fabs(bytes.any(kNumbers)));
  fields.address(ja, a.from).address(jb, b.from).address(jy, y.from);
  fields.integer(ndim).integers(shape).integers(a.strides).integers(b.strides).integers(y.strides);
  job.run("zip", ways(&bytes), JBN_OK,
          [&](const Way& way) { return fields.call(JBN_ARRAY_ZIP, job, way); });
}

// Neighbouring axes of a kind are one, as Reduction.java makes them.
void sum(const Setup& setup) {
  Bytes& bytes = setup.bytes;
  const int least = bytes.rarely(10) ? 0 : 1;
  const std::vector<int64_t> shape = some_shape(&bytes, 4, least, some_most(&bytes));
  std::vector<int64_t> sizes[2], strides[2];  // of the axes that stay, and of those that go
  int before = -1;
  bool runs = true;  // the last axis of a size above 1 goes
  int64_t stride = 1;
  for (size_t axis = shape.size(); axis-- > 0; stride *= shape[axis]) {
    if (shape[axis] == 1) continue;
    const int which = bytes.below(2);
    if (before == which) {
      sizes[which].front() *= shape[axis];
    } else {
      sizes[which].insert(sizes[which].begin(), shape[axis]);
      strides[which].insert(strides[which].begin(), stride);
    }
    if (before < 0) runs = which == 1;
    before = which;
  }
  if (sizes[0].empty()) sizes[0] = {1}, strides[0] = {0};
  if (sizes[1].empty()) sizes[1] = {1}, strides[1] = {1};
  const size_t outputs = product_of(sizes[0]);
  if (outputs == 0) return;
  Job job(&setup.memory);
  Fields fields(&setup.of_fields);
  const int x = job.input(setup.dtype, product_of(shape), setup.kind, bytes.seed());
  const int y = job.output(setup.dtype, outputs);
  fields.integer(setup.dtype).address(x).address(y).integer(runs);
  for (int which = 0; which < 2; which++) {
    fields.integer(static_cast<int64_t>(sizes[which].size()));
    fields.integers(sizes[which]).integers(strides[which]);
  }
  job.run("sum", ways(&bytes), JBN_OK,
          [&](const Way& way) { return fields.call(JBN_ARRAY_SUM, job, way); });
}

namespace {

// Strides of matrices of so many elements for each axis of pairs, some of which share theirs.
Layout some_matrices(Bytes* bytes, const std::vector<int64_t>& pairs, int64_t size) {
  Layout layout;
  layout.strides.assign(pairs.size(), 0);
  int64_t stride = size;
  layout.length = size;
  for (size_t axis = pairs.size(); axis-- > 0;) {
    if (bytes->rarely(3)) continue;
    layout.strides[axis] = stride;
    layout.length += (pairs[axis] - 1) * stride;
    stride *= pairs[axis];
  }
  if (size == 0 || product_of(pairs) == 0) layout.length = 0;
  return layout;
}

}  // namespace

void product(const Setup& setup) {
  constexpr int64_t kSizes[] = {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 19, 32, 33, 50, 0, 70};
  constexpr int64_t kRows = 1 << 16, kColumns = 16, kMostThreads = 4;
  Bytes& bytes = setup.bytes;
  const bool is_long = bytes.rarely(60);
  const int64_t m = is_long ? 1 + bytes.below(5) : bytes.any(kSizes);
  const int64_t n = is_long ? 1 + bytes.below(5) : bytes.any(kSizes);
  const int64_t k = is_long ? kRows + bytes.below(40) : bytes.any(kSizes);
  const std::vector<int64_t> pairs =
      some_shape(&bytes, 2, bytes.rarely(10) ? 0 : 1, is_long ? 1 : 6);
  const bool turned_a = bytes.flag(), turned_b = bytes.flag();
  const Layout of_a = some_matrices(&bytes, pairs, m * k);
  const Layout of_b = some_matrices(&bytes, pairs, k * n);
  const int64_t gemm = some_gemm(setup), parts = 1 + bytes.below(5);
  Job job(&setup.memory);
  Fields fields(&setup.of_fields);
  const int a = job.input(setup.dtype, static_cast<size_t>(of_a.length), setup.kind, bytes.seed());
  const int b = job.input(setup.dtype, static_cast<size_t>(of_b.length), setup.kind, bytes.seed());
  const int c = job.output(setup.dtype, product_of(pairs) * static_cast<size_t>(m * n));
  const int64_t packed = gemm ? 0 : std::min(k, kRows) * kColumns * kMostThreads;
  const int own = job.scratch(static_cast<size_t>(packed) * sizeof(double));
  fields.integer(setup.dtype).integer(gemm).integer(m).integer(n).integer(k);
  fields.address(a).integer(turned_a).address(b).integer(turned_b).address(c);
  fields.address(own).integer(parts).integer(static_cast<int64_t>(pairs.size()));
  fields.integers(pairs).integers(of_a.strides).integers(of_b.strides);
  job.run("product", ways(&bytes), JBN_OK,
          [&](const Way& way) { return fields.call(JBN_ARRAY_PRODUCT, job, way); });
}

void pooling(const Setup& setup) {
  Bytes& bytes = setup.bytes;
  const int64_t planes = bytes.below(6);
  std::vector<int64_t> in, out, window, stride;
  for (int d = 0; d < 3; d++) {
    constexpr int64_t kSizes[] = {1, 1, 2, 3, 5, 8, 17, 40};
    in.push_back(bytes.any(kSizes));
    window.push_back(1 + bytes.below(static_cast<int>(in.back())));
    stride.push_back(1 + bytes.below(4));
    out.push_back((in.back() - window.back()) / stride.back() + 1);
  }
  if (product_of(in) > 3000) in = {1, 1, 1}, out = in, window = in;
  const size_t inputs = static_cast<size_t>(planes) * product_of(in);
  const size_t outputs = static_cast<size_t>(planes) * product_of(out);
  std::vector<char> picked;
  {
    Job job(&setup.memory);
    Fields fields(&setup.of_fields);
    const int x = job.input(setup.dtype, inputs, setup.kind, bytes.seed());
    const int y = job.output(setup.dtype, outputs), picks = job.output(kInt32, outputs);
    fields.integer(setup.dtype).address(x).address(y).address(picks).integer(planes);
    fields.integers(in).integers(out).integers(window).integers(stride);
    job.run("max_pool", ways(&bytes), JBN_OK,
            [&](const Way& way) { return fields.call(JBN_ARRAY_MAX_POOL, job, way); });
    picked.assign(job.at(picks), job.at(picks) + job.bytes(picks));
  }
  Job job(&setup.memory);
  Fields fields(&setup.of_fields);
  const int dy = job.input(setup.dtype, outputs, setup.kind, bytes.seed());
  const int picks = job.input(kInt32, outputs, kZeros, 1);
  job.contents(picks) = picked;
  const int dx = job.output(setup.dtype, inputs);
  fields.integer(setup.dtype).address(dy).address(picks).address(dx).integer(planes);
  fields.integer(static_cast<int64_t>(product_of(in)))
      .integer(static_cast<int64_t>(product_of(out)));
  job.run("max_unpool", ways(&bytes), JBN_OK,
          [&](const Way& way) { return fields.call(JBN_ARRAY_MAX_UNPOOL, job, way); });
}

void log_softmax(const Setup& setup) {
  constexpr int64_t kLengths[] = {1, 2, 3, 7, 8, 15, 16, 17, 33, 100, 1000};
  constexpr int64_t kRows[] = {1, 2, 3, 5, 40, 200};
  Bytes& bytes = setup.bytes;
  const int64_t length = bytes.any(kLengths);
  const int64_t rows = length > 100 ? 1 + bytes.below(40) : bytes.any(kRows);
  Job job(&setup.memory);
  Fields fields(&setup.of_fields);
  const int x =
      job.input(setup.dtype, static_cast<size_t>(rows * length), setup.kind, bytes.seed());
  const int y =
      bytes.rarely(4) ? job.over(x) : job.output(setup.dtype, static_cast<size_t>(rows * length));
  fields.integer(setup.dtype).integer(rows).integer(length).address(x).address(y);
  job.run("log_softmax", ways(&bytes), JBN_OK,
          [&](const Way& way) { return fields.call(JBN_ARRAY_LOG_SOFTMAX, job, way); });
}

void update(const Setup& setup) {
  constexpr size_t kSizes[] = {0, 1, 2, 7, 15, 16, 17, 63, 65, 1000, 17000};
  constexpr double kNumbers[] = {0, 0.9, 0.1, 1e-3, 1, 0.999};
  Bytes& bytes = setup.bytes;
  const size_t size = bytes.any(kSizes);
  const int rule = bytes.below(3);
  Job job(&setup.memory);
  Fields fields(&setup.of_fields);
  fields.integer(setup.dtype).integer(rule);
  for (int i = 0; i < 5; i++) fields.number(bytes.any(kNumbers));
  fields.number(1e-8).number(0.1).number(0.001).integer(bytes.below(2));
  const int parameter = job.changed(setup.dtype, size, setup.kind, bytes.seed());
  const int grad = job.input(setup.dtype, size, setup.kind, bytes.seed());
  const int one = job.changed(setup.dtype, size, setup.kind, bytes.seed());
  const int two = rule == 0 ? one : job.changed(setup.dtype, size, kPositive, bytes.seed());
  fields.address(parameter).address(grad).address(one).address(two).integer(
      static_cast<int64_t>(size));
  job.run("update", ways(&bytes), JBN_OK,
          [&](const Way& way) { return fields.call(JBN_ARRAY_UPDATE, job, way); });
}

}  // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static fuzz::Memory memory, of_fields;
  constexpr void (*kTargets[])(const fuzz::Setup&) = {
      fuzz::zip,         fuzz::sum,         fuzz::product,     fuzz::convolution, fuzz::pooling,
      fuzz::log_softmax, fuzz::convolution, fuzz::convolution, fuzz::update};
  fuzz::Bytes bytes(data, size);
  const auto target = bytes.any(kTargets);
  const int dtype = bytes.below(2);
  const fuzz::Kind kind = static_cast<fuzz::Kind>(bytes.below(fuzz::kKinds));
  target({bytes, memory, of_fields, dtype, kind});
  return 0;
}
