#include "audio/input_resampler.h"

#include <algorithm>

#include "unit.h"

using koemorph::InputResampler;

namespace {

// Pushes everything up to `available`, taken from one second of a sine per segment.
void push_all(InputResampler* resampler, int64_t available, double hz, int sample_rate,
              std::vector<float>* out) {
  while (resampler->position() < available) {
    const int count = resampler->next_count(available);
    std::vector<float> block(count);
    for (int i = 0; i < count; ++i) {
      const auto n = static_cast<double>(resampler->position() % sample_rate + i);
      block[i] = 0.5f * static_cast<float>(std::sin(6.283185307179586 * hz * n / sample_rate));
    }
    resampler->push(block.data(), count);
    out->insert(out->end(), resampler->output(), resampler->output() + resampler->output_count());
  }
}

}  // namespace

KOEMORPH_TESTS(input_resampler) {
  // A change of the sample rate neither adds nor drops time.
  InputResampler resampler(48000, 16000, 1024);
  EXPECT(resampler.sample_rate() == 48000);
  std::vector<float> out;
  push_all(&resampler, 48000, 440.0, 48000, &out);
  resampler.set_sample_rate(48000, 16000);
  EXPECT(resampler.sample_rate() == 16000);
  push_all(&resampler, 48000 + 16000, 440.0, 16000, &out);
  EXPECT(resampler.position() == 64000);
  EXPECT(resampler.model_position() == 32000);
  EXPECT(resampler.frames(koemorph::FrameClock{16000, 30, 1}) == 60);
  // The second segment needs no lookahead, so all outputs are there; the sine continues.
  EXPECT(out.size() == 32000);
  const std::vector<float> expected = koemorph::unit::sine(440.0, 16000, 32000);
  for (size_t i = 500; i < std::min<size_t>(out.size(), 31500); ++i) {
    EXPECT(koemorph::unit::near(out[i], expected[i], 0.02));
  }
  // A gap advances the time.
  resampler.skip(16000);
  EXPECT(resampler.model_position() == 48000);
  resampler.reset(44100);
  EXPECT(resampler.position() == 0 && resampler.sample_rate() == 44100);
}
