// The C ABI: checks arguments, keeps exceptions in, and turns errors into results and a sentence.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <thread>

#include "api/api_support.h"
#include "face/blendshapes.h"

namespace {

using koemorph::copy_config;
using koemorph::crossed;
using koemorph::fail;
using koemorph::finish;
using koemorph::guarded;
using koemorph::invalid;
using koemorph::Status;
using koemorph::ScopedEntry;

// A fixed buffer: failing on an audio or game thread must not allocate either.
thread_local char last_message[1024] = "";

// NULL when the config can be used, else the sentence that says why not.
const char* problem_of(const koemorph_stream_config& config, int model_fps) {
  if (config.sample_rate < 8000 || config.sample_rate > 192000) {
    return "sample_rate must be from 8000 to 192000 Hz.";
  }
  if (config.channels < 1 || config.channels > 64) return "channels must be from 1 to 64.";
  if (config.fps != 0 && config.fps != model_fps) {
    return "This model gives another number of frames a second than fps asks for; load the model "
           "made for it, or set fps to 0.";
  }
  if (!(config.buffer_seconds >= 0.05 && config.buffer_seconds <= 60.0)) {
    return "buffer_seconds must be from 0.05 to 60.";
  }
  if (!(config.history_seconds >= 0.2 && config.history_seconds <= 3600.0)) {
    return "history_seconds must be from 0.2 to 3600.";
  }
  return nullptr;
}

// The worker's place, taken by a caller: the library's own worker is waited for, another thread is
// not.
class WorkerTurn {
 public:
  explicit WorkerTurn(koemorph::Stream& stream) : door_(stream.worker_guard()) {
    inside_ = door_.enter();
    while (!inside_ && stream.has_worker()) {
      std::this_thread::yield();
      inside_ = door_.enter();
    }
  }
  ~WorkerTurn() {
    if (inside_) door_.leave();
  }
  WorkerTurn(const WorkerTurn&) = delete;
  WorkerTurn& operator=(const WorkerTurn&) = delete;
  explicit operator bool() const { return inside_; }

 private:
  koemorph::ThreadGuard& door_;
  bool inside_;
};

}  // namespace

koemorph_result koemorph::fail(koemorph_result result, const char* sentence) {
  size_t length = std::min(std::strlen(sentence), sizeof last_message - 1);
  // What is too long ends with a whole character of UTF-8.
  while (length > 0 && (sentence[length] & 0xC0) == 0x80) --length;
  std::memcpy(last_message, sentence, length);
  last_message[length] = '\0';
  return result;
}

