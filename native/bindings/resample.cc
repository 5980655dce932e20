#include "audio/resampler.h"
#include "bindings.h"

namespace py = pybind11;

namespace koemorph {

void bind_resample(py::module_& module) {
  py::class_<Resampler>(
      module, "Resampler",
      "Streaming band-limited sample rate conversion; output n is the signal at n / out_rate.")
      .def(py::init([](int in_rate, int out_rate) {
             if (in_rate <= 0 || out_rate <= 0)
               throw py::value_error("in_rate and out_rate must be above 0 Hz");
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
          py::arg("samples"),
          "Take samples (samples,). Returns the outputs completed by them (outputs,).")
      .def("reset", &Resampler::reset, "Back to time 0.")
      .def_property_readonly("latency", &Resampler::latency,
                             "Seconds of audio that an output needs beyond its own time.");
}

}  // namespace koemorph
