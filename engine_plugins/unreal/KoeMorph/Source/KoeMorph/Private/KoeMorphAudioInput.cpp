// Copyright KoeMorph contributors. Licensed under the MIT License.

#include "KoeMorphAudioInput.h"

#include "Audio.h"
#include "AudioCaptureCore.h"
#include "AudioDevice.h"
#include "AudioThread.h"
#include "Components/AudioComponent.h"
#include "Engine/World.h"
#include "GameFramework/Actor.h"
#include "HAL/PlatformTime.h"
#include "ISubmixBufferListener.h"
#include "KoeMorphModule.h"
#include "KoeMorphVersion.h"
#include "Misc/ScopeLock.h"
#include "Sound/SoundSubmix.h"
#include "Core/FaceStream.h"

#include <atomic>

namespace
{
using FAudioSink = TSharedRef<FKoeMorphAudioSink, ESPMode::ThreadSafe>;

/** The audio of one audio component, before spatialization. The mixer holds a reference while it calls it. */
class FSourceListener final : public ISourceBufferListener
{
public:
	explicit FSourceListener(const FAudioSink& InSink)
		: Sink(InSink)
	{
	}

	virtual void OnNewBuffer(const FOnNewBufferParams& Params) override
	{
		// A Sound Cue that mixes sounds plays several sources at once; only one of them is used.
		int32 Expected = INDEX_NONE;
		if (!UsedSource.compare_exchange_strong(Expected, Params.SourceId) && Expected != Params.SourceId)
		{
			return;
		}
		Sink->Push(Params.AudioData, Params.NumSamples, Params.SampleRate, Params.NumChannels);
	}

	virtual void OnSourceReleased(const int32 SourceId) override
	{
		int32 Expected = SourceId;
		UsedSource.compare_exchange_strong(Expected, INDEX_NONE);
	}

private:
	const FAudioSink Sink;
	/** The source that is used until it ends; none: the next one. */
	std::atomic<int32> UsedSource{INDEX_NONE};
};

class FSourceInput final : public FKoeMorphAudioInput
{
public:
	explicit FSourceInput(UAudioComponent& Component)
		: Source(&Component)
	{
		Component.SetSourceBufferListener(MakeShared<FSourceListener, ESPMode::ThreadSafe>(Sink), false);
		if (!Component.IsPlaying())
		{
			return;
		}
		// A sound gets its listener when it starts. Auto-activated components start before any BeginPlay.
		const AActor* const Owner = Component.GetOwner();
		if (Owner != nullptr && Owner->IsActorBeginningPlay())
		{
			Component.Play();
		}
		else
		{
			UE_LOG(LogKoeMorph, Warning, TEXT("%s is already playing: it is used from its next Play."), *Component.GetPathName());
		}
	}

	virtual ~FSourceInput() override
	{
		if (UAudioComponent* const Component = Source.Get())
		{
			Component->SetSourceBufferListener(nullptr, false);
		}
	}

private:
	const TWeakObjectPtr<UAudioComponent> Source;
};

class FSubmixListener final : public ISubmixBufferListener
{
public:
	explicit FSubmixListener(const FAudioSink& InSink)
		: Sink(InSink)
	{
	}

	virtual void OnNewSubmixBuffer(const USoundSubmix* OwningSubmix, float* AudioData, int32 NumSamples, int32 NumChannels,
		const int32 SampleRate, double AudioClock) override
	{
		Sink->Push(AudioData, NumSamples, SampleRate, NumChannels);
	}

#if KOEMORPH_SHARED_SUBMIX_LISTENERS
	virtual const FString& GetListenerName() const override
	{
		static const FString Name(TEXT("KoeMorph"));
		return Name;
	}
#endif

private:
	const FAudioSink Sink;
};

class FSubmixInput final : public FKoeMorphAudioInput
{
public:
	FSubmixInput(const FAudioDeviceHandle& InDevice, USoundSubmix* InSubmix)
		: Device(InDevice)
		, Submix(InSubmix)
		, Listener(MakeShared<FSubmixListener, ESPMode::ThreadSafe>(Sink))
	{
#if KOEMORPH_SHARED_SUBMIX_LISTENERS
		Device->RegisterSubmixBufferListener(Listener, InSubmix != nullptr ? *InSubmix : Device->GetMainSubmixObject());
#else
		Device->RegisterSubmixBufferListener(&Listener.Get(), InSubmix);
#endif
	}

	virtual ~FSubmixInput() override
	{
#if KOEMORPH_SHARED_SUBMIX_LISTENERS
		USoundSubmix* const Target = Submix.Get();
		Device->UnregisterSubmixBufferListener(Listener, Target != nullptr ? *Target : Device->GetMainSubmixObject());
#else
		Device->UnregisterSubmixBufferListener(&Listener.Get(), Submix.Get());
		// The audio thread removes it later; keep it alive until the following command.
		FAudioThread::RunCommandOnAudioThread([Kept = Listener]() {});
#endif
	}

private:
	FAudioDeviceHandle Device;
	const TWeakObjectPtr<USoundSubmix> Submix;
	const TSharedRef<FSubmixListener, ESPMode::ThreadSafe> Listener;
};

/** A microphone. A lost device is opened again when it is available. */
class FMicrophoneInput final : public FKoeMorphAudioInput
{
public:
	explicit FMicrophoneInput(const FString& InName)
		: Name(InName)
	{
	}

	virtual ~FMicrophoneInput() override
	{
		if (Capture.IsValid())
		{
			Capture->CloseStream();
		}
	}

