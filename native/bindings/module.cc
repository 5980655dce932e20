#include "bindings.h"

PYBIND11_MODULE(_native, module) {
  module.doc() = "KoeMorph's C++ core; use it through the koemorph package.";
  koemorph::bind_controls(module);
  koemorph::bind_egemaps(module);
  koemorph::bind_face(module);
  koemorph::bind_mel(module);
  koemorph::bind_model(module);
  koemorph::bind_onnx(module);
  koemorph::bind_player(module);
  koemorph::bind_resample(module);
  koemorph::bind_retarget(module);
  koemorph::bind_stream(module);
  koemorph::bind_testing(module);
}
