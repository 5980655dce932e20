// ONNX Runtime, loaded at run time.
#pragma once

#include <memory>
#include <string>

#include "model/onnxruntime_abi.h"
#include "util/status.h"

namespace koemorph {

// A loaded ONNX Runtime library with its environment. Never unloaded, because its threads and
// static state do not support that.
class OnnxRuntime {
 public:
  // path: UTF-8 path of the library.
  static Status load(const std::string& path, const OnnxRuntime** out);

  const ort::Entry* api() const { return api_; }
  ort::Env* env() const { return env_; }
  ort::Allocator* allocator() const { return allocator_; }
  ort::MemoryInfo* memory() const { return memory_; }

  // Message of a failed call, "" for success. Releases the status.
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
