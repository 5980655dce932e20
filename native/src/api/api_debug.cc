// The C API of koemorph_debug.h.
#include "api/api_support.h"
#include "koemorph_debug.h"

extern "C" {

koemorph_result koemorph_debug_tap(koemorph_stream* stream, koemorph_debug_stage stage, float* out,
                                   int32_t count, int32_t* written) {
  using koemorph::invalid;
  if (stream == nullptr || out == nullptr || count < 0) {
    return invalid("koemorph_debug_tap: stream or out is NULL, or count is negative (%d).", count);
  }
  const koemorph::WorkerEntry worker(stream->stream);
  if (!worker) return koemorph::concurrent_call();
  return koemorph::guarded([&] {
    const int copied = stream->stream.tap(stage, out, count);
    if (copied < 0)
      return invalid("koemorph_debug_tap: unknown stage %d.", static_cast<int>(stage));
    if (written != nullptr) *written = copied;
    return KOEMORPH_OK;
  });
}

}  // extern "C"
