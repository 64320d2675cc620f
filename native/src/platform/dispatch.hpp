// Which instruction sets this machine has, and the kernel compiled for each.
#ifndef JBATCHNORM_SRC_DISPATCH_HPP
#define JBATCHNORM_SRC_DISPATCH_HPP

#include "arrays/arrays.hpp"
#include "batchnorm/kernel.hpp"
#include "jbatchnorm/jbatchnorm.h"

namespace jbn {

// The best instruction set here; never JBN_ISA_BEST.
jbn_isa best_isa();

// The kernel for an instruction set, or null where this machine or this build has not got it.
const Kernel* kernel_for(int isa);

// The operations on arrays for an instruction set, or null as for kernel_for.
const Arrays* arrays_for(int isa);

}  // namespace jbn

#endif  // JBATCHNORM_SRC_DISPATCH_HPP
