// Many streams: memory per stream, and the number that runs in real time.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "process.h"
#include "stages.h"

namespace koemorph::benchmark {
namespace {

constexpr int kFirstCount = 32;
constexpr int kMaxStreams = 256;  // measured at once; larger numbers are extrapolated
constexpr double kSeconds = 3.0;

// Streams of one batch, computed one frame at a time.
class Group {
 public:
  Group(const koemorph_model* model, const Recording& recording, int fps, int count)
      : recording_(recording), block_(recording.rate / fps) {
    check(koemorph_stream_batch_create(model, count, &batch_));
    for (int i = 0; i < count; ++i) streams_.push_back(create_stream(model, recording.rate));
  }
  ~Group() {
    koemorph_stream_batch_destroy(batch_);
    for (koemorph_stream* stream : streams_) koemorph_stream_destroy(stream);
  }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  // Pushes, processes and samples the next frame of all streams. Returns the CPU time.
  double tick() {
    const Stopwatch watch;
    float weights[KOEMORPH_BLENDSHAPE_COUNT];
    for (size_t i = 0; i < streams_.size(); ++i) {
      // Each stream is at a different position of the recording.
      const size_t last = recording_.samples.size() - block_;
      const size_t at = (static_cast<size_t>(ticks_) * block_ + i * 7919 * 13) % last;
      check(koemorph_stream_push(streams_[i], recording_.samples.data() + at,
                                 static_cast<int32_t>(block_)));
    }
    check(koemorph_stream_batch_process(batch_, streams_.data(),
                                        static_cast<int32_t>(streams_.size())));
    const double time =
        static_cast<double>(ticks_ * static_cast<int64_t>(block_)) / recording_.rate;
    for (koemorph_stream* stream : streams_) {
      check(koemorph_stream_sample(stream, time, weights, KOEMORPH_BLENDSHAPE_COUNT));
    }
    ++ticks_;
    return watch.processor_micros();
  }

 private:
  const Recording& recording_;
  size_t block_;
  koemorph_stream_batch* batch_ = nullptr;
  std::vector<koemorph_stream*> streams_;
  int64_t ticks_ = 0;
};

// Load of one core with `count` streams, 0..1.
double load_of(const koemorph_model* model, const Recording& recording, int fps, int count,
               Times* ticks) {
  Group group(model, recording, fps, count);
  for (int i = 0; i < fps; ++i) group.tick();  // warm-up of one second
  const int frames = static_cast<int>(kSeconds * fps);
  for (int i = 0; i < frames; ++i) ticks->add(group.tick());
  return ticks->total() * 1e-6 / kSeconds;
}

int64_t bytes_per_stream(const koemorph_model* model, const Recording& recording, bool in_batch) {
  constexpr int kStreams = 16;
  release_free_memory();  // otherwise streams would reuse memory that counts already
  const auto second =
      static_cast<int32_t>(std::min<size_t>(recording.rate, recording.samples.size()));
  koemorph_stream_batch* batch = nullptr;
  check(koemorph_stream_batch_create(model, 1, &batch));
  std::vector<koemorph_stream*> streams;
  int64_t before = 0;
  for (int i = 0; i <= kStreams; ++i) {
    streams.push_back(create_stream(model, recording.rate));
    check(koemorph_stream_push(streams.back(), recording.samples.data(), second));
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

void measure_memory(const koemorph_model* model, const Recording& recording, Report* report) {
  report->add("\"bytes_per_stream_of_batch\": %lld",
              static_cast<long long>(bytes_per_stream(model, recording, true)));
  report->add("\"bytes_per_further_stream\": %lld",
              static_cast<long long>(bytes_per_stream(model, recording, false)));
}

void measure_batch(const koemorph_model* model, const Recording& recording, int fps,
                   Report* report) {
  Times first, ticks;
  const double estimate = load_of(model, recording, fps, kFirstCount, &first);
  // Measured with the estimated number, because the state of many streams does not fit into the
  // cache.
  const int count = std::clamp(static_cast<int>(kFirstCount / estimate), 1, kMaxStreams);
  const double load = load_of(model, recording, fps, count, &ticks);
  report->add("\"batch_streams\": %d", static_cast<int>(count / load));
  report->add("\"batch_measured_streams\": %d", count);
  report->add("\"batch_load\": %.4f", load);
  ticks.report("batch_tick", report);
}

}  // namespace koemorph::benchmark
