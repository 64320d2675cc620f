#include "report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace bench {

namespace {

double best(const std::map<std::string, double>& seconds, const std::string& what) {
  const auto past = seconds.find(what + " past caches");
  const double plain = seconds.at(what);
  return past == seconds.end() ? plain : std::min(plain, past->second);
}

// Other libraries and variants of the call: measured beside, "name operation".
bool is_beside(const std::string& name, const std::string& operation) {
  const std::string end = " " + operation;
  return name.size() > end.size() && name.compare(name.size() - end.size(), end.size(), end) == 0;
}

double geometric_mean(const std::vector<double>& values) {
  double sum = 0;
  for (double value : values) sum += std::log(value);
  return std::exp(sum / static_cast<double>(values.size()));
}

}  // namespace

double Measured::copy() const { return best(seconds, "copy"); }
double Measured::triad() const { return best(seconds, "triad"); }

double Measured::limit(const std::string& operation) const {
  return operation == "backward" ? triad() : copy();
}

double Measured::traffic(const std::string& operation) const {
  if (operation == "forward") return copy() + seconds.at("read");
  if (operation == "backward") return triad() + 2 * seconds.at("read");
  return copy();
}

int64_t Measured::moved(const std::string& operation) const {
  return (operation == "backward" ? 3 : 2) * bytes;
}

const std::vector<std::string>& operations() {
  static const std::vector<std::string> all = {"forward", "backward", "inference"};
  return all;
}

void print_heading(const Setting& setting) {
  std::printf("%s %s, %d threads, isa %s, %s caches, medians of %d rounds\n", setting.dtype.c_str(),
              setting.layout.c_str(), setting.threads, setting.isa.c_str(),
              setting.cold ? "cold" : "warm", setting.rounds);
  std::printf("%-20s %-10s %11s %8s %7s %8s   %s\n", "shape", "operation", "us", "GB/s", "of copy",
              "traffic", "others' time over this");
}

void print(const Measured& measured) {
  std::printf("%s: %s\n", measured.shape.name.c_str(), measured.plan.c_str());
  for (const std::string& operation : operations()) {
    const double seconds = measured.seconds.at(operation);
    std::printf("%-20s %-10s %11.2f %8.1f %7.2f %8.2f  ", measured.shape.name.c_str(),
                operation.c_str(), seconds * 1e6,
                static_cast<double>(measured.moved(operation)) / seconds * 1e-9,
                measured.limit(operation) / seconds, measured.traffic(operation) / seconds);
    for (const auto& [name, time] : measured.seconds) {
      if (is_beside(name, operation)) {
        const size_t length = name.size() - operation.size() - 1;
        std::printf("  %s %.2f", name.substr(0, length).c_str(), time / seconds);
      }
    }
    std::printf("\n");
  }
  std::fflush(stdout);
}

void print_means(const std::vector<Measured>& all) {
  if (all.size() < 2) return;
  for (const std::string& operation : operations()) {
    std::vector<double> copy, traffic;
    for (const Measured& one : all) {
      copy.push_back(one.limit(operation) / one.seconds.at(operation));
      traffic.push_back(one.traffic(operation) / one.seconds.at(operation));
    }
    std::printf("%-20s %-10s %11s %8s %7.2f %8.2f   worst %.2f %.2f\n", "geometric mean",
                operation.c_str(), "", "", geometric_mean(copy), geometric_mean(traffic),
                *std::min_element(copy.begin(), copy.end()),
                *std::min_element(traffic.begin(), traffic.end()));
  }
}

void write_json(const std::string& file, const Setting& setting, const std::vector<Measured>& all) {
  nlohmann::ordered_json document = {{"dtype", setting.dtype},   {"layout", setting.layout},
                                     {"isa", setting.isa},       {"threads", setting.threads},
                                     {"rounds", setting.rounds}, {"cold", setting.cold}};
  for (const Measured& one : all) {
    nlohmann::ordered_json shape = {
        {"shape", one.shape.name}, {"bytes", one.bytes}, {"seconds", one.seconds}};
    for (const std::string& operation : operations()) {
      const double seconds = one.seconds.at(operation);
      shape[operation] = {
          {"gigabytes_per_second", static_cast<double>(one.moved(operation)) / seconds * 1e-9},
          {"of_copy_limit", one.limit(operation) / seconds},
          {"of_traffic_limit", one.traffic(operation) / seconds}};
    }
    document["shapes"].push_back(shape);
  }
  std::ofstream out(file);
  out << document.dump(2) << "\n";
  if (!out.flush()) throw std::runtime_error("cannot write " + file);
}

// GB/s of each operation and of the copy limit, over the size of x.
void write_chart(const std::string& file, const Setting& setting,
                 const std::vector<Measured>& all) {
  std::FILE* gnuplot = popen("gnuplot", "w");
  if (!gnuplot) throw std::runtime_error("gnuplot does not run (Debian: gnuplot-nox)");
  std::vector<Measured> sorted = all;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Measured& a, const Measured& b) { return a.bytes < b.bytes; });
  std::fprintf(gnuplot,
               "set terminal svg size 900,500 font 'sans,13' background 'white'\nset output '%s'\n"
               "set title '%s %s, %d threads, %s: memory moved per second, each array once'\n"
               "set logscale x 2\nset format x '%%.0b %%BB'\nset xlabel 'size of x'\n"
               "set ylabel 'GB/s'\nset yrange [0:*]\nset grid\nset key top left\n$data << EOD\n",
               file.c_str(), setting.dtype.c_str(), setting.layout.c_str(), setting.threads,
               setting.cold ? "data in memory" : "data where it was left");
  for (const Measured& one : sorted) {
    const auto rate = [&one](double seconds, const std::string& operation) {
      return static_cast<double>(one.moved(operation)) / seconds * 1e-9;
    };
    std::fprintf(gnuplot, "%lld %g", static_cast<long long>(one.bytes),
                 rate(one.copy(), "forward"));
    for (const std::string& operation : operations()) {
      std::fprintf(gnuplot, " %g", rate(one.seconds.at(operation), operation));
    }
    std::fprintf(gnuplot, "\n");
  }
  std::fprintf(
      gnuplot,
      "EOD\nplot $data using 1:2 with linespoints lw 3 lc rgb 'gray40' title 'copy limit', "
      "$data using 1:3 with linespoints lw 2 title 'forward', "
      "$data using 1:4 with linespoints lw 2 title 'backward', "
      "$data using 1:5 with linespoints lw 2 title 'inference'\n");
  if (pclose(gnuplot) != 0) throw std::runtime_error("gnuplot failed (Debian: gnuplot-nox)");
}

}  // namespace bench
