#include "job.hpp"

#include <algorithm>
#include <cstring>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "jbatchnorm/jbatchnorm.h"

namespace fuzz {
namespace {

constexpr unsigned kPlainSettings = 0x1f80;
// Flushed denormals, and each way to round.
constexpr unsigned kSettings[] = {kPlainSettings, 0x9fc0, 0x3f80, 0x5f80, 0x7f80};
constexpr unsigned kFlags = 0x3f;

// The caller's floating-point settings, for a scope; fails where a call has not put them back.
class Settings {
 public:
  explicit Settings(unsigned settings) : settings_(settings) { set(settings); }
  void end(const char* call) {
    const unsigned now = get();
    set(kPlainSettings);
    if ((now & ~kFlags) != settings_)
      fail("%s: the caller's floating-point settings changed", call);
  }

 private:
#if defined(__x86_64__)
  static unsigned get() { return _mm_getcsr(); }
  static void set(unsigned value) { _mm_setcsr(value); }
#else
  static unsigned get() { return kPlainSettings; }
  static void set(unsigned) {}
#endif
  const unsigned settings_;
};

}  // namespace

std::vector<Way> ways(Bytes* bytes) {
  constexpr int64_t kCaches[] = {0, 1, int64_t{1} << 40};
  std::vector<int> sets;
  for (int isa = JBN_ISA_SSE2; isa <= JBN_ISA_SVE; isa++) {
    if (jbn_has_isa(isa)) sets.push_back(isa);
  }
  std::vector<Way> all = {{sets[0], 1, int64_t{1} << 40, kPlainSettings, true}};
  for (const int isa : sets) {
#if defined(__x86_64__)
    const unsigned settings = kSettings[bytes->rarely(4) ? bytes->below(5) : 0];
#else
    const unsigned settings = kPlainSettings;
#endif
    all.push_back({isa, 1 + bytes->below(4), bytes->any(kCaches), settings, bytes->flag()});
  }
  return all;
}

size_t Job::bytes(int argument) const {
  const Argument& a = arguments_[static_cast<size_t>(argument)];
  return a.role == kScratch ? a.count : a.count * bytes_of(a.dtype);
}

int Job::add(const Argument& argument) {
  arguments_.push_back(argument);
  const int number = static_cast<int>(arguments_.size()) - 1;
  Argument& a = arguments_.back();
  if (a.place < 0) a.place = number;
  if (a.alignment == 0) a.alignment = bytes_of(a.dtype);
  return number;
}

int Job::input(int dtype, size_t count, Kind kind, uint64_t seed, size_t alignment) {
  std::vector<char> contents(count * bytes_of(dtype));
  fuzz::fill(dtype, kind, seed, count, contents.data());
  return add({dtype, count, alignment, kInput, -1, contents, nullptr});
}

int Job::changed(int dtype, size_t count, Kind kind, uint64_t seed) {
  const int number = input(dtype, count, kind, seed);
  arguments_.back().role = kChanged;
  return number;
}

int Job::output(int dtype, size_t count, size_t alignment) {
  return add({dtype, count, alignment, kOutput, -1, {}, nullptr});
}

int Job::over(int input) {
  const Argument a = arguments_[static_cast<size_t>(input)];
  return add({a.dtype, a.count, a.alignment, kOutput, input, {}, nullptr});
}

int Job::scratch(size_t bytes) { return add({0, bytes, 64, kScratch, -1, {}, nullptr}); }

void Job::lay(bool at_end, char fill) {
  fill_ = fill;
  memory_->reset();
  for (size_t i = 0; i < arguments_.size(); i++) {
    Argument& a = arguments_[i];
    const int number = static_cast<int>(i);
    a.at = a.place == number ? memory_->take(bytes(number), a.alignment, at_end) : at(a.place);
    if (a.place != number || a.role == kScratch) continue;
    if (a.contents.empty()) {
      std::memset(a.at, fill, bytes(number));
    } else {
      std::memcpy(a.at, a.contents.data(), a.contents.size());
    }
  }
}

void Job::check(const char* call) const {
  memory_->check();
  for (size_t i = 0; i < arguments_.size(); i++) {
    const Argument& a = arguments_[i];
    bool written = a.role != kInput;
    for (const Argument& b : arguments_) {
      written = written || (b.role == kOutput && b.place == static_cast<int>(i));
    }
    if (!written && !a.contents.empty() &&
        std::memcmp(a.at, a.contents.data(), a.contents.size()) != 0) {
      fail("%s: argument %d, an input, was written", call, static_cast<int>(i));
    }
  }
}

void Job::check_untouched(const char* call) const {
  memory_->check();
  for (size_t i = 0; i < arguments_.size(); i++) {
    const Argument& a = arguments_[i];
    if (a.place != static_cast<int>(i) || a.role == kScratch) continue;
    const char* const end = a.at + bytes(static_cast<int>(i));
    const char* const from = a.at;
    const bool same = a.contents.empty() ? std::count(from, end, fill_) == end - from
                                         : std::equal(from, end, a.contents.begin());
    if (!same) fail("%s: refused, but argument %d was written", call, static_cast<int>(i));
  }
}

std::vector<char> Job::results() const {
  std::vector<char> all;
  for (const Argument& a : arguments_) {
    if (a.role == kOutput || a.role == kChanged) {
      all.insert(all.end(), a.at, a.at + a.count * bytes_of(a.dtype));
    }
  }
  return all;
}

void Job::compare(const char* name, const Way& way, const std::vector<char>& expected) const {
  const char* from = expected.data();
  for (size_t i = 0; i < arguments_.size(); i++) {
    const Argument& a = arguments_[i];
    if (a.role != kOutput && a.role != kChanged) continue;
    const size_t at = first_difference(a.dtype, from, a.at, a.count);
    if (at < a.count) {
      fail(
          "%s: element %zu of argument %d is %.17g, not %.17g, with isa %s, %d threads, cache "
          "%lld, "
          "settings %x",
          name, at, static_cast<int>(i), value_of(a.dtype, a.at, at), value_of(a.dtype, from, at),
          jbn_isa_name(way.isa), way.threads, static_cast<long long>(way.cache),
          way.float_settings);
    }
    from += a.count * bytes_of(a.dtype);
  }
}

void Job::run(const char* name, const std::vector<Way>& ways, int expected,
              const std::function<int(const Way&)>& call) {
  std::vector<char> first;
  for (size_t i = 0; i < ways.size(); i++) {
    const Way& way = ways[i];
    lay(way.at_end, static_cast<char>(i % 2 == 0 ? 0x55 : 0xaa));
    if (jbn_set_shared_cache(way.cache) != JBN_OK) fail("the cache's size was refused");
    Settings settings(way.float_settings);
    const int status = call(way);
    settings.end(name);
    if (status != expected) {
      fail("%s: status %d (%s), not %d", name, status, jbn_status_text(status), expected);
    }
    if (expected != JBN_OK) {
      check_untouched(name);
      continue;
    }
    check(name);
    if (i == 0) {
      first = results();
    } else {
      compare(name, way, first);
    }
  }
}

}  // namespace fuzz
