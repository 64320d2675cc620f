// What was measured: the table, JSON, the chart.
#ifndef JBATCHNORM_BENCH_REPORT_HPP
#define JBATCHNORM_BENCH_REPORT_HPP

#include <map>
#include <string>
#include <vector>

#include "shapes.hpp"

namespace bench {

// How the harness was called.
struct Setting {
  std::string dtype, layout, isa;
  int threads;
  int rounds;
  bool cold;
  bool variants;
};

// Medians over the rounds of one shape, seconds a call.
struct Measured {
  Shape shape;
  int64_t bytes;                          // of x
  std::map<std::string, double> seconds;  // by name of what was measured
  std::string plan;                       // how forward goes over memory

  double copy() const;                                 // the best copy of x to y
  double triad() const;                                // the best triad of x and dy to dx
  double limit(const std::string& operation) const;    // the copy limit
  double traffic(const std::string& operation) const;  // the traffic limit
  int64_t moved(const std::string& operation) const;   // bytes, each array once
};

// The operations, in the order of the table.
const std::vector<std::string>& operations();

void print_heading(const Setting& setting);
void print(const Measured& measured);
void print_means(const std::vector<Measured>& all);
// Throw std::runtime_error where a file cannot be written, or gnuplot does not run.
void write_json(const std::string& file, const Setting& setting, const std::vector<Measured>& all);
void write_chart(const std::string& file, const Setting& setting, const std::vector<Measured>& all);

}  // namespace bench

#endif  // JBATCHNORM_BENCH_REPORT_HPP
