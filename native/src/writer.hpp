// Where results go: to memory, or past the caches (non-temporal stores), which spares reading the
// lines that are written and pays where the output is larger than the caches.
#ifndef JBATCHNORM_SRC_WRITER_HPP
#define JBATCHNORM_SRC_WRITER_HPP

#include "group.hpp"

namespace jbn {
namespace JBN_NAMESPACE {

// Writes a job's results run by run. Streamed ones are written in aligned groups of sixteen; runs
// are not aligned, and a group that two of them share is collected first.
template <class Job, bool kStreams>
class Writer {
 public:
  explicit Writer(const Job& job) : job_(job) {}
  ~Writer() {
    if (!kStreams) return;
    finish();
    stream_fence();
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Maps `length` elements from element `at` on. Before the i-th group of sixteen it calls
  // `beside(i)`, so that reading something else and writing this go on side by side. Returns the
  // number of those calls, at most length / 16.
  template <class Coefficients, class Beside>
  JBN_INLINE int64_t run(Coefficients coefficients, int64_t at, int64_t length,
                         const Beside& beside) {
    if (kStreams) {
      if (at != next_) begin(at);
      next_ = at + length;
      if (fill_ > 0) {
        const int64_t part = length < kLanes - fill_ ? length : kLanes - fill_;
        collect(coefficients, at, part);
        at += part;
        length -= part;
        coefficients.advance(part);
      }
    }
    T* to = job_.out(at);
    int64_t calls = 0;
    for (; length >= kLanes; length -= kLanes, at += kLanes, to += kLanes, calls++) {
      beside(calls);
      const auto group = job_.map(coefficients.lanes(), at);
      if (kStreams) {
        stream(to, group);
      } else {
        store(to, group);
      }
      coefficients.advance(kLanes);
    }
    if (length > 0) {
      if (kStreams) {
        to_ = to;
        collect(coefficients, at, length);
      } else {
        const int count = static_cast<int>(length);
        store(to, job_.map(coefficients.lanes(count), at, count), count);
      }
    }
    return calls;
  }

  template <class Coefficients>
  void run(const Coefficients& coefficients, int64_t at, int64_t length) {
    run(coefficients, at, length, [](int64_t) {});
  }

 private:
  using T = typename Job::Element;

  template <class Coefficients>
  JBN_INLINE void collect(const Coefficients& coefficients, int64_t at, int64_t length) {
    if (length == 0) return;
    const int count = static_cast<int>(length);
    store(group_ + fill_, job_.map(coefficients.lanes(count), at, count));
    fill_ += length;
    if (fill_ < kLanes) return;
    if (skip_ > 0) {
      finish();
    } else {
      stream(to_, load_as<MapGroup<T>>(group_));
      fill_ = 0;
    }
  }

  // Begins at element `at`, whose aligned group may hold elements before it.
  void begin(int64_t at) {
    finish();
    T* const to = job_.out(at);
    skip_ = static_cast<int64_t>(reinterpret_cast<uintptr_t>(to) / sizeof(T) % kLanes);
    to_ = to - skip_;
    fill_ = skip_;
  }

  // Writes what was collected, to the element.
  void finish() {
    for (int64_t i = skip_; i < fill_; i++) to_[i] = group_[i];
    fill_ = skip_ = 0;
  }

  const Job& job_;
  alignas(64) T group_[2 * kLanes];  // collect writes sixteen from any place on
  T* to_ = nullptr;                  // where group_[0] goes
  int64_t skip_ = 0;                 // elements of the group that are not ours
  int64_t fill_ = 0;                 // elements collected, those skipped included
  int64_t next_ = -1;                // the element that would go on
};

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_WRITER_HPP
