#pragma once

#include "Components/ActorComponent.h"
#include "CoreMinimal.h"
#include "KoeMorphComponent.generated.h"

#include <array>
#include <memory>

namespace koemorph_plugin
{
class Voice;
}

class FKoeMorphAudioInput;
class FKoeMorphLiveLinkSource;
class UAudioComponent;
class UKoeMorphModelAsset;
class UKoeMorphPreset;
class USkeletalMeshComponent;
class USoundBase;
class USoundSubmix;

/** Where a face takes its voice from. */
UENUM(BlueprintType)
enum class EKoeMorphInput : uint8
{
	/** What an audio component plays: the one set, or the actor's first. */
	AudioComponent,
	/** Everything that goes through a submix; put the voice on one of its own. */
	Submix,
	/** The microphone. */
	Microphone,
	/** Whatever is given to PushAudio. */
	Manual
};

DECLARE_DYNAMIC_MULTICAST_DELEGATE(FKoeMorphVoiceEvent);
DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FKoeMorphProblemEvent, const FString&, Problem);

/**
 * Makes a face follow a voice. The curves reach the mesh through the KoeMorph node of its Animation
 * Blueprint, through Live Link, or straight as morph targets. Anything that goes wrong is one message in
 * the log, and a face at rest.
 */
UCLASS(ClassGroup = (Animation), meta = (BlueprintSpawnableComponent))
class KOEMORPH_API UKoeMorphComponent : public UActorComponent
{
	GENERATED_BODY()

public:
	UKoeMorphComponent();

	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "KoeMorph")
	EKoeMorphInput Input = EKoeMorphInput::AudioComponent;

	/** For Input = Submix; none: the main submix. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "KoeMorph", meta = (EditCondition = "Input == EKoeMorphInput::Submix"))
	TObjectPtr<USoundSubmix> Submix;

	/** None: the model of the project settings. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "KoeMorph")
	TObjectPtr<UKoeMorphModelAsset> Model;

	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "KoeMorph")
	TObjectPtr<UKoeMorphPreset> Preset;

	/** Seconds by which the face follows the voice later (positive) or earlier. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph", meta = (ClampMin = "-0.3", ClampMax = "0.3"))
	float Delay = 0.0f;

	/** Sets morph targets of the curves' names on the actor's skeletal meshes; for heads without an Animation Blueprint. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph")
	bool bDriveMorphTargets = false;

	/** Publishes the curves as a Live Link subject of this name; none: not. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "KoeMorph")
	FName LiveLinkSubject;

	UPROPERTY(BlueprintAssignable, Category = "KoeMorph")
	FKoeMorphVoiceEvent OnVoiceStarted;

	UPROPERTY(BlueprintAssignable, Category = "KoeMorph")
	FKoeMorphVoiceEvent OnVoiceStopped;

	UPROPERTY(BlueprintAssignable, Category = "KoeMorph")
	FKoeMorphProblemEvent OnProblem;

	/** Plays a sound on this actor and lets the face say it. */
	UFUNCTION(BlueprintCallable, Category = "KoeMorph")
	void Say(USoundBase* Sound);

	/** Takes the voice from an audio component from now on. */
	UFUNCTION(BlueprintCallable, Category = "KoeMorph")
	void ListenTo(UAudioComponent* AudioComponent);

	/** Raw audio for Input = Manual: interleaved samples in [-1, 1], from one thread. */
	UFUNCTION(BlueprintCallable, Category = "KoeMorph")
	void PushAudio(const TArray<float>& Samples, int32 SampleRate, int32 Channels);

	/** Changes where the voice comes from, and starts the face anew. */
	UFUNCTION(BlueprintCallable, Category = "KoeMorph")
	void SetInput(EKoeMorphInput NewInput);

	/** How the voice moves the face from now on; changes glide. None: KoeMorph's defaults. */
	UFUNCTION(BlueprintCallable, Category = "KoeMorph")
	void SetPreset(UKoeMorphPreset* NewPreset);

	/** One curve's value in [0, 1] by name (JawOpen); 0 for a name that is none. */
	UFUNCTION(BlueprintPure, Category = "KoeMorph")
	float GetCurve(FName Name) const;

	/** True while there is a voice to follow. */
	UFUNCTION(BlueprintPure, Category = "KoeMorph")
	bool IsSpeaking() const { return bSpeaking; }

	/** What keeps this face at rest, or empty. */
	UFUNCTION(BlueprintPure, Category = "KoeMorph")
	FString GetProblem() const { return Problem; }

	/** The 52 weights now shown, in [0, 1], in the order of FKoeMorphModule::CurveNames. */
	TConstArrayView<float> GetWeights() const { return Weights; }

	virtual void BeginPlay() override;
	virtual void EndPlay(const EEndPlayReason::Type Reason) override;
	virtual void TickComponent(float DeltaTime, ELevelTick TickType, FActorComponentTickFunction* ThisTickFunction) override;

private:
	void Open();
	void Close();
	void Fail(const FString& Message);
	void Show();
	void SetSpeaking(bool bNow);

	std::shared_ptr<koemorph_plugin::Voice> Voice;
	TSharedPtr<FKoeMorphAudioInput> AudioInput;
	TSharedPtr<FKoeMorphLiveLinkSource> LiveLink;

	UPROPERTY(Transient)
	TObjectPtr<UAudioComponent> Source;

	TArray<float> Weights;
	FString Problem;
	bool bSpeaking = false;
};
