// unit_test [NAME ...]: runs the tests of the files NAME.cc, or all.
#include <cstdio>
#include <cstring>
#include <map>

#include "unit.h"

namespace koemorph::unit {
namespace {

int failures = 0;

std::map<std::string, Test>& tests() {
  static std::map<std::string, Test> registered;
  return registered;
}

}  // namespace

Registration::Registration(const char* name, Test test) { tests().emplace(name, test); }

void expect(bool condition, const char* text, const char* file, int line) {
  if (condition) return;
  std::fprintf(stderr, "%s:%d: %s\n", file, line, text);
  ++failures;
}

std::vector<float> sine(double hz, int sample_rate, int count, float amplitude) {
  std::vector<float> samples(count);
  for (int i = 0; i < count; ++i) {
    samples[i] = amplitude * static_cast<float>(std::sin(6.283185307179586 * hz * i / sample_rate));
  }
  return samples;
}

int run(int argc, char** argv) {
  if (argc < 2) {
    for (const auto& [name, test] : tests()) test();
  }
  for (int i = 1; i < argc; ++i) {
    const auto test = tests().find(argv[i]);
    if (test == tests().end()) {
      std::fprintf(stderr, "no tests named %s\n", argv[i]);
      return 2;
    }
    test->second();
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace koemorph::unit

int main(int argc, char** argv) { return koemorph::unit::run(argc, argv); }
