#include "KoeMorphComponent.h"

#include "Components/AudioComponent.h"
#include "Components/SkeletalMeshComponent.h"
#include "GameFramework/Actor.h"
#include "HAL/PlatformTime.h"
#include "KoeMorphAudioInput.h"
#include "KoeMorphLiveLinkSource.h"
#include "KoeMorphModule.h"
#include "KoeMorphPreset.h"
#include "Sound/SoundBase.h"
#include "Voice.h"

UKoeMorphComponent::UKoeMorphComponent()
{
	PrimaryComponentTick.bCanEverTick = true;
	// Before animation is evaluated, so that the mesh shows this frame's face.
	PrimaryComponentTick.TickGroup = TG_PrePhysics;
	Weights.SetNumZeroed(KOEMORPH_COEFFICIENTS);
}

void UKoeMorphComponent::BeginPlay()
{
	Super::BeginPlay();
	Open();
}

void UKoeMorphComponent::EndPlay(const EEndPlayReason::Type Reason)
{
	Close();
	Super::EndPlay(Reason);
}

void UKoeMorphComponent::Open()
{
	Problem.Reset();
	FString Why;
	const std::shared_ptr<const koemorph_plugin::Model> Loaded = FKoeMorphModule::Get().LoadModel(Model, Why);
	if (!Loaded)
	{
		Fail(Why);
		return;
	}
	Voice = std::make_shared<koemorph_plugin::Voice>(Loaded);
	SetPreset(Preset);
	if (!Voice)
	{
		return; // the preset is none, and has been reported
	}
	if (Input == EKoeMorphInput::AudioComponent && Source == nullptr)
	{
		Source = GetOwner()->FindComponentByClass<UAudioComponent>();
	}
	AudioInput = FKoeMorphAudioInput::Open(*this, Input, Source, Submix, Voice);
	if (!LiveLinkSubject.IsNone())
	{
		LiveLink = FKoeMorphLiveLinkSource::Add(LiveLinkSubject, FKoeMorphModule::Get().CurveNames());
	}
}

void UKoeMorphComponent::Close()
{
	AudioInput.Reset();
	if (LiveLink.IsValid())
	{
		LiveLink->Remove();
		LiveLink.Reset();
	}
	Voice.reset();
	FMemory::Memzero(Weights.GetData(), Weights.Num() * sizeof(float));
	SetSpeaking(false);
	Show();
}

void UKoeMorphComponent::Fail(const FString& Message)
{
	Close();
	Problem = Message;
	UE_LOG(LogKoeMorph, Error, TEXT("%s: %s"), *GetPathName(), *Message);
	OnProblem.Broadcast(Message);
}

void UKoeMorphComponent::TickComponent(float DeltaTime, ELevelTick TickType, FActorComponentTickFunction* ThisTickFunction)
{
	Super::TickComponent(DeltaTime, TickType, ThisTickFunction);
	if (!Voice)
	{
		return;
	}
	const double Now = FPlatformTime::Seconds();
	std::string Why;
	if (!Voice->Update(Now, &Why))
	{
		Fail(UTF8_TO_TCHAR(Why.c_str()));
		return;
	}
	if (AudioInput.IsValid())
	{
		AudioInput->Update(Now);
	}
	koemorph_plugin::Weights Face;
	Voice->Show(Now, Voice->Lag() + Delay, &Face);
	FMemory::Memcpy(Weights.GetData(), Face.data(), sizeof(Face));
	SetSpeaking(Voice->speaking());
	Show();
}

void UKoeMorphComponent::Show()
{
	const TArray<FName>& Names = FKoeMorphModule::Get().CurveNames();
	if (bDriveMorphTargets && GetOwner() != nullptr)
	{
		TInlineComponentArray<USkeletalMeshComponent*> Meshes(GetOwner());
		for (USkeletalMeshComponent* const Mesh : Meshes)
		{
			for (int32 Index = 0; Index < Names.Num(); ++Index)
			{
				Mesh->SetMorphTarget(Names[Index], Weights[Index]);
			}
		}
	}
	if (LiveLink.IsValid())
	{
		LiveLink->Push(Weights, FPlatformTime::Seconds());
	}
}

void UKoeMorphComponent::SetSpeaking(bool bNow)
{
	if (bNow == bSpeaking)
	{
		return;
	}
	bSpeaking = bNow;
	(bNow ? OnVoiceStarted : OnVoiceStopped).Broadcast();
}

void UKoeMorphComponent::Say(USoundBase* Sound)
{
	if (Source == nullptr)
	{
		UAudioComponent* const Created = NewObject<UAudioComponent>(GetOwner());
		Created->RegisterComponent();
		ListenTo(Created);
	}
	Source->SetSound(Sound);
	Source->Play();
}

void UKoeMorphComponent::ListenTo(UAudioComponent* AudioComponent)
{
	Source = AudioComponent;
	SetInput(EKoeMorphInput::AudioComponent);
}

void UKoeMorphComponent::SetInput(EKoeMorphInput NewInput)
{
	Input = NewInput;
	if (HasBegunPlay())
	{
		Close();
		Open();
	}
}

void UKoeMorphComponent::SetPreset(UKoeMorphPreset* NewPreset)
{
	Preset = NewPreset;
	if (!Voice)
	{
		return;
	}
	const std::string Json(Preset != nullptr ? TCHAR_TO_UTF8(*Preset->Json) : "");
	const float Upper = Preset != nullptr ? Preset->UpperStrength : 1.0f;
	const float Lower = Preset != nullptr ? Preset->LowerStrength : 1.0f;
	std::string Why;
	if (!Voice->SetControls(Json, Upper, Lower, &Why))
	{
		Fail(UTF8_TO_TCHAR(Why.c_str()));
	}
}

void UKoeMorphComponent::PushAudio(const TArray<float>& Samples, int32 SampleRate, int32 Channels)
{
	if (Voice && Input == EKoeMorphInput::Manual && Channels > 0)
	{
		Voice->Feed(Samples.GetData(), Samples.Num() / Channels, SampleRate, Channels, FPlatformTime::Seconds());
	}
}

float UKoeMorphComponent::GetCurve(FName Name) const
{
	const int32 Index = FKoeMorphModule::Get().CurveNames().IndexOfByKey(Name);
	return Index == INDEX_NONE ? 0.0f : Weights[Index];
}
