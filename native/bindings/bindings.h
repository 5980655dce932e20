// One function bind_<part> per file <part>.cc. The bindings convert arguments and contain no logic.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "util/status.h"

namespace koemorph {

// A contiguous float32 array; other arrays are converted (a list of doubles, a float64 array, ...).
using FloatArray = pybind11::array_t<float, pybind11::array::c_style | pybind11::array::forcecast>;

// Raises ValueError with the message of a failure.
inline void raise_if_failed(const Status& status) {
  if (!status.ok()) throw pybind11::value_error(status.message);
}

void bind_controls(pybind11::module_& module);
void bind_egemaps(pybind11::module_& module);
void bind_face(pybind11::module_& module);
void bind_mel(pybind11::module_& module);
void bind_model(pybind11::module_& module);
void bind_onnx(pybind11::module_& module);
void bind_player(pybind11::module_& module);
void bind_resample(pybind11::module_& module);
void bind_retarget(pybind11::module_& module);
void bind_stream(pybind11::module_& module);
void bind_testing(pybind11::module_& module);

}  // namespace koemorph
