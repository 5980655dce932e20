// The built-in evaluator of ONNX graphs: a graph that many sessions share, and its sessions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "util/status.h"

namespace koemorph::onnx {

struct BoundStep;
struct Kernels;
struct Program;

// An immutable graph, ready to run: shapes inferred, operators fused, weights packed.
class Graph {
 public:
  struct Port {
    std::string name;
    std::vector<int64_t> shape;  // an extent of -n: n times the number of streams
  };

  // Reads an .onnx file from memory, which may be freed afterwards. The result is
  // KOEMORPH_INVALID_MODEL for a damaged file and for a graph that cannot be evaluated; then
  // `unsupported`, which may be NULL, receives the name of the operator that is missing, or "".
  static Status load(const void* data, size_t size, std::shared_ptr<const Graph>* out,
                     std::string* unsupported = nullptr);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  const std::vector<Port>& inputs() const { return inputs_; }
  const std::vector<Port>& outputs() const { return outputs_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const Program& program() const { return *program_; }

 private:
  Graph();

  std::unique_ptr<Program> program_;
  std::vector<Port> inputs_;
  std::vector<Port> outputs_;
  std::map<std::string, std::string> metadata_;
};

// The memory of one caller at a time: inputs, outputs and intermediate values of up to `capacity`
// streams.
class Session {
 public:
  // kernels: NULL for the fastest that the processor has.
  Session(std::shared_ptr<const Graph> graph, int capacity, const Kernels* kernels = nullptr);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  int capacity() const { return capacity_; }
  // The whole input or output, stream after stream, by its index in Graph::inputs or outputs.
  float* input(int index);
  const float* output(int index) const;
  // Evaluates the first `count` streams. Does not allocate.
  Status run(int count);
  // Bytes of the memory that this session holds.
  size_t memory() const;

 private:
  // The steps, bound for some number of streams.
  struct Bound {
    int count = 0;
    std::vector<BoundStep> steps;
  };

  void plan_memory();
  void bind(int count, Bound* bound);
  void run_tile(const Bound& bound, int first) const;

  std::shared_ptr<const Graph> graph_;
  const Kernels* kernels_;
  int capacity_;
  int tile_;  // streams that are evaluated together; more do not fit into the caches
  std::vector<uint8_t> arena_;  // the buffers, some of which share memory in turn
  std::vector<float> scratch_;
  std::vector<void*> addresses_;  // of each buffer
  Bound whole_;                   // for tile_ streams
  Bound rest_;                    // for fewer
};

}  // namespace koemorph::onnx
