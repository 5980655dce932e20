// The one FFT of the library: real input, power-of-two length.
#pragma once

#include <complex>
#include <vector>

namespace koemorph {

// Fourier transform of real input by one half-length complex radix-2 transform (Cooley-Tukey, in
// Stockham's order, whose loops run over neighbours) and the usual even/odd split. For one thread.
class RealFft {
 public:
  // `size`: samples a transform, a power of two >= 4.
  explicit RealFft(int size);

  int size() const { return size_; }
  int bins() const { return size_ / 2 + 1; }

  // in: size() samples; out: bins() values, out[k] = sum_n in[n] exp(-2 pi i k n / size). `in` may
  // not overlap `out`. Allocates nothing.
  void forward(const float* in, std::complex<float>* out);

 private:
  // Real and imaginary parts apart: so they fill the processor's vectors.
  struct Parts {
    std::vector<float> real, imaginary;
  };

  void unpack(const float* in);

  int size_;
  Parts twiddles_;   // of every stage, one after the other
  Parts split_;      // exp(-2 pi i k / size)
  Parts from_, to_;  // of the stage at work
};

}  // namespace koemorph