extern "C" {

#define KOEMORPH_TEXT_(x) #x
#define KOEMORPH_TEXT(x) KOEMORPH_TEXT_(x)

const char* koemorph_version(void) {
  return KOEMORPH_TEXT(KOEMORPH_VERSION_MAJOR) "." KOEMORPH_TEXT(
      KOEMORPH_VERSION_MINOR) "." KOEMORPH_TEXT(KOEMORPH_VERSION_PATCH);
}

const char* koemorph_result_text(koemorph_result result) {
  switch (result) {
    case KOEMORPH_OK:
      return "no error";
    case KOEMORPH_NO_FRAME:
      return "no frame yet";
    case KOEMORPH_INVALID_ARGUMENT:
      return "invalid argument";
    case KOEMORPH_OUT_OF_MEMORY:
      return "out of memory";
    case KOEMORPH_FILE_ERROR:
      return "file cannot be read";
    case KOEMORPH_RUNTIME_MISSING:
      return "ONNX Runtime missing or too old";
    case KOEMORPH_INVALID_MODEL:
      return "not a model that KoeMorph can run";
    case KOEMORPH_INFERENCE_FAILED:
      return "running the model failed";
    case KOEMORPH_INVALID_STATE:
      return "call does not fit the state";
    case KOEMORPH_RESULT_IS_INT:
      break;
  }
  return "unknown result";
}

const char* koemorph_error_message(void) { return last_message; }

const char* koemorph_blendshape_name(int32_t index) {
  if (index < 0 || index >= KOEMORPH_BLENDSHAPE_COUNT) return nullptr;
  return koemorph::kBlendshapeNames[index];
}

void koemorph_model_config_init(koemorph_model_config* config) {
  if (config == nullptr) return;
  *config = koemorph_model_config{};
  config->size = sizeof *config;
  config->threads = 1;
}

koemorph_result koemorph_model_load(const koemorph_model_config* config, koemorph_model** out) {
  if (out == nullptr) return invalid("koemorph_model_load needs a place for the model.");
  koemorph_model_config full;
  koemorph_model_config_init(&full);
  if (!copy_config(config, &full)) {
    return invalid("koemorph_model_load needs a config made by koemorph_model_config_init.");
  }
  if (full.path == nullptr && (full.data == nullptr || full.data_size == 0)) {
    return invalid("The model config needs a path, or data with its size.");
  }
  if (full.threads < 1 || full.threads > 256) return invalid("threads must be from 1 to 256.");
  return guarded([&] {
    auto made = std::make_unique<koemorph_model>();
    const Status status = koemorph::Model::load(full, &made->model);
    if (status.ok()) *out = made.release();
    return finish(status);
  });
}

void koemorph_model_destroy(koemorph_model* model) { delete model; }

const char* koemorph_model_metadata(const koemorph_model* model, const char* key) {
  if (model == nullptr) return nullptr;
  return key == nullptr ? model->model->metadata_keys() : model->model->metadata(key);
}

void koemorph_stream_config_init(koemorph_stream_config* config) {
  if (config == nullptr) return;
  *config = koemorph_stream_config{};
  config->size = sizeof *config;
  config->sample_rate = 48000;
  config->channels = 1;
  config->buffer_seconds = 0.5;
  config->history_seconds = 10.0;
}

koemorph_result koemorph_stream_create(const koemorph_model* model,
                                       const koemorph_stream_config* config,
                                       koemorph_stream** out) {
  if (model == nullptr || out == nullptr) {
    return invalid("koemorph_stream_create needs a model and a place for the stream.");
  }
  koemorph_stream_config full;
  koemorph_stream_config_init(&full);
  if (!copy_config(config, &full)) {
    return invalid("koemorph_stream_create needs a config made by koemorph_stream_config_init.");
  }
  const char* problem = problem_of(full, model->model->settings().mel.clock.fps);
  if (problem != nullptr) return invalid(problem);
  return guarded([&] {
    *out = new koemorph_stream(model->model, full);
    return KOEMORPH_OK;
  });
}

void koemorph_stream_destroy(koemorph_stream* stream) { delete stream; }

koemorph_result koemorph_stream_push(koemorph_stream* stream, const float* interleaved,
                                     int32_t frames) {
  if (stream == nullptr || frames < 0 || (interleaved == nullptr && frames > 0)) {
    return invalid("koemorph_stream_push needs a stream and frames >= 0 of audio.");
  }
  const ScopedEntry visit(stream->stream.audio_guard());
  if (!visit) return crossed();
  const koemorph_result result = stream->stream.push(interleaved, frames);
  return result == KOEMORPH_OK ? result
                               : fail(result, "The voice was ended by flush; reset first.");
}

koemorph_result koemorph_stream_set_input_format(koemorph_stream* stream, int32_t sample_rate,
                                           int32_t channels) {
  if (stream == nullptr) return invalid("koemorph_stream_set_input_format needs a stream.");
  if (sample_rate < 8000 || sample_rate > 192000 || channels < 0 || channels > 64) {
    return invalid("sample_rate must be from 8000 to 192000 Hz, channels from 0 to 64.");
  }
  const ScopedEntry visit(stream->stream.audio_guard());
  if (!visit) return crossed();
  if (stream->stream.flushed()) {
    return fail(KOEMORPH_INVALID_STATE, "The voice was ended by flush; reset first.");
  }
  return guarded([&] {
    stream->stream.set_input_format(sample_rate, channels);
    return KOEMORPH_OK;
  });
}

koemorph_result koemorph_stream_flush(koemorph_stream* stream) {
  if (stream == nullptr) return invalid("koemorph_stream_flush needs a stream.");
  const ScopedEntry visit(stream->stream.audio_guard());
  if (!visit) return crossed();
  stream->stream.flush();
  return KOEMORPH_OK;
}

koemorph_result koemorph_stream_process(koemorph_stream* stream) {
  if (stream == nullptr) return invalid("koemorph_stream_process needs a stream.");
  if (stream->stream.has_worker()) {
    return fail(KOEMORPH_INVALID_STATE,
                "The library's worker computes this stream; do not process it.");
  }
  const ScopedEntry visit(stream->stream.worker_guard());
  if (!visit) return crossed();
  return guarded([&] {
    int64_t computed = 0;
    const Status status = stream->stream.process(&computed);
    return status.ok() && computed == 0 ? KOEMORPH_NO_FRAME : finish(status);
  });
}

koemorph_result koemorph_stream_sample(koemorph_stream* stream, double playback_time,
                                       float* weights, int32_t n) {
  if (stream == nullptr || weights == nullptr || n < 0) {
    return invalid("koemorph_stream_sample needs a stream and room for n >= 0 weights.");
  }
  const ScopedEntry visit(stream->stream.game_guard());
  if (!visit) return crossed();
  return stream->stream.sample(playback_time, weights, n) ? KOEMORPH_OK : KOEMORPH_NO_FRAME;
}

koemorph_result koemorph_stream_pull(koemorph_stream* stream, float* weights, int32_t n,
                                     double* time) {
  if (stream == nullptr || weights == nullptr || n < 0) {
    return invalid("koemorph_stream_pull needs a stream and room for n >= 0 weights.");
  }
  const ScopedEntry visit(stream->stream.game_guard());
  if (!visit) return crossed();
  int64_t index = 0;
  if (!stream->stream.pull(weights, n, &index)) return KOEMORPH_NO_FRAME;
  if (time != nullptr) *time = static_cast<double>(index) / stream->stream.fps();
  return KOEMORPH_OK;
}

koemorph_result koemorph_stream_tap(koemorph_stream* stream, koemorph_stage stage, float* out,
                                    int32_t n, int32_t* written) {
  if (stream == nullptr || out == nullptr || n < 0) {
    return invalid("koemorph_stream_tap needs a stream and room for n >= 0 floats.");
  }
  const WorkerTurn turn(stream->stream);
  if (!turn) return crossed();
  return guarded([&] {
    const int count = stream->stream.tap(stage, out, n);
    if (count < 0) return invalid("This stage has no output to tap.");
    if (written != nullptr) *written = count;
    return KOEMORPH_OK;
  });
}

koemorph_result koemorph_stream_reset(koemorph_stream* stream, int32_t sample_rate,
                                      int32_t channels) {
  if (stream == nullptr) return invalid("koemorph_stream_reset needs a stream.");
  if ((sample_rate != 0 && (sample_rate < 8000 || sample_rate > 192000)) || channels < 0 ||
      channels > 64) {
    return invalid("sample_rate must be 0 or from 8000 to 192000 Hz, channels from 0 to 64.");
  }
  const WorkerTurn worker(stream->stream);
  const ScopedEntry audio(stream->stream.audio_guard());
  const ScopedEntry game(stream->stream.game_guard());
  if (!worker || !audio || !game) return crossed();
  return guarded([&] {
    stream->stream.reset(sample_rate, channels);
    return KOEMORPH_OK;
  });
}

koemorph_result koemorph_stream_get_info(const koemorph_stream* stream,
                                         koemorph_stream_info* info) {
  if (stream == nullptr || info == nullptr || info->size < sizeof(uint32_t)) {
    return invalid("koemorph_stream_get_info needs a stream and an info whose size is set.");
  }
  koemorph_stream_info full{};
  stream->stream.get_info(&full);
  full.size = static_cast<uint32_t>(std::min<size_t>(info->size, sizeof full));
  std::memcpy(info, &full, full.size);
  return KOEMORPH_OK;
}

}  // extern "C"