	virtual void Update(double Now, bool bSpeaking) override
	{
		if (Capture.IsValid() && bSpeaking)
		{
			LastAudio = Now;
			bWarned = false;
		}
		if (Now - LastAudio < Timeout || Now < RetryTime)
		{
			return;
		}
		RetryTime = Now + Timeout;
		if (Capture.IsValid())
		{
			Capture->CloseStream();
			Warn(TEXT("delivers no audio"));
		}
		if (!OpenDevice())
		{
			Capture.Reset();
			Warn(TEXT("cannot be opened"));
		}
	}

private:
	bool OpenDevice()
	{
		Capture = MakeUnique<Audio::FAudioCapture>();
		Audio::FAudioCaptureDeviceParams Params;
		if (!Name.IsEmpty())
		{
			TArray<Audio::FCaptureDeviceInfo> Devices;
			Capture->GetCaptureDevicesAvailable(Devices);
			Params.DeviceIndex = INDEX_NONE;
			for (int32 Index = 0; Index < Devices.Num(); ++Index)
			{
				if (Devices[Index].DeviceName == Name)
				{
					Params.DeviceIndex = Index;
				}
			}
			if (Params.DeviceIndex == INDEX_NONE)
			{
				return false;
			}
		}
		const FAudioSink Target = Sink;
		return Capture->OpenAudioCaptureStream(
				   Params,
				   [Target](const void* AudioData, int32 NumFrames, int32 NumChannels, int32 SampleRate, double StreamTime,
					   bool bOverflow) {
					   Target->Push(static_cast<const float*>(AudioData), NumFrames * NumChannels, SampleRate, NumChannels);
				   },
				   CaptureFrames) &&
			   Capture->StartStream();
	}

	/** Once per loss. */
	void Warn(const TCHAR* What)
	{
		if (!bWarned)
		{
			UE_LOG(LogKoeMorph, Warning,
				TEXT("Microphone '%s' %s. Check that the Audio Capture plugin is enabled, that the device is connected and that "
					 "the "
					 "app has permission to use it. KoeMorph retries every second."),
				Name.IsEmpty() ? TEXT("default") : *Name, What);
			bWarned = true;
		}
	}

	static constexpr double Timeout = 1.0; // s without audio after which the device counts as lost
	static constexpr uint32 CaptureFrames = 512;

	const FString Name;
	TUniquePtr<Audio::FAudioCapture> Capture;
	double LastAudio = -Timeout;
	double RetryTime = 0.0;
	bool bWarned = false;
};
}

void FKoeMorphAudioSink::SetStream(std::shared_ptr<koemorph_plugin::FaceStream> NewStream)
{
	const FScopeLock Lock(&StreamLock);
	Stream.swap(NewStream); // the old one is released outside the lock, never on the mixer's thread
}

void FKoeMorphAudioSink::Push(const float* Interleaved, int32 NumSamples, int32 SampleRate, int32 NumChannels)
{
	const FScopeLock Lock(&StreamLock);
	if (Stream && NumChannels > 0)
	{
		Stream->Push(Interleaved, NumSamples / NumChannels, SampleRate, NumChannels, FPlatformTime::Seconds());
	}
}

FKoeMorphAudioInput::FKoeMorphAudioInput()
	: Sink(MakeShared<FKoeMorphAudioSink, ESPMode::ThreadSafe>())
{
}

FKoeMorphAudioInput::~FKoeMorphAudioInput()
{
	SetStream(nullptr);
}

bool FKoeMorphAudioInput::Matches(
	EKoeMorphInput OtherKind, UAudioComponent* OtherSource, USoundSubmix* OtherSubmix, const FString& OtherDevice) const
{
	return Kind == OtherKind && Object.Get() == SourceObject(OtherKind, OtherSource, OtherSubmix) && Device == OtherDevice;
}

UObject* FKoeMorphAudioInput::SourceObject(EKoeMorphInput OfKind, UAudioComponent* Source, USoundSubmix* Submix)
{
	switch (OfKind)
	{
	case EKoeMorphInput::AudioComponent:
		return Source;
	case EKoeMorphInput::Submix:
		return Submix;
	default:
		return nullptr;
	}
}

TArray<FString> FKoeMorphAudioInput::Microphones()
{
	TArray<Audio::FCaptureDeviceInfo> Devices;
	Audio::FAudioCapture().GetCaptureDevicesAvailable(Devices);
	TArray<FString> Names;
	for (const Audio::FCaptureDeviceInfo& Found : Devices)
	{
		Names.Add(Found.DeviceName);
	}
	return Names;
}

TSharedPtr<FKoeMorphAudioInput> FKoeMorphAudioInput::Open(const UKoeMorphComponent& Component, EKoeMorphInput NewKind,
	UAudioComponent* Source, USoundSubmix* Submix, const FString& Microphone)
{
	TSharedPtr<FKoeMorphAudioInput> Opened;
	if (NewKind == EKoeMorphInput::AudioComponent && Source != nullptr)
	{
		Opened = MakeShared<FSourceInput>(*Source);
	}
	else if (NewKind == EKoeMorphInput::Microphone)
	{
		Opened = MakeShared<FMicrophoneInput>(Microphone);
	}
	else if (NewKind == EKoeMorphInput::Submix)
	{
		const UWorld* const World = Component.GetWorld();
		const FAudioDeviceHandle Device = World != nullptr ? World->GetAudioDevice() : FAudioDeviceHandle();
		if (Device.IsValid())
		{
			Opened = MakeShared<FSubmixInput>(Device, Submix);
		}
		else
		{
			UE_LOG(LogKoeMorph, Warning, TEXT("%s: no audio device: the submix cannot be used."), *Component.GetPathName());
		}
	}
	if (Opened.IsValid())
	{
		Opened->Kind = NewKind;
		Opened->Object = SourceObject(NewKind, Source, Submix);
		Opened->Device = Microphone;
	}
	return Opened;
}
