// ONNX Runtime, found and loaded at run time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/onnxruntime_abi.h"
#include "util/status.h"

namespace koemorph {

// One loaded ONNX Runtime library with its environment. Never unloaded: its threads and static
// state do not survive that.
class OnnxRuntime {
 public:
  // path: the library's UTF-8 path, or "" to look beside our own library and then where the system
  // looks.
  static Status load(const std::string& path, const OnnxRuntime** out);

  const ort::Entry* api() const { return api_; }
  ort::Env* env() const { return env_; }
  ort::Allocator* allocator() const { return allocator_; }
  ort::MemoryInfo* memory() const { return memory_; }

  // The sentence of a failed call, whose status is released; "" when it did not fail.
  std::string take_message(ort::Status* status) const;

 private:
  Status open(const std::string& path);
  Status start(const ort::ApiBase* base, const std::string& where);

  const ort::Entry* api_ = nullptr;
  ort::Env* env_ = nullptr;
  ort::Allocator* allocator_ = nullptr;
  ort::MemoryInfo* memory_ = nullptr;
};

}  // namespace koemorph
