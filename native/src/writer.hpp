// Where results go: to memory, or past the caches (non-temporal stores), which spares reading the
// lines that are written and pays where the output is larger than the caches.
#ifndef JBATCHNORM_SRC_WRITER_HPP
#define JBATCHNORM_SRC_WRITER_HPP

#include <cstdint>
#include <cstring>

#include "lanes.hpp"
#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace jbn {
namespace JBN_NAMESPACE {

constexpr int kLine = 64;  // bytes of a cache line

#if defined(__x86_64__) || defined(_M_X64)
constexpr bool kHasStreams = true;

// Writes a whole, aligned line past the caches.
inline void stream_line(void* to, const void* from) {
  char* out = static_cast<char*>(to);
  const char* in = static_cast<const char*>(from);
#if defined(__AVX512F__)
  _mm512_stream_si512(reinterpret_cast<__m512i*>(out), _mm512_load_si512(in));
#elif defined(__AVX__)
  for (int j = 0; j < kLine; j += 32) {
    _mm256_stream_si256(reinterpret_cast<__m256i*>(out + j),
                        _mm256_load_si256(reinterpret_cast<const __m256i*>(in + j)));
  }
#else
  for (int j = 0; j < kLine; j += 16) {
    _mm_stream_si128(reinterpret_cast<__m128i*>(out + j),
                     _mm_load_si128(reinterpret_cast<const __m128i*>(in + j)));
  }
#endif
}

// Makes streamed lines visible to whoever synchronizes with this thread.
inline void stream_fence() { _mm_sfence(); }
#else
constexpr bool kHasStreams = false;
inline void stream_line(void* to, const void* from) { std::memcpy(to, from, kLine); }
inline void stream_fence() {}
#endif

// Writes a job's results run by run, streamed line by line. Runs are not aligned: a line that two
// runs share is collected first.
template <class Job>
class Writer {
 public:
  Writer(const Job& job, bool streams) : job_(job), streams_(streams && kHasStreams) {}
  ~Writer() {
    if (!streams_) return;
    finish();
    stream_fence();
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Maps `length` elements of channel c from element `at` on.
  void run(int64_t c, int64_t at, int64_t length) {
    const auto channel = job_.channel(c);
    if (!streams_) {
      job_.map(channel, at, length, job_.out(at));
      return;
    }
    write(channel, at, length, 0, [](int64_t) {});
  }

  bool streams() const { return streams_; }

  // As run, streamed, and between the lines, so that reading and writing go on side by side, calls
  // `beside(i)` for i = 0, 1, ... below `most`. Returns how often it was called.
  template <class Beside>
  int64_t run_beside(int64_t c, int64_t at, int64_t length, int64_t most, const Beside& beside) {
    return write(job_.channel(c), at, length, most, beside);
  }

  // As run, for `width` channels of one position from channel c on.
  void columns(int64_t c, int64_t at, int64_t width) {
    const auto columns = job_.columns(c);
    if (!streams_) {
      job_.map(columns, at, width, job_.out(at));
      return;
    }
    write(columns, at, width, 0, [](int64_t) {});
  }

 private:
  using T = typename Job::Element;
  static constexpr int kPerLine = kLine / static_cast<int>(sizeof(T));
  static constexpr int64_t kAhead = 2048 / static_cast<int64_t>(sizeof(T));

  template <class Coefficients, class Beside>
  int64_t write(Coefficients coefficients, int64_t at, int64_t length, int64_t most,
                const Beside& beside) {
    if (at != next_) begin(at);
    next_ = at + length;
    if (fill_ > 0) {
      const int64_t part = length < kPerLine - fill_ ? length : kPerLine - fill_;
      job_.map_part(coefficients, at, part, line_ + fill_);
      fill_ += part;
      at += part;
      length -= part;
      coefficients = coefficients.after(part);
      if (fill_ == kPerLine) end_line();
    }
    T* to = job_.out(at);
    int64_t calls = 0;
    for (; calls < most && length >= kLanes; length -= kLanes, at += kLanes, calls++) {
      beside(calls);
      for (int line = 0; line < kLanes; line += kPerLine, to += kPerLine) {
        put_line(coefficients, at + line, to);
        coefficients = coefficients.after(kPerLine);
      }
    }
    for (; length >= kPerLine; length -= kPerLine, at += kPerLine, to += kPerLine) {
      job_.fetch(at + kAhead);
      put_line(coefficients, at, to);
      coefficients = coefficients.after(kPerLine);
    }
    if (length > 0) {
      job_.map_part(coefficients, at, length, line_ + fill_);
      to_ = to;
      fill_ += length;
    }
    return calls;
  }

  template <class Coefficients>
  void put_line(const Coefficients& coefficients, int64_t at, T* to) {
    alignas(64) T line[kPerLine];
    job_.map_line(coefficients, at, line);
    stream_line(to, line);
  }

  // Begins at element `at`, whose line may hold elements before it.
  void begin(int64_t at) {
    finish();
    T* const to = job_.out(at);
    skip_ = static_cast<int64_t>(reinterpret_cast<uintptr_t>(to) % kLine / sizeof(T));
    to_ = to - skip_;
    fill_ = skip_;
  }

  // Writes the collected line, which is full.
  void end_line() {
    if (skip_ > 0) {
      finish();
    } else {
      stream_line(to_, line_);
      fill_ = 0;
    }
  }

  // Writes what was collected, to the element.
  void finish() {
    for (int64_t i = skip_; i < fill_; i++) to_[i] = line_[i];
    fill_ = skip_ = 0;
  }

  const Job& job_;
  const bool streams_;
  alignas(64) T line_[2 * kPerLine];  // map_part writes a whole line from any place on
  T* to_ = nullptr;                   // where line_[0] goes
  int64_t skip_ = 0;                  // elements of the line that are not ours
  int64_t fill_ = 0;                  // elements collected, those skipped included
  int64_t next_ = -1;                 // the element that would go on
};

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_WRITER_HPP
