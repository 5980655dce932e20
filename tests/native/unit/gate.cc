#include "audio/gate.h"

#include <algorithm>

#include "face/controls.h"
#include "unit.h"

KOEMORPH_TESTS(gate) {
  const std::vector<float> speech = koemorph::unit::sine(200.0, 16000, 16000, 0.2f);
  koemorph_controls controls = koemorph::default_controls();
  koemorph::Gate gate(16000);
  std::vector<float> samples = speech;
  gate.process(samples.data(), 16000);
  EXPECT(samples == speech);  // the defaults change nothing

  // Noise is muted, a louder signal passes.
  controls.gate = 1;
  gate.set(controls);
  gate.reset();
  std::vector<float> noise = koemorph::unit::sine(150.0, 16000, 16000, 0.002f);
  gate.process(noise.data(), 16000);
  EXPECT(!gate.is_open());
  EXPECT(std::abs(noise.back()) < 1e-4f);
  EXPECT(gate.noise_floor() < -50.0);
  samples = speech;
  gate.process(samples.data(), 16000);
  EXPECT(gate.is_open());
  EXPECT(koemorph::unit::near(samples[15000], speech[15000], 1e-3));

  // The automatic gain moves towards its target by at most 6 dB/s.
  controls.gate = 0;
  controls.auto_gain = 1;
  controls.auto_gain_target = -10.0f;
  gate.set(controls);
  gate.reset();
  for (int second = 1; second <= 4; ++second) {
    samples = speech;
    gate.process(samples.data(), 16000);
    EXPECT(gate.gain() <= 6.0 * second + 0.1);
  }
  EXPECT(gate.gain() >= 0.0 && gate.gain() <= controls.auto_gain_limit);
}
