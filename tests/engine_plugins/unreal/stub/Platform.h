// Stub of Unreal's helpers, files, libraries, logging, modules and delegates, based on the standard library.
#pragma once

#include "Core.h"

#include <atomic>
#include <cmath>
#include <cstring>

struct FMemory
{
	static void* Memcpy(void* Target, const void* Source, SIZE_T Count) { return std::memcpy(Target, Source, Count); }
	static void* Memzero(void* Target, SIZE_T Count) { return Count == 0 ? Target : std::memset(Target, 0, Count); }
};

struct FMath
{
	template <typename T>
	static T Min(T A, T B)
	{
		return std::min(A, B);
	}
	template <typename T>
	static T Max(T A, T B)
	{
		return std::max(A, B);
	}
	template <typename T>
	static T Clamp(T X, T Least, T Most)
	{
		return std::clamp(X, Least, Most);
	}
	static float Lerp(float A, float B, float Alpha) { return A + Alpha * (B - A); }
	static int32 RoundToInt32(double Value) { return static_cast<int32>(std::lround(Value)); }
	static int64 RoundToInt(double Value) { return std::lround(Value); }
};

/** Clock of the game, which the test advances. */
inline std::atomic<double> StubNow{100.0};

inline bool StubDedicatedServer = false;
inline bool IsRunningDedicatedServer()
{
	return StubDedicatedServer;
}

struct FPlatformTime
{
	static double Seconds() { return StubNow; }
};

struct FPlatformProcess
{
	static void* GetDllHandle(const TCHAR* File);
	static void* GetDllExport(void* Handle, const TCHAR* Name);
	static void FreeDllHandle(void* Handle);
	static const TCHAR* ComputerName() { return TEXT("here"); }
};

/** Relative paths are relative to the folder of the executable, which need not be the process's own. */
struct FPaths
{
	static FString ConvertRelativePathToFull(const FString& Path);
	template <typename First, typename... Types>
	static FString Combine(First&& Part, Types&&... Parts)
	{
		FString Path(std::forward<First>(Part));
		((Path = Path + FString(TEXT("/")) + FString(Parts)), ...);
		return Path;
	}
	static bool IsRelative(const FString& Path) { return **Path != u'/'; }
	static bool FileExists(const FString& Path);
	static FString ProjectDir();
	static FString GetBaseFilename(const FString& Path);
};

struct FFileHelper
{
	static bool LoadFileToArray(TArray<uint8>& Result, const TCHAR* File, uint32 Flags = 0);
	static bool LoadFileToString(FString& Result, const TCHAR* File);
};

class IFileManager
{
public:
	static IFileManager& Get();
	/** The names, without folder, of what fits a path whose last part may hold a *. */
	void FindFiles(TArray<FString>& Found, const TCHAR* Filename, bool bFiles, bool bFolders);
};

// Logging: StubLines() is the log.
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
std::vector<std::string>& StubLines();
#define DECLARE_LOG_CATEGORY_EXTERN(Name, Default, Compiled) extern int Name
#define DEFINE_LOG_CATEGORY(Name) int Name
template <typename... Types>
void StubLog(int Category, ELogVerbosity::Type Verbosity, const TCHAR* Format, Types... Arguments)
{
	const char* const Kind = Verbosity == ELogVerbosity::Error ? "error: " : "warning: ";
	StubLines().push_back(Kind + StubUtf8(StubFormat(Format, Arguments...)));
}
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
	static T& LoadModuleChecked(const FName& Name)
	{
		static T* const Module = [] {
			T* const Made = new T;
			Made->StartupModule();
			return Made;
		}();
		return *Module;
	}
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
	TSharedPtr<IPlugin> FindPlugin(const FString& Name) { return MakeShared<IPlugin>(); }
};

class IModularFeature
{
};
class IModularFeatures
{
public:
	static IModularFeatures& Get();
	bool IsModularFeatureAvailable(const FName& Type) { return StubFeature != nullptr; }
	template <typename T>
	T& GetModularFeature(const FName& Type)
	{
		return *static_cast<T*>(StubFeature);
	}
	IModularFeature* StubFeature = nullptr; // Live Link, if enabled
};

struct FGuid
{
	int32 StubNumber = 0;
};

struct FStubDelegate
{
	void Broadcast()
	{
		++StubCalls;
		if (StubListener)
		{
			StubListener();
		}
	}
	int32 StubCalls = 0;
	std::function<void()> StubListener;
};
template <typename T>
struct FStubDelegateOne
{
	void Broadcast(const T& Value)
	{
		StubValues.push_back(Value);
		if (StubListener)
		{
			StubListener();
		}
	}
	std::vector<T> StubValues;
	std::function<void()> StubListener;
};
#define DECLARE_DYNAMIC_MULTICAST_DELEGATE(Name) using Name = FStubDelegate
#define DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(Name, Type, Parameter)                                                       \
	using Name = FStubDelegateOne<std::remove_cv_t<std::remove_reference_t<Type>>>
