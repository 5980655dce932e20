#include "report.h"

#include <algorithm>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <numeric>

#include "process.h"

namespace koemorph::benchmark {
namespace {

double wall_micros() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::micro>(now).count();
}

double processor_micros_now() {
  const double seconds = thread_processor_seconds();
  return seconds < 0.0 ? wall_micros() : 1e6 * seconds;
}

}  // namespace

void fail(const std::string& message) {
  std::fprintf(stderr, "benchmark: %s\n", message.c_str());
  std::exit(2);
}

void check(koemorph_result result) {
  if (result < 0) fail(koemorph_error_message());
}

Stopwatch::Stopwatch() : wall_(wall_micros()), processor_(processor_micros_now()) {}
double Stopwatch::micros() const { return wall_micros() - wall_; }
double Stopwatch::processor_micros() const { return processor_micros_now() - processor_; }

void Report::add(const char* format, ...) {
  char line[256];
  va_list values;
  va_start(values, format);
  std::vsnprintf(line, sizeof line, format, values);
  va_end(values);
  lines_.emplace_back(line);
}

void Report::print() const {
  for (size_t i = 0; i < lines_.size(); ++i) {
    std::printf("%s  %s", i == 0 ? "{\n" : ",\n", lines_[i].c_str());
  }
  std::printf("\n}\n");
}

double Times::total() const { return std::accumulate(values_.begin(), values_.end(), 0.0); }

void Times::report(const char* name, Report* report) {
  std::sort(values_.begin(), values_.end());
  const auto at = [&](double quantile) {
    const double last = static_cast<double>(values_.size()) - 1.0;
    return values_.empty() ? 0.0 : values_[static_cast<size_t>(quantile * last)];
  };
  report->add("\"%s\": {\"p50\": %.3f, \"p99\": %.3f, \"max\": %.3f}", name, at(0.5), at(0.99),
              at(1.0));
}

koemorph_stream* create_stream(const koemorph_model* model, int rate) {
  koemorph_stream_config config;
  koemorph_stream_config_init(&config);
  config.sample_rate = rate;
  koemorph_stream* stream = nullptr;
  check(koemorph_stream_create(model, &config, &stream));
  return stream;
}

}  // namespace koemorph::benchmark
