// Target: the calls of jbatchnorm.h, right ones and wrong ones. A right call gives the same bits in
// every way and touches nothing that it was not given; a wrong one gives its status and touches
// nothing at all.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>

#include "jbatchnorm/jbatchnorm.h"
#include "job.hpp"

namespace {

using fuzz::Bytes;
using fuzz::Job;
using fuzz::Kind;
using fuzz::Way;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The fields that the three structs begin with.
struct Head {
  int64_t size, dtype, layout, n, c, s, exec;
};

union Args {
  Head head;
  jbn_forward_args forward;
  jbn_backward_args backward;
  jbn_second_args second;
};

enum What { kForward, kBackward, kSecond };

// One pointer of a struct: where it stands, and the job's argument that it points to.
struct Pointer {
  size_t offset;
  int argument;
  bool required;
};

class Call {
 public:
  Call(Bytes* bytes, fuzz::Memory* memory, fuzz::Memory* of_struct)
      : bytes_(*bytes), job_(memory), struct_(*of_struct) {
    what_ = static_cast<What>(bytes_.below(3));
    std::memset(&args_, 0, sizeof args_);
    choose_sizes();
    parameter_ = args_.head.dtype == JBN_F64 ? JBN_F64 : JBN_F32;
    kind_ = static_cast<Kind>(bytes_.below(fuzz::kKinds));
    choose_scalars();
    if (what_ == kForward) choose_forward();
    if (what_ == kBackward) choose_backward();
    if (what_ == kSecond) choose_second();
    choose_struct_size();
  }

  void run() {
    const bool is_wrong = bytes_.rarely(4);
    if (is_wrong) make_wrong();
    const std::vector<Way> ways = fuzz::ways(&bytes_);
    job_.run(name(), ways, expected_, [this](const Way& way) { return call(way); });
  }

 private:
  const char* name() const {
    return what_ == kForward ? "forward" : what_ == kBackward ? "backward" : "second";
  }
  size_t own_size() const {
    return what_ == kForward    ? sizeof(jbn_forward_args)
           : what_ == kBackward ? sizeof(jbn_backward_args)
                                : sizeof(jbn_second_args);
  }
  size_t elements() const {
    return static_cast<size_t>(args_.head.n * args_.head.c * args_.head.s);
  }
  size_t channels() const { return static_cast<size_t>(args_.head.c); }
  size_t positions() const { return static_cast<size_t>(args_.head.n * args_.head.s); }
  double* eps() {
    return what_ == kForward    ? &args_.forward.eps
           : what_ == kBackward ? &args_.backward.eps
                                : &args_.second.eps;
  }
  double* slope() {
    return what_ == kForward    ? &args_.forward.slope
           : what_ == kBackward ? &args_.backward.slope
                                : nullptr;
  }

  void choose_sizes() {
    constexpr int64_t kSizes[] = {0,   1,    1,    2,    2,    3,    3,    4,    5,    7,
                                  8,   9,    15,   16,   17,   24,   31,   33,   49,   63,
                                  64,  65,   100,  127,  129,  196,  255,  257,  300,  513,
                                  700, 1023, 1024, 1025, 2047, 2048, 2049, 4097, 6000, 40000};
    const int64_t most = bytes_.rarely(40) ? 66000 : bytes_.rarely(4) ? 5000 : 700;
    Head& head = args_.head;
    head.dtype = bytes_.below(4);
    head.layout = bytes_.below(2);
    head.n = bytes_.any(kSizes), head.c = bytes_.any(kSizes), head.s = bytes_.any(kSizes);
    while (head.n * head.c * head.s > most || head.n * head.s > most || head.c > most) {
      int64_t* const largest = head.n >= head.c && head.n >= head.s ? &head.n
                               : head.c >= head.s                   ? &head.c
                                                                    : &head.s;
      *largest /= 2;
    }
  }

  void choose_scalars() {
    constexpr double kEps[] = {1e-5, 0, 1, 1e-3, 5e-324, 1e-300, 1e300};
    constexpr double kSlopes[] = {1, 0, 0.25, 0.5, 1.0 / 1024, 2, 1e-300};
    *eps() = bytes_.any(kEps);
    if (slope()) *slope() = bytes_.any(kSlopes);
  }

  uint64_t seed() { return bytes_.seed(); }
  // Often what the data are, else something else.
  Kind some_kind() { return bytes_.flag() ? kind_ : static_cast<Kind>(bytes_.below(fuzz::kKinds)); }

