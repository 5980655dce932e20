#include <algorithm>

#include "onnx/graph.h"
#include "onnx/steps.h"
#include "util/denormals.h"

namespace koemorph::onnx {
namespace {

constexpr int kTile = 8;

size_t bytes_of(const Buffer& buffer, int count) {
  const auto elements = static_cast<size_t>(buffer.size.at(count));
  const size_t bytes = elements * (buffer.bytes ? 1 : sizeof(float));
  return (bytes + kAlignment) / kAlignment * kAlignment;
}

}  // namespace

Session::Session(std::shared_ptr<const Graph> graph, int capacity, const Kernels* kernels)
    : graph_(std::move(graph)),
      kernels_(kernels == nullptr ? &best_kernels() : kernels),
      capacity_(std::max(capacity, 1)),
      tile_(std::min(capacity_, kTile)) {
  // Where an output's streams are not one after the other, all are evaluated together.
  for (const Port& port : graph_->program().outputs) {
    const Shape& shape = port.view.shape;
    const auto varies = [](const Dim& extent) { return extent.batch; };
    if (std::find_if(shape.begin(), shape.end(), varies) > shape.begin() && !shape[0].batch) {
      tile_ = capacity_;
    }
  }
  whole_.steps.resize(graph_->program().steps.size());
  rest_.steps.resize(whole_.steps.size());
  plan_memory();
  scratch_.resize(static_cast<size_t>(graph_->program().scratch));
}

Session::~Session() = default;

size_t Session::memory() const {
  return arena_.size() + scratch_.size() * sizeof(float) +
         2 * whole_.steps.size() * sizeof(BoundStep);
}

// Places each buffer where none is that lives at the same time, the largest first.
void Session::plan_memory() {
  const std::vector<Buffer>& buffers = graph_->program().buffers;
  const int end = static_cast<int>(graph_->program().steps.size());
  struct Placed {
    size_t begin, end;
    int first, last;
  };
  std::vector<size_t> order;
  const auto size_of = [&](const Buffer& buffer) {
    return bytes_of(buffer, buffer.persistent ? capacity_ : tile_);
  };
  for (size_t i = 0; i < buffers.size(); ++i) {
    if (buffers[i].constant < 0 && (buffers[i].persistent || buffers[i].first >= 0)) {
      order.push_back(i);
    }
  }
  // By index where sizes are equal: stable_sort would allocate memory of its own.
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const auto left = size_of(buffers[a]), right = size_of(buffers[b]);
    return left != right ? left > right : a < b;
  });
  std::vector<Placed> placed;  // by where they begin
  std::vector<size_t> offsets(buffers.size());
  size_t total = 0;
  for (const size_t i : order) {
    const Buffer& buffer = buffers[i];
    const size_t size = size_of(buffer);
    const int first = buffer.persistent ? 0 : buffer.first;
    const int last = buffer.persistent ? end : buffer.last;
    size_t at = 0;
    for (const Placed& other : placed) {
      if (other.last < first || last < other.first || other.end <= at) continue;
      if (at + size <= other.begin) break;
      at = other.end;
    }
    const Placed mine{at, at + size, first, last};
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), mine,
                         [](const Placed& a, const Placed& b) { return a.begin < b.begin; }),
        mine);
    offsets[i] = at;
    total = std::max(total, at + size);
  }
  arena_.assign(total + kAlignment, 0);
  const auto address = reinterpret_cast<uintptr_t>(arena_.data());
  uint8_t* base = arena_.data() + (kAlignment - address % kAlignment) % kAlignment;
  addresses_.resize(buffers.size());
  for (size_t i = 0; i < buffers.size(); ++i) {
    const int constant = buffers[i].constant;
    // Steps never write to a constant.
    addresses_[i] = constant < 0 ? static_cast<void*>(base + offsets[i])
                                 : const_cast<float*>(graph_->program().constants[constant].data());
  }
}

float* Session::input(int index) {
  return static_cast<float*>(addresses_[graph_->program().inputs[index].view.buffer]);
}

const float* Session::output(int index) const {
  return static_cast<const float*>(addresses_[graph_->program().outputs[index].view.buffer]);
}

void Session::bind(int count, Bound* bound) {
  if (bound->count == count) return;
  const Program& program = graph_->program();
  for (size_t i = 0; i < program.steps.size(); ++i) {
    bind_step(program, program.steps[i], addresses_, scratch_.data(), count, &bound->steps[i]);
  }
  bound->count = count;
}

void Session::run_tile(const Bound& bound, int first) const {
  const std::vector<Step>& steps = graph_->program().steps;
  for (size_t i = 0; i < steps.size();) {
    const Step& step = steps[i];
    if (step.kind == Step::kBranch) {
      const bool holds = bound.steps[i].at(0, first)[0] != 0.0f;
      i = holds ? i + 1 : static_cast<size_t>(step.target);
    } else if (step.kind == Step::kJump) {
      i = static_cast<size_t>(step.target);
    } else {
      run_step(*kernels_, step, bound.steps[i++], first);
    }
  }
}

Status Session::run(int count) {
  if (count < 1 || count > capacity_) {
    return {KOEMORPH_INVALID_ARGUMENT, "Inference failed: " + std::to_string(count) +
                                           " streams, 1 to " + std::to_string(capacity_) +
                                           " were expected."};
  }
  const FlushDenormals flush_denormals;
  int first = 0;
  if (count >= tile_) bind(tile_, &whole_);
  for (; first + tile_ <= count; first += tile_) run_tile(whole_, first);
  if (first < count) {
    bind(count - first, &rest_);
    run_tile(rest_, first);
  }
  return {};
}

}  // namespace koemorph::onnx
