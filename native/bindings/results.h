// Results of the C ABI as Python exceptions.
#pragma once

#include <pybind11/pybind11.h>

#include "koemorph.h"

namespace koemorph {

// The `code` of a KoemorphError, as in python/koemorph/errors.py.
inline const char* error_code(koemorph_result result) {
  switch (result) {
    case KOEMORPH_FILE_ERROR:
      return "unreadable_file";
    case KOEMORPH_RUNTIME_MISSING:
      return "runtime_missing";
    case KOEMORPH_INFERENCE_FAILED:
      return "inference_failed";
    case KOEMORPH_INVALID_STATE:
      return "invalid_state";
    default:
      return "invalid_model";
  }
}

// Raises the exception that python/koemorph/errors.py documents for a result; returns for the
// others.
inline void raise_if_failed(koemorph_result result) {
  if (result >= 0) return;
  const char* message = koemorph_error_message();
  if (result == KOEMORPH_INVALID_ARGUMENT) throw pybind11::value_error(message);
  if (result == KOEMORPH_OUT_OF_MEMORY) throw std::bad_alloc();
  const char* kind = result == KOEMORPH_INVALID_STATE ? "StreamError" : "ModelError";
  const auto type = pybind11::module_::import("koemorph.errors").attr(kind);
  const pybind11::object error = type(message, pybind11::arg("code") = error_code(result));
  PyErr_SetObject(type.ptr(), error.ptr());
  throw pybind11::error_already_set();
}

}  // namespace koemorph