  int add(size_t offset, int argument, bool required = false) {
    pointers_.push_back({offset, argument, required});
    return argument;
  }
  int data(size_t offset, bool required = false) {
    return add(offset, job_.input(static_cast<int>(args_.head.dtype), elements(), kind_, seed()),
               required);
  }
  int per_channel(size_t offset, bool required = false) {
    return add(offset, job_.input(parameter_, channels(), some_kind(), seed()), required);
  }
  void statistics(size_t offset, bool required = false) {
    add(offset, job_.input(JBN_F64, 4 * channels(), some_kind(), seed()), required);
  }
  void weights(size_t offset) {
    weights_ = add(offset, job_.input(JBN_F64, positions(), fuzz::kPositive, seed()));
  }
  int channel_output(size_t offset) { return add(offset, job_.output(parameter_, channels())); }

  // An output of elements: of its own memory, or in place over one of the inputs; -1 for none.
  void data_output(size_t offset, std::initializer_list<int> inputs) {
    const int choice = bytes_.below(4);
    const std::vector<int> all(inputs);
    if (choice == 0) return;
    if (choice > 1 && !all.empty()) {
      const int input = all[static_cast<size_t>(bytes_.below(static_cast<int>(all.size())))];
      const bool is_free = std::find(taken_.begin(), taken_.end(), input) == taken_.end();
      if (input >= 0 && is_free) {
        taken_.push_back(input);
        add(offset, job_.over(input));
        return;
      }
    }
    add(offset, job_.output(static_cast<int>(args_.head.dtype), elements()));
  }

  // Gamma that xHat can be recovered through.
  void invertible_gamma(size_t offset) {
    add(offset, job_.input(parameter_, channels(), fuzz::kConstant, seed()));
    *slope() = std::max(*slope(), 1.0 / 1024);
  }

  void choose_forward() {
    jbn_forward_args& a = args_.forward;
    a.invertible = bytes_.rarely(5) ? bytes_.any<int64_t>({1, -1, 256}) : 0;
    const int x = data(offsetof(jbn_forward_args, x), true);
    int z = -1;
    if (!a.invertible && bytes_.flag()) z = data(offsetof(jbn_forward_args, z));
    if (a.invertible) {
      invertible_gamma(offsetof(jbn_forward_args, gamma));
    } else if (bytes_.flag()) {
      per_channel(offsetof(jbn_forward_args, gamma));
    }
    if (bytes_.flag()) per_channel(offsetof(jbn_forward_args, beta));
    const int of = bytes_.below(4);
    if (of == 2) statistics(offsetof(jbn_forward_args, given));
    if (of == 3) {
      per_channel(offsetof(jbn_forward_args, given_mean), true);
      per_channel(offsetof(jbn_forward_args, given_var), true);
    }
    if (!a.invertible && bytes_.rarely(3)) weights(offsetof(jbn_forward_args, weights));
    data_output(offsetof(jbn_forward_args, y), {x, z});
    if (bytes_.flag()) channel_output(offsetof(jbn_forward_args, mean));
    if (bytes_.flag()) channel_output(offsetof(jbn_forward_args, var));
    if (bytes_.flag()) add(offsetof(jbn_forward_args, saved), job_.output(JBN_F64, 4 * channels()));
  }

  void choose_backward() {
    jbn_backward_args& a = args_.backward;
    a.inverted = bytes_.rarely(5) ? bytes_.any<int64_t>({1, -1, 256}) : 0;
    a.given = bytes_.rarely(3) ? bytes_.any<int64_t>({1, -1, 256}) : 0;
    const int x = data(offsetof(jbn_backward_args, x), true);
    const int dy = data(offsetof(jbn_backward_args, dy), true);
    int y = -1;
    if (!a.inverted && bytes_.flag()) y = data(offsetof(jbn_backward_args, y));
    if (a.inverted) {
      invertible_gamma(offsetof(jbn_backward_args, gamma));
    } else if (bytes_.flag()) {
      per_channel(offsetof(jbn_backward_args, gamma));
    }
    if (bytes_.flag()) per_channel(offsetof(jbn_backward_args, beta));
    statistics(offsetof(jbn_backward_args, saved), true);
    if (!a.inverted && bytes_.rarely(3)) weights(offsetof(jbn_backward_args, weights));
    data_output(offsetof(jbn_backward_args, dx), {x, dy, y});
    data_output(offsetof(jbn_backward_args, dz), {dy, y});
    if (bytes_.flag()) channel_output(offsetof(jbn_backward_args, dgamma));
    if (bytes_.flag()) channel_output(offsetof(jbn_backward_args, dbeta));
  }

