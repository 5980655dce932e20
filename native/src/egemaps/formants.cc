#include "egemaps/formants.h"

#include <algorithm>
#include <cmath>

#include "util/math.h"
#include "util/multiversion.h"

namespace koemorph {
namespace {

constexpr double kResampledRate = 11000.0;
constexpr double kMinFormant = 50.0, kMaxFormant = 5450.0;  // Hz, of a formant

// 512 samples at 16 kHz are 352 at 11 kHz; the frame's 320 samples are 220. The resampled signal
// keeps the 110 lowest bins (3.4 kHz): half as many as it has samples.
constexpr int kGrid = 352, kSamples = 220, kKept = 110;
constexpr int kInner = 32, kOuter = kGrid / kInner;  // 352 = 32 * 11, see resample()
static_assert(kKept % kOuter == 0, "every sum of resample() has as many bins");

using Complex = std::complex<double>;
using Polynomial = std::array<double, FormantAnalyzer::kOrder + 1>;  // highest power first, monic
using Roots = std::array<Complex, FormantAnalyzer::kOrder>;

Complex multiply(Complex a, Complex b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

Complex divide(Complex a, Complex b) {
  const double scale = 1.0 / (b.real() * b.real() + b.imag() * b.imag());
  return {(a.real() * b.real() + a.imag() * b.imag()) * scale,
          (a.imag() * b.real() - a.real() * b.imag()) * scale};
}

// All roots by Aberth's iteration. One unused lane, for vectorization.
constexpr int kLanes = FormantAnalyzer::kOrder + 1;

struct Lanes {
  double real[kLanes] = {}, imaginary[kLanes] = {};
  Complex operator[](int i) const { return {real[i], imaginary[i]}; }
};

// Value and derivative of the polynomial at each point.
KOEMORPH_MULTIVERSION
void evaluate(const double* __restrict polynomial, const Lanes& at, Lanes* __restrict value,
              Lanes* __restrict slope) {
  double vr[kLanes], vi[kLanes] = {}, sr[kLanes] = {}, si[kLanes] = {};
  for (int i = 0; i < kLanes; ++i) vr[i] = polynomial[0];
  for (int k = 1; k < kLanes; ++k) {
    for (int i = 0; i < kLanes; ++i) {
      const double ar = at.real[i], ai = at.imaginary[i];
      const double slope_real = sr[i] * ar - si[i] * ai + vr[i];
      si[i] = sr[i] * ai + si[i] * ar + vi[i];
      sr[i] = slope_real;
      const double value_real = vr[i] * ar - vi[i] * ai + polynomial[k];
      vi[i] = vr[i] * ai + vi[i] * ar;
      vr[i] = value_real;
    }
  }
  std::copy_n(vr, kLanes, value->real);
  std::copy_n(vi, kLanes, value->imaginary);
  std::copy_n(sr, kLanes, slope->real);
  std::copy_n(si, kLanes, slope->imaginary);
}

// Sum of 1 / (root - r) over all other roots r.
KOEMORPH_MULTIVERSION
Complex repulsion_from(const Lanes& roots, Complex root) {
  double real[kLanes], imaginary[kLanes];
  for (int k = 0; k < kLanes; ++k) {
    const double gap_real = root.real() - roots.real[k];
    const double gap_imaginary = root.imag() - roots.imaginary[k];
    const double square = gap_real * gap_real + gap_imaginary * gap_imaginary;
    const double scale = 1.0 / (square > 0 ? square : 1.0);
    real[k] = gap_real * scale;
    imaginary[k] = -gap_imaginary * scale;
  }
  Complex sum = 0;
  for (int k = 0; k < FormantAnalyzer::kOrder; ++k) sum += Complex(real[k], imaginary[k]);
  return sum;
}

// Initial values on a circle, asymmetric to the real axis.
Roots find_roots(const Polynomial& polynomial) {
  constexpr int kOrder = FormantAnalyzer::kOrder;
  constexpr int kIterations = 60;
  constexpr double kTolerance = 1e-10;
  Lanes roots, value, slope;
  for (int i = 0; i < kOrder; ++i) {
    const Complex start = std::polar(0.9, 2.0 * kPi * i / kOrder + 0.4);
    roots.real[i] = start.real();
    roots.imaginary[i] = start.imag();
  }
  for (int iteration = 0; iteration < kIterations; ++iteration) {
    double largest_step = 0;
    evaluate(polynomial.data(), roots, &value, &slope);
    for (int i = 0; i < kOrder; ++i) {
      const Complex denominator = slope[i] - multiply(value[i], repulsion_from(roots, roots[i]));
      if (std::norm(denominator) < 1e-60) continue;
      const Complex step = divide(value[i], denominator);
      roots.real[i] -= step.real();
      roots.imaginary[i] -= step.imag();
      largest_step = std::max(largest_step, std::norm(step));
    }
    if (largest_step < kTolerance * kTolerance) break;
  }
  Roots found;
  for (int i = 0; i < kOrder; ++i) found[i] = roots[i];
  return found;
}

// Sum of `count` complex numbers, each multiplied by a root of unity and a factor.
KOEMORPH_MULTIVERSION
void add_products(const float* __restrict factor_real, const float* __restrict factor_imaginary,
                  const float* __restrict root_real, const float* __restrict root_imaginary,
                  int count, float* __restrict real) {
  for (int i = 0; i < count; ++i) {
    real[i] += factor_real[i] * root_real[i] - factor_imaginary[i] * root_imaginary[i];
  }
}

// The same with one factor, real and imaginary part.
KOEMORPH_MULTIVERSION
void add_products(std::complex<float> factor, const float* __restrict root_real,
                  const float* __restrict root_imaginary, int count, float* __restrict real,
                  float* __restrict imaginary) {
  const float a = factor.real(), b = factor.imag();
  for (int i = 0; i < count; ++i) {
    real[i] += a * root_real[i] - b * root_imaginary[i];
    imaginary[i] += a * root_imaginary[i] + b * root_real[i];
  }
}

// Sums of samples[n] * samples[n - lag], lags 0 to kOrder. reversed: the samples in
// reverse order, then zeros.
KOEMORPH_MULTIVERSION
void correlate(const double* __restrict samples, const double* __restrict reversed, int count,
               double* __restrict out) {
  double sums[kLanes] = {};
  for (int n = 0; n < count; ++n) {
    const double* delayed = reversed + (count - 1 - n);
    for (int lag = 0; lag < kLanes; ++lag) sums[lag] += samples[n] * delayed[lag];
  }
  std::copy_n(sums, kLanes, out);
}

// Roots of unity in the order of their use in FormantAnalyzer::resample: row by row, to the power
// of row times column. Shared by all streams.
template <int kRows, int kColumns, int kSize>
struct RootTable {
  RootTable() {
    for (int i = 0; i < kRows * kColumns; ++i) {
      const int index = (i / kColumns) * (i % kColumns) % kSize;
      const std::complex<float> root(std::polar(1.0, 2.0 * kPi * index / kSize));
      real[i] = root.real();
      imaginary[i] = root.imag();
    }
  }
  float real[kRows * kColumns], imaginary[kRows * kColumns];
};

}  // namespace

FormantAnalyzer::FormantAnalyzer() : resampled_(kSamples) {}

// Inverse transform of the kept bins on the 11 kHz grid: with bin k = 11 c + d, the sum over c has
// period 32 in n, so it is computed once per phase.
void FormantAnalyzer::resample(const std::complex<float>* transform) {
  static const RootTable<kKept / kOuter, kInner, kInner> inner;
  static const RootTable<kOuter, kSamples, kGrid> outer;
  float real[kOuter][kInner] = {}, imaginary[kOuter][kInner] = {};
  for (int d = 0; d < kOuter; ++d) {
    for (int c = 0; c < kKept / kOuter; ++c) {
      add_products(transform[kOuter * c + d], &inner.real[c * kInner], &inner.imaginary[c * kInner],
                   kInner, real[d], imaginary[d]);
    }
  }
  std::fill(resampled_.begin(), resampled_.end(), 0.0f);
  for (int n = 0; n < kSamples; n += kInner) {
    const int count = std::min(kInner, kSamples - n);
    for (int d = 0; d < kOuter; ++d) {
      const int root = d * kSamples + n;
      add_products(real[d], imaginary[d], &outer.real[root], &outer.imaginary[root], count,
                   &resampled_[n]);
    }
  }
}

// Levinson-Durbin; false when the frame has no energy.
bool FormantAnalyzer::predict(std::array<double, kOrder>* coefficients) const {
  std::array<double, kSamples> samples;
  std::array<double, kSamples + kOrder> reversed{};
  std::copy(resampled_.begin(), resampled_.end(), samples.begin());
  std::reverse_copy(samples.begin(), samples.end(), reversed.begin());
  std::array<double, kOrder + 1> correlation;
  correlate(samples.data(), reversed.data(), kSamples, correlation.data());
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

  // eGeMAPS takes the roots of 1 + sum a_k z^-k, where a_k are the predictor coefficients.
  Polynomial polynomial{1.0};
  std::copy(predictor.begin(), predictor.end(), polynomial.begin() + 1);
  struct Resonance {
    double frequency, bandwidth;
  };
  std::array<Resonance, kOrder> resonances;
  int count = 0;
  for (const Complex& root : find_roots(polynomial)) {
    const double frequency = std::arg(root) * kResampledRate / (2.0 * kPi);
    if (!(frequency > kMinFormant && frequency < kMaxFormant)) continue;
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
