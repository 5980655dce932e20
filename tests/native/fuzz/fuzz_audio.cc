// Any bytes as audio, in any blocks and at any rate, through every stage before the network.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "audio.h"
#include "controls.h"
#include "egemaps.h"
#include "gate.h"
#include "mel.h"
#include "resample.h"

namespace {

constexpr int kRates[] = {8000, 11025, 16000, 22050, 44100, 48000, 96000, 192000};
constexpr int kBlock = 512;

// Made once and reset for each input: what they compute when made would take most of the time.
struct Stages {
  std::unique_ptr<koemorph::Resample> resample[8];
  koemorph::Gate gate{16000};
  koemorph::Mel mel{koemorph::MelConfig{}};
  koemorph::Egemaps egemaps{koemorph::EgemapsConfig{}};
};

Stages& stages_for(int rate) {
  static Stages stages;
  auto& resample = stages.resample[rate];
  if (resample == nullptr) resample = std::make_unique<koemorph::Resample>(kRates[rate], 16000);
  resample->reset();
  stages.gate.reset();
  stages.mel.reset();
  stages.egemaps.reset();
  return stages;
}

void expect_finite(const float* values, int count) {
  for (int i = 0; i < count; ++i) {
    if (!std::isfinite(values[i])) std::abort();
  }
}

void hear(Stages& stages, const float* samples, int count) {
  for (int heard = 0; heard < count;) {
    heard += stages.mel.push(samples + heard, count - heard);
    if (!stages.mel.ready()) continue;
    expect_finite(stages.mel.frame(), stages.mel.config().bands);
    stages.mel.next();
  }
  for (int heard = 0; heard < count;) {
    heard += stages.egemaps.push(samples + heard, count - heard);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const int rate = data[0] % 8;
  const int channels = 1 + data[0] / 8 % 3;
  const int most = 1 + data[1];
  koemorph::Audio audio(1000, channels);
  Stages& stages = stages_for(rate);
  koemorph_controls controls = koemorph::default_controls();
  controls.gate = controls.auto_gain = data[1] & 1;
  stages.gate.set(controls);
  std::vector<float> samples((size - 2) / sizeof(float));
  if (!samples.empty()) std::memcpy(samples.data(), data + 2, samples.size() * sizeof(float));
  std::vector<float> block(kBlock);
  std::vector<float> resampled(stages.resample[rate]->max_output(kBlock));
  for (size_t at = 0; at + channels <= samples.size();) {
    const size_t frames = std::min<size_t>(most, (samples.size() - at) / channels);
    audio.push(samples.data() + at, static_cast<int64_t>(frames));
    at += frames * channels;
    int64_t lost = 0;
    const int count = audio.read(block.data(), kBlock, &lost);
    const int made = stages.resample[rate]->push(block.data(), count, resampled.data());
    stages.gate.process(resampled.data(), made);
    hear(stages, resampled.data(), made);
  }
  float functionals[koemorph::kFunctionalCount];
  stages.egemaps.functionals(functionals);
  expect_finite(functionals, koemorph::kFunctionalCount);
  return 0;
}
