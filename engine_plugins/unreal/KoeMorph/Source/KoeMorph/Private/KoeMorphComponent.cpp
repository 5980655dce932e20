// Copyright KoeMorph contributors. Licensed under the MIT License.

#include "KoeMorphComponent.h"

#include "Components/AudioComponent.h"
#include "Components/SkeletalMeshComponent.h"
#include "Engine/World.h"
#include "GameFramework/Actor.h"
#include "HAL/PlatformTime.h"
#include "KoeMorphAudioInput.h"
#include "KoeMorphLiveLinkSource.h"
#include "KoeMorphModule.h"
#include "KoeMorphMorphTargets.h"
#include "KoeMorphPreset.h"
#include "Core/RetargetMap.h"
#include "Sound/SoundBase.h"
#include "Core/FaceStream.h"

UKoeMorphComponent::UKoeMorphComponent()
{
	PrimaryComponentTick.bCanEverTick = true;
	PrimaryComponentTick.bTickEvenWhenPaused = true; // to pause with the audio, see TickComponent
	// The group of skeletal meshes; see BeginPlay.
	PrimaryComponentTick.TickGroup = TG_PrePhysics;
	Weights.SetNumZeroed(KOEMORPH_BLENDSHAPE_COUNT);
}

void UKoeMorphComponent::BeginPlay()
{
	Super::BeginPlay();
	TInlineComponentArray<USkeletalMeshComponent*> Meshes(GetOwner());
	for (USkeletalMeshComponent* const Mesh : Meshes)
	{
		Mesh->AddTickPrerequisiteComponent(this); // else it may use the curves of the previous frame
	}
	Open();
}

void UKoeMorphComponent::EndPlay(const EEndPlayReason::Type Reason)
{
	Super::EndPlay(Reason); // first: changes by listeners must not open a stream
	Close();
	AudioInput.Reset();
}

void UKoeMorphComponent::Open()
{
	// Listeners of OnVoiceStopped may have opened or ended it.
	if (Stream || !HasBegunPlay())
	{
		return;
	}
	Error.Reset();
	FString Message;
	const std::shared_ptr<const koemorph_plugin::Model> Loaded = FKoeMorphModule::Get().LoadModel(Model, ModelName, Message);
	if (!Loaded || !OpenMap(Message))
	{
		if (!Message.IsEmpty()) // a dedicated server has no model and reports nothing
		{
			Fail(Message);
		}
		return;
	}
	Stream = std::make_shared<koemorph_plugin::FaceStream>(Loaded);
	if (Input == EKoeMorphInput::AudioComponent && Source == nullptr)
	{
		Source = GetOwner()->FindComponentByClass<UAudioComponent>();
	}
	if (!AudioInput.IsValid() || !AudioInput->Matches(Input, Source, Submix, Microphone))
	{
		AudioInput.Reset();
		AudioInput = FKoeMorphAudioInput::Open(*this, Input, Source, Submix, Microphone);
	}
	if (AudioInput.IsValid())
	{
		AudioInput->SetStream(Stream);
	}
	if (!LiveLinkSubject.IsNone())
	{
		LiveLink = FKoeMorphLiveLinkSource::Add(LiveLinkSubject, CurveNames);
	}
	if (Preset != nullptr)
	{
		SetPreset(Preset); // last: listeners of OnError may restart the stream
	}
}

bool UKoeMorphComponent::OpenMap(FString& OutError)
{
	Map.reset();
	CurveNames = FKoeMorphModule::Get().CurveNames();
	if (!MapName.IsEmpty() || !MapFile.FilePath.IsEmpty())
	{
		Map = FKoeMorphModule::Get().LoadMap(MapName, MapFile.FilePath, nullptr, OutError);
		if (!Map)
		{
			return false;
		}
		CurveNames.Reset();
		for (int32 Index = 0; Index < Map->Count(); ++Index)
		{
			CurveNames.Add(FName(UTF8_TO_TCHAR(Map->Name(Index).c_str())));
		}
	}
	Curves.Reset();
	Curves.SetNumZeroed(CurveNames.Num());
	return !bDriveMorphTargets || FindMorphTargets(OutError);
}

bool UKoeMorphComponent::FindMorphTargets(FString& OutError)
{
	MorphTargets = FKoeMorphMorphTargets::Find(*GetOwner(), MapName, MapFile.FilePath, OutError);
	if (!MorphTargets.IsValid())
	{
		return false;
	}
	if (MorphTargets->Num() == 0)
	{
		UE_LOG(LogKoeMorph, Warning,
			TEXT("%s: no morph target matches: no mesh of this actor has a morph target that the retarget map drives (arkit: "
				 "jawOpen, mouthClose, ...). Set Map Name or Map File."),
			*GetPathName());
	}
	return true;
}

