#include "stream/frame_buffer.h"

#include <limits>

#include "unit.h"

KOEMORPH_TESTS(frame_buffer) {
  koemorph::FrameBuffer buffer(4, 1, 10);
  float weight = 9.0f;
  int64_t index = -1;
  EXPECT(!buffer.pull(&weight, 1, &index));
  EXPECT(!buffer.sample(0.0, &weight, 1) && weight == 0.0f);
  const float first = 1.0f, fourth = 4.0f;
  buffer.push(0, &first);
  buffer.push(3, &fourth);  // frames 1 and 2 repeat frame 0
  EXPECT(buffer.frame_count() == 4);
  EXPECT(buffer.sample(0.25, &weight, 1) && koemorph::unit::near(weight, 2.5, 1e-6));
  EXPECT(buffer.sample(-1.0, &weight, 1) && weight == 1.0f);
  EXPECT(buffer.sample(std::numeric_limits<double>::infinity(), &weight, 1) && weight == 4.0f);
  EXPECT(!buffer.sample(std::numeric_limits<double>::quiet_NaN(), &weight, 1));
  for (int expected = 0; expected < 4; ++expected) {
    EXPECT(buffer.pull(&weight, 1, &index) && index == expected);
  }
  EXPECT(!buffer.pull(&weight, 1, &index));
  // Overwritten frames are skipped and counted.
  for (int64_t i = 4; i < 14; ++i) {
    const auto value = static_cast<float>(i);
    buffer.push(i, &value);
  }
  EXPECT(buffer.pull(&weight, 1, &index) && index == 10 && weight == 10.0f);
  EXPECT(buffer.skipped() == 6);
  buffer.hold(20);
  EXPECT(buffer.frame_count() == 20);
  EXPECT(buffer.sample(1.9, &weight, 1) && weight == 13.0f);
  buffer.reset();
  EXPECT(buffer.frame_count() == 0 && buffer.skipped() == 0);
}
