// The interface between the model and what evaluates its graph.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "util/status.h"

namespace koemorph {

// An input or output of the graph.
struct Port {
  const char* name;
  std::vector<int64_t> shape;  // of one stream
  bool shared = false;         // one value for all streams, of shape (1,)
  size_t size() const;         // floats per stream
};

struct Ports {
  std::vector<Port> inputs;
  std::vector<Port> outputs;
};

// The tensors of up to `capacity` streams, stream after stream, and the call that evaluates them.
class BackendSession {
 public:
  virtual ~BackendSession() = default;
  // By the index in Ports.
  virtual float* input(int index) = 0;
  virtual const float* output(int index) const = 0;
  // Evaluates the first `count` streams.
  virtual Status run(int count) = 0;
};

// A loaded graph. Immutable; any number of sessions on any threads may use it.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual const std::map<std::string, std::string>& metadata() const = 0;
  virtual std::vector<std::string> input_names() const = 0;
  // Whether the graph's inputs and outputs have these shapes; the names of inputs fit already.
  virtual Status check(const Ports& ports) const = 0;
  virtual std::unique_ptr<BackendSession> session(const Ports& ports, int capacity) const = 0;
};

// Loads a graph for the built-in evaluator. Where it lacks an operator, `unsupported` receives its
// name.
Status load_builtin(const void* data, size_t size, std::shared_ptr<const Backend>* out,
                    std::string* unsupported);
// Loads a graph for ONNX Runtime. library: the UTF-8 path of its library.
Status load_onnxruntime(const std::string& library, const void* data, size_t size, int threads,
                        std::shared_ptr<const Backend>* out);

}  // namespace koemorph
