// Stage `mel`: the spectrum that moves the mouth.
#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <tuple>
#include <vector>

#include "stream/clock.h"
#include "util/fft.h"

namespace koemorph {

// Travels in the model's metadata (mel_..., detail_...).
struct MelConfig {
  FrameClock clock;
  int bands = 80;
  double low_hz = 80.0;
  double high_hz = 8000.0;
  int window = 1024;     // samples of a frame's window, a power of two
  float floor = 1e-10f;  // least power
  float offset = 6.0f;   // x = (log10(max(power, floor)) + offset) * scale
  float scale = 0.5f;
  int detail_frames = 3;    // finer looks inside the newest frame
  int detail_window = 512;  // samples, a power of two
  int detail_hop = 160;     // samples between them; the last ends with the frame
};

// Logarithmic mel spectrum of one Hann window: power of the spectrum of samples weighted by the
// window divided by its sum, summed by triangles of peak 1 that are evenly spaced on Slaney's mel
// scale (linear to 1 kHz, logarithmic above; Auditory Toolbox, 1998), then (log10 + offset) *
// scale. The scaling is fixed: nothing depends on other frames.
class MelSpectrum {
 public:
  MelSpectrum(const MelConfig& config, int window);
  // samples: `window` of them; out: bands values. Allocates nothing.
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
  std::shared_ptr<const Table> table_;  // of all spectra of this shape
  std::vector<float> windowed_, power_;
  std::vector<std::complex<float>> spectrum_;
};

// Cuts a running signal into frames at exact times.
class Mel {
 public:
  explicit Mel(const MelConfig& config);

  // Takes samples until the next frame is complete or they are used up; returns how many were
  // taken.
  int push(const float* samples, int count);
  // True when a frame is complete: read frame() and detail(), then call next().
  bool ready() const { return taken_ == config_.clock.end_sample(index_); }
  int64_t index() const { return index_; }
  // (bands,): the newest frame. Computed on call.
  const float* frame();
  // (detail_frames, bands), oldest first.
  const float* detail();
  void next() { ++index_; }
  // Starts again at time 0; or, after a gap in the audio, at any sample of the stream's time,
  // before which all is taken as silence.
  void reset(int64_t at_sample = 0);

  const MelConfig& config() const { return config_; }

 private:
  const float* newest(int count) const;

  MelConfig config_;
  MelSpectrum long_;
  MelSpectrum short_;
  int history_size_;
  std::vector<float> history_;  // written twice, so that the newest samples lie in a row
  int history_at_ = 0;
  int64_t taken_ = 0;
  int64_t index_ = 0;
  std::vector<float> frame_, detail_;
};

}  // namespace koemorph
