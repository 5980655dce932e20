// The entries of ONNX Runtime's C API that KoeMorph uses, by their index in the append-only OrtApi
// table (onnxruntime_c_api.h; indices are stable since API version 1). No package on PyPI or Debian
// 12 contains that header.
#pragma once

#include <cstddef>
#include <cstdint>

namespace koemorph::ort {

#if defined(_WIN32)
#define KOEMORPH_ORT_CALL __stdcall
#else
#define KOEMORPH_ORT_CALL
#endif

constexpr uint32_t kApiVersion = 17;  // ONNX Runtime 1.17 and later

struct Env;
struct Status;  // NULL: success
struct MemoryInfo;
struct Session;
struct SessionOptions;
struct RunOptions;
struct Value;
struct Allocator;
struct ModelMetadata;
struct TensorInfo;

using Entry = void(KOEMORPH_ORT_CALL*)();
struct ApiBase {
  const Entry*(KOEMORPH_ORT_CALL* get_api)(uint32_t version);  // NULL: the library is older
  const char*(KOEMORPH_ORT_CALL* get_version)();
};

enum : int {
  kLogFatal = 4,
  kFloat = 1,
  kDeviceAllocator = 0,
  kDefaultMemory = 0,
  kOptimizeAll = 99
};

// An index of the table and the type of the function there.
template <int kIndex, typename... Arguments>
struct Slot {
  template <typename Result = Status*>
  static Result call(const Entry* api, Arguments... arguments) {
    using Function = Result(KOEMORPH_ORT_CALL*)(Arguments...);
    return reinterpret_cast<Function>(api[kIndex])(arguments...);
  }
};

using GetErrorMessage = Slot<2, const Status*>;
using CreateEnv = Slot<3, int, const char*, Env**>;
using CreateSessionFromArray =
    Slot<8, const Env*, const void*, size_t, const SessionOptions*, Session**>;
using Run = Slot<9, Session*, const RunOptions*, const char* const*, const Value* const*, size_t,
                 const char* const*, size_t, Value**>;
using CreateSessionOptions = Slot<10, SessionOptions**>;
using SetSessionGraphOptimizationLevel = Slot<23, SessionOptions*, int>;
using SetIntraOpNumThreads = Slot<24, SessionOptions*, int>;
using SetInterOpNumThreads = Slot<25, SessionOptions*, int>;
using SessionGetInputCount = Slot<30, const Session*, size_t*>;
using SessionGetInputName = Slot<36, const Session*, size_t, Allocator*, char**>;
using CreateTensorWithDataAsOrtValue =
    Slot<49, const MemoryInfo*, void*, size_t, const int64_t*, size_t, int, Value**>;
using CreateCpuMemoryInfo = Slot<69, int, int, MemoryInfo**>;
using AllocatorFree = Slot<76, Allocator*, void*>;
using GetAllocatorWithDefaultOptions = Slot<78, Allocator**>;
using ReleaseStatus = Slot<93, Status*>;
using ReleaseSession = Slot<95, Session*>;
using ReleaseValue = Slot<96, Value*>;
using ReleaseSessionOptions = Slot<100, SessionOptions*>;
using SessionGetModelMetadata = Slot<111, const Session*, ModelMetadata**>;
using ModelMetadataLookupCustomMetadataMap =
    Slot<116, const ModelMetadata*, Allocator*, const char*, char**>;
using ReleaseModelMetadata = Slot<118, ModelMetadata*>;
using ModelMetadataGetCustomMetadataMapKeys =
    Slot<123, const ModelMetadata*, Allocator*, char***, int64_t*>;
using AddSessionConfigEntry = Slot<130, SessionOptions*, const char*, const char*>;

}  // namespace koemorph::ort
