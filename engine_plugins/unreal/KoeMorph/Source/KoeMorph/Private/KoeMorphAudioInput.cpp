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
#include "Core/Voice.h"

#include <atomic>

namespace
{
using FOutlet = TSharedRef<FKoeMorphOutlet, ESPMode::ThreadSafe>;

/** One audio component's sound, before it is placed in space. Held by the mixer as long as it calls. */
class FSourceListener final : public ISourceBufferListener
{
public:
	explicit FSourceListener(const FOutlet& InOutlet)
		: Outlet(InOutlet)
	{
	}

	virtual void OnNewBuffer(const FOnNewBufferParams& Params) override
	{
		// A cue that mixes sounds plays each as a source of its own, at the same time: one of them is the voice.
		int32 Expected = INDEX_NONE;
		if (!Followed.compare_exchange_strong(Expected, Params.SourceId) && Expected != Params.SourceId)
		{
			return;
		}
		Outlet->Feed(Params.AudioData, Params.NumSamples, Params.SampleRate, Params.NumChannels);
	}

	virtual void OnSourceReleased(const int32 SourceId) override
	{
		int32 Expected = SourceId;
		Followed.compare_exchange_strong(Expected, INDEX_NONE);
	}

private:
	const FOutlet Outlet;
	/** The source that is heard until it ends; none: the next one. */
	std::atomic<int32> Followed{INDEX_NONE};
};

class FSourceInput final : public FKoeMorphAudioInput
{
public:
	explicit FSourceInput(UAudioComponent& Component)
		: Source(&Component)
	{
		Component.SetSourceBufferListener(MakeShared<FSourceListener, ESPMode::ThreadSafe>(Outlet), false);
		if (!Component.IsPlaying())
		{
			return;
		}
		// A sound takes its listener along when it begins. One that its actor activates begins before any BeginPlay.
		const AActor* const Owner = Component.GetOwner();
		if (Owner != nullptr && Owner->IsActorBeginningPlay())
		{
			Component.Play();
		}
		else
		{
			UE_LOG(LogKoeMorph, Warning, TEXT("%s is playing already; the face follows it from its next Play on."),
				*Component.GetPathName());
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
	explicit FSubmixListener(const FOutlet& InOutlet)
		: Outlet(InOutlet)
	{
	}

	virtual void OnNewSubmixBuffer(const USoundSubmix* OwningSubmix, float* AudioData, int32 NumSamples, int32 NumChannels,
		const int32 SampleRate, double AudioClock) override
	{
		Outlet->Feed(AudioData, NumSamples, SampleRate, NumChannels);
	}

#if KOEMORPH_SHARED_SUBMIX_LISTENERS
	virtual const FString& GetListenerName() const override
	{
		static const FString Name(TEXT("KoeMorph"));
		return Name;
	}
#endif

private:
	const FOutlet Outlet;
};

class FSubmixInput final : public FKoeMorphAudioInput
{
public:
	FSubmixInput(const FAudioDeviceHandle& InDevice, USoundSubmix* InSubmix)
		: Device(InDevice)
		, Submix(InSubmix)
		, Listener(MakeShared<FSubmixListener, ESPMode::ThreadSafe>(Outlet))
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
		// Which the audio thread does later, and the next thing that it is told, after that.
		FAudioThread::RunCommandOnAudioThread([Kept = Listener]() {});
#endif
	}

private:
	FAudioDeviceHandle Device;
	const TWeakObjectPtr<USoundSubmix> Submix;
	const TSharedRef<FSubmixListener, ESPMode::ThreadSafe> Listener;
};

/** The default microphone; one that goes away is waited for, and taken up again. */
class FMicrophoneInput final : public FKoeMorphAudioInput
{
public:
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
			Heard = Now;
			bWarned = false;
		}
		if (Now - Heard < Lost || Now < Retry)
		{
			return;
		}
		Retry = Now + Lost;
		if (Capture.IsValid())
		{
			Capture->CloseStream();
			Warn(TEXT("The microphone gives no sound any more; KoeMorph waits for it."));
		}
		Capture = MakeUnique<Audio::FAudioCapture>();
		const FOutlet Target = Outlet;
		const bool bOpened = Capture->OpenAudioCaptureStream(
			Audio::FAudioCaptureDeviceParams(),
			[Target](
				const void* AudioData, int32 NumFrames, int32 NumChannels, int32 SampleRate, double StreamTime, bool bOverflow) {
				Target->Feed(static_cast<const float*>(AudioData), NumFrames * NumChannels, SampleRate, NumChannels);
			},
			CaptureFrames);
		if (!bOpened || !Capture->StartStream())
		{
			Capture.Reset();
			Warn(TEXT("The microphone cannot be opened; KoeMorph waits for it."));
		}
	}

private:
	/** Once for each loss. */
	void Warn(const TCHAR* What)
	{
		if (!bWarned)
		{
			UE_LOG(LogKoeMorph, Warning, TEXT("%s"), What);
			bWarned = true;
		}
	}

	static constexpr double Lost = 1.0; // s without sound after which the device counts as lost
	static constexpr uint32 CaptureFrames = 512;

	TUniquePtr<Audio::FAudioCapture> Capture;
	double Heard = -Lost;
	double Retry = 0.0;
	bool bWarned = false;
};
}

void FKoeMorphOutlet::SetVoice(std::shared_ptr<koemorph_plugin::Voice> NewVoice)
{
	const FScopeLock Lock(&Feeding);
	Voice.swap(NewVoice); // the old one ends outside the lock, and never on the mixer's thread
}

void FKoeMorphOutlet::Feed(const float* Interleaved, int32 NumSamples, int32 SampleRate, int32 NumChannels)
{
	const FScopeLock Lock(&Feeding);
	if (Voice && NumChannels > 0)
	{
		Voice->Feed(Interleaved, NumSamples / NumChannels, SampleRate, NumChannels, FPlatformTime::Seconds());
	}
}

FKoeMorphAudioInput::FKoeMorphAudioInput()
	: Outlet(MakeShared<FKoeMorphOutlet, ESPMode::ThreadSafe>())
{
}

FKoeMorphAudioInput::~FKoeMorphAudioInput()
{
	SetVoice(nullptr);
}

bool FKoeMorphAudioInput::Brings(EKoeMorphInput OtherKind, UAudioComponent* OtherSource, USoundSubmix* OtherSubmix) const
{
	return Kind == OtherKind && From.Get() == Origin(OtherKind, OtherSource, OtherSubmix);
}

UObject* FKoeMorphAudioInput::Origin(EKoeMorphInput OfKind, UAudioComponent* Source, USoundSubmix* Submix)
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

TSharedPtr<FKoeMorphAudioInput> FKoeMorphAudioInput::Open(
	const UKoeMorphComponent& Component, EKoeMorphInput NewKind, UAudioComponent* Source, USoundSubmix* Submix)
{
	TSharedPtr<FKoeMorphAudioInput> Opened;
	if (NewKind == EKoeMorphInput::AudioComponent && Source != nullptr)
	{
		Opened = MakeShared<FSourceInput>(*Source);
	}
	else if (NewKind == EKoeMorphInput::Microphone)
	{
		Opened = MakeShared<FMicrophoneInput>();
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
			UE_LOG(LogKoeMorph, Warning, TEXT("%s: there is no audio device, and so no submix to listen to."),
				*Component.GetPathName());
		}
	}
	if (Opened.IsValid())
	{
		Opened->Kind = NewKind;
		Opened->From = Origin(NewKind, Source, Submix);
	}
	return Opened;
}
