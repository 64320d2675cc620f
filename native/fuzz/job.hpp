// The arguments of a call: laid between guards, given to the library in several ways, and what comes
// back compared bit by bit.
#ifndef JBATCHNORM_FUZZ_JOB_HPP
#define JBATCHNORM_FUZZ_JOB_HPP

#include <cstdint>
#include <functional>
#include <vector>

#include "bytes.hpp"
#include "data.hpp"
#include "memory.hpp"

namespace fuzz {

// One way to run a call. None of it may change a bit.
struct Way {
  int isa, threads;
  int64_t cache;            // what the library takes the last-level cache for
  unsigned float_settings;  // of the caller: of x86's MXCSR, which rounding and denormals
  bool at_end;              // where blocks are laid
};

// The plainest way, then some that `bytes` choose: each instruction set here, 1 to 4 threads.
std::vector<Way> ways(Bytes* bytes);

class Job {
 public:
  explicit Job(Memory* memory) : memory_(memory) {}

  // Each returns the argument's number.
  int input(int dtype, size_t count, Kind kind, uint64_t seed, size_t alignment = 0);
  int output(int dtype, size_t count, size_t alignment = 0);
  // An input that the call changes.
  int changed(int dtype, size_t count, Kind kind, uint64_t seed);
  // An output at the very address of an input.
  int over(int input);
  // Memory whose contents do not matter before or after, only that nothing around it is touched.
  int scratch(size_t bytes);

  char* at(int argument) const { return arguments_[static_cast<size_t>(argument)].at; }
  size_t bytes(int argument) const;
  int dtype(int argument) const { return arguments_[static_cast<size_t>(argument)].dtype; }
  std::vector<char>& contents(int argument) {
    return arguments_[static_cast<size_t>(argument)].contents;
  }

  // Lays the arguments down and fills them; outputs with a byte that no result is meant to keep.
  void lay(bool at_end, char fill);
  // Fails where memory around the arguments, or an input, has changed.
  void check(const char* call) const;
  // Fails where anything at all has changed.
  void check_untouched(const char* call) const;
  // Runs a call in all ways; `call` is told the way once the arguments lie. Fails where results
  // differ, or a status is not `expected`.
  void run(const char* name, const std::vector<Way>& ways, int expected,
           const std::function<int(const Way&)>& call);
  // The results, as they lie.
  std::vector<char> results() const;

 private:
  enum Role { kInput, kOutput, kChanged, kScratch };
  struct Argument {
    int dtype;
    size_t count, alignment;
    Role role;
    int place;  // of this argument's block: its own, or that of the input that it is over
    std::vector<char> contents;
    char* at;
  };

  int add(const Argument& argument);
  void compare(const char* name, const Way& way, const std::vector<char>& expected) const;

  Memory* const memory_;
  std::vector<Argument> arguments_;
  char fill_ = 0;
};

}  // namespace fuzz

#endif  // JBATCHNORM_FUZZ_JOB_HPP