  void choose_second() {
    args_.second.given = bytes_.rarely(3) ? 1 : 0;
    data(offsetof(jbn_second_args, x), true);
    data(offsetof(jbn_second_args, dy), true);
    if (bytes_.flag()) per_channel(offsetof(jbn_second_args, gamma));
    statistics(offsetof(jbn_second_args, saved), true);
    if (bytes_.flag()) data(offsetof(jbn_second_args, v));
    if (bytes_.flag()) per_channel(offsetof(jbn_second_args, vgamma));
    if (bytes_.flag()) per_channel(offsetof(jbn_second_args, vbeta));
    data_output(offsetof(jbn_second_args, gx), {});
    data_output(offsetof(jbn_second_args, gdy), {});
    if (bytes_.flag()) channel_output(offsetof(jbn_second_args, ggamma));
  }

  // A struct of a later version has more at its end; one that ends early lacks what is 0.
  void choose_struct_size() {
    args_.head.size = static_cast<int64_t>(own_size());
    if (!bytes_.rarely(8)) return;
    if (bytes_.flag()) {
      args_.head.size += 1 + bytes_.byte();
      return;
    }
    size_t least = what_ == kSecond ? offsetof(jbn_second_args, x) : offsetof(jbn_forward_args, x);
    for (const Pointer& p : pointers_) least = std::max(least, p.offset + sizeof(void*));
    args_.head.size = static_cast<int64_t>(std::min(own_size(), least + bytes_.byte() % 32));
  }

  // --- wrong calls ---

  void make_wrong() {
    const int first = bytes_.below(13);
    for (int i = 0; i < 13 && expected_ == JBN_OK; i++) make_wrong((first + i) % 13);
  }

  void make_wrong(int way) {
    Head& head = args_.head;
    switch (way) {
      case 0:
        head.dtype = bytes_.any<int64_t>({-1, 4, 99, int64_t{1} << 32, INT64_MIN});
        return expect(JBN_BAD_DTYPE);
      case 1:
        head.layout = bytes_.any<int64_t>({-1, 2, int64_t{1} << 32, INT64_MAX});
        return expect(JBN_BAD_LAYOUT);
      case 2:
        *some_size() = bytes_.any<int64_t>({-1, INT64_MIN, -(int64_t{1} << 40)});
        return expect(JBN_BAD_SHAPE);
      case 3:
        return make_overflow();
      case 4:
        *eps() = bytes_.any({-1.0, -5e-324, kInfinity, -kInfinity, std::nan("")});
        return expect(JBN_BAD_EPS);
      case 5:
        if (!slope()) return;
        *slope() = bytes_.any({-1.0, -5e-324, kInfinity, -kInfinity, std::nan("")});
        return expect(JBN_BAD_SLOPE);
      case 6:
        exec_ = bytes_.any<int64_t>({-1, JBN_MAX_THREADS + 1, 0xffff, int64_t{1} << 31, INT64_MIN});
        return expect(JBN_BAD_THREADS);
      case 7:
        exec_ = JBN_EXEC(1, bytes_.any<int>({JBN_ISA_SVE, JBN_ISA_NEON, 6, 99, 0x7fff}));
        if (jbn_has_isa(static_cast<int>(exec_ >> 16))) exec_ = JBN_EXEC(1, 6);
        return expect(JBN_BAD_ISA);
      case 8:
        return make_null();
      case 9:
        return make_unaligned();
      case 10:
        return make_overlap();
      case 11:
        return make_wrong_size();
      default:
        return make_wrong_together();
    }
  }

  void expect(int status) { expected_ = status; }
  int64_t* some_size() {
    Head& head = args_.head;
    return bytes_.any({&head.n, &head.c, &head.s});
  }

  void make_overflow() {
    Head& head = args_.head;
    constexpr int64_t kLarge[] = {INT64_MAX, INT64_MAX / 64 + 1, int64_t{1} << 58,
                                  int64_t{1} << 62};
    constexpr int64_t kPairs[][3] = {{int64_t{1} << 31, int64_t{1} << 31, 4},
                                     {int64_t{1} << 32, int64_t{1} << 32, 1},
                                     {3037000500, 3037000500, 1},
                                     {int64_t{1} << 20, int64_t{1} << 20, int64_t{1} << 20},
                                     {INT64_MAX, INT64_MAX, 0}};
    if (bytes_.flag()) {
      *some_size() = bytes_.any(kLarge);
    } else {
      const int i = bytes_.below(5), turn = bytes_.below(3);
      int64_t* const sizes[] = {&head.n, &head.c, &head.s};
      for (int j = 0; j < 3; j++) *sizes[(j + turn) % 3] = kPairs[i][j];
    }
    expect(JBN_BAD_SHAPE);
  }

