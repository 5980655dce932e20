/* Animates a WAV file: wav_to_jsonl MODEL.onnx IN.wav > OUT.jsonl
 *
 * The whole use of the library in plain C: load a model, make a stream, push audio, pull frames.
 * Reads 16-bit PCM and 32-bit float WAV. */
#include <koemorph.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = 480, MOST_CHANNELS = 64 }; /* sample frames a push, as a game's audio thread would */

typedef struct {
  FILE* file;
  int32_t sample_rate;
  int32_t channels;
  int32_t bytes_per_sample;
  uint32_t bytes_left;
} wav;

static uint32_t little_endian(const unsigned char* bytes, int count) {
  uint32_t value = 0;
  while (count-- > 0) value = value << 8 | bytes[count];
  return value;
}

/* Reads the format chunk; 0 when it is not one we know. */
static int wav_format(wav* w, uint32_t size) {
  enum { PCM = 1, FLOAT = 3, EXTENSIBLE = 0xFFFE, EXTENDED_SIZE = 26 };
  unsigned char format[EXTENDED_SIZE] = {0};
  uint32_t kind;
  if (size > EXTENDED_SIZE) size = EXTENDED_SIZE;
  if (fread(format, 1, size, w->file) != size) return 0;
  kind = little_endian(format, 2);
  if (kind == EXTENSIBLE) kind = little_endian(format + 24, 2);
  w->channels = (int32_t)little_endian(format + 2, 2);
  w->sample_rate = (int32_t)little_endian(format + 4, 4);
  w->bytes_per_sample = (int32_t)little_endian(format + 14, 2) / 8;
  return w->channels > 0 && w->channels <= MOST_CHANNELS &&
         ((kind == PCM && w->bytes_per_sample == 2) || (kind == FLOAT && w->bytes_per_sample == 4));
}

/* Finds the format and the start of the samples; 0 when the file is not such a WAV. */
static int wav_open(wav* w, const char* path) {
  unsigned char head[12], chunk[8];
  int format_seen = 0;
  long next;
  w->file = fopen(path, "rb");
  if (w->file == NULL || fread(head, 1, 12, w->file) != 12) return 0;
  if (memcmp(head, "RIFF", 4) != 0 || memcmp(head + 8, "WAVE", 4) != 0) return 0;
  while (fread(chunk, 1, 8, w->file) == 8) {
    uint32_t size = little_endian(chunk + 4, 4);
    if (memcmp(chunk, "data", 4) == 0) {
      w->bytes_left = size;
      return format_seen;
    }
    next = ftell(w->file) + (long)(size + (size & 1));
    if (memcmp(chunk, "fmt ", 4) == 0 && size >= 16) format_seen = wav_format(w, size);
    if (fseek(w->file, next, SEEK_SET) != 0) return 0;
  }
  return 0;
}

/* Reads up to BLOCK sample frames as floats; returns how many. */
static int32_t wav_read(wav* w, float* out) {
  static unsigned char bytes[BLOCK * MOST_CHANNELS * 4];
  const uint32_t frame_size = (uint32_t)(w->channels * w->bytes_per_sample);
  uint32_t wanted = BLOCK * frame_size;
  uint32_t i, samples;
  int32_t frames;
  if (wanted > w->bytes_left) wanted = w->bytes_left;
  frames = (int32_t)(fread(bytes, 1, wanted, w->file) / frame_size);
  w->bytes_left -= (uint32_t)frames * frame_size;
  samples = (uint32_t)(frames * w->channels);
  for (i = 0; i < samples; ++i) {
    if (w->bytes_per_sample == 2) {
      out[i] = (float)(int16_t)little_endian(bytes + 2 * i, 2) / 32768.0f;
    } else {
      const uint32_t bits = little_endian(bytes + 4 * i, 4);
      memcpy(out + i, &bits, 4);
    }
  }
  return frames;
}

static int failed(const char* what) {
  fprintf(stderr, "wav_to_jsonl: %s: %s\n", what, koemorph_error_message());
  return 2;
}

static void print_frames(koemorph_stream* stream) {
  static long index = 0;
  float weights[KOEMORPH_BLENDSHAPE_COUNT];
  double time;
  int i;
  while (koemorph_stream_pull(stream, weights, KOEMORPH_BLENDSHAPE_COUNT, &time) == KOEMORPH_OK) {
    printf("{\"frame_index\": %ld, \"timestamp\": %.9f, \"blendshapes\": [", index++, time);
    for (i = 0; i < KOEMORPH_BLENDSHAPE_COUNT; ++i) printf("%s%.6f", i > 0 ? ", " : "", weights[i]);
    printf("]}\n");
  }
}

/* Pushes the whole file through the stream, printing frames as they come. */
static int animate(koemorph_stream* stream, wav* in) {
  static float block[BLOCK * MOST_CHANNELS];
  int32_t frames;
  while ((frames = wav_read(in, block)) > 0) {
    koemorph_stream_push(stream, block, frames);
    if (koemorph_stream_process(stream) < 0) return failed("process");
    print_frames(stream);
  }
  koemorph_stream_flush(stream);
  if (koemorph_stream_process(stream) < 0) return failed("process");
  print_frames(stream);
  return 0;
}

int main(int argc, char** argv) {
  koemorph_model_config model_config;
  koemorph_stream_config stream_config;
  koemorph_model* model = NULL;
  koemorph_stream* stream = NULL;
  wav in = {0};
  int status;

  if (argc != 3) {
    fprintf(stderr, "usage: wav_to_jsonl MODEL.onnx IN.wav > OUT.jsonl\n");
    return 2;
  }
  if (!wav_open(&in, argv[2])) {
    fprintf(stderr, "wav_to_jsonl: %s is not a WAV file of 16-bit or float samples.\n", argv[2]);
    return 2;
  }

  koemorph_model_config_init(&model_config);
  model_config.path = argv[1];
  if (koemorph_model_load(&model_config, &model) != KOEMORPH_OK) return failed("model");

  koemorph_stream_config_init(&stream_config);
  stream_config.sample_rate = in.sample_rate;
  stream_config.channels = in.channels;
  if (koemorph_stream_create(model, &stream_config, &stream) != KOEMORPH_OK) {
    return failed("stream");
  }
  status = animate(stream, &in);

  koemorph_stream_destroy(stream);
  koemorph_model_destroy(model);
  fclose(in.file);
  return status;
}
