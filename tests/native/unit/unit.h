// Minimal unit tests: a file NAME.cc has one KOEMORPH_TESTS(NAME) and checks with EXPECT.
#pragma once

#include <cmath>
#include <string>
#include <vector>

namespace koemorph::unit {

using Test = void (*)();

// Registers the tests of a file at start-up.
struct Registration {
  Registration(const char* name, Test test);
};

void expect(bool condition, const char* text, const char* file, int line);

inline bool near(double a, double b, double tolerance) { return std::abs(a - b) <= tolerance; }

// `count` samples of a sine at `hz`.
std::vector<float> sine(double hz, int sample_rate, int count, float amplitude = 0.5f);

}  // namespace koemorph::unit

#define KOEMORPH_TESTS(name)                                                           \
  static void name##_tests();                                                          \
  static const koemorph::unit::Registration name##_registration(#name, &name##_tests); \
  static void name##_tests()
#define EXPECT(condition) koemorph::unit::expect((condition), #condition, __FILE__, __LINE__)
