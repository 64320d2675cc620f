// The units that this build has, two for each instruction set: batch norm and arrays.
#ifndef JBATCHNORM_SRC_UNITS_HPP
#define JBATCHNORM_SRC_UNITS_HPP

#include "arrays/arrays.hpp"
#include "batchnorm/kernel.hpp"

namespace jbn {

#if defined(__x86_64__) || defined(_M_X64)
namespace sse2 {
extern const Kernel kKernel;
extern const Arrays kArrays;
}  // namespace sse2
namespace avx2 {
extern const Kernel kKernel;
extern const Arrays kArrays;
}  // namespace avx2
namespace avx512 {
extern const Kernel kKernel;
extern const Arrays kArrays;
}  // namespace avx512
#elif defined(__aarch64__)
namespace neon {
extern const Kernel kKernel;
extern const Arrays kArrays;
}  // namespace neon
namespace sve {
extern const Kernel kKernel;
extern const Arrays kArrays;
}  // namespace sve
#endif

}  // namespace jbn

#endif  // JBATCHNORM_SRC_UNITS_HPP
