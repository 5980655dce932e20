#include <algorithm>

#include "koemorph.hpp"
#include "koemorph_debug.h"
#include "unit.h"

using koemorph::Face;

namespace {

std::vector<Face> frames_of(koemorph::Stream* stream, const std::vector<float>& samples,
                            int block) {
  std::vector<Face> frames;
  const auto pull = [&] {
    Face face;
    while (stream->pull(face)) frames.push_back(face);
  };
  for (size_t at = 0; at < samples.size(); at += block) {
    stream->push(samples.data() + at,
                 static_cast<int32_t>(std::min<size_t>(block, samples.size() - at)));
    stream->process();
    pull();
  }
  stream->flush();
  stream->process();
  pull();
  return frames;
}

}  // namespace

KOEMORPH_TESTS(stream) {
  const koemorph::Model model(KOEMORPH_TEST_MODEL);
  const std::vector<float> samples = koemorph::unit::sine(200.0, 44100, 44100);
  koemorph::Stream stream(model, 44100);
  const std::vector<Face> frames = frames_of(&stream, samples, 441);
  EXPECT(frames.size() == 30);  // one second
  EXPECT(stream.info().frame_count == 30 && stream.info().skipped_frames == 0);
  stream.reset();
  EXPECT(stream.info().frame_count == 0);
  EXPECT(frames_of(&stream, samples, 5000) == frames);  // any block size

  // A batch computes the same frames.
  koemorph::Stream first(model, 44100), second(model, 44100);
  koemorph::StreamBatch batch(model, 2);
  for (koemorph::Stream* one : {&first, &second}) {
    one->push(samples.data(), 20000);
  }
  batch.process({first.get(), second.get()});
  for (koemorph::Stream* one : {&first, &second}) {
    Face face;
    for (size_t i = 0; one->pull(face); ++i) {
      for (size_t k = 0; k < face.size(); ++k) {
        EXPECT(koemorph::unit::near(face[k], frames[i][k], 1e-6));
      }
    }
    EXPECT(one->info().frame_count > 10);
  }

  float values[KOEMORPH_BLENDSHAPE_COUNT];
  int32_t written = 0;
  for (int stage = KOEMORPH_DEBUG_INPUT_BLOCK; stage <= KOEMORPH_DEBUG_FINAL_WEIGHTS; ++stage) {
    EXPECT(koemorph_debug_tap(first.get(), static_cast<koemorph_debug_stage>(stage), values,
                              KOEMORPH_BLENDSHAPE_COUNT, &written) == KOEMORPH_OK);
  }
  EXPECT(written == KOEMORPH_BLENDSHAPE_COUNT);
}
