#include "features/mel.h"

#include <algorithm>

#include "unit.h"

using koemorph::Mel;
using koemorph::MelConfig;

namespace {

std::vector<float> frames_of(const std::vector<float>& samples, int block) {
  Mel mel{MelConfig{}};
  std::vector<float> frames;
  for (size_t start = 0; start < samples.size(); start += block) {
    const size_t end = std::min(samples.size(), start + block);
    for (size_t at = start; at < end;) {
      at += mel.push(samples.data() + at, static_cast<int>(end - at));
      if (!mel.ready()) continue;
      const float* frame = mel.frame();
      frames.insert(frames.end(), frame, frame + mel.config().bands);
      mel.next();
    }
  }
  return frames;
}

}  // namespace

KOEMORPH_TESTS(mel) {
  const MelConfig config;
  // Frame k needs round((k + lookahead) * rate / fps) samples: exact, without drift.
  EXPECT(config.clock.end_sample(0) == 533);
  EXPECT(config.clock.end_sample(30 * 3600 - 1) == int64_t{16000} * 3600);
  EXPECT(config.clock.frames_in(48000, 48000) == 30);

  const std::vector<float> tone = koemorph::unit::sine(1000.0, 16000, 16000);
  const std::vector<float> frames = frames_of(tone, 16000);
  EXPECT(frames.size() == size_t{30} * 80);
  EXPECT(frames_of(tone, 1) == frames);  // any block size
  EXPECT(frames_of(tone, 777) == frames);
  // The loudest band of a 1 kHz tone: 15 mel of 1.2 to 45.2 mel (80 Hz to 8 kHz) in 80 bands.
  const float* last = frames.data() + frames.size() - 80;
  const auto peak = std::max_element(last, last + 80) - last;
  EXPECT(peak >= 24 && peak <= 26);
  // Silence is the floor: (log10(floor) + offset) * scale.
  for (const float value : frames_of(std::vector<float>(1600), 1600)) {
    EXPECT(koemorph::unit::near(value, (-10.0 + 6.0) * 0.5, 1e-5));
  }
  // After a reset to a position, the next frame is the first that ends at or after it.
  Mel mel(config);
  mel.reset(16000);
  EXPECT(mel.index() == 29);
}
