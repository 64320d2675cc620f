// What the units offer to jbn_array, and how a call reads its arguments.
#ifndef JBATCHNORM_SRC_ARRAYS_HPP
#define JBATCHNORM_SRC_ARRAYS_HPP

#include <cstdint>
#include <cstring>

namespace jbn {

// Fields of 8 bytes, read one after the other.
class Fields {
 public:
  explicit Fields(const int64_t* at) : at_(at) {}
  int64_t integer() { return *at_++; }
  bool flag() { return integer() != 0; }
  double number() {
    double value;
    std::memcpy(&value, at_++, sizeof value);
    return value;
  }
  template <class T>
  T* pointer() {
    return reinterpret_cast<T*>(static_cast<uintptr_t>(integer()));
  }
  const int64_t* integers(int64_t count) {
    const int64_t* const first = at_;
    at_ += count;
    return first;
  }

 private:
  const int64_t* at_;
};

struct Arrays {
  void (*run)(int call, Fields fields, int threads);
};

// Below this many elements a parallel region costs more than it saves.
constexpr int64_t kSerialElements = 1 << 14;

}  // namespace jbn

#endif  // JBATCHNORM_SRC_ARRAYS_HPP
