// The one FFT of the library: real input, power-of-two length.
#pragma once

#include <complex>
#include <vector>

namespace koemorph {

// Fourier transform of real input by one half-length complex radix-2 transform (Cooley-Tukey) and
// the usual even/odd split. Plans are immutable after construction; each holder brings its own
// scratch, so one plan may serve any number of threads.
class RealFft {
 public:
  // `size`: samples a transform, a power of two >= 4.
  explicit RealFft(int size);

  int size() const { return size_; }
  int bins() const { return size_ / 2 + 1; }

  // in: size() samples; out: bins() values, out[k] = sum_n in[n] exp(-2 pi i k n / size). `in` may
  // not overlap `out`. Allocates nothing.
  void forward(const float* in, std::complex<float>* out) const;

 private:
  int size_;
  std::vector<int> reversed_;                  // bit reversal of the half-length transform
  std::vector<std::complex<float>> twiddles_;  // of every stage of it, one after the other
  std::vector<std::complex<float>> split_;     // exp(-2 pi i k / size)
};

}  // namespace koemorph
