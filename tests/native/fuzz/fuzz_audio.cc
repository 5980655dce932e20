// Arbitrary bytes as audio, in blocks of any size and with changes of the input format, through all
// stages before the network.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "audio/audio_buffer.h"
#include "audio/gate.h"
#include "audio/input_resampler.h"
#include "audio/resampler.h"
#include "egemaps/egemaps.h"
#include "face/controls.h"
#include "features/mel.h"

namespace {

constexpr int kRates[] = {8000, 11025, 16000, 22050, 44100, 48000, 96000, 192000};
constexpr int kBlock = 512;
constexpr size_t kHeader = 4;
constexpr int kMaxChanges = 3;  // of the input format

// Input format coded in a byte.
int rate_of(uint8_t format) { return kRates[format % 8]; }
int channels_of(uint8_t format) { return 1 + format / 8 % 3; }

// Created once and reset for each input, because their tables take most of the time.
struct Stages {
  Stages() {
    for (const int rate : kRates) tables.emplace_back(rate, 16000);
  }
  std::vector<koemorph::Resampler> tables;  // keep the shared filter tables alive
  koemorph::InputResampler resampler{16000, 16000, kBlock};
  koemorph::Gate gate{16000};
  koemorph::Mel mel{koemorph::MelConfig{}};
  koemorph::EgemapsStream egemaps{koemorph::EgemapsConfig{}};
};

Stages& stages_for(int rate) {
  static Stages stages;
  stages.resampler.reset(rate);
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

void push_features(Stages& stages, const float* samples, int count) {
  for (int taken = 0; taken < count;) {
    taken += stages.mel.push(samples + taken, count - taken);
    if (!stages.mel.ready()) continue;
    expect_finite(stages.mel.frame(), stages.mel.config().bands);
    stages.mel.next();
  }
  for (int taken = 0; taken < count;) {
    taken += stages.egemaps.push(samples + taken, count - taken);
  }
}

// Reads all available audio like the worker of a stream.
void process(Stages& stages, koemorph::AudioBuffer& audio) {
  std::vector<float> block(kBlock);
  for (;;) {
    int64_t lost = 0;
    int count = audio.read(block.data(), stages.resampler.next_count(audio.pushed()), &lost);
    if (lost > 0) {
      stages.resampler.skip(lost);
      stages.mel.reset(stages.resampler.model_position());
      stages.egemaps.reset();
      const int same_format = stages.resampler.next_count(stages.resampler.position() + count);
      audio.unread(count - same_format);
      count = same_format;
    }
    if (count == 0) break;
    stages.resampler.push(block.data(), count);
    stages.gate.process(stages.resampler.output(), stages.resampler.output_count());
    push_features(stages, stages.resampler.output(), stages.resampler.output_count());
  }
  if (stages.resampler.position() != audio.pushed()) std::abort();
}

}  // namespace

// Header bytes before the samples: first input format; samples per push; difference of the next
// format; pushes between changes of the format (lower half, 0: never) and between two reads of the
// worker.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < kHeader) return 0;
  uint8_t format = data[0];
  const int block_size = 1 + data[1];
  const int change_every = data[3] % 16, process_every = 1 + data[3] / 16;
  koemorph::AudioBuffer audio(1000, channels_of(format));
  Stages& stages = stages_for(rate_of(format));
  koemorph_controls controls = koemorph::default_controls();
  controls.gate = controls.auto_gain = data[1] & 1;
  stages.gate.set(controls);
  std::vector<float> samples((size - kHeader) / sizeof(float));
  if (!samples.empty()) {
    std::memcpy(samples.data(), data + kHeader, samples.size() * sizeof(float));
  }
  size_t at = 0;
  for (int pushes = 1; at + channels_of(format) <= samples.size(); ++pushes) {
    const size_t frames = std::min<size_t>(block_size, (samples.size() - at) / channels_of(format));
    audio.push(samples.data() + at, static_cast<int64_t>(frames));
    at += frames * channels_of(format);
    if (change_every > 0 && pushes % change_every == 0 && pushes / change_every <= kMaxChanges) {
      // Possibly twice, so that the first format has no samples.
      for (int i = 0; i < 1 + data[2] / 128; ++i) {
        format = static_cast<uint8_t>(format + data[2]);
        audio.set_channels(channels_of(format));
        stages.resampler.set_sample_rate(audio.pushed(), rate_of(format));
      }
    }
    if (pushes % process_every == 0) process(stages, audio);
  }
  process(stages, audio);
  float functionals[koemorph::kFunctionalCount];
  stages.egemaps.functionals(functionals);
  expect_finite(functionals, koemorph::kFunctionalCount);
  return 0;
}
