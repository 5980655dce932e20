// Stub of sounds, submixes and the microphone; the test is the mixer.
#pragma once

#include "Engine.h"

class USoundBase : public UObject
{
};
class USoundWave : public USoundBase
{
public:
	bool GetImportedSoundWaveData(TArray<uint8>& OutRawPcm, uint32& OutSampleRate, uint16& OutChannels) const
	{
		OutRawPcm = StubPcm;
		OutSampleRate = StubRate;
		OutChannels = StubChannels;
		return StubPcm.Num() > 0;
	}
	TArray<uint8> StubPcm;
	uint32 StubRate = 0;
	uint16 StubChannels = 0;
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
	ISubmixBufferListener() { ++StubAlive; }
	virtual ~ISubmixBufferListener() { --StubAlive; }
	inline static int StubAlive = 0;
	virtual void OnNewSubmixBuffer(const USoundSubmix* OwningSubmix, float* AudioData, int32 NumSamples, int32 NumChannels,
		const int32 SampleRate, double AudioClock) = 0;
#if STUB_ENGINE_MINOR >= 4
	virtual const FString& GetListenerName() const = 0;
#endif
};

// Runs queued commands in order when the test calls StubRun.
class FAudioThread
{
public:
	static void RunCommandOnAudioThread(std::function<void()> Command) { StubCommands.push_back(MoveTemp(Command)); }
	static void StubRun()
	{
		for (const std::function<void()>& Command : std::exchange(StubCommands, {}))
		{
			Command();
		}
	}
	inline static std::vector<std::function<void()>> StubCommands;
};

class FAudioDevice
{
public:
#if STUB_ENGINE_MINOR >= 4
	virtual void RegisterSubmixBufferListener(
		TSharedRef<ISubmixBufferListener, ESPMode::ThreadSafe> Listener, USoundSubmix& Submix)
	{
		StubListeners.push_back(Listener.Held.get());
	}
	virtual void UnregisterSubmixBufferListener(
		TSharedRef<ISubmixBufferListener, ESPMode::ThreadSafe> Listener, USoundSubmix& Submix)
	{
		std::erase(StubListeners, Listener.Held.get());
	}
	virtual USoundSubmix& GetMainSubmixObject() const { return *StubDefault<USoundSubmix>(); }
#else
	virtual void RegisterSubmixBufferListener(ISubmixBufferListener* Listener, USoundSubmix* Submix = nullptr)
	{
		StubListeners.push_back(Listener);
	}
	virtual void UnregisterSubmixBufferListener(ISubmixBufferListener* Listener, USoundSubmix* Submix = nullptr)
	{
		FAudioThread::RunCommandOnAudioThread([this, Listener] { std::erase(StubListeners, Listener); });
	}
#endif
	virtual ~FAudioDevice() = default;
	std::vector<ISubmixBufferListener*> StubListeners;
};
class FAudioDeviceHandle
{
public:
	bool IsValid() const { return true; }
	FAudioDevice* operator->() const { return &StubDevice(); }
	static FAudioDevice& StubDevice();
};

class UWorld : public UObject
{
public:
	FAudioDeviceHandle GetAudioDevice() const { return FAudioDeviceHandle(); }
	bool IsPaused() const { return StubPaused; }
	bool StubPaused = false;
};

class UAudioComponent : public USceneComponent
{
public:
	void SetSourceBufferListener(const FSharedISourceBufferListenerPtr& Listener, bool bShouldZeroBufferAfter)
	{
		StubNext = Listener;
	}
	void SetSound(USoundBase* NewSound) { StubSound = NewSound; }
	// As in the engine, a sound gets its listener when it starts, and keeps it.
	virtual void Play(float StartTime = 0.0f)
	{
		StubListener = StubNext;
		StubPlaying = true;
		++StubPlays;
	}
	void Stop() { StubPlaying = false; }
	bool IsPlaying() const { return StubPlaying; }
	FSharedISourceBufferListenerPtr StubNext, StubListener;
	USoundBase* StubSound = nullptr;
	bool StubPlaying = false;
	int StubPlays = 0;
};

namespace Audio
{
struct FAudioCaptureDeviceParams
{
	int32 DeviceIndex = INDEX_NONE;
};
struct FCaptureDeviceInfo
{
	FString DeviceName;
};
using FOnAudioCaptureFunction = std::function<void(
	const void* AudioData, int32 NumFrames, int32 NumChannels, int32 SampleRate, double StreamTime, bool bOverflow)>;
class FAudioCapture
{
public:
	bool OpenAudioCaptureStream(
		const FAudioCaptureDeviceParams& Params, FOnAudioCaptureFunction OnCapture, uint32 NumFramesDesired)
	{
		if (StubPluggedIn)
		{
			StubOpen = std::move(OnCapture);
			StubIndex = Params.DeviceIndex;
		}
		return StubPluggedIn;
	}
	int32 GetCaptureDevicesAvailable(TArray<FCaptureDeviceInfo>& OutDevices)
	{
		OutDevices.Reset();
		for (const TCHAR* const Name : StubDevices)
		{
			OutDevices.Add({Name});
		}
		return OutDevices.Num();
	}
	bool StartStream() { return StubOpen != nullptr; }
	bool CloseStream()
	{
		StubOpen = nullptr;
		return true;
	}
	static inline bool StubPluggedIn = false;
	static inline FOnAudioCaptureFunction StubOpen; // callback of the open device
	static inline int32 StubIndex = INDEX_NONE;
	static inline std::vector<const TCHAR*> StubDevices;
};
}
