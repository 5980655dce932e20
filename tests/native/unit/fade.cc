#include "face/fade.h"

#include "unit.h"

namespace {

float factor(const koemorph::Fade& fade, double time) {
  float weight = 1.0f;
  fade.apply(time, &weight, 1);
  return weight;
}

}  // namespace

KOEMORPH_TESTS(fade) {
  koemorph::Fade fade;
  EXPECT(factor(fade, 0.0) == 1.0f);
  fade.fade_out(1.0, 0.5);
  EXPECT(factor(fade, 1.0) == 1.0f);
  EXPECT(koemorph::unit::near(factor(fade, 1.25), 0.5, 1e-6));
  EXPECT(factor(fade, 1.5) == 0.0f);
  // A fade starts from the value at its time and replaces later fades.
  fade.fade_in(1.25, 0.5);
  EXPECT(koemorph::unit::near(factor(fade, 1.25), 0.5, 1e-6));
  EXPECT(factor(fade, 1.75) == 1.0f);
  EXPECT(factor(fade, 0.5) == 1.0f);
  fade.fade_out(0.5, 0.0);
  EXPECT(factor(fade, 0.5) == 0.0f && factor(fade, 2.0) == 0.0f);
  // Repeated calls do not push older fades out.
  for (int i = 0; i < 100; ++i) fade.fade_out(1.0 + i, 0.1);
  EXPECT(factor(fade, 0.4) == 1.0f);
  fade.reset();
  EXPECT(factor(fade, 2.0) == 1.0f);
}