void UKoeMorphComponent::Close()
{
	if (AudioInput.IsValid())
	{
		AudioInput->SetStream(nullptr);
	}
	if (LiveLink.IsValid())
	{
		LiveLink->Remove();
		LiveLink.Reset();
	}
	Stream.reset();
	FMemory::Memzero(Weights.GetData(), Weights.Num() * sizeof(float));
	if (MorphTargets.IsValid())
	{
		MorphTargets->RestoreWeights();
		MorphTargets.Reset();
	}
	ApplyWeights();
	SetSpeaking(false); // last: listeners may restart the stream
}

void UKoeMorphComponent::Fail(const FString& Message)
{
	if (AudioInput.IsValid() && !AudioInput->Matches(EKoeMorphInput::AudioComponent, Source, Submix, Microphone))
	{
		AudioInput.Reset(); // do not keep a microphone open without a stream
	}
	Close();
	ReportError(Message);
}

void UKoeMorphComponent::ReportError(const FString& Message)
{
	Error = Message;
	if (!Message.IsEmpty())
	{
		UE_LOG(LogKoeMorph, Error, TEXT("%s: %s"), *GetPathName(), *Message);
		OnError.Broadcast(Message);
	}
}

void UKoeMorphComponent::TickComponent(float DeltaTime, ELevelTick TickType, FActorComponentTickFunction* ThisTickFunction)
{
	Super::TickComponent(DeltaTime, TickType, ThisTickFunction);
	if (!Stream)
	{
		return;
	}
	const double Now = FPlatformTime::Seconds();
	const UWorld* const World = GetWorld();
	std::string Message;
	Stream->SetDelay(Delay);
	if (!Stream->Update(Now, &Message, World != nullptr && World->IsPaused()))
	{
		Fail(UTF8_TO_TCHAR(Message.c_str()));
		return;
	}
	if (Stream->paused())
	{
		return;
	}
	if (AudioInput.IsValid())
	{
		AudioInput->Update(Now, Stream->speaking());
	}
	koemorph_plugin::Weights Sampled;
	Stream->Sample(&Sampled);
	FMemory::Memcpy(Weights.GetData(), Sampled.data(), sizeof(Sampled));
	SetSpeaking(Stream->speaking());
	if (Stream && bDriveMorphTargets != MorphTargets.IsValid() && !UpdateMorphTargets())
	{
		return;
	}
	ApplyWeights();
}

/** bDriveMorphTargets may change at any time. */
bool UKoeMorphComponent::UpdateMorphTargets()
{
	FString Message;
	if (bDriveMorphTargets && !FindMorphTargets(Message))
	{
		Fail(Message);
		return false;
	}
	if (!bDriveMorphTargets)
	{
		MorphTargets->RestoreWeights();
		MorphTargets.Reset();
	}
	return true;
}

void UKoeMorphComponent::ApplyWeights()
{
	if (Map)
	{
		Map->Apply(Weights.GetData(), Curves.GetData());
	}
	else if (Curves.Num() == Weights.Num())
	{
		Curves = Weights;
	}
	if (MorphTargets.IsValid() && !MorphTargets->Apply(Weights))
	{
		FString Message; // of a map that was readable before
		MorphTargets = FKoeMorphMorphTargets::Find(*GetOwner(), MapName, MapFile.FilePath, Message);
	}
	if (LiveLink.IsValid())
	{
		LiveLink->Push(Curves, FPlatformTime::Seconds());
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

void UKoeMorphComponent::PlaySpeech(USoundBase* Sound)
{
	if (!IsValid(Source))
	{
		UAudioComponent* const Created = NewObject<UAudioComponent>(GetOwner());
		Created->SetupAttachment(GetOwner()->GetRootComponent());
		Created->RegisterComponent();
		SetAudioComponent(Created);
	}
	else if (Input != EKoeMorphInput::AudioComponent)
	{
		Source->Stop();
		SetAudioComponent(Source);
	}
	Source->SetSound(Sound);
	Source->Play();
}

void UKoeMorphComponent::SetAudioComponent(UAudioComponent* AudioComponent)
{
	Source = AudioComponent;
	Input = EKoeMorphInput::AudioComponent;
	Restart();
}

void UKoeMorphComponent::Restart()
{
	if (HasBegunPlay())
	{
		Close();
		Open();
	}
}
