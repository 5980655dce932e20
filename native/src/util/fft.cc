#include "util/fft.h"

#include <cmath>
#include <utility>

#include "util/math.h"
#include "util/multiversion.h"
#include "util/shared.h"

namespace koemorph {
namespace {

// `stride` transforms of length `step` each become half as many of twice that length. Number k of
// transform q is at k * stride + q. (Parameters that do not overlap, and sums written out, let the
// compiler vectorise.)
KOEMORPH_MULTIVERSION
void join(const float* __restrict real, const float* __restrict imaginary,
          const float* twiddle_real, const float* twiddle_imaginary, int step, int stride,
          float* __restrict out_real, float* __restrict out_imaginary) {
  stride /= 2;
  for (int k = 0; k < step; ++k) {
    const float c = twiddle_real[k], s = twiddle_imaginary[k];
    const int even = 2 * k * stride, odd = even + stride;
    const int low = k * stride, high = low + step * stride;
    for (int q = 0; q < stride; ++q) {
      const float turned_real = c * real[odd + q] - s * imaginary[odd + q];
      const float turned_imaginary = c * imaginary[odd + q] + s * real[odd + q];
      out_real[low + q] = real[even + q] + turned_real;
      out_imaginary[low + q] = imaginary[even + q] + turned_imaginary;
      out_real[high + q] = real[even + q] - turned_real;
      out_imaginary[high + q] = imaginary[even + q] - turned_imaginary;
    }
  }
}

// The last two joins at once, of four transforms to one: their own strides would be too short.
KOEMORPH_MULTIVERSION
void join_four(const float* __restrict real, const float* __restrict imaginary,
               const float* __restrict twiddle_real, const float* __restrict twiddle_imaginary,
               int step, float* __restrict out_real, float* __restrict out_imaginary) {
  for (int k = 0; k < step; ++k) {
    const float c = twiddle_real[k], s = twiddle_imaginary[k];
    const float* re = real + 4 * k;
    const float* im = imaginary + 4 * k;
    const float turned2_real = c * re[2] - s * im[2], turned2_imaginary = c * im[2] + s * re[2];
    const float turned3_real = c * re[3] - s * im[3], turned3_imaginary = c * im[3] + s * re[3];
    const float even_real = re[0] + turned2_real, even_imaginary = im[0] + turned2_imaginary;
    const float odd_real = re[1] + turned3_real, odd_imaginary = im[1] + turned3_imaginary;
    const float even2_real = re[0] - turned2_real, even2_imaginary = im[0] - turned2_imaginary;
    const float odd2_real = re[1] - turned3_real, odd2_imaginary = im[1] - turned3_imaginary;
    const float c1 = twiddle_real[step + k], s1 = twiddle_imaginary[step + k];
    const float c2 = twiddle_real[2 * step + k], s2 = twiddle_imaginary[2 * step + k];
    const float low_real = c1 * odd_real - s1 * odd_imaginary;
    const float low_imaginary = c1 * odd_imaginary + s1 * odd_real;
    const float high_real = c2 * odd2_real - s2 * odd2_imaginary;
    const float high_imaginary = c2 * odd2_imaginary + s2 * odd2_real;
    out_real[k] = even_real + low_real;
    out_imaginary[k] = even_imaginary + low_imaginary;
    out_real[k + step] = even2_real + high_real;
    out_imaginary[k + step] = even2_imaginary + high_imaginary;
    out_real[k + 2 * step] = even_real - low_real;
    out_imaginary[k + 2 * step] = even_imaginary - low_imaginary;
    out_real[k + 3 * step] = even2_real - high_real;
    out_imaginary[k + 3 * step] = even2_imaginary - high_imaginary;
  }
}

// Bins 1 to half / 2 and their mirror images: takes the transforms of even and odd samples apart,
// which lie in one as its symmetric and its antisymmetric part.
KOEMORPH_MULTIVERSION
void split(const float* __restrict real, const float* __restrict imaginary,
           const float* __restrict root_real, const float* __restrict root_imaginary, int half,
           float* __restrict out) {
  for (int k = 1; k <= half / 2; ++k) {
    const int mirror = half - k;
    const float even_real = 0.5f * (real[k] + real[mirror]);
    const float even_imaginary = 0.5f * (imaginary[k] - imaginary[mirror]);
    const float odd_real = 0.5f * (imaginary[k] + imaginary[mirror]);
    const float odd_imaginary = -(0.5f * (real[k] - real[mirror]));
    const float turned_real = root_real[k] * odd_real - root_imaginary[k] * odd_imaginary;
    const float turned_imaginary = root_real[k] * odd_imaginary + root_imaginary[k] * odd_real;
    out[2 * k] = even_real + turned_real;
    out[2 * k + 1] = even_imaginary + turned_imaginary;
    out[2 * mirror] = even_real - turned_real;
    out[2 * mirror + 1] = -(even_imaginary - turned_imaginary);
  }
}

}  // namespace

RealFft::Tables::Tables(int size) : twiddles(size / 2), split(size / 2) {
  const int half = size / 2;
  const auto set_root = [](int index, int length, int at, Parts* to) {
    const double angle = -2.0 * kPi * index / length;
    to->real[at] = static_cast<float>(std::cos(angle));
    to->imaginary[at] = static_cast<float>(std::sin(angle));
  };
  for (int length = 2; length <= half; length *= 2) {
    for (int k = 0; k < length / 2; ++k) set_root(k, length, length / 2 - 1 + k, &twiddles);
  }
  for (int k = 0; k < half; ++k) set_root(k, size, k, &split);
}

RealFft::RealFft(int size)
    : size_(size), tables_(shared_table<Tables>(size)), from_(size / 2), to_(size / 2) {}

// Even samples as real, odd ones as imaginary parts.
void RealFft::unpack(const float* in) {
  for (int i = 0; i < size_ / 2; ++i) {
    from_.real[i] = in[2 * i];
    from_.imaginary[i] = in[2 * i + 1];
  }
}

void RealFft::forward(const float* in, std::complex<float>* out) {
  const int half = size_ / 2;
  unpack(in);
  const float* twiddle_real = tables_->twiddles.real.data();
  const float* twiddle_imaginary = tables_->twiddles.imaginary.data();
  for (int step = 1; step < half;) {
    const int joined = half / step == 4 ? 4 : 2;
    if (joined == 4) {
      join_four(from_.real.data(), from_.imaginary.data(), twiddle_real, twiddle_imaginary, step,
                to_.real.data(), to_.imaginary.data());
    } else {
      join(from_.real.data(), from_.imaginary.data(), twiddle_real, twiddle_imaginary, step,
           half / step, to_.real.data(), to_.imaginary.data());
    }
    std::swap(from_, to_);
    twiddle_real += (joined - 1) * step;
    twiddle_imaginary += (joined - 1) * step;
    step *= joined;
  }
  split(from_.real.data(), from_.imaginary.data(), tables_->split.real.data(),
        tables_->split.imaginary.data(), half, reinterpret_cast<float*>(out));
  out[0] = {from_.real[0] + from_.imaginary[0], 0.0f};
  out[half] = {from_.real[0] - from_.imaginary[0], 0.0f};
}

}  // namespace koemorph
