#include "platform/dispatch.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#include "platform/units.hpp"

namespace jbn {
namespace {

struct Entry {
  jbn_isa isa;
  const Kernel* kernel;
  const Arrays* arrays;
};

#if defined(__x86_64__)

// Asked here, since not every compiler's __builtin_cpu_supports knows it (clang 14).
bool has_f16c() {
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C) != 0;
}

bool has(jbn_isa isa) {
  __builtin_cpu_init();
  switch (isa) {
    case JBN_ISA_AVX512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl");
    case JBN_ISA_AVX2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c() &&
             __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    default:
      return isa == JBN_ISA_SSE2;
  }
}

// Best first.
const Entry kEntries[] = {{JBN_ISA_AVX512, &avx512::kKernel, &avx512::kArrays},
                          {JBN_ISA_AVX2, &avx2::kKernel, &avx2::kArrays},
                          {JBN_ISA_SSE2, &sse2::kKernel, &sse2::kArrays}};

#elif defined(__aarch64__)

bool has(jbn_isa isa) {
#if defined(__linux__)
  constexpr unsigned long kHwcapSve = 1UL << 22;
  if (isa == JBN_ISA_SVE) return (getauxval(AT_HWCAP) & kHwcapSve) != 0;
#endif
  return isa == JBN_ISA_NEON;
}

const Entry kEntries[] = {{JBN_ISA_SVE, &sve::kKernel, &sve::kArrays},
                          {JBN_ISA_NEON, &neon::kKernel, &neon::kArrays}};

#else
#error "jbatchnorm: add a unit for this processor (CONTRIBUTING.md, Adding an instruction set)"
#endif

}  // namespace

jbn_isa best_isa() {
  static const jbn_isa best = [] {
    for (const Entry& entry : kEntries) {
      if (has(entry.isa)) return entry.isa;
    }
    return JBN_ISA_BEST;  // not reached: the last entry is the processor's base
  }();
  return best;
}

namespace {

const Entry* entry_for(int isa) {
  const int wanted = isa == JBN_ISA_BEST ? best_isa() : isa;
  for (const Entry& entry : kEntries) {
    if (entry.isa == wanted) return wanted == best_isa() || has(entry.isa) ? &entry : nullptr;
  }
  return nullptr;
}

}  // namespace

const Kernel* kernel_for(int isa) {
  const Entry* const entry = entry_for(isa);
  return entry ? entry->kernel : nullptr;
}

const Arrays* arrays_for(int isa) {
  const Entry* const entry = entry_for(isa);
  return entry ? entry->arrays : nullptr;
}

}  // namespace jbn
