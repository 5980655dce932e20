// Owners of the handles of the C API, which the Python classes wrap.
#pragma once

#include <memory>

#include "koemorph.h"

namespace koemorph {

template <typename Handle, void (*destroy)(Handle*)>
struct PyHandle {
  struct Deleter {
    void operator()(Handle* handle) const { destroy(handle); }
  };
  std::unique_ptr<Handle, Deleter> handle;
};

using PyModel = PyHandle<koemorph_model, koemorph_model_destroy>;
using PyStream = PyHandle<koemorph_stream, koemorph_stream_destroy>;
using PyPlayer = PyHandle<koemorph_player, koemorph_player_destroy>;
using PyStreamBatch = PyHandle<koemorph_stream_batch, koemorph_stream_batch_destroy>;

}  // namespace koemorph