  const Pointer& some_pointer() {
    return pointers_[static_cast<size_t>(bytes_.below(static_cast<int>(pointers_.size())))];
  }

  void make_null() {
    for (const Pointer& p : pointers_) {
      if (!p.required || job_.bytes(p.argument) == 0) continue;
      null_ = p.offset;
      expect(JBN_NULL);
      if (bytes_.flag()) return;
    }
  }

  void make_unaligned() {
    const Pointer& p = some_pointer();
    const int alignment = static_cast<int>(fuzz::bytes_of(job_.dtype(p.argument)));
    if (p.required && job_.bytes(p.argument) == 0) return;
    moved_ = p.offset, moved_to_ = p.argument, moved_by_ = 1 + bytes_.below(alignment - 1);
    expect(JBN_UNALIGNED);
  }

  // Moves an output to where it reaches over some other argument, but not to its very address.
  void make_overlap() {
    const Pointer& out = some_pointer();
    const Pointer& other = some_pointer();
    const auto is_output = [this](const Pointer& p) { return job_.contents(p.argument).empty(); };
    if (!is_output(out) || &out == &other) return;
    const int64_t bytes = static_cast<int64_t>(job_.bytes(out.argument));
    const int64_t reach = static_cast<int64_t>(job_.bytes(other.argument));
    const int64_t element = static_cast<int64_t>(std::max(
        fuzz::bytes_of(job_.dtype(out.argument)), fuzz::bytes_of(job_.dtype(other.argument))));
    if (bytes < 2 * element || reach < 2 * element) return;
    moved_ = out.offset, moved_to_ = other.argument;
    moved_by_ = bytes_.flag() ? reach - element : element - bytes;
    moved_by_ = moved_by_ / element * element;
    if (moved_by_ == 0) return;
    expect(JBN_OVERLAP);
  }

  void make_wrong_size() {
    if (bytes_.flag()) {
      args_.head.size = bytes_.any<int64_t>({0, 7, -1, 65537, INT64_MIN, INT64_MAX});
    } else {
      args_.head.size = static_cast<int64_t>(own_size()) + 1 + bytes_.byte();
      unknown_ =
          own_size() + static_cast<size_t>(bytes_.byte()) %
                           static_cast<size_t>(args_.head.size - static_cast<int64_t>(own_size()));
    }
    expect(JBN_BAD_SIZE);
  }

  void make_wrong_together() {
    if (weights_ >= 0 && positions() > 0) {
      std::vector<char>& contents = job_.contents(weights_);
      const bool all = bytes_.flag();
      const double value = all ? 1.7e308 : bytes_.any({-1.0, std::nan(""), kInfinity, -5e-324});
      if (all && positions() < 2) return;
      for (size_t i = all ? 0 : bytes_.seed() % positions(); i < positions(); i++) {
        std::memcpy(contents.data() + i * sizeof value, &value, sizeof value);
        if (!all) break;
      }
      return expect(JBN_BAD_WEIGHTS);
    }
    if (what_ == kForward && args_.forward.invertible) {
      *slope() = 1.0 / 1025;
      return expect(JBN_BAD_SLOPE);
    }
    if (what_ == kBackward && args_.backward.inverted && channels() > 0) {
      for (const Pointer& p : pointers_) {
        if (p.offset != offsetof(jbn_backward_args, gamma)) continue;
        std::vector<char>& contents = job_.contents(p.argument);
        const size_t element = fuzz::bytes_of(parameter_);
        std::memset(contents.data() + bytes_.seed() % channels() * element, 0, element);
        return expect(JBN_SMALL_GAMMA);
      }
    }
  }

  // --- the call itself ---

