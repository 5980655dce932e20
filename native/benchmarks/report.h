// Shared by the parts of the benchmark: clocks, distributions of call times, the report.
#pragma once

#include <string>
#include <vector>

#include "koemorph.h"

namespace koemorph::benchmark {

// Ends the program with a message.
[[noreturn]] void fail(const std::string& message);
// The same for a failed call.
void check(koemorph_result result);

// Time since construction: wall-clock time, and the CPU time of this thread (wall-clock time where
// the system does not report it).
class Stopwatch {
 public:
  Stopwatch();
  double micros() const;
  double processor_micros() const;

 private:
  double wall_, processor_;
};

// Printed at the end as JSON, one member per line.
class Report {
 public:
#if defined(__GNUC__)
  __attribute__((format(printf, 2, 3)))
#endif
  void
  add(const char* format, ...);
  void print() const;

 private:
  std::vector<std::string> lines_;
};

// Distribution of the times of one kind of call, in microseconds.
class Times {
 public:
  void reserve(size_t count) { values_.reserve(count); }
  void add(double micros) { values_.push_back(micros); }
  double total() const;
  void report(const char* name, Report* report);

 private:
  std::vector<double> values_;
};

struct Recording {
  std::vector<float> samples;
  int rate;
  double seconds() const { return static_cast<double>(samples.size()) / rate; }
};

// A stream with the settings of the benchmark; the caller destroys it.
koemorph_stream* create_stream(const koemorph_model* model, int rate);

}  // namespace koemorph::benchmark
