// Objects, components and audio.
#pragma once

#include "Core.h"

class UClass;
class UPackage;
class UWorld;
class AActor;

enum EObjectFlags
{
	RF_NoFlags = 0,
	RF_Public = 1,
	RF_Standalone = 2
};
constexpr EObjectFlags operator|(EObjectFlags A, EObjectFlags B)
{
	return static_cast<EObjectFlags>(static_cast<int>(A) | static_cast<int>(B));
}

class UObject
{
public:
	virtual ~UObject() = default;
	FString GetName() const;
	FString GetPathName() const;
	UPackage* GetPackage() const;
	bool Modify(bool bAlwaysMarkDirty = true);
	virtual UWorld* GetWorld() const;
	virtual void PostInitProperties() {}
};

class UPackage : public UObject
{
public:
	void FullyLoad();
	bool MarkPackageDirty() const;
};
UPackage* CreatePackage(const TCHAR* Name);

template <typename T>
T* NewObject(UObject* Outer, FName Name = FName(), EObjectFlags Flags = RF_NoFlags);
template <typename T>
T* FindObject(UObject* Outer, const TCHAR* Name);
template <typename T>
const T* GetDefault();
template <typename To, typename From>
To* Cast(From* Object);

template <typename T>
class TObjectPtr
{
public:
	TObjectPtr(T* Object = nullptr);
	operator T*() const;
	T* operator->() const;
	T* Get() const;
};
template <typename T>
class TWeakObjectPtr
{
public:
	TWeakObjectPtr(T* Object = nullptr);
	T* Get() const;
};
template <typename T>
class TSoftObjectPtr
{
public:
	T* LoadSynchronous() const;
};
template <typename T>
class TSubclassOf
{
public:
	TSubclassOf(UClass* Class);
};
class UScriptStruct;

struct FFilePath
{
	FString FilePath;
};

class UDataAsset : public UObject
{
};
class UDeveloperSettings : public UObject
{
public:
	virtual FName GetCategoryName() const;
};

enum ELevelTick
{
	LEVELTICK_All
};
enum ETickingGroup
{
	TG_PrePhysics
};
struct FActorComponentTickFunction
{
	bool bCanEverTick;
	ETickingGroup TickGroup;
};
namespace EEndPlayReason
{
enum Type : int
{
	Destroyed
};
}

class UActorComponent : public UObject
{
public:
	// The engine's header tool gives every class its own; here it serves direct children.
	using Super = UActorComponent;
	FActorComponentTickFunction PrimaryComponentTick;
	AActor* GetOwner() const;
	bool HasBegunPlay() const;
	void RegisterComponent();
	virtual void BeginPlay();
	virtual void EndPlay(const EEndPlayReason::Type Reason);
	virtual void TickComponent(float DeltaTime, ELevelTick TickType, FActorComponentTickFunction* ThisTickFunction);
};

class AActor : public UObject
{
public:
	template <typename T>
	T* FindComponentByClass() const;
};

template <typename T>
class TInlineComponentArray : public TArray<T>
{
public:
	explicit TInlineComponentArray(const AActor* Actor);
};

class USkeletalMeshComponent : public UActorComponent
{
public:
	void SetMorphTarget(FName Name, float Value, bool bRemoveZeroWeight = true);
};

// ---- audio ----
class USoundBase : public UObject
{
};
class USoundWave : public USoundBase
{
public:
	bool GetImportedSoundWaveData(TArray<uint8>& OutRawPcm, uint32& OutSampleRate, uint16& OutChannels) const;
};
class USoundSubmix : public UObject
{
};

class ISourceBufferListener
{
public:
	virtual ~ISourceBufferListener() = default;
	struct FOnNewBufferParams
	{
		const float* AudioData = nullptr;
		int32 SourceId = INDEX_NONE;
		int32 NumSamples = 0;
		int32 NumChannels = 0;
		int32 SampleRate = 0;
	};
	virtual void OnNewBuffer(const FOnNewBufferParams&) = 0;
	virtual void OnSourceReleased(const int32 SourceId) = 0;
};
using FSharedISourceBufferListenerPtr = TSharedPtr<ISourceBufferListener, ESPMode::ThreadSafe>;

#if STUB_ENGINE_MINOR >= 4
class ISubmixBufferListener : public TSharedFromThis<ISubmixBufferListener, ESPMode::ThreadSafe>
#else
class ISubmixBufferListener
#endif
{
public:
	virtual ~ISubmixBufferListener() = default;
	virtual void OnNewSubmixBuffer(const USoundSubmix* OwningSubmix, float* AudioData, int32 NumSamples, int32 NumChannels,
		const int32 SampleRate, double AudioClock) = 0;
#if STUB_ENGINE_MINOR >= 4
	virtual const FString& GetListenerName() const;
#endif
};

class FAudioDevice
{
public:
#if STUB_ENGINE_MINOR >= 4
	virtual void RegisterSubmixBufferListener(
		TSharedRef<ISubmixBufferListener, ESPMode::ThreadSafe> Listener, USoundSubmix& Submix);
	virtual void UnregisterSubmixBufferListener(
		TSharedRef<ISubmixBufferListener, ESPMode::ThreadSafe> Listener, USoundSubmix& Submix);
	virtual USoundSubmix& GetMainSubmixObject() const;
#else
	virtual void RegisterSubmixBufferListener(ISubmixBufferListener* Listener, USoundSubmix* Submix = nullptr);
	virtual void UnregisterSubmixBufferListener(ISubmixBufferListener* Listener, USoundSubmix* Submix = nullptr);
#endif
	virtual ~FAudioDevice() = default;
};
class FAudioDeviceHandle
{
public:
	bool IsValid() const;
	FAudioDevice* operator->() const;
};

class UWorld : public UObject
{
public:
	FAudioDeviceHandle GetAudioDevice() const;
};

class UAudioComponent : public UActorComponent
{
public:
	void SetSourceBufferListener(const FSharedISourceBufferListenerPtr& Listener, bool bShouldZeroBufferAfter);
	void SetSound(USoundBase* NewSound);
	virtual void Play(float StartTime = 0.0f);
};

namespace Audio
{
struct FAudioCaptureDeviceParams
{
	FAudioCaptureDeviceParams() = default;
};
using FOnAudioCaptureFunction = std::function<void(
	const void* AudioData, int32 NumFrames, int32 NumChannels, int32 SampleRate, double StreamTime, bool bOverflow)>;
class FAudioCapture
{
public:
	bool OpenAudioCaptureStream(
		const FAudioCaptureDeviceParams& Params, FOnAudioCaptureFunction OnCapture, uint32 NumFramesDesired);
	bool StartStream();
};
}
