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
#include "KoeMorphPresetControls.h"
#include "Core/Retarget.h"
#include "Sound/SoundBase.h"
#include "Core/Voice.h"

UKoeMorphComponent::UKoeMorphComponent()
{
	PrimaryComponentTick.bCanEverTick = true;
	PrimaryComponentTick.bTickEvenWhenPaused = true; // to stand still with the sound, see TickComponent
	// In which meshes are animated, too; see BeginPlay.
	PrimaryComponentTick.TickGroup = TG_PrePhysics;
	Weights.SetNumZeroed(KOEMORPH_BLENDSHAPE_COUNT);
}

void UKoeMorphComponent::BeginPlay()
{
	Super::BeginPlay();
	TInlineComponentArray<USkeletalMeshComponent*> Meshes(GetOwner());
	for (USkeletalMeshComponent* const Mesh : Meshes)
	{
		Mesh->AddTickPrerequisiteComponent(this); // else it might be animated first, and show the face of the frame before
	}
	Open();
}

void UKoeMorphComponent::EndPlay(const EEndPlayReason::Type Reason)
{
	Super::EndPlay(Reason); // first: what listeners change from now on opens nothing any more
	Close();
	AudioInput.Reset();
}

void UKoeMorphComponent::Open()
{
	// Listeners of OnVoiceStopped may have opened it, with what it is to have now, or ended it.
	if (Voice || !HasBegunPlay())
	{
		return;
	}
	Problem.Reset();
	FString Why;
	const std::shared_ptr<const koemorph_plugin::Model> Loaded = FKoeMorphModule::Get().LoadModel(Model, ModelName, Why);
	if (!Loaded || !OpenMap(Why))
	{
		Fail(Why);
		return;
	}
	Voice = std::make_shared<koemorph_plugin::Voice>(Loaded);
	if (Input == EKoeMorphInput::AudioComponent && Source == nullptr)
	{
		Source = GetOwner()->FindComponentByClass<UAudioComponent>();
	}
	if (!AudioInput.IsValid() || !AudioInput->Brings(Input, Source, Submix))
	{
		AudioInput.Reset();
		AudioInput = FKoeMorphAudioInput::Open(*this, Input, Source, Submix);
	}
	if (AudioInput.IsValid())
	{
		AudioInput->SetVoice(Voice);
	}
	if (!LiveLinkSubject.IsNone())
	{
		LiveLink = FKoeMorphLiveLinkSource::Add(LiveLinkSubject, CurveNames);
	}
	if (Preset != nullptr)
	{
		SetPreset(Preset); // last: listeners of OnProblem may start the face anew
	}
}

