#include "egemaps/pitch.h"

#include <algorithm>
#include <cmath>

#include "util/dot.h"
#include "util/math.h"
#include "util/multiversion.h"

namespace koemorph {
namespace {

constexpr double kGaussSigma = 0.4;                             // of half the window
constexpr double kMinFrequency = 25.0, kMaxFrequency = 8000.0;  // Hz, of the logarithmic axis
constexpr double kMinPitch = 55.0, kMaxPitch = 1000.0;
constexpr int kHarmonics = 15;
constexpr float kCompression = 0.85f;  // weight of each harmonic relative to the one below
constexpr int kPeakReach = 2;          // bins to either side of a peak

// Auditory weighting: an arctangent in octaves about this frequency.
constexpr double kWeightCentre = 31.7922, kWeightSlope = 2.99415;

// Number of points between the fundamental and harmonic k. With 61.49 instead of 61.52 points per
// octave, the distances of three harmonics are rounded down, as in the reference.
int harmonic_distance(int harmonic) {
  constexpr double kPointsPerOctave = 61.49;
  return static_cast<int>(std::lround(std::log2(harmonic) * kPointsPerOctave));
}

// log2 of a bin's frequency over the bin width; bin 0 counts as half a bin.
double octave_of(int bin) { return std::log2(bin == 0 ? 0.5 : bin); }

struct Vertex {
  float offset, value;
};

// Maximum of the parabola through three values, the middle one being the highest.
Vertex parabola(float left, float middle, float right) {
  const float bend = left - 2.0f * middle + right;
  if (!(bend < 0)) return {0, middle};
  const float offset = 0.5f * (left - right) / bend;
  return {offset, middle - 0.25f * (left - right) * offset};
}

// 1 for local maxima, else 0.
KOEMORPH_MULTIVERSION
void mark_maxima(const float* __restrict values, int count, float* __restrict marks) {
  for (int k = 0; k < count; ++k) {
    const float above_left = values[k] > values[k - 1] ? 1.0f : 0.0f;
    marks[k] = values[k] > values[k + 1] ? above_left : 0.0f;
  }
}

// Sets values farther than kPeakReach from a mark to 0; marks[0] is kPeakReach before values[0].
KOEMORPH_MULTIVERSION
void copy_marked(const float* __restrict values, const float* __restrict marks, int count,
                 float* __restrict out) {
  for (int k = 0; k < count; ++k) {
    float near = 0;
    for (int reach = 0; reach <= 2 * kPeakReach; ++reach) near += marks[k + reach];
    out[k] = near > 0 ? values[k] : 0.0f;
  }
}

}  // namespace

PitchAnalyzer::Tables::Tables() : window{}, knots{}, points{} {
  const double center = 0.5 * (kFrame - 1);
  for (int i = 0; i < kFrame; ++i) {
    const double distance = (i - center) / (kGaussSigma * center);
    window[i] = static_cast<float>(std::exp(-0.5 * distance * distance));
  }
  make_knots();
  make_points();
}

void PitchAnalyzer::Tables::make_knots() {
  for (int k = 0; k < kBins - 1; ++k) {
    const double octaves = octave_of(k + 1) - octave_of(k);
    knots[k].octaves = static_cast<float>(octaves);
    knots[k].per_octave = static_cast<float>(1.0 / octaves);
  }
  double eliminated = 0;
  for (int k = 1; k < kBins - 1; ++k) {
    const double left = knots[k - 1].octaves;
    const double right = knots[k].octaves;
    const double pivot = 1.0 / (2.0 * (left + right) - left * eliminated);
    knots[k].pivot = static_cast<float>(pivot);
    eliminated = right * pivot;
  }
}

void PitchAnalyzer::Tables::make_points() {
  const double octaves = std::log2(kMaxFrequency / kMinFrequency);
  for (int i = 0; i < kPoints; ++i) {
    const double octave = octaves * i / (kPoints - 1);
    const double position = kMinFrequency * std::exp2(octave) / kBinWidth;
    Point& point = points[i];
    point.bin = std::min(static_cast<int>(position), kBins - 2);
    const double width = octave_of(point.bin + 1) - octave_of(point.bin);
    const double b = (std::log2(position) - octave_of(point.bin)) / width;
    const double a = 1.0 - b;
    point.a = static_cast<float>(a);
    point.b = static_cast<float>(b);
    point.a3 = static_cast<float>((a * a * a - a) * width * width / 6.0);
    point.b3 = static_cast<float>((b * b * b - b) * width * width / 6.0);
    const double height = octave - std::log2(kWeightCentre / kMinFrequency);
    point.weight = static_cast<float>(0.5 + std::atan(kWeightSlope * height) / kPi);
  }
}

const PitchAnalyzer::Tables& PitchAnalyzer::tables() {
  static const Tables made;
  return made;
}

PitchAnalyzer::PitchAnalyzer()
    : tables_(tables()),
      fft_(kFft),
      buffer_(kFft),
      magnitude_(kBins),
      marks_(kBins + 2 * kPeakReach),
      peaks_(kBins),
      smoothed_(kBins),
      curvature_(kBins),
      octaves_(kPoints),
      summed_(kPoints),
      transform_(kBins) {}

PitchCandidates PitchAnalyzer::analyze(const float* samples) {
  PitchCandidates result;
  for (int i = 0; i < kFrame; ++i) buffer_[i] = samples[i] * tables_.window[i];
  result.energy = std::sqrt(dot(buffer_.data(), buffer_.data(), kFrame) / kFrame);
  fft_.forward(buffer_.data(), transform_.data());
  for (int k = 0; k < kBins; ++k) {
    const std::complex<float> z = transform_[k];
    magnitude_[k] = std::sqrt(z.real() * z.real() + z.imag() * z.imag());
  }
  keep_peaks();
  smooth();
  to_octaves();
  sum_subharmonics();
  collect(&result);
  return result;
}

// Keeps the bins around local maxima and removes the noise between the harmonics.
void PitchAnalyzer::keep_peaks() {
  marks_[kPeakReach] = magnitude_[0] > magnitude_[1] ? 1.0f : 0.0f;
  mark_maxima(magnitude_.data() + 1, kBins - 2, marks_.data() + kPeakReach + 1);
  copy_marked(magnitude_.data(), marks_.data(), kBins, peaks_.data());
}

void PitchAnalyzer::smooth() {
  smoothed_[0] = 0.5f * peaks_[0] + 0.25f * peaks_[1];
  for (int k = 1; k < kBins - 1; ++k) {
    smoothed_[k] = 0.25f * (peaks_[k - 1] + peaks_[k + 1]) + 0.5f * peaks_[k];
  }
  smoothed_[kBins - 1] = magnitude_[kBins - 1];  // no bin above: unchanged
}

// Natural cubic spline through the bins over log frequency, evaluated at equal distances.
void PitchAnalyzer::to_octaves() {
  const auto& knots = tables_.knots;
  float slope = (smoothed_[1] - smoothed_[0]) * knots[0].per_octave;
  curvature_[0] = 0;
  for (int k = 1; k < kBins - 1; ++k) {
    const Knot& knot = knots[k];
    const float next = (smoothed_[k + 1] - smoothed_[k]) * knot.per_octave;
    curvature_[k] = (6.0f * (next - slope) - knots[k - 1].octaves * curvature_[k - 1]) * knot.pivot;
    slope = next;
  }
  curvature_[kBins - 1] = 0;
  for (int k = kBins - 2; k > 0; --k) {
    curvature_[k] -= knots[k].octaves * knots[k].pivot * curvature_[k + 1];
  }
  for (int i = 0; i < kPoints; ++i) {
    const Point& point = tables_.points[i];
    const float* value = &smoothed_[point.bin];
    const float* bend = &curvature_[point.bin];
    const float spline =
        point.a * value[0] + point.b * value[1] + point.a3 * bend[0] + point.b3 * bend[1];
    octaves_[i] = std::max(spline, 0.0f) * point.weight;
  }
}

void PitchAnalyzer::sum_subharmonics() {
  std::fill(summed_.begin(), summed_.end(), 0.0f);
  float weight = 1.0f / kHarmonics;
  for (int harmonic = 1; harmonic <= kHarmonics; ++harmonic) {
    const int distance = harmonic_distance(harmonic);
    for (int i = 0; i + distance < kPoints; ++i) summed_[i] += weight * octaves_[i + distance];
    weight *= kCompression;
  }
}

// The strongest maxima. Those outside the pitch range are ranked too, but then removed.
void PitchAnalyzer::collect(PitchCandidates* out) const {
  struct Peak {
    float score, position;
  };
  std::array<Peak, PitchCandidates::kMaxCount + 1> peaks{};
  int count = 0;
  float sum = summed_[0];
  for (int i = 1; i < kPoints - 1; ++i) {
    sum += summed_[i];
    if (!(summed_[i] > summed_[i - 1] && summed_[i] >= summed_[i + 1])) continue;
    const Vertex vertex = parabola(summed_[i - 1], summed_[i], summed_[i + 1]);
    int place = count;
    while (place > 0 && vertex.value > peaks[place - 1].score) {
      peaks[place] = peaks[place - 1];
      --place;
    }
    peaks[place] = {vertex.value, static_cast<float>(i) + vertex.offset};
    count = std::min(count + 1, PitchCandidates::kMaxCount);
  }
  const float mean = (sum + summed_[kPoints - 1]) / kPoints;
  const double octaves_per_point = std::log2(kMaxFrequency / kMinFrequency) / (kPoints - 1);
  for (int i = 0; i < count; ++i) {
    const double frequency = kMinFrequency * std::exp2(peaks[i].position * octaves_per_point);
    if (frequency < kMinPitch || frequency > kMaxPitch) continue;
    const float voicing = std::max(0.0f, 1.0f - mean / peaks[i].score);
    out->best[out->count++] = {static_cast<float>(frequency), voicing};
  }
}

}  // namespace koemorph
