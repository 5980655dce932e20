#include "fft.h"

#include <cmath>

namespace koemorph {
namespace {

constexpr double kPi = 3.14159265358979323846;

std::complex<float> root_of_unity(int index, int size) {
  const double angle = -2.0 * kPi * index / size;
  return {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))};
}

// Written out: std::complex's operator* checks for NaN, which costs a branch in the innermost loop.
inline std::complex<float> multiply(std::complex<float> a, std::complex<float> b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

}  // namespace

RealFft::RealFft(int size) : size_(size) {
  const int half = size / 2;
  int bits = 0;
  while ((1 << bits) < half) ++bits;
  reversed_.resize(half);
  for (int i = 0; i < half; ++i) {
    int reversed = 0;
    for (int b = 0; b < bits; ++b) reversed |= ((i >> b) & 1) << (bits - 1 - b);
    reversed_[i] = reversed;
  }
  for (int length = 2; length <= half; length *= 2) {
    for (int k = 0; k < length / 2; ++k) twiddles_.push_back(root_of_unity(k, length));
  }
  for (int k = 0; k <= half; ++k) split_.push_back(root_of_unity(k, size));
}

void RealFft::forward(const float* in, std::complex<float>* out) const {
  const int half = size_ / 2;
  for (int i = 0; i < half; ++i) out[reversed_[i]] = {in[2 * i], in[2 * i + 1]};

  const std::complex<float>* twiddle = twiddles_.data();
  for (int length = 2; length <= half; length *= 2) {
    const int step = length / 2;
    for (int start = 0; start < half; start += length) {
      std::complex<float>* low = out + start;
      std::complex<float>* high = low + step;
      for (int k = 0; k < step; ++k) {
        const std::complex<float> odd = multiply(twiddle[k], high[k]);
        high[k] = low[k] - odd;
        low[k] += odd;
      }
    }
    twiddle += step;
  }

  // out[0..half) is the transform of even + i odd samples; take the two apart.
  const std::complex<float> first = out[0];
  for (int k = 1; k <= half / 2; ++k) {
    const std::complex<float> a = out[k];
    const std::complex<float> b = std::conj(out[half - k]);
    const std::complex<float> even = 0.5f * (a + b);
    const std::complex<float> difference = 0.5f * (a - b);
    const std::complex<float> odd = {difference.imag(), -difference.real()};
    const std::complex<float> turned = multiply(split_[k], odd);
    out[k] = even + turned;
    out[half - k] = std::conj(even - turned);
  }
  out[0] = {first.real() + first.imag(), 0.0f};
  out[half] = {first.real() - first.imag(), 0.0f};
}

}  // namespace koemorph
