#include "features/context_pool.h"

#include "unit.h"

KOEMORPH_TESTS(context_pool) {
  // One band, blocks of 2 frames, 2 blocks before the newest block.
  koemorph::ContextPool pool(1, 2, 2, 0.5f);
  const float first = 1.0f;
  pool.push(&first);
  float means[2];
  pool.write(means);
  EXPECT(means[0] == 0.5f && means[1] == 0.5f);  // the past is limited to the ambient floor
  EXPECT(*pool.newest() == 1.0f);
  for (float value = 2.0f; value <= 6.0f; value += 1.0f) pool.push(&value);
  pool.write(means);  // frames 1..6: blocks (1, 2), (3, 4), newest (5, 6)
  EXPECT(means[0] == 1.5f && means[1] == 3.5f);
  EXPECT(*pool.newest() == 6.0f);
  pool.reset();
  const float quiet = 0.25f;
  pool.push(&quiet);
  pool.write(means);
  EXPECT(means[0] == 0.25f && means[1] == 0.25f);
}
