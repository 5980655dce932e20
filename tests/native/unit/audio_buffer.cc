#include "audio/audio_buffer.h"

#include <limits>

#include "unit.h"

KOEMORPH_TESTS(audio_buffer) {
  koemorph::AudioBuffer buffer(100, 2);
  const float bad = std::numeric_limits<float>::quiet_NaN();
  const float stereo[] = {0.2f, 0.4f, bad, 1.0f, 1e30f, 0.0f};
  buffer.push(stereo, 3);
  float out[200];
  int64_t lost = -1;
  EXPECT(buffer.read(out, 200, &lost) == 3);
  EXPECT(lost == 0);
  EXPECT(koemorph::unit::near(out[0], 0.3, 1e-6));  // mean of the channels
  EXPECT(out[1] == 0.5f);                           // NaN is silence
  EXPECT(out[2] == 50.0f);                          // clamped to 100
  buffer.unread(1);
  EXPECT(buffer.read(out, 200, &lost) == 1);

  // Late reads lose the oldest samples and report their number.
  buffer.set_channels(1);
  std::vector<float> ramp(250);
  for (int i = 0; i < 250; ++i) ramp[i] = 0.001f * static_cast<float>(i);
  buffer.push(ramp.data(), 250);
  EXPECT(buffer.read(out, 200, &lost) == 100);
  EXPECT(lost == 150);
  EXPECT(out[0] == ramp[150] && out[99] == ramp[249]);
  EXPECT(buffer.pushed() == 253);
  buffer.reserve(1000);
  buffer.reset(1);
  EXPECT(buffer.pushed() == 0);
  buffer.push(ramp.data(), 250);
  EXPECT(buffer.read(out, 200, &lost) == 200);
  EXPECT(lost == 0);
}
