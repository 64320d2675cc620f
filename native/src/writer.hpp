// Where results go: to memory, or past the caches (non-temporal stores), which spares reading the
// lines that are written and pays where the output is larger than the caches.
#ifndef JBATCHNORM_SRC_WRITER_HPP
#define JBATCHNORM_SRC_WRITER_HPP

#include <cstdint>
#include <cstring>
#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace jbn {
namespace JBN_NAMESPACE {

constexpr int64_t kLine = 64;  // bytes of a cache line

#if defined(__x86_64__) || defined(_M_X64)
constexpr bool kHasStreams = true;

// Writes whole, aligned lines past the caches.
inline void stream_lines(void* to, const void* from, int64_t lines) {
  char* out = static_cast<char*>(to);
  const char* in = static_cast<const char*>(from);
  for (int64_t i = 0; i < lines; i++, out += kLine, in += kLine) {
#if defined(__AVX512F__)
    _mm512_stream_si512(reinterpret_cast<__m512i*>(out), _mm512_load_si512(in));
#elif defined(__AVX__)
    for (int j = 0; j < 64; j += 32) {
      _mm256_stream_si256(reinterpret_cast<__m256i*>(out + j),
                          _mm256_load_si256(reinterpret_cast<const __m256i*>(in + j)));
    }
#else
    for (int j = 0; j < 64; j += 16) {
      _mm_stream_si128(reinterpret_cast<__m128i*>(out + j),
                       _mm_load_si128(reinterpret_cast<const __m128i*>(in + j)));
    }
#endif
  }
}

// Makes streamed lines visible to whoever synchronizes with this thread.
inline void stream_fence() { _mm_sfence(); }
#else
constexpr bool kHasStreams = false;
inline void stream_lines(void* to, const void* from, int64_t lines) {
  std::memcpy(to, from, static_cast<size_t>(lines * kLine));
}
inline void stream_fence() {}
#endif

// Writes a job's results run by run. Streamed results are collected in whole lines first: runs are
// not aligned.
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
    if (!streams_) {
      job_.map(c, at, length, job_.out(at));
      return;
    }
    if (at != next_) begin(at);
    while (length > 0) {
      const int64_t part = length < kCapacity - fill_ ? length : kCapacity - fill_;
      job_.map(c, at, part, lines_ + fill_);
      fill_ += part;
      at += part;
      length -= part;
      if (fill_ == kCapacity) flush();
    }
    next_ = at;
  }

  // As run, for `width` channels of one position from channel c on.
  void columns(int64_t c, int64_t at, int64_t width) {
    if (!streams_) {
      job_.map_columns(c, at, width, job_.out(at));
      return;
    }
    if (at != next_) begin(at);
    while (width > 0) {
      const int64_t part = width < kCapacity - fill_ ? width : kCapacity - fill_;
      job_.map_columns(c, at, part, lines_ + fill_);
      fill_ += part;
      at += part;
      c += part;
      width -= part;
      if (fill_ == kCapacity) flush();
    }
    next_ = at;
  }

 private:
  using T = typename Job::Element;
  static constexpr int64_t kPerLine = kLine / static_cast<int64_t>(sizeof(T));
  static constexpr int64_t kCapacity = 32 * kPerLine;

  // Begins at element `at`, whose line may hold elements before it.
  void begin(int64_t at) {
    finish();
    T* const to = job_.out(at);
    skip_ = static_cast<int64_t>(reinterpret_cast<uintptr_t>(to) % kLine / sizeof(T));
    to_ = to - skip_;
    fill_ = skip_;
  }

  // Writes the first `lines` lines of what was collected.
  void write(int64_t lines) {
    int64_t line = 0;
    if (skip_ > 0 && lines > 0) {
      for (int64_t i = skip_; i < kPerLine; i++) to_[i] = lines_[i];
      skip_ = 0;
      line = 1;
    }
    if (lines > line) {
      stream_lines(to_ + line * kPerLine, lines_ + line * kPerLine, lines - line);
    }
  }

  // Writes all lines, which are full.
  void flush() {
    write(kCapacity / kPerLine);
    to_ += kCapacity;
    fill_ = 0;
  }

  // Writes what was collected, to the element.
  void finish() {
    const int64_t lines = fill_ / kPerLine;
    write(lines);
    for (int64_t i = lines > 0 ? lines * kPerLine : skip_; i < fill_; i++) to_[i] = lines_[i];
    fill_ = skip_ = 0;
  }

  const Job& job_;
  const bool streams_;
  alignas(64) T lines_[kCapacity];
  T* to_ = nullptr;    // where lines_[0] goes
  int64_t skip_ = 0;   // elements of the first line that are not ours
  int64_t fill_ = 0;   // elements collected, those skipped included
  int64_t next_ = -1;  // the element that would go on
};

}  // namespace JBN_NAMESPACE
}  // namespace jbn

#endif  // JBATCHNORM_SRC_WRITER_HPP
