#include "egemaps/egemaps.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "bindings.h"

namespace py = pybind11;

namespace koemorph {
namespace {

py::list names(const char* const* first, int count) {
  py::list out;
  for (int i = 0; i < count; ++i) out.append(first[i]);
  return out;
}

py::array_t<float> push(EgemapsStream& self, const py::object& values) {
  const auto array = py::array::ensure(values);
  // Integer samples would be 32768 times too loud, and channels would be read one after the other.
  if (!array || array.ndim() != 1 || array.dtype().kind() != 'f') {
    throw py::value_error("samples should be floats in [-1, 1] of one channel, (n,)");
  }
  const FloatArray samples(array);
  const py::ssize_t windows = self.window_count();
  std::vector<float> updates;
  {
    const py::gil_scoped_release release;
    const float* in = samples.data();
    py::ssize_t left = samples.size();
    while (left > 0) {
      const int64_t before = self.updates();
      const int taken = self.push(in, static_cast<int>(std::min<py::ssize_t>(left, 1 << 20)));
      in += taken;
      left -= taken;
      if (self.updates() == before) continue;
      updates.insert(updates.end(), self.windows(), self.windows() + windows * kFunctionalCount);
    }
  }
  const auto count = static_cast<py::ssize_t>(updates.size()) / (windows * kFunctionalCount);
  return py::array_t<float>({count, windows, py::ssize_t{kFunctionalCount}}, updates.data());
}

py::array_t<float> lld(EgemapsStream& self) {
  const int64_t first = self.oldest_row();
  const auto count = static_cast<int>(std::max<int64_t>(0, self.rows() - first));
  py::array_t<float> out({py::ssize_t{count}, py::ssize_t{kLldCount}});
  self.lld(first, count, out.mutable_data());
  return out;
}

}  // namespace

void bind_egemaps(py::module_& module) {
  module.attr("LLD_NAMES") = names(kLldNames.data(), kLldCount);
  module.attr("FUNCTIONAL_NAMES") = names(kFunctionalNames.data(), kFunctionalCount);

  py::class_<EgemapsConfig>(module, "EgemapsConfig",
                            "Settings of the eGeMAPS features, part of a model's metadata.")
      .def(py::init<>())
      .def_readwrite("sample_rate", &EgemapsConfig::sample_rate, "Hz; 16000 is the only one")
      .def_readwrite("context_window", &EgemapsConfig::context_window, "s")
      .def_readwrite("update_interval", &EgemapsConfig::update_interval, "s")
      .def_readwrite("window_intervals", &EgemapsConfig::window_intervals, "s")
      .def_property_readonly("first_valid_update", &EgemapsConfig::first_valid_update,
                             "Index of the first update that a network gets as input.");

  py::class_<EgemapsStream>(module, "EgemapsStream", "Streaming eGeMAPSv02.")
      .def(py::init([](const EgemapsConfig& config) {
             raise_if_failed(EgemapsStream::check(config));
             return std::make_unique<EgemapsStream>(config);
           }),
           py::arg("config") = EgemapsConfig())
      .def("push", &push, py::arg("samples"),
           "16 kHz samples (n,) -> (updates completed, window_intervals, 88).")
      .def_property_readonly("updates", &EgemapsStream::updates, "Updates so far.")
      .def_property_readonly(
          "windows",
          [](const EgemapsStream& self) {
            return py::array_t<float>(
                {py::ssize_t{self.window_count()}, py::ssize_t{kFunctionalCount}}, self.windows());
          },
          "(window_intervals, 88) of the last update.")
      .def(
          "functionals",
          [](EgemapsStream& self) {
            py::array_t<float> out(kFunctionalCount);
            self.functionals(out.mutable_data());
            return out;
          },
          "(88,) of the newest context_window, now.")
      .def("lld", &lld, "(rows, 25): the descriptors of the newest context_window, 10 ms a row.")
      .def("reset", &EgemapsStream::reset);
}

}  // namespace koemorph
