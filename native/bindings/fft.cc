#include "util/fft.h"

#include <stdexcept>

#include "bindings.h"

namespace py = pybind11;

namespace koemorph {

void bind_fft(py::module_& module) {
  module.def(
      "rfft",
      [](const FloatArray& samples) {
        const auto size = static_cast<int>(samples.size());
        if (size < 4 || (size & (size - 1)) != 0) {
          throw py::value_error("rfft takes a power of two of at least 4 samples");
        }
        RealFft fft(size);
        py::array_t<std::complex<float>> out(fft.bins());
        fft.forward(samples.data(), out.mutable_data());
        return out;
      },
      py::arg("samples"),
      "Fourier transform of real samples (n,), n a power of two -> (n / 2 + 1,) complex64.");
}

}  // namespace koemorph
