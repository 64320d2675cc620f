// The fields of a call of jbn_array, in a block of their own.
#ifndef JBATCHNORM_FUZZ_FIELDS_HPP
#define JBATCHNORM_FUZZ_FIELDS_HPP

#include <cstring>
#include <vector>

#include "abi/arrays.h"
#include "job.hpp"

namespace fuzz {

class Fields {
 public:
  explicit Fields(Memory* memory) : memory_(*memory) {}

  Fields& integer(int64_t value) {
    words_.push_back({value, -1, 0});
    return *this;
  }
  Fields& number(double value) {
    int64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return integer(bits);
  }
  Fields& integers(const std::vector<int64_t>& values) {
    for (const int64_t value : values) integer(value);
    return *this;
  }
  // The address of an argument, so many elements in.
  Fields& address(int argument, int64_t from = 0) {
    words_.push_back({0, argument, from});
    return *this;
  }

  int call(int which, const Job& job, const Way& way) {
    std::vector<int64_t> image;
    for (const Word& word : words_)
      image.push_back(word.argument < 0 ? word.value : address(job, word));
    memory_.reset();
    const size_t bytes = image.size() * sizeof(int64_t);
    char* const at = memory_.take(bytes, sizeof(int64_t), true);
    std::memcpy(at, image.data(), bytes);
    const int status =
        jbn_array(which, reinterpret_cast<const int64_t*>(at), JBN_EXEC(way.threads, way.isa));
    memory_.check();
    if (std::memcmp(at, image.data(), bytes) != 0) fail("a call wrote its fields");
    return status;
  }

 private:
  struct Word {
    int64_t value;
    int argument;
    int64_t from;
  };
  static int64_t address(const Job& job, const Word& word) {
    const int64_t element = static_cast<int64_t>(bytes_of(job.dtype(word.argument)));
    return static_cast<int64_t>(reinterpret_cast<intptr_t>(job.at(word.argument))) +
           word.from * element;
  }

  Memory& memory_;
  std::vector<Word> words_;
};

// What a target of arrays works with.
struct Setup {
  Bytes& bytes;
  Memory& memory;
  Memory& of_fields;
  int dtype;
  Kind kind;
};

// One call each.
void zip(const Setup& setup);
void sum(const Setup& setup);
void product(const Setup& setup);
void convolution(const Setup& setup);
void pooling(const Setup& setup);
void log_softmax(const Setup& setup);
void update(const Setup& setup);

// A product as a BLAS would be asked for it, or 0 for the library's own; both give the same bits.
int64_t some_gemm(const Setup& setup);

}  // namespace fuzz

#endif  // JBATCHNORM_FUZZ_FIELDS_HPP
