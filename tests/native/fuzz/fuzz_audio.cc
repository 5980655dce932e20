// Any bytes as audio, in any blocks and from any devices, through every stage before the network.
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
constexpr int kMostChanges = 3;  // of the device

// What a byte says of a device.
int rate_of(uint8_t device) { return kRates[device % 8]; }
int channels_of(uint8_t device) { return 1 + device / 8 % 3; }

// Made once and reset for each input: what they compute when made would take most of the time.
struct Stages {
  Stages() {
    for (const int rate : kRates) tables.emplace_back(rate, 16000);
  }
  std::vector<koemorph::Resample> tables;  // held, so that a change of the device finds its own
  koemorph::Devices devices{16000, 16000, kBlock};
  koemorph::Gate gate{16000};
  koemorph::Mel mel{koemorph::MelConfig{}};
  koemorph::Egemaps egemaps{koemorph::EgemapsConfig{}};
};

Stages& stages_for(int rate) {
  static Stages stages;
  stages.devices.reset(rate);
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

// All that waits, as a stream's worker takes it.
void process(Stages& stages, koemorph::Audio& audio) {
  std::vector<float> block(kBlock);
  for (;;) {
    int64_t lost = 0;
    int count = audio.read(block.data(), stages.devices.next_count(audio.pushed()), &lost);
    if (lost > 0) {
      stages.devices.skip(lost);
      stages.mel.reset(stages.devices.model_position());
      stages.egemaps.reset();
      const int of_this_device = stages.devices.next_count(stages.devices.position() + count);
      audio.unread(count - of_this_device);
      count = of_this_device;
    }
    if (count == 0) break;
    stages.devices.push(block.data(), count);
    stages.gate.process(stages.devices.output(), stages.devices.output_count());
    hear(stages, stages.devices.output(), stages.devices.output_count());
  }
  if (stages.devices.position() != audio.pushed()) std::abort();
}

}  // namespace

// In front of the samples: the first device; samples a push; how the next device differs from the
// one before; pushes until it comes (lower half, 0: never) and between two looks of the worker.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < kHeader) return 0;
  uint8_t device = data[0];
  const int most = 1 + data[1];
  const int change_every = data[3] % 16, process_every = 1 + data[3] / 16;
  koemorph::Audio audio(1000, channels_of(device));
  Stages& stages = stages_for(rate_of(device));
  koemorph_controls controls = koemorph::default_controls();
  controls.gate = controls.auto_gain = data[1] & 1;
  stages.gate.set(controls);
  std::vector<float> samples((size - kHeader) / sizeof(float));
  if (!samples.empty()) {
    std::memcpy(samples.data(), data + kHeader, samples.size() * sizeof(float));
  }
  size_t at = 0;
  for (int pushes = 1; at + channels_of(device) <= samples.size(); ++pushes) {
    const size_t frames = std::min<size_t>(most, (samples.size() - at) / channels_of(device));
    audio.push(samples.data() + at, static_cast<int64_t>(frames));
    at += frames * channels_of(device);
    if (change_every > 0 && pushes % change_every == 0 && pushes / change_every <= kMostChanges) {
      // Twice: the first of the two is never heard.
      for (int i = 0; i < 1 + data[2] / 128; ++i) {
        device = static_cast<uint8_t>(device + data[2]);
        audio.set_channels(channels_of(device));
        stages.devices.change(audio.pushed(), rate_of(device));
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
