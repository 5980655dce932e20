/* Animates raw 16-bit mono PCM from standard input, with the three threads of a game:
 *
 *   ffmpeg -i line.wav -f s16le -ac 1 -ar 48000 - | pcm_to_frames MODEL.onnx 48000
 *
 *   audio thread    reads blocks and pushes them (a game: the audio callback)
 *   worker thread   the library's own, computes frames
 *   main thread     pulls frames and prints them (a game: samples the face at the playback time)
 */
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <koemorph.hpp>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr double kBlockSeconds = 0.01;

/* Pushes standard input. Waits where the file is faster than the worker: a live source does not. */
void push_standard_input(koemorph::Stream& stream, int32_t sample_rate) {
  std::vector<int16_t> pcm(static_cast<size_t>(sample_rate * kBlockSeconds));
  std::vector<float> samples(pcm.size());
  int64_t pushed = 0;
  size_t count;
  while ((count = std::fread(pcm.data(), sizeof(int16_t), pcm.size(), stdin)) > 0) {
    for (size_t i = 0; i < count; ++i) samples[i] = static_cast<float>(pcm[i]) / 32768.0f;
    stream.push(samples.data(), static_cast<int32_t>(count));
    pushed += static_cast<int64_t>(count);
    for (;;) {
      const koemorph_stream_info info = stream.info();
      const double computed = static_cast<double>(info.frame_count) / info.fps;
      if (static_cast<double>(pushed) / sample_rate - computed < 0.25) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  stream.flush();
}

void print_frame(const koemorph::Face& weights, double time) {
  std::printf("{\"timestamp\": %.9f, \"blendshapes\": [", time);
  for (size_t i = 0; i < weights.size(); ++i) std::printf("%s%.6f", i > 0 ? ", " : "", weights[i]);
  std::printf("]}\n");
}

int animate(const std::string& path, int32_t sample_rate) {
  const koemorph::Model model(path);
  koemorph::Stream stream(model, sample_rate, 1, /*worker=*/true);

  std::atomic<bool> ended{false};
  std::thread audio_thread([&] {
    push_standard_input(stream, sample_rate);
    ended = true;
  });

  int64_t printed = 0;
  for (;;) {
    /* Read before pull: what is missing after that is still being computed. */
    const bool last = ended;
    koemorph::Face weights;
    double time = 0;
    while (stream.pull(weights, &time)) {
      print_frame(weights, time);
      ++printed;
    }
    const koemorph_stream_info info = stream.info();
    const double seconds = static_cast<double>(info.pushed_samples) / sample_rate;
    if (last && printed >= static_cast<int64_t>(seconds * info.fps + 0.5)) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  audio_thread.join();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: pcm_to_frames MODEL.onnx SAMPLE_RATE < PCM\n");
    return 2;
  }
  try {
    return animate(argv[1], std::atoi(argv[2]));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "pcm_to_frames: %s\n", error.what());
    return 2;
  }
}
