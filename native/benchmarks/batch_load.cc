// Many streams: the memory of each, and how many run in real time.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "process.h"
#include "stages.h"

namespace koemorph::benchmark {
namespace {

constexpr int kFirstGuess = 32;
constexpr int kMostStreams = 256;  // measured at once; more are reckoned from these
constexpr double kSeconds = 3.0;

// Streams that go through one batch, a frame's worth of audio at a time.
class Group {
 public:
  Group(const koemorph_model* model, const Voice& voice, int fps, int count)
      : voice_(voice), block_(voice.rate / fps) {
    check(koemorph_stream_batch_create(model, count, &batch_));
    for (int i = 0; i < count; ++i) streams_.push_back(create_stream(model, voice.rate));
  }
  ~Group() {
    koemorph_stream_batch_destroy(batch_);
    for (koemorph_stream* stream : streams_) koemorph_stream_destroy(stream);
  }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  // Pushes, processes and samples the next frame of all: what it cost of the processor's time.
  double tick() {
    const Stopwatch watch;
    float weights[KOEMORPH_BLENDSHAPE_COUNT];
    for (size_t i = 0; i < streams_.size(); ++i) {
      // Every voice stands elsewhere in the recording.
      const size_t last = voice_.samples.size() - block_;
      const size_t at = (static_cast<size_t>(ticks_) * block_ + i * 7919 * 13) % last;
      check(koemorph_stream_push(streams_[i], voice_.samples.data() + at,
                                 static_cast<int32_t>(block_)));
    }
    check(koemorph_stream_batch_process(batch_, streams_.data(),
                                        static_cast<int32_t>(streams_.size())));
    const double time = static_cast<double>(ticks_ * static_cast<int64_t>(block_)) / voice_.rate;
    for (koemorph_stream* stream : streams_) {
      check(koemorph_stream_sample(stream, time, weights, KOEMORPH_BLENDSHAPE_COUNT));
    }
    ++ticks_;
    return watch.processor_micros();
  }

 private:
  const Voice& voice_;
  size_t block_;
  koemorph_stream_batch* batch_ = nullptr;
  std::vector<koemorph_stream*> streams_;
  int64_t ticks_ = 0;
};

// Share of a core that `count` streams take.
double load_of(const koemorph_model* model, const Voice& voice, int fps, int count, Times* ticks) {
  Group group(model, voice, fps, count);
  for (int i = 0; i < fps; ++i) group.tick();  // a second, so that everything is in motion
  const int frames = static_cast<int>(kSeconds * fps);
  for (int i = 0; i < frames; ++i) ticks->add(group.tick());
  return ticks->total() * 1e-6 / kSeconds;
}

int64_t bytes_a_stream(const koemorph_model* model, const Voice& voice, bool in_batch) {
  constexpr int kStreams = 16;
  release_free_memory();  // streams that take what is free already would seem to take nothing
  const auto second = static_cast<int32_t>(std::min<size_t>(voice.rate, voice.samples.size()));
  koemorph_stream_batch* batch = nullptr;
  check(koemorph_stream_batch_create(model, 1, &batch));
  std::vector<koemorph_stream*> streams;
  int64_t before = 0;
  for (int i = 0; i <= kStreams; ++i) {
    streams.push_back(create_stream(model, voice.rate));
    check(koemorph_stream_push(streams.back(), voice.samples.data(), second));
    check(in_batch ? koemorph_stream_batch_process(batch, &streams.back(), 1)
                   : koemorph_stream_process(streams.back()));
    if (i == 0) before = resident_bytes();
  }
  const int64_t bytes = (resident_bytes() - before) / kStreams;
  for (koemorph_stream* stream : streams) koemorph_stream_destroy(stream);
  koemorph_stream_batch_destroy(batch);
  return bytes;
}

}  // namespace

void measure_memory(const koemorph_model* model, const Voice& voice, Report* report) {
  report->add("\"bytes_per_stream_of_batch\": %lld",
              static_cast<long long>(bytes_a_stream(model, voice, true)));
  report->add("\"bytes_per_further_stream\": %lld",
              static_cast<long long>(bytes_a_stream(model, voice, false)));
}

void measure_batch(const koemorph_model* model, const Voice& voice, int fps, Report* report) {
  Times first, ticks;
  const double guess = load_of(model, voice, fps, kFirstGuess, &first);
  // As many as fit by that: a large crowd's state does not stay in the cache.
  const int count = std::clamp(static_cast<int>(kFirstGuess / guess), 1, kMostStreams);
  const double load = load_of(model, voice, fps, count, &ticks);
  report->add("\"batch_streams\": %d", static_cast<int>(count / load));
  report->add("\"batch_measured_streams\": %d", count);
  report->add("\"batch_load\": %.4f", load);
  ticks.report("batch_tick", report);
}

}  // namespace koemorph::benchmark
