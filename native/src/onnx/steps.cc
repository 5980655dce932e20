#include "onnx/steps.h"

#include <algorithm>
#include <cmath>

namespace koemorph::onnx {
namespace {

// The start of each operand for the streams from `first` on.
struct Start {
  int64_t offsets[kMaxOperands];
  Start(const BoundStep& bound, int first) {
    for (int k = 0; k < kMaxOperands; ++k) offsets[k] = first * bound.per_stream[k];
  }
};

void bind_map(const Step& step, int count, BoundStep* out) {
  const auto operands = static_cast<int>(step.views.size());
  for (size_t d = 0; d < step.views[0].shape.size(); ++d) {
    push_axis(&out->loop, step.views, operands, d, count);
  }
  out->count = 1;
  if (out->loop.rank > 0) {
    const int inner = --out->loop.rank;
    out->count = out->loop.extent[inner];
    std::copy_n(out->loop.stride[inner], operands, out->stride);
  }
  out->map.ops = step.ops.data();
  out->map.op_count = static_cast<int>(step.ops.size());
  for (int k = 0; k < operands; ++k) {
    out->map.varies[k] = out->stride[k] != 0;
    const bool usable = out->stride[k] == 1 || (k > 0 && out->stride[k] == 0);
    out->scattered = out->scattered || (out->count > 1 && !usable);
  }
  out->map.count = out->scattered ? 1 : out->count;
}

void bind_reduce(const Step& step, int count, BoundStep* out) {
  const View& to = step.views[0];
  const View& from = step.views[1];
  for (size_t d = 0; d < to.shape.size(); ++d) {
    const int64_t size = from.shape[d].at(count);
    const bool stays = to.shape[d].at(count) == size;
    const int64_t strides[] = {stays ? to.strides[d].at(count) : 0, from.strides[d].at(count)};
    (stays ? out->loop : out->reduced).push(size, strides, 2);
  }
}

void bind_gemm(const Program& program, const Step& step, float* scratch, int count,
               BoundStep* out) {
  const View& left = step.views[1];
  const size_t rank = step.views[0].shape.size();
  const auto operands = static_cast<int>(step.views.size());
  // The loop over rows: the second factor does not take part in it.
  for (size_t d = 0; d + 1 < rank; ++d) {
    int64_t strides[kMaxOperands];
    for (int k = 0; k < operands; ++k) strides[k] = step.views[k].strides[d].at(count);
    if (step.has_b && d + 2 == rank) strides[2] = 0;
    out->loop.push(step.views[0].shape[d].at(count), strides, operands);
  }
  GemmCall& gemm = out->gemm;
  gemm.m = 1;
  gemm.n = step.views[0].shape[rank - 1].scale;
  gemm.k = left.shape[rank - 1].scale;
  gemm.a_column = left.strides[rank - 1].at(count);
  gemm.scratch = scratch;
  const int c0 = step.has_c0 ? operands - 1 : 0;
  if (out->loop.rank > 0 && (!step.has_b || out->loop.stride[out->loop.rank - 1][2] == 0)) {
    const int inner = --out->loop.rank;
    gemm.m = out->loop.extent[inner];
    gemm.c_row = out->loop.stride[inner][0];
    gemm.a_row = out->loop.stride[inner][1];
    gemm.c0_row = step.has_c0 ? out->loop.stride[inner][c0] : 0;
  }
  if (!step.has_b) {
    gemm.b = program.matrices[step.weights].data;
    gemm.b_row = kPanel;
    gemm.b_panel = kPanel * gemm.k;
    return;
  }
  const View& right = step.views[2];
  out->b_row = right.strides[rank - 2].at(count);
  out->b_column = right.strides[rank - 1].at(count);
  out->packs_b = out->b_column != 1 || gemm.n % kPanel != 0;
  gemm.b_row = out->packs_b ? kPanel : out->b_row;
  gemm.b_panel = out->packs_b ? kPanel * gemm.k : kPanel;
}

void run_map(const Kernels& kernels, const Step& step, const BoundStep& bound, int first) {
  const auto operands = static_cast<int>(step.views.size());
  MapCall call = bound.map;
  const int64_t repeats = bound.scattered ? bound.count : 1;
  if (bound.count == 0) return;
  const Start start(bound, first);
  for_each(bound.loop, bound.loop.rank, operands, start.offsets, [&](const int64_t* offsets) {
    for (int64_t i = 0; i < repeats; ++i) {
      call.out = bound.address[0] + offsets[0] + i * bound.stride[0];
      for (int k = 1; k < operands; ++k) {
        call.in[k] = bound.address[k] + offsets[k] + i * bound.stride[k];
      }
      kernels.map(call);
    }
  });
}

void run_reduce(const Kernels& kernels, const Step& step, const BoundStep& bound, int first) {
  const Loop& kept = bound.loop;
  const Loop& gone = bound.reduced;
  const Reduce kind = step.reduce;
  const bool rows = gone.rank > 0 && gone.stride[gone.rank - 1][1] == 1;
  const bool columns = !rows && kept.rank > 0 && kept.stride[kept.rank - 1][1] == 1 &&
                       kept.stride[kept.rank - 1][0] == 1;
  const int64_t length = rows ? gone.extent[gone.rank - 1] : 1;
  const int64_t width = columns ? kept.extent[kept.rank - 1] : 1;
  int64_t total = 1;
  for (int d = 0; d < gone.rank; ++d) total *= gone.extent[d];
  const Start start(bound, first);
  const float factor = step.mean ? 1.0f / static_cast<float>(total) : 1.0f;
  for_each(kept, kept.rank - (columns ? 1 : 0), 2, start.offsets, [&](const int64_t* at) {
    float* out = bound.address[0] + at[0];
    bool begun = false;
    for_each(gone, gone.rank - (rows ? 1 : 0), 2, at, [&](const int64_t* inner) {
      const float* in = bound.address[1] + inner[1];
      if (rows) {
        const float part = kernels.reduce(kind, in, length);
        if (!begun) *out = part;
        if (begun) kernels.accumulate(kind, out, &part, 1);
      } else if (!begun) {
        std::copy_n(in, width, out);
      } else {
        kernels.accumulate(kind, out, in, width);
      }
      begun = true;
    });
    if (step.mean) {
      for (int64_t j = 0; j < width; ++j) out[j] *= factor;
    }
  });
}

// The second factor in panels, as constant matrices are.
void pack_b(const BoundStep& bound, const float* b, float* out) {
  const GemmCall& gemm = bound.gemm;
  for (int64_t first = 0; first < gemm.n; first += kPanel) {
    const int64_t columns = std::min<int64_t>(kPanel, gemm.n - first);
    for (int64_t row = 0; row < gemm.k; ++row, out += kPanel) {
      const float* source = b + row * bound.b_row + first * bound.b_column;
      for (int64_t j = 0; j < columns; ++j) out[j] = source[j * bound.b_column];
      std::fill(out + columns, out + kPanel, 0.0f);
    }
  }
}

void run_gemm(const Kernels& kernels, const Step& step, const BoundStep& bound, int first) {
  const auto operands = static_cast<int>(step.views.size());
  GemmCall call = bound.gemm;
  if (call.n == 0) return;
  const float* packed = nullptr;
  const Start start(bound, first);
  for_each(bound.loop, bound.loop.rank, operands, start.offsets, [&](const int64_t* offsets) {
    call.c = bound.address[0] + offsets[0];
    call.a = bound.address[1] + offsets[1];
    if (step.has_c0) call.c0 = bound.address[operands - 1] + offsets[operands - 1];
    if (step.has_b) {
      const float* b = bound.address[2] + offsets[2];
      float* place = call.scratch + kPackedRows * call.k;
      if (bound.packs_b && packed != b) pack_b(bound, b, place);
      packed = b;
      call.b = bound.packs_b ? place : b;
    }
    kernels.gemm(call);
  });
}

void run_quantize(const Kernels& kernels, const BoundStep& bound, int first) {
  const float* in = bound.at(1, first);
  const int64_t n = bound.count;
  float low = 0.0f, high = 0.0f;
  if (n > 0) {
    low = std::min(0.0f, kernels.reduce(Reduce::kMin, in, n));
    high = std::max(0.0f, kernels.reduce(Reduce::kMax, in, n));
  }
  const float scale = high == low ? 1.0f : (high - low) / 255.0f;
  const float zero = std::min(255.0f, std::max(0.0f, std::nearbyint(-low / scale)));
  *bound.at(2, first) = scale;
  *bound.at(3, first) = zero;
  kernels.quantize(in, n, scale, zero, reinterpret_cast<uint8_t*>(bound.address[0]));
}

void run_integer_gemm(const Kernels& kernels, const Step& step, const BoundStep& bound, int first) {
  IntegerGemmCall call = bound.integer;
  call.c = bound.at(0, first);
  if (step.views.size() > 2) {
    const float zero = *bound.at(2, first);
    call.a_zero = zero >= 0.0f && zero <= 255.0f ? static_cast<int32_t>(zero) : 0;
  }
  kernels.integer_gemm(call);
}

}  // namespace

void bind_step(const Program& program, const Step& step, const std::vector<void*>& addresses,
               float* scratch, int count, BoundStep* out) {
  *out = BoundStep();
  for (size_t k = 0; k < step.views.size(); ++k) {
    const View& view = step.views[k];
    // Views of uint8 buffers have no offset.
    out->address[k] =
        static_cast<float*>(addresses[view.buffer]) + view.offset + view.offset_batch * count;
    const Buffer& buffer = program.buffers[view.buffer];
    if (buffer.persistent && buffer.size.batch) out->per_stream[k] = buffer.size.scale;
  }
  if (step.kind == Step::kBranch || step.kind == Step::kJump) return;
  out->count = 1;
  for (const Dim& extent : step.views[0].shape) out->count *= extent.at(count);
  if (step.kind == Step::kMap) bind_map(step, count, out);
  if (step.kind == Step::kReduce) bind_reduce(step, count, out);
  if (step.kind == Step::kGemm) bind_gemm(program, step, scratch, count, out);
  if (step.kind == Step::kIntegerGemm) {
    const PackedMatrix& matrix = program.matrices[step.weights];
    out->integer = {out->count / matrix.columns,
                    matrix.columns,
                    matrix.rows,
                    reinterpret_cast<const uint8_t*>(out->address[1]),
                    matrix.bytes.data(),
                    matrix.sums.data(),
                    matrix.zeros.data(),
                    0,
                    out->address[0],
                    matrix.columns};
  }
}

void run_step(const Kernels& kernels, const Step& step, const BoundStep& bound, int first) {
  switch (step.kind) {
    case Step::kMap:
      return run_map(kernels, step, bound, first);
    case Step::kReduce:
      return run_reduce(kernels, step, bound, first);
    case Step::kGemm:
      return run_gemm(kernels, step, bound, first);
    case Step::kQuantize:
      return run_quantize(kernels, bound, first);
    case Step::kIntegerGemm:
      return run_integer_gemm(kernels, step, bound, first);
    default:
      return;
  }
}

}  // namespace koemorph::onnx
