#include "KoeMorphAudioInput.h"

#include "Audio.h"
#include "AudioCaptureCore.h"
#include "AudioDevice.h"
#include "Components/AudioComponent.h"
#include "Engine/World.h"
#include "HAL/PlatformTime.h"
#include "ISubmixBufferListener.h"
#include "KoeMorphModule.h"
#include "KoeMorphVersion.h"
#include "Sound/SoundSubmix.h"
#include "Voice.h"

namespace
{
using FVoice = std::shared_ptr<koemorph_plugin::Voice>;

/** One audio component's sound, before it is placed in space. Held by the mixer as long as it calls. */
class FSourceListener final : public ISourceBufferListener
{
public:
	explicit FSourceListener(const FVoice& InVoice)
		: Voice(InVoice)
	{
	}

	virtual void OnNewBuffer(const FOnNewBufferParams& Params) override
	{
		if (Params.NumChannels > 0)
		{
			Voice->Feed(Params.AudioData, Params.NumSamples / Params.NumChannels, Params.SampleRate, Params.NumChannels,
				FPlatformTime::Seconds());
		}
	}

	virtual void OnSourceReleased(const int32 SourceId) override {}

private:
	const FVoice Voice;
};

class FSourceInput final : public FKoeMorphAudioInput
{
public:
	FSourceInput(UAudioComponent& Component, const FVoice& Voice)
		: Source(&Component)
	{
		Component.SetSourceBufferListener(MakeShared<FSourceListener, ESPMode::ThreadSafe>(Voice), false);
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
	explicit FSubmixListener(const FVoice& InVoice)
		: Voice(InVoice)
	{
	}

	virtual void OnNewSubmixBuffer(const USoundSubmix* OwningSubmix, float* AudioData, int32 NumSamples, int32 NumChannels,
		const int32 SampleRate, double AudioClock) override
	{
		if (NumChannels > 0)
		{
			Voice->Feed(AudioData, NumSamples / NumChannels, SampleRate, NumChannels, FPlatformTime::Seconds());
		}
	}

#if KOEMORPH_SHARED_SUBMIX_LISTENERS
	virtual const FString& GetListenerName() const override
	{
		static const FString Name(TEXT("KoeMorph"));
		return Name;
	}
#endif

private:
	const FVoice Voice;
};

class FSubmixInput final : public FKoeMorphAudioInput
{
public:
	FSubmixInput(const FAudioDeviceHandle& InDevice, USoundSubmix* InSubmix, const FVoice& Voice)
		: Device(InDevice)
		, Submix(InSubmix)
		, Listener(MakeShared<FSubmixListener, ESPMode::ThreadSafe>(Voice))
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
	explicit FMicrophoneInput(const FVoice& InVoice)
		: Voice(InVoice)
	{
	}

	virtual void Update(double Now) override
	{
		if (Capture.IsValid() && Voice->speaking())
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
		const FVoice Target = Voice;
		const bool bOpened = Capture->OpenAudioCaptureStream(
			Audio::FAudioCaptureDeviceParams(),
			[Target](
				const void* AudioData, int32 NumFrames, int32 NumChannels, int32 SampleRate, double StreamTime, bool bOverflow) {
				Target->Feed(static_cast<const float*>(AudioData), NumFrames, SampleRate, NumChannels, FPlatformTime::Seconds());
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

	const FVoice Voice;
	TUniquePtr<Audio::FAudioCapture> Capture;
	double Heard = -Lost;
	double Retry = 0.0;
	bool bWarned = false;
};
}

TSharedPtr<FKoeMorphAudioInput> FKoeMorphAudioInput::Open(UKoeMorphComponent& Component, EKoeMorphInput Input,
	UAudioComponent* Source, USoundSubmix* Submix, const std::shared_ptr<koemorph_plugin::Voice>& Voice)
{
	if (Input == EKoeMorphInput::AudioComponent && Source != nullptr)
	{
		return MakeShared<FSourceInput>(*Source, Voice);
	}
	if (Input == EKoeMorphInput::Microphone)
	{
		return MakeShared<FMicrophoneInput>(Voice);
	}
	const UWorld* const World = Component.GetWorld();
	if (Input == EKoeMorphInput::Submix && World != nullptr)
	{
		const FAudioDeviceHandle Device = World->GetAudioDevice();
		if (Device.IsValid())
		{
			return MakeShared<FSubmixInput>(Device, Submix, Voice);
		}
	}
	return nullptr;
}
