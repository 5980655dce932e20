#if !defined(KOEMORPH_NO_ONNXRUNTIME)
#include "model/onnxruntime.h"

#include <map>
#include <mutex>

#if defined(_WIN32)
#include <windows.h>

#include <filesystem>
#elif !defined(KOEMORPH_LINKED_ONNXRUNTIME)
#include <dlfcn.h>
#endif

#if defined(KOEMORPH_LINKED_ONNXRUNTIME)
// iOS: the application links ONNX Runtime.
extern "C" const koemorph::ort::ApiBase* OrtGetApiBase();
#endif

namespace koemorph {
namespace {

using GetApiBase = const ort::ApiBase*(KOEMORPH_ORT_CALL*)();

#if defined(KOEMORPH_LINKED_ONNXRUNTIME)

std::vector<std::string> candidates() { return {"the application"}; }
GetApiBase find_entry(const std::string&) { return &OrtGetApiBase; }

#elif defined(_WIN32)

std::vector<std::string> candidates() {
  std::vector<std::string> found;
  HMODULE self = nullptr;
  wchar_t path[MAX_PATH];
  if (GetModuleHandleExW(
          GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
          reinterpret_cast<LPCWSTR>(&candidates), &self) != 0 &&
      GetModuleFileNameW(self, path, MAX_PATH) > 0) {
    std::string folder;
    char utf8[3 * MAX_PATH];
    if (WideCharToMultiByte(CP_UTF8, 0, path, -1, utf8, sizeof utf8, nullptr, nullptr) > 0) {
      folder = utf8;
      folder.resize(folder.find_last_of("\\/") + 1);
      found.push_back(folder + "onnxruntime.dll");
    }
  }
  found.emplace_back("onnxruntime.dll");
  return found;
}

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

#if defined(__APPLE__)
constexpr const char* kLibraryNames[] = {"libonnxruntime.dylib"};
#else
constexpr const char* kLibraryNames[] = {"libonnxruntime.so", "libonnxruntime.so.1"};
#endif

std::vector<std::string> candidates() {
  std::vector<std::string> found;
  Dl_info self;
  if (dladdr(reinterpret_cast<void*>(&candidates), &self) != 0 && self.dli_fname != nullptr) {
    const std::string path = self.dli_fname;
    const size_t slash = path.rfind('/');
    if (slash != std::string::npos) {
      for (const char* name : kLibraryNames) found.push_back(path.substr(0, slash + 1) + name);
    }
  }
  for (const char* name : kLibraryNames) found.emplace_back(name);
  return found;
}

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
  const std::vector<std::string> paths =
      path.empty() ? candidates() : std::vector<std::string>{path};
  std::string searched;
  for (const std::string& candidate : paths) {
    const GetApiBase get_api_base = find_entry(candidate);
    if (get_api_base != nullptr) return start(get_api_base(), candidate);
    searched += (searched.empty() ? "" : ", ") + candidate;
  }
  return {KOEMORPH_RUNTIME_MISSING,
          "Cannot load ONNX Runtime: searched " + searched +
              ". Put its library next to KoeMorph's, or set onnxruntime_path."};
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
