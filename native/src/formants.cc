#include "formants.h"

#include <algorithm>
#include <cmath>

namespace koemorph {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kResampledRate = 11000.0;
constexpr double kLowest = 50.0, kHighest = 5450.0;  // Hz, of a formant

// 512 samples at 16 kHz are 352 at 11 kHz; the frame's own 320 are 220. The resampled signal keeps
// the 110 lowest bins (3.4 kHz): half as many as it has samples.
constexpr int kGrid = 352, kSamples = 220, kKept = 110;
constexpr int kInner = 32, kOuter = kGrid / kInner;  // 352 = 32 * 11, see resample()

using Complex = std::complex<double>;
using Polynomial = std::array<double, FormantAnalyzer::kOrder + 1>;  // highest power first, monic
using Roots = std::array<Complex, FormantAnalyzer::kOrder>;

Complex times(Complex a, Complex b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

Complex over(Complex a, Complex b) {
  const double scale = 1.0 / (b.real() * b.real() + b.imag() * b.imag());
  return {(a.real() * b.real() + a.imag() * b.imag()) * scale,
          (a.imag() * b.real() - a.real() * b.imag()) * scale};
}

// All roots at once by Aberth's iteration, from points on a circle that favour no root.
Roots find_roots(const Polynomial& polynomial) {
  constexpr int kOrder = FormantAnalyzer::kOrder;
  constexpr int kIterations = 60;
  constexpr double kTolerance = 1e-10;
  Roots roots;
  for (int i = 0; i < kOrder; ++i) roots[i] = std::polar(0.9, 2.0 * kPi * i / kOrder + 0.4);
  for (int iteration = 0; iteration < kIterations; ++iteration) {
    double largest_step = 0;
    for (int i = 0; i < kOrder; ++i) {
      Complex value = polynomial[0], slope = 0;
      for (int k = 1; k <= kOrder; ++k) {
        slope = times(slope, roots[i]) + value;
        value = times(value, roots[i]) + polynomial[k];
      }
      Complex repulsion = 0;
      for (int k = 0; k < kOrder; ++k) {
        if (k == i) continue;
        const Complex gap = roots[i] - roots[k];
        if (std::norm(gap) > 0) repulsion += over(1.0, gap);
      }
      const Complex denominator = slope - times(value, repulsion);
      if (std::norm(denominator) < 1e-60) continue;
      const Complex step = over(value, denominator);
      roots[i] -= step;
      largest_step = std::max(largest_step, std::norm(step));
    }
    if (largest_step < kTolerance * kTolerance) break;
  }
  return roots;
}

}  // namespace

FormantAnalyzer::FormantAnalyzer()
    : inner_roots_(kInner), outer_roots_(kGrid), resampled_(kSamples) {
  for (int i = 0; i < kInner; ++i) {
    inner_roots_[i] = std::complex<float>(std::polar(1.0, 2.0 * kPi * i / kInner));
  }
  for (int i = 0; i < kGrid; ++i) {
    outer_roots_[i] = std::complex<float>(std::polar(1.0, 2.0 * kPi * i / kGrid));
  }
}

// Inverse transform of the kept bins on the 11 kHz grid: with bin k = 11 c + d, the sum over c has
// period 32 in n, so it is done once for each of the 32 phases.
void FormantAnalyzer::resample(const std::complex<float>* transform) {
  float inner_real[kOuter][kInner], inner_imaginary[kOuter][kInner];
  for (int d = 0; d < kOuter; ++d) {
    for (int phase = 0; phase < kInner; ++phase) {
      float real = 0, imaginary = 0;
      for (int c = 0; kOuter * c + d < kKept; ++c) {
        const std::complex<float> z = transform[kOuter * c + d];
        const std::complex<float> w = inner_roots_[(c * phase) % kInner];
        real += z.real() * w.real() - z.imag() * w.imag();
        imaginary += z.real() * w.imag() + z.imag() * w.real();
      }
      inner_real[d][phase] = real;
      inner_imaginary[d][phase] = imaginary;
    }
  }
  for (int n = 0; n < kSamples; ++n) {
    float sum = 0;
    for (int d = 0; d < kOuter; ++d) {
      const std::complex<float> w = outer_roots_[(d * n) % kGrid];
      sum += inner_real[d][n % kInner] * w.real() - inner_imaginary[d][n % kInner] * w.imag();
    }
    resampled_[n] = sum;
  }
}

// Levinson-Durbin; false when the frame has no energy.
bool FormantAnalyzer::predict(std::array<double, kOrder>* coefficients) const {
  std::array<double, kOrder + 1> correlation{};
  for (int lag = 0; lag <= kOrder; ++lag) {
    for (int n = lag; n < kSamples; ++n) {
      correlation[lag] += static_cast<double>(resampled_[n]) * resampled_[n - lag];
    }
  }
  double error = correlation[0];
  if (!(error > 0)) return false;
  auto& a = *coefficients;
  a.fill(0);
  for (int i = 0; i < kOrder; ++i) {
    double sum = correlation[i + 1];
    for (int k = 0; k < i; ++k) sum -= a[k] * correlation[i - k];
    const double reflection = sum / error;
    const auto previous = a;
    a[i] = reflection;
    for (int k = 0; k < i; ++k) a[k] = previous[k] - reflection * previous[i - 1 - k];
    error *= 1.0 - reflection * reflection;
    if (!(error > 0)) break;
  }
  return true;
}

Formants FormantAnalyzer::analyze(const std::complex<float>* transform) {
  Formants result;
  resample(transform);
  std::array<double, kOrder> predictor;
  if (!predict(&predictor)) return result;

  // The set's reference values come from the roots of 1 + sum a_k z^-k, a_k being the predictor.
  Polynomial polynomial{1.0};
  std::copy(predictor.begin(), predictor.end(), polynomial.begin() + 1);
  struct Resonance {
    double frequency, bandwidth;
  };
  std::array<Resonance, kOrder> resonances;
  int count = 0;
  for (const Complex& root : find_roots(polynomial)) {
    const double frequency = std::arg(root) * kResampledRate / (2.0 * kPi);
    if (!(frequency > kLowest && frequency < kHighest)) continue;
    const double bandwidth = std::abs(std::log(std::abs(root))) * kResampledRate / kPi;
    resonances[count++] = {frequency, bandwidth};
  }
  std::sort(resonances.begin(), resonances.begin() + count,
            [](const Resonance& a, const Resonance& b) { return a.frequency < b.frequency; });
  for (int i = 0; i < std::min(count, Formants::kCount); ++i) {
    result.frequency[i] = static_cast<float>(resonances[i].frequency);
    result.bandwidth[i] = static_cast<float>(resonances[i].bandwidth);
  }
  return result;
}

}  // namespace koemorph
