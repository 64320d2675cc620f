// The units that this build has, one for each instruction set.
#ifndef JBATCHNORM_SRC_UNITS_HPP
#define JBATCHNORM_SRC_UNITS_HPP

#include "kernel.hpp"

namespace jbn {

#if defined(__x86_64__) || defined(_M_X64)
namespace sse2 {
extern const Kernel kKernel;
}
namespace avx2 {
extern const Kernel kKernel;
}
namespace avx512 {
extern const Kernel kKernel;
}
#elif defined(__aarch64__)
namespace neon {
extern const Kernel kKernel;
}
namespace sve {
extern const Kernel kKernel;
}
#endif

}  // namespace jbn

#endif  // JBATCHNORM_SRC_UNITS_HPP
