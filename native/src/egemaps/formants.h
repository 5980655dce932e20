// Formants of one 20 ms frame by linear prediction at 11 kHz (order 11, autocorrelation method).
#pragma once

#include <array>
#include <complex>
#include <vector>

namespace koemorph {

struct Formants {
  static constexpr int kCount = 5;
  std::array<float, kCount> frequency{};  // Hz, ascending; 0 for missing ones
  std::array<float, kCount> bandwidth{};  // Hz
};

// Stateless except for scratch memory; analyze() does not allocate.
class FormantAnalyzer {
 public:
  static constexpr int kOrder = 11;

  FormantAnalyzer();

  // transform: of a 512-sample frame at 16 kHz (SpectrumAnalyzer::transform).
  Formants analyze(const std::complex<float>* transform);

 private:
  void resample(const std::complex<float>* transform);
  bool predict(std::array<double, kOrder>* coefficients) const;

  std::vector<float> resampled_;
};

}  // namespace koemorph
