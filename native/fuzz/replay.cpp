// Runs a target without libFuzzer: on the inputs of a corpus, a line of hexadecimal digits each, and
// on random ones from a seed. Says which input it was on where the process ends.
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "data.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

std::string current;  // digits of the input that runs

void say_which(int signal) {
  std::fprintf(stderr, "signal %d, input: %s\n", signal, current.c_str());
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

// Leaves a sanitizer its signals; it ends in SIGABRT with abort_on_error=1.
void watch() {
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    const auto before = std::signal(signal, say_which);
    if (before != SIG_DFL) std::signal(signal, before);
  }
}

std::string digits_of(const std::vector<uint8_t>& bytes) {
  std::string digits;
  char two[3];
  for (const uint8_t byte : bytes) {
    std::snprintf(two, sizeof two, "%02x", byte);
    digits += two;
  }
  return digits;
}

std::vector<uint8_t> bytes_of(const std::string& digits) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

void run(const std::vector<uint8_t>& bytes) {
  current = digits_of(bytes);
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s CORPUS RANDOM-INPUTS SEED\n", argv[0]);
    return 2;
  }
  watch();
  std::ifstream corpus(argv[1]);
  if (!corpus) {
    std::fprintf(stderr, "%s: not to be read\n", argv[1]);
    return 2;
  }
  long kept = 0;
  for (std::string line; std::getline(corpus, line); kept++) run(bytes_of(line));
  const long count = std::atol(argv[2]);
  fuzz::Random random(std::strtoull(argv[3], nullptr, 10));
  for (long i = 0; i < count; i++) {
    std::vector<uint8_t> bytes(16 + random.next() % 64);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.next());
    run(bytes);
  }
  std::printf("%s: %ld inputs kept, %ld random ones, nothing found\n", argv[1], kept, count);
  return 0;
}