bool UKoeMorphComponent::OpenMap(FString& OutProblem)
{
	Map.reset();
	CurveNames = FKoeMorphModule::Get().CurveNames();
	if (!MapName.IsEmpty() || !MapFile.FilePath.IsEmpty())
	{
		Map = FKoeMorphModule::Get().LoadMap(MapName, MapFile.FilePath, nullptr, OutProblem);
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
	return !bDriveMorphTargets || FindMorphTargets(OutProblem);
}

bool UKoeMorphComponent::FindMorphTargets(FString& OutProblem)
{
	MorphTargets = FKoeMorphMorphTargets::Find(*GetOwner(), MapName, MapFile.FilePath, OutProblem);
	if (!MorphTargets.IsValid())
	{
		return false;
	}
	if (MorphTargets->Num() == 0)
	{
		UE_LOG(LogKoeMorph, Warning,
			TEXT("%s: no mesh of this actor has a morph target that the map drives (with ARKit's names: jawOpen, mouthClose, "
				 "...). Choose another Map Name."),
			*GetPathName());
	}
	return true;
}

void UKoeMorphComponent::Close()
{
	if (AudioInput.IsValid())
	{
		AudioInput->SetVoice(nullptr);
	}
	if (LiveLink.IsValid())
	{
		LiveLink->Remove();
		LiveLink.Reset();
	}
	Voice.reset();
	FMemory::Memzero(Weights.GetData(), Weights.Num() * sizeof(float));
	Show();
	MorphTargets.Reset();
	SetSpeaking(false); // last: its listeners may start the face anew
}

void UKoeMorphComponent::Fail(const FString& Message)
{
	if (AudioInput.IsValid() && !AudioInput->Brings(EKoeMorphInput::AudioComponent, Source, Submix))
	{
		AudioInput.Reset(); // a microphone that nobody hears is not left open
	}
	Close();
	Report(Message);
}

void UKoeMorphComponent::Report(const FString& Message)
{
	Problem = Message;
	if (!Message.IsEmpty())
	{
		UE_LOG(LogKoeMorph, Error, TEXT("%s: %s"), *GetPathName(), *Message);
		OnProblem.Broadcast(Message);
	}
}

void UKoeMorphComponent::TickComponent(float DeltaTime, ELevelTick TickType, FActorComponentTickFunction* ThisTickFunction)
{
	Super::TickComponent(DeltaTime, TickType, ThisTickFunction);
	if (!Voice)
	{
		return;
	}
	const double Now = FPlatformTime::Seconds();
	const UWorld* const World = GetWorld();
	if (Voice->Hold(World != nullptr && World->IsPaused(), Now))
	{
		return;
	}
	std::string Why;
	if (!Voice->Update(Now, &Why))
	{
		Fail(UTF8_TO_TCHAR(Why.c_str()));
		return;
	}
	if (AudioInput.IsValid())
	{
		AudioInput->Update(Now, Voice->speaking());
	}
	koemorph_plugin::Weights Face;
	Voice->Show(Now, Voice->Lag() + Delay, &Face);
	FMemory::Memcpy(Weights.GetData(), Face.data(), sizeof(Face));
	SetSpeaking(Voice->speaking());
	if (Voice && bDriveMorphTargets != MorphTargets.IsValid() && !FollowMorphTargets())
	{
		return;
	}
	Show();
}

/** A game may turn them on and off at any time. */
bool UKoeMorphComponent::FollowMorphTargets()
{
	FString Why;
	if (bDriveMorphTargets && !FindMorphTargets(Why))
	{
		Fail(Why);
		return false;
	}
	if (!bDriveMorphTargets)
	{
		TArray<float> Rest;
		Rest.SetNumZeroed(Weights.Num());
		MorphTargets->Show(Rest);
		MorphTargets.Reset();
	}
	return true;
}

void UKoeMorphComponent::Show()
{
	if (Map)
	{
		Map->Apply(Weights.GetData(), Curves.GetData());
	}
	else if (Curves.Num() == Weights.Num())
	{
		Curves = Weights;
	}
	if (MorphTargets.IsValid() && !MorphTargets->Show(Weights))
	{
		FString Why; // of a map that could be read a moment ago
		MorphTargets = FKoeMorphMorphTargets::Find(*GetOwner(), MapName, MapFile.FilePath, Why);
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

void UKoeMorphComponent::Say(USoundBase* Sound)
{
	if (!IsValid(Source))
	{
		UAudioComponent* const Created = NewObject<UAudioComponent>(GetOwner());
		Created->SetupAttachment(GetOwner()->GetRootComponent());
		Created->RegisterComponent();
		ListenTo(Created);
	}
	else if (Input != EKoeMorphInput::AudioComponent)
	{
		Source->Stop();
		ListenTo(Source);
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
	koemorph_controls Controls;
	FString Wrong;
	std::string Why;
	if (KoeMorphReadPreset(*FKoeMorphModule::Get().GetApi(), Preset, Controls, Wrong) && !Voice->SetControls(Controls, &Why))
	{
		Wrong = UTF8_TO_TCHAR(Why.c_str());
	}
	Report(Wrong);
}

void UKoeMorphComponent::SetModelName(const FString& NewName)
{
	ModelName = NewName;
	SetInput(Input);
}

void UKoeMorphComponent::FadeOut(float Seconds)
{
	if (Voice)
	{
		Voice->FadeOut(FMath::Max(0.0f, Seconds));
	}
}

void UKoeMorphComponent::FadeIn(float Seconds)
{
	if (Voice)
	{
		Voice->FadeIn(FMath::Max(0.0f, Seconds));
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
	const int32 Index = CurveNames.IndexOfByKey(Name);
	return Index == INDEX_NONE ? 0.0f : Curves[Index];
}

double UKoeMorphComponent::GetPlaybackTime() const
{
	return Voice ? Voice->shown() : 0.0;
}

TArray<FString> UKoeMorphComponent::ModelNames() const
{
	return FKoeMorphModule::PackagedNames(TEXT("models"));
}

TArray<FString> UKoeMorphComponent::MapNames() const
{
	return FKoeMorphModule::PackagedNames(TEXT("maps"));
}
