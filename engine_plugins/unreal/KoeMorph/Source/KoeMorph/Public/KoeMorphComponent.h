#pragma once

#include <memory>

#include "Components/ActorComponent.h"
#include "CoreMinimal.h"
#include "KoeMorphComponent.generated.h"

namespace koemorph_plugin
{
class Retarget;
class Voice;
}

class FKoeMorphAudioInput;
class FKoeMorphLiveLinkSource;
class FKoeMorphMorphTargets;
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

	/** One of the plugin's models. Empty: that of the project settings. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "KoeMorph", meta = (GetOptions = "ModelNames"))
	FString ModelName;

	/** A model of your own in its place. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "KoeMorph")
	TObjectPtr<UKoeMorphModelAsset> Model;

	/** How blendshapes become this rig's shapes, of the plugin's retarget maps. Empty: ARKit's (and MetaHuman's) names. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "KoeMorph", meta = (GetOptions = "MapNames"))
	FString MapName;

	/** A map of your own in its place (.json, relative to the project). */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "KoeMorph", meta = (FilePathFilter = "json", RelativeToGameDir))
	FFilePath MapFile;

	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "KoeMorph")
	TObjectPtr<UKoeMorphPreset> Preset;

	/** Seconds by which the face follows the voice later (positive) or earlier. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph", meta = (ClampMin = "-0.3", ClampMax = "0.3"))
	float Delay = 0.0f;

	/** Sets the morph targets that the map finds on the actor's skeletal meshes; for heads without an Animation Blueprint. */
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

	/** Speaks with another of the plugin's models, and starts the face anew. */
	UFUNCTION(BlueprintCallable, Category = "KoeMorph")
	void SetModelName(const FString& NewName);

	/** Lets the face fall to rest over some seconds, whatever its voice says; it stays there until FadeIn. */
	UFUNCTION(BlueprintCallable, Category = "KoeMorph")
	void FadeOut(float Seconds = 0.2f);

	/** Takes a FadeOut back over some seconds. */
	UFUNCTION(BlueprintCallable, Category = "KoeMorph")
	void FadeIn(float Seconds = 0.2f);

	/** How the voice moves the face from now on; changes glide. None: KoeMorph's defaults. Call it again after changing the
	 * preset. One that is wrong is a problem that is told, and the face goes on as it was. */
	UFUNCTION(BlueprintCallable, Category = "KoeMorph")
	void SetPreset(UKoeMorphPreset* NewPreset);

	/** One curve's value in [0, 1] by name (JawOpen); 0 for a name that is none. */
	UFUNCTION(BlueprintPure, Category = "KoeMorph")
	float GetCurve(FName Name) const;

	/** True while there is a voice to follow. */
	UFUNCTION(BlueprintPure, Category = "KoeMorph")
	bool IsSpeaking() const { return bSpeaking; }

	/** The moment shown, in seconds of audio since the voice began. */
	UFUNCTION(BlueprintPure, Category = "KoeMorph")
	double GetPlaybackTime() const;

	/** What keeps this face at rest, or its preset from being used; or empty. */
	UFUNCTION(BlueprintPure, Category = "KoeMorph")
	FString GetProblem() const { return Problem; }

	/** The curves now shown, in the order of GetCurveNames: the 52 weights in [0, 1], or what the map makes of them. */
	TConstArrayView<float> GetCurves() const { return Curves; }

	/** JawOpen, ..., or the names of the map. */
	const TArray<FName>& GetCurveNames() const { return CurveNames; }

	/** For C++: the voice itself; null while there is none. */
	const std::shared_ptr<koemorph_plugin::Voice>& GetVoice() const { return Voice; }

	UFUNCTION()
	TArray<FString> ModelNames() const;

	UFUNCTION()
	TArray<FString> MapNames() const;

	virtual void BeginPlay() override;
	virtual void EndPlay(const EEndPlayReason::Type Reason) override;
	virtual void TickComponent(float DeltaTime, ELevelTick TickType, FActorComponentTickFunction* ThisTickFunction) override;

private:
	void Open();
	bool OpenMap(FString& OutProblem);
	bool FindMorphTargets(FString& OutProblem);
	bool FollowMorphTargets();
	void Close();
	void Fail(const FString& Message);
	void Report(const FString& Message);
	void Show();
	void SetSpeaking(bool bNow);

	std::shared_ptr<koemorph_plugin::Voice> Voice;
	TSharedPtr<FKoeMorphAudioInput> AudioInput;
	TSharedPtr<FKoeMorphLiveLinkSource> LiveLink;
	TSharedPtr<FKoeMorphMorphTargets> MorphTargets;
	/** From blendshapes to curves; null: they are the same. */
	std::shared_ptr<const koemorph_plugin::Retarget> Map;

	UPROPERTY(Transient)
	TObjectPtr<UAudioComponent> Source;

	/** The 52 blendshapes, and the curves they become. */
	TArray<float> Weights;
	TArray<float> Curves;
	TArray<FName> CurveNames;
	FString Problem;
	bool bSpeaking = false;
};
