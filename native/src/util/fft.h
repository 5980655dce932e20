// FFT of real input, power-of-two length.
#pragma once

#include <complex>
#include <memory>
#include <vector>

namespace koemorph {

// Fourier transform of real input by one half-length complex radix-2 transform (Cooley-Tukey, in
// Stockham's order, with contiguous inner loops) and the usual even/odd split. For one thread.
class RealFft {
 public:
  // `size`: samples per transform, a power of two >= 4.
  explicit RealFft(int size);

  int size() const { return size_; }
  int bins() const { return size_ / 2 + 1; }

  // in: size() samples; out: bins() values, out[k] = sum_n in[n] exp(-2 pi i k n / size). `in` may
  // not overlap `out`. Does not allocate.
  void forward(const float* in, std::complex<float>* out);

 private:
  // Real and imaginary parts are separate for vectorization.
  struct Parts {
    explicit Parts(int length) : real(length), imaginary(length) {}
    std::vector<float> real, imaginary;
  };

  struct Tables {
    explicit Tables(int size);
    Parts twiddles;  // of all stages, concatenated
    Parts split;     // exp(-2 pi i k / size)
  };

  void unpack(const float* in);

  int size_;
  std::shared_ptr<const Tables> tables_;  // shared by all transforms of this size
  Parts from_, to_;                       // buffers of the current stage
};

}  // namespace koemorph
