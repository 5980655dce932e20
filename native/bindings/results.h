// Results of the C ABI as Python exceptions.
#pragma once

#include <pybind11/pybind11.h>

#include "koemorph.h"

namespace koemorph {

// Raises the exception that python/koemorph/errors.py documents for a result; returns for the
// others.
inline void raise_if_failed(koemorph_result result) {
  if (result >= 0) return;
  const char* message = koemorph_error_message();
  if (result == KOEMORPH_INVALID_ARGUMENT) throw pybind11::value_error(message);
  if (result == KOEMORPH_OUT_OF_MEMORY) throw std::bad_alloc();
  const char* kind = result == KOEMORPH_INVALID_STATE ? "StreamError" : "ModelError";
  const auto type = pybind11::module_::import("koemorph.errors").attr(kind);
  PyErr_SetString(type.ptr(), message);
  throw pybind11::error_already_set();
}

}  // namespace koemorph