  int call(const Way& way) {
    args_.head.exec = exec_ != kFromWay ? exec_ : JBN_EXEC(way.threads, way.isa);
    const bool readable = args_.head.size >= 8 && args_.head.size <= 65536;
    const size_t size = readable ? static_cast<size_t>(args_.head.size) : own_size();
    std::vector<char> image(std::max(size, own_size()));
    std::memcpy(image.data(), &args_, own_size());
    const bool is_lost = expected_ == JBN_BAD_SHAPE;  // no memory is as large as it says
    for (const Pointer& p : pointers_) {
      const char* at = is_lost ? fuzz::Memory::forbidden() : job_.at(p.argument);
      if (p.offset == null_) at = nullptr;
      if (p.offset == moved_) at = moved_to(p);
      std::memcpy(image.data() + p.offset, &at, sizeof at);
    }
    if (unknown_ != 0) image[unknown_] = 1;
    struct_.reset();
    char* const at = struct_.take(size, alignof(Args), true);
    std::memcpy(at, image.data(), size);
    const int status = call(at);
    struct_.check();
    if (std::memcmp(at, image.data(), size) != 0) fuzz::fail("%s: wrote its struct", name());
    return status;
  }

  // Aligned as its own elements are where only an overlap is meant.
  const char* moved_to(const Pointer& p) const {
    const char* const at = job_.at(moved_to_) + moved_by_;
    const size_t alignment = fuzz::bytes_of(job_.dtype(p.argument));
    return expected_ == JBN_OVERLAP ? at - reinterpret_cast<uintptr_t>(at) % alignment : at;
  }

  int call(const char* at) {
    char text[100];
    const int64_t capacity = bytes_.below(100);
    switch (what_) {
      case kForward: {
        const auto* const a = reinterpret_cast<const jbn_forward_args*>(at);
        check_described(jbn_describe_forward(a, text, capacity));
        return jbn_forward(a);
      }
      case kBackward: {
        const auto* const a = reinterpret_cast<const jbn_backward_args*>(at);
        check_described(jbn_describe_backward(a, text, capacity));
        return jbn_backward(a);
      }
      default:
        return jbn_second(reinterpret_cast<const jbn_second_args*>(at));
    }
  }

  // A description is refused for the same reasons, but for those that it does not look at.
  void check_described(int status) const {
    if (status != JBN_OK && status != expected_) {
      fuzz::fail("describe: status %d, not %d", status, expected_);
    }
  }

  static constexpr int64_t kFromWay = INT64_MAX;

  Bytes& bytes_;
  Job job_;
  fuzz::Memory& struct_;
  What what_;
  Args args_;
  int parameter_ = JBN_F32;
  Kind kind_ = fuzz::kPlain;
  std::vector<Pointer> pointers_;
  std::vector<int> taken_;  // inputs that an output is over
  int weights_ = -1;
  int expected_ = JBN_OK;
  int64_t exec_ = kFromWay;
  size_t null_ = 0, moved_ = 0, unknown_ = 0;
  int moved_to_ = 0;
  int64_t moved_by_ = 0;
};

// jbn_copy, with any length and, rarely, wrong arguments.
void copy(Bytes* bytes, fuzz::Memory* memory) {
  constexpr size_t kLengths[] = {0, 1, 63, 64, 65, 127, 128, 1000, 4096, 70000, 140000};
  const size_t length = bytes->any(kLengths) + bytes->byte();
  const size_t elements = (length + 1) / 2;
  Job job(memory);
  const int from = job.input(JBN_F16, elements, fuzz::kAnyBits, bytes->seed(), 64);
  const int to = job.output(JBN_F16, elements, 64);
  const int wrong = bytes->rarely(5) ? 1 + bytes->below(4) : 0;
  const int past = bytes->below(2);
  const bool overlaps = wrong == 4 && elements > 64;
  const int expected = wrong == 1   ? JBN_BAD_SIZE
                       : wrong == 2 ? JBN_NULL
                       : wrong == 3 ? JBN_UNALIGNED
                       : overlaps   ? JBN_OVERLAP
                                    : JBN_OK;
  if (wrong == 2 && elements == 0) return;
  job.run("copy", fuzz::ways(bytes), expected, [&](const Way& way) {
    const char* const at = wrong == 2 ? nullptr : job.at(from) + (wrong == 3 ? 2 : 0);
    char* const out = overlaps ? job.at(from) + 64 : job.at(to);
    const int64_t size = wrong == 1 ? -1 : static_cast<int64_t>(2 * elements);
    const int status = jbn_copy(at, out, size, past, JBN_EXEC(way.threads, way.isa));
    if (status == JBN_OK && std::memcmp(job.at(from), job.at(to), 2 * elements) != 0) {
      fuzz::fail("copy: not what was copied");
    }
    return status;
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static fuzz::Memory memory, of_struct;
  Bytes bytes(data, size);
  if (bytes.rarely(32)) {
    copy(&bytes, &memory);
  } else {
    Call(&bytes, &memory, &of_struct).run();
  }
  return 0;
}
