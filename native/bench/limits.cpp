#include "limits.hpp"

#include <omp.h>
#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

namespace bench {

namespace {

// A vector of the processor's width.
#if defined(__AVX512F__)
typedef int64_t Line __attribute__((vector_size(64)));
#else
typedef int64_t Line __attribute__((vector_size(32)));
#endif

#if defined(__AVX512F__)
constexpr bool kPast = true;
void store_past(Line* to, Line value) {
  _mm512_stream_si512(reinterpret_cast<__m512i*>(to), reinterpret_cast<__m512i>(value));
}
void fence() { _mm_sfence(); }
#elif defined(__AVX2__)
constexpr bool kPast = true;
void store_past(Line* to, Line value) {
  _mm256_stream_si256(reinterpret_cast<__m256i*>(to), reinterpret_cast<__m256i>(value));
}
void fence() { _mm_sfence(); }
#else
constexpr bool kPast = false;
void store_past(Line* to, Line value) { *to = value; }
void fence() {}
#endif

struct Part {
  int64_t from, to;

  explicit Part(int64_t lines) {
    const int64_t threads = omp_get_num_threads(), thread = omp_get_thread_num();
    from = lines * thread / threads;
    to = lines * (thread + 1) / threads;
  }
};

int64_t lines_of(int64_t bytes) { return bytes / static_cast<int64_t>(sizeof(Line)); }

}  // namespace

void copy(void* to, const void* from, int64_t bytes, int threads, bool past) {
  Line* y = static_cast<Line*>(to);
  const Line* x = static_cast<const Line*>(from);
#pragma omp parallel num_threads(threads)
  {
    const Part part(lines_of(bytes));
    if (past) {
      for (int64_t i = part.from; i < part.to; i++) store_past(y + i, x[i]);
      fence();
    } else {
      for (int64_t i = part.from; i < part.to; i++) y[i] = x[i];
    }
  }
}

void triad(void* to, const void* a, const void* b, int64_t bytes, int threads, bool past) {
  Line* y = static_cast<Line*>(to);
  const Line* u = static_cast<const Line*>(a);
  const Line* v = static_cast<const Line*>(b);
#pragma omp parallel num_threads(threads)
  {
    const Part part(lines_of(bytes));
    if (past) {
      for (int64_t i = part.from; i < part.to; i++) store_past(y + i, u[i] + v[i]);
      fence();
    } else {
      for (int64_t i = part.from; i < part.to; i++) y[i] = u[i] + v[i];
    }
  }
}

int64_t read(const void* from, int64_t bytes, int threads) {
  const Line* x = static_cast<const Line*>(from);
  int64_t sum = 0;
#pragma omp parallel num_threads(threads) reduction(+ : sum)
  {
    const Part part(lines_of(bytes));
    Line a = {}, b = {}, c = {}, d = {};
    int64_t i = part.from;
    for (; i + 4 <= part.to; i += 4) {
      a += x[i];
      b += x[i + 1];
      c += x[i + 2];
      d += x[i + 3];
    }
    for (; i < part.to; i++) a += x[i];
    a += (b + c) + d;
    for (size_t j = 0; j < sizeof(Line) / sizeof(a[0]); j++) sum += a[j];
  }
  return sum;
}

bool has_stores_past_caches() { return kPast; }

}  // namespace bench
