#include "audio/resampler.h"

#include <algorithm>

#include "unit.h"

using koemorph::Resampler;

namespace {

std::vector<float> convert(const std::vector<float>& in, int in_rate, int out_rate, int block) {
  Resampler resampler(in_rate, out_rate);
  std::vector<float> out;
  for (size_t at = 0; at < in.size(); at += block) {
    const int count = static_cast<int>(std::min<size_t>(block, in.size() - at));
    std::vector<float> piece(resampler.max_output(count));
    piece.resize(resampler.push(in.data() + at, count, piece.data()));
    out.insert(out.end(), piece.begin(), piece.end());
  }
  return out;
}

}  // namespace

KOEMORPH_TESTS(resampler) {
  // A sine keeps frequency, amplitude and phase at output times n / out_rate.
  for (const int rate : {8000, 22050, 44100, 48000}) {
    const std::vector<float> in = koemorph::unit::sine(1000.0, rate, rate);
    const std::vector<float> out = convert(in, rate, 16000, 480);
    const std::vector<float> expected = koemorph::unit::sine(1000.0, 16000, 16000);
    EXPECT(out.size() > 15000);
    for (size_t i = 1000; i < 15000; ++i) {
      EXPECT(koemorph::unit::near(out[i], expected[i], 1e-4));
    }
    // The output does not depend on the block size.
    EXPECT(convert(in, rate, 16000, 1) == out);
    EXPECT(convert(in, rate, 16000, rate) == out);
  }
  // Frequencies above the lower Nyquist frequency are removed, apart from the onset.
  const std::vector<float> high =
      convert(koemorph::unit::sine(12000.0, 48000, 48000), 48000, 16000, 480);
  for (size_t i = 200; i < high.size(); ++i) EXPECT(std::abs(high[i]) < 1e-4f);
  // Equal rates are copied without latency.
  const std::vector<float> in = koemorph::unit::sine(1000.0, 16000, 1600);
  EXPECT(convert(in, 16000, 16000, 100) == in);
  EXPECT(Resampler(16000, 16000).latency() == 0.0);
  EXPECT(Resampler(48000, 16000).latency() > 0.0);
}
