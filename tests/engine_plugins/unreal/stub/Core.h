// The part of Unreal's Core and CoreUObject that the plugin touches: declarations with the engine's own
// names, types and constness, enough for a compiler to judge the plugin's code; nothing is ever linked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <type_traits>
#include <utility>

using int8 = std::int8_t;
using int16 = std::int16_t;
using int32 = std::int32_t;
using int64 = std::int64_t;
using uint8 = std::uint8_t;
using uint16 = std::uint16_t;
using uint32 = std::uint32_t;
using uint64 = std::uint64_t;
using TCHAR = char16_t;
using SIZE_T = std::size_t;

#define TEXT(x) u##x
#define PLATFORM_WINDOWS 0
#define PLATFORM_MAC 0
#define PLATFORM_ANDROID 0
#ifndef WITH_EDITOR
#define WITH_EDITOR 1
#endif
constexpr int32 INDEX_NONE = -1;

#define UE_VERSION_OLDER_THAN(Major, Minor, Patch) (STUB_ENGINE_MINOR < (Minor)) // the stub is 5.STUB_ENGINE_MINOR

// What UnrealHeaderTool reads; for the compiler, nothing.
#define UCLASS(...)
#define USTRUCT(...)
#define UENUM(...)
#define UFUNCTION(...)
#define UPROPERTY(...)
#define GENERATED_BODY() STUB_GENERATED_BODY(stub)
#define STUB_GENERATED_BODY(unused)                                                                                              \
public:                                                                                                                          \
	static UClass* StaticClass();
#define KOEMORPH_API
#define KOEMORPHEDITOR_API

template <typename T>
constexpr std::remove_reference_t<T>&& MoveTemp(T&& Value)
{
	static_assert(!std::is_const_v<std::remove_reference_t<T>>, "MoveTemp called on a const object");
	return static_cast<std::remove_reference_t<T>&&>(Value);
}

template <typename T>
class TArray
{
public:
	TArray() = default;
	TArray(const T* Data, int32 Count);
	TArray(std::initializer_list<T> Items);
	int32 Num() const;
	bool IsEmpty() const;
	int32 Add(T Item);
	template <typename R>
	void Append(const R& Items);
	void Reset(int32 NewSize = 0);
	void Empty(int32 Slack = 0);
	void SetNumZeroed(int32 Count);
	void SetNumUninitialized(int32 Count);
	T* GetData();
	const T* GetData() const;
	T& operator[](int32 Index);
	const T& operator[](int32 Index) const;
	template <typename K>
	int32 IndexOfByKey(const K& Key) const;
	T* begin();
	T* end();
	const T* begin() const;
	const T* end() const;
};

template <typename T>
class TConstArrayView
{
public:
	TConstArrayView(const TArray<T>& Items);
	int32 Num() const;
	const T* GetData() const;
};

template <typename K, typename V>
struct TPair
{
	K Key;
	V Value;
};

template <typename K, typename V>
class TMap
{
public:
	V& Add(const K& Key, const V& Value);
	V* Find(const K& Key);
	const V* Find(const K& Key) const;
	void Empty(int32 Slack = 0);
	int32 Num() const;
	const TPair<K, V>* begin() const;
	const TPair<K, V>* end() const;
};

class FString
{
public:
	FString() = default;
	FString(const TCHAR* Text);
	const TCHAR* operator*() const;
	bool IsEmpty() const;
	void Reset(int32 NewSize = 0);
	FString& operator=(const TCHAR* Text);
	friend FString operator+(const FString& A, const FString& B);
	friend bool operator==(const FString& A, const FString& B);
	template <typename... Types>
	static FString Printf(const TCHAR* Format, Types... Arguments);
};

class FName
{
public:
	FName() = default;
	FName(const TCHAR* Text);
	FName(const char* Text);
	bool IsNone() const;
	friend bool operator==(const FName& A, const FName& B);
	FString ToString() const;
};

class FText
{
public:
	static FText FromString(const FString& Text);
};
#define LOCTEXT(Key, Text) FText::FromString(TEXT(Text))

const char* TCHAR_TO_UTF8(const TCHAR* Text);
const TCHAR* UTF8_TO_TCHAR(const char* Text);
const TCHAR* ANSI_TO_TCHAR(const char* Text);

enum class ESPMode : uint8
{
	NotThreadSafe,
	ThreadSafe
};

template <typename T, ESPMode Mode = ESPMode::ThreadSafe>
class TSharedRef
{
public:
	template <typename U, typename = std::enable_if_t<std::is_convertible_v<U*, T*>>>
	TSharedRef(const TSharedRef<U, Mode>& Other);
	TSharedRef(const TSharedRef& Other);
	T& Get() const;
	T* operator->() const;
};

