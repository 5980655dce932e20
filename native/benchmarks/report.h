// What the parts of the benchmark share: clocks, the distribution of a kind of call, the report.
#pragma once

#include <string>
#include <vector>

#include "koemorph.h"

namespace koemorph::benchmark {

// Ends the program with a sentence.
[[noreturn]] void fail(const std::string& sentence);
// The same for a call that failed.
void check(koemorph_result result);

// Runs from its making: by the wall, which other programs can hold up, and of the processor's time
// that this thread got (the wall's where the system does not tell).
class Stopwatch {
 public:
  Stopwatch();
  double micros() const;
  double processor_micros() const;

 private:
  double wall_, processor_;
};

// What is printed in the end as JSON: one member a line.
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

// The distribution of one kind of call, in microseconds.
class Times {
 public:
  void reserve(size_t count) { values_.reserve(count); }
  void add(double micros) { values_.push_back(micros); }
  double total() const;
  void report(const char* name, Report* report);

 private:
  std::vector<double> values_;
};

struct Voice {
  std::vector<float> samples;
  int rate;
  double seconds() const { return static_cast<double>(samples.size()) / rate; }
};

// A stream with the benchmark's settings; the caller destroys it.
koemorph_stream* create_stream(const koemorph_model* model, int rate);

}  // namespace koemorph::benchmark
