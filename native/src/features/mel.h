// Stage `mel`: log-mel spectra at exact frame times.
#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <tuple>
#include <vector>

#include "stream/clock.h"
#include "util/fft.h"

namespace koemorph {

// Part of the metadata of a model (mel_..., detail_...).
struct MelConfig {
  FrameClock clock;
  int bands = 80;
  double low_hz = 80.0;
  double high_hz = 8000.0;
  int window = 1024;     // samples per frame, a power of two
  float floor = 1e-10f;  // lower limit of the power
  float offset = 6.0f;   // x = (log10(max(power, floor)) + offset) * scale
  float scale = 0.5f;
  int detail_frames = 3;    // shorter spectra within the newest frame
  int detail_window = 512;  // samples, a power of two
  int detail_hop = 160;     // samples between them; the last one ends with the frame
};

// Logarithmic mel spectrum of one Hann window: power of the spectrum of samples weighted by the
// window divided by its sum, summed by triangles of peak 1 that are evenly spaced on Slaney's mel
// scale (linear to 1 kHz, logarithmic above; Auditory Toolbox, 1998), then (log10 + offset) *
// scale. The scaling is fixed: nothing depends on other frames.
class MelSpectrum {
 public:
  MelSpectrum(const MelConfig& config, int window);
  // samples: `window` of them; out: bands values. Does not allocate.
  void compute(const float* samples, float* out);

 private:
  struct Band {
    int first_bin;
    int weights_at;
    int bins;
  };
  // Sample rate, window, bands, lowest and highest Hz.
  using Shape = std::tuple<int, int, int, double, double>;
  struct Table {
    explicit Table(const Shape& shape);
    std::vector<float> hann;
    std::vector<Band> bands;
    std::vector<float> weights;
  };
  float floor_, offset_, scale_;
  RealFft fft_;
  std::shared_ptr<const Table> table_;  // shared by all spectra of this shape
  std::vector<float> windowed_, power_;
  std::vector<std::complex<float>> spectrum_;
};

// Streaming extraction of mel frames at exact times.
class Mel {
 public:
  explicit Mel(const MelConfig& config);

  // Takes samples until the next frame is complete; returns the number of samples taken.
  int push(const float* samples, int count);
  // A frame is complete: read frame() and detail(), then call next().
  bool ready() const { return taken_ == config_.clock.end_sample(index_); }
  int64_t index() const { return index_; }
  // (bands,): the newest frame. Computed by the call.
  const float* frame();
  // (detail_frames, bands), oldest first.
  const float* detail();
  void next() { ++index_; }
  // Back to time 0, or after a gap to another sample of the stream; audio before it is silence.
  void reset(int64_t at_sample = 0);

  const MelConfig& config() const { return config_; }

 private:
  const float* newest(int count) const;

  MelConfig config_;
  MelSpectrum long_;
  MelSpectrum short_;
  int history_size_;
  std::vector<float> history_;  // stored twice, so that the newest samples are contiguous
  int history_at_ = 0;
  int64_t taken_ = 0;
  int64_t index_ = 0;
  std::vector<float> frame_, detail_;
};

}  // namespace koemorph
