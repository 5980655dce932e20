#include "audio/resampler.h"

#include "bindings.h"

namespace py = pybind11;

namespace koemorph {

void bind_resample(py::module_& module) {
  py::class_<Resampler>(
      module, "Resampler",
      "Streaming band-limited sample-rate conversion; output n stands for n / out_rate.")
      .def(py::init([](int in_rate, int out_rate) {
             if (in_rate <= 0 || out_rate <= 0) throw py::value_error("rates must be above 0 Hz");
             return Resampler(in_rate, out_rate);
           }),
           py::arg("in_rate"), py::arg("out_rate"))
      .def(
          "push",
          [](Resampler& self, const FloatArray& samples) {
            const auto count = static_cast<int>(samples.size());
            py::array_t<float> out(self.max_output(count));
            const int written = self.push(samples.data(), count, out.mutable_data());
            return py::array_t<float>(out[py::slice(0, written, 1)]);
          },
          py::arg("samples"), "Samples (n,) -> those outputs that are complete by now (m,).")
      .def("reset", &Resampler::reset, "Start again at time 0.")
      .def_property_readonly("latency", &Resampler::latency,
                             "Seconds of audio beyond its own time that an output waits for.");
}

}  // namespace koemorph
