#if !defined(KOEMORPH_NO_ONNXRUNTIME)
#include "model/onnxruntime.h"

#include <map>
#include <mutex>

#if defined(_WIN32)
#include <windows.h>

#include <filesystem>
#else
#include <dlfcn.h>
#endif

namespace koemorph {
namespace {

using GetApiBase = const ort::ApiBase*(KOEMORPH_ORT_CALL*)();

#if defined(_WIN32)

GetApiBase find_entry(const std::string& path) {
  std::filesystem::path file = std::filesystem::u8path(path);
  DWORD flags = 0;
  if (file.has_parent_path()) {
    // Search the dependencies of the library next to it; requires an absolute path.
    file = std::filesystem::absolute(file).make_preferred();
    flags = LOAD_WITH_ALTERED_SEARCH_PATH;
  }
  const HMODULE library = LoadLibraryExW(file.c_str(), nullptr, flags);
  if (library == nullptr) return nullptr;
  return reinterpret_cast<GetApiBase>(
      reinterpret_cast<void*>(GetProcAddress(library, "OrtGetApiBase")));
}

#else

GetApiBase find_entry(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  return library == nullptr ? nullptr
                            : reinterpret_cast<GetApiBase>(dlsym(library, "OrtGetApiBase"));
}

#endif

}  // namespace

std::string OnnxRuntime::take_message(ort::Status* status) const {
  if (status == nullptr) return "";
  std::string message = ort::GetErrorMessage::call<const char*>(api_, status);
  ort::ReleaseStatus::call<void>(api_, status);
  return message;
}

Status OnnxRuntime::start(const ort::ApiBase* base, const std::string& where) {
  api_ = base->get_api(ort::kApiVersion);
  if (api_ == nullptr) {
    return {KOEMORPH_RUNTIME_MISSING, "ONNX Runtime " + std::string(base->get_version()) + " (" +
                                          where + ") is too old: expected 1.17 or later."};
  }
  std::string failure = take_message(ort::CreateEnv::call(api_, ort::kLogFatal, "koemorph", &env_));
  if (failure.empty()) {
    failure = take_message(ort::GetAllocatorWithDefaultOptions::call(api_, &allocator_));
  }
  if (failure.empty()) {
    failure = take_message(
        ort::CreateCpuMemoryInfo::call(api_, ort::kDeviceAllocator, ort::kDefaultMemory, &memory_));
  }
  if (failure.empty()) return {};
  return {KOEMORPH_RUNTIME_MISSING, "ONNX Runtime (" + where + ") failed to start: " + failure};
}

Status OnnxRuntime::open(const std::string& path) {
  const GetApiBase get_api_base = path.empty() ? nullptr : find_entry(path);
  if (get_api_base != nullptr) return start(get_api_base(), path);
  return {KOEMORPH_RUNTIME_MISSING, "Cannot load ONNX Runtime: onnxruntime_path is \"" + path +
                                        "\", expected the path of its library."};
}

Status OnnxRuntime::load(const std::string& path, const OnnxRuntime** out) {
  static std::mutex mutex;
  static auto* const loaded = new std::map<std::string, OnnxRuntime*>;
  const std::lock_guard<std::mutex> lock(mutex);
  auto entry = loaded->find(path);
  if (entry == loaded->end()) {
    auto runtime = std::make_unique<OnnxRuntime>();
    const Status status = runtime->open(path);
    if (!status.ok()) return status;
    entry = loaded->emplace(path, runtime.release()).first;
  }
  *out = entry->second;
  return {};
}

}  // namespace koemorph

#endif