template <typename T, ESPMode Mode = ESPMode::ThreadSafe>
class TSharedPtr
{
public:
	TSharedPtr(std::nullptr_t = nullptr);
	template <typename U, typename = std::enable_if_t<std::is_convertible_v<U*, T*>>>
	TSharedPtr(const TSharedRef<U, Mode>& Other);
	template <typename U, typename = std::enable_if_t<std::is_convertible_v<U*, T*>>>
	TSharedPtr(const TSharedPtr<U, Mode>& Other);
	T* operator->() const;
	bool IsValid() const;
	void Reset();
};

template <typename T, ESPMode Mode = ESPMode::ThreadSafe, typename... Types>
TSharedRef<T, Mode> MakeShared(Types&&... Arguments)
{
	(void)sizeof(T(std::forward<Types>(Arguments)...));
	return *static_cast<TSharedRef<T, Mode>*>(nullptr);
}

template <typename T, ESPMode Mode = ESPMode::ThreadSafe>
class TSharedFromThis
{
};

template <typename T>
class TUniquePtr
{
public:
	TUniquePtr(std::nullptr_t = nullptr);
	TUniquePtr(TUniquePtr&& Other);
	TUniquePtr& operator=(TUniquePtr&& Other);
	~TUniquePtr();
	T* Get() const;
	T& operator*() const;
	T* operator->() const;
	bool IsValid() const;
	explicit operator bool() const;
	void Reset();
};
template <typename T>
TUniquePtr<T> MakeUnique();

struct FMemory
{
	static void* Memcpy(void* Target, const void* Source, SIZE_T Count);
	static void* Memzero(void* Target, SIZE_T Count);
};

struct FMath
{
	template <typename T>
	static T Min(T A, T B);
	static float Lerp(float A, float B, float Alpha);
	static int32 RoundToInt(double Value);
};

struct FPlatformTime
{
	static double Seconds();
};

struct FPlatformProcess
{
	static void* GetDllHandle(const TCHAR* File);
	static void* GetDllExport(void* Handle, const TCHAR* Name);
	static void FreeDllHandle(void* Handle);
	static void PushDllDirectory(const TCHAR* Folder);
	static void PopDllDirectory(const TCHAR* Folder);
	static const TCHAR* ComputerName();
};

struct FPaths
{
	template <typename... Types>
	static FString Combine(Types&&... Parts);
	static bool IsRelative(const FString& Path);
	static bool FileExists(const FString& Path);
	static FString ProjectDir();
};

struct FFileHelper
{
	static bool LoadFileToArray(TArray<uint8>& Result, const TCHAR* File, uint32 Flags = 0);
};

// Logging and modules.
namespace ELogVerbosity
{
enum Type
{
	Error,
	Warning,
	Log,
	All
};
}
#define DECLARE_LOG_CATEGORY_EXTERN(Name, Default, Compiled) extern int Name
#define DEFINE_LOG_CATEGORY(Name) int Name
template <typename... Types>
void StubLog(int Category, ELogVerbosity::Type Verbosity, const TCHAR* Format, Types... Arguments);
#define UE_LOG(Category, Verbosity, Format, ...) StubLog(Category, ELogVerbosity::Verbosity, Format __VA_OPT__(, ) __VA_ARGS__)

class IModuleInterface
{
public:
	virtual ~IModuleInterface() = default;
	virtual void StartupModule() {}
	virtual void ShutdownModule() {}
};
#define IMPLEMENT_MODULE(Class, Name)                                                                                            \
	IModuleInterface* StubMake##Name()                                                                                           \
	{                                                                                                                            \
		return new Class;                                                                                                        \
	}

class FModuleManager
{
public:
	template <typename T>
	static T& LoadModuleChecked(const FName& Name);
};

class IPlugin
{
public:
	FString GetBaseDir() const;
};
class IPluginManager
{
public:
	static IPluginManager& Get();
	TSharedPtr<IPlugin> FindPlugin(const FString& Name);
};

class IModularFeature
{
};
class IModularFeatures
{
public:
	static IModularFeatures& Get();
	bool IsModularFeatureAvailable(const FName& Type);
	template <typename T>
	T& GetModularFeature(const FName& Type);
};

struct FGuid
{
};

// Delegates.
struct FStubDelegate
{
	void Broadcast();
};
template <typename T>
struct FStubDelegateOne
{
	void Broadcast(const T& Value);
};
#define DECLARE_DYNAMIC_MULTICAST_DELEGATE(Name) using Name = FStubDelegate
#define DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(Name, Type, Parameter)                                                       \
	using Name = FStubDelegateOne<std::remove_cv_t<std::remove_reference_t<Type>>>
