// Any bytes as audio, in any blocks and at any rate, through every stage before the network.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "audio.h"
#include "controls.h"
#include "gate.h"
#include "mel.h"
#include "resample.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int kRates[] = {8000, 11025, 16000, 22050, 44100, 48000, 96000, 192000};
  constexpr int kBlock = 512;
  if (size < 2) return 0;
  const int rate = kRates[data[0] % 8];
  const int channels = 1 + data[0] / 8 % 3;
  const int most = 1 + data[1];
  koemorph::Audio audio(1000, channels);
  koemorph::Resample resample(rate, 16000);
  koemorph::Gate gate(16000);
  koemorph_controls controls = koemorph::default_controls();
  controls.gate = controls.auto_gain = data[1] & 1;
  gate.set(controls);
  koemorph::Mel mel{koemorph::MelConfig{}};
  std::vector<float> samples((size - 2) / sizeof(float));
  if (!samples.empty()) std::memcpy(samples.data(), data + 2, samples.size() * sizeof(float));
  std::vector<float> block(kBlock);
  std::vector<float> resampled(resample.max_output(kBlock));
  for (size_t at = 0; at + channels <= samples.size();) {
    const size_t frames = std::min<size_t>(most, (samples.size() - at) / channels);
    audio.push(samples.data() + at, static_cast<int64_t>(frames));
    at += frames * channels;
    int64_t lost = 0;
    const int count = audio.read(block.data(), kBlock, &lost);
    const int made = resample.push(block.data(), count, resampled.data());
    gate.process(resampled.data(), made);
    for (int heard = 0; heard < made;) {
      heard += mel.push(resampled.data() + heard, made - heard);
      if (!mel.ready()) continue;
      const float* frame = mel.frame();
      for (int i = 0; i < mel.config().bands; ++i) {
        if (!std::isfinite(frame[i])) std::abort();
      }
      mel.next();
    }
  }
  return 0;
}
