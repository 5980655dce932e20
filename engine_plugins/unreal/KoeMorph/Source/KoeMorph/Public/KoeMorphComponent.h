// Copyright KoeMorph contributors. Licensed under the MIT License.

#pragma once

#include <memory>

#include "Components/ActorComponent.h"
#include "CoreMinimal.h"
#include "KoeMorphComponent.generated.h"

namespace koemorph_plugin
{
class RetargetMap;
class FaceStream;
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

/** The audio that animates a face. */
UENUM(BlueprintType)
enum class EKoeMorphInput : uint8
{
	/** The audio component that is set, or the first one of the actor. */
	AudioComponent,
	/** The mix of a submix; send speech to a submix of its own. */
	Submix,
	/** A microphone; needs the engine's Audio Capture plugin. */
	Microphone,
	/** Audio passed to PushAudio. */
	Manual
};

DECLARE_DYNAMIC_MULTICAST_DELEGATE(FKoeMorphVoiceEvent);
DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FKoeMorphErrorEvent, const FString&, Error);

/**
 * Animates a face from speech. The weights reach the mesh through the KoeMorph node of its Animation Blueprint, through
 * Live Link, or as morph targets. An error is logged once, and the face becomes neutral.
 */
UCLASS(ClassGroup = (Animation), meta = (BlueprintSpawnableComponent))
class KOEMORPH_API UKoeMorphComponent : public UActorComponent
{
	GENERATED_BODY()

public:
	UKoeMorphComponent();

	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "KoeMorph")
	EKoeMorphInput Input = EKoeMorphInput::AudioComponent;

	/** For Input = Submix. None: the main submix. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "KoeMorph", meta = (EditCondition = "Input == EKoeMorphInput::Submix"))
	TObjectPtr<USoundSubmix> Submix;

	/** For Input = Microphone: the device name, as in GetMicrophones. Empty: the default device. */
	UPROPERTY(
		EditAnywhere, BlueprintReadOnly, Category = "KoeMorph", meta = (EditCondition = "Input == EKoeMorphInput::Microphone"))
	FString Microphone;

	/** Name of a bundled model. Empty: the model of the project settings. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "KoeMorph", meta = (GetOptions = "ModelNames"))
	FString ModelName;

	/** A model of your own, used instead of Model Name. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "KoeMorph")
	TObjectPtr<UKoeMorphModelAsset> Model;

	/** Name of a bundled retarget map: from ARKit blend shapes to the curves of the rig. Empty: ARKit names. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "KoeMorph", meta = (GetOptions = "MapNames"))
	FString MapName;

	/** A retarget map of your own (.json, relative to the project), used instead of Map Name. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "KoeMorph", meta = (FilePathFilter = "json", RelativeToGameDir))
	FFilePath MapFile;

	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "KoeMorph")
	TObjectPtr<UKoeMorphPreset> Preset;

	/** Seconds by which the animation is delayed (positive) or advanced (negative). */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph", meta = (ClampMin = "-0.3", ClampMax = "0.3"))
	float Delay = 0.0f;

	/** Sets matching morph targets of the actor's skeletal meshes; for meshes without an Animation Blueprint. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph")
	bool bDriveMorphTargets = false;

	/** Publishes the curves as a Live Link subject of this name. None: no subject. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "KoeMorph")
	FName LiveLinkSubject;

	UPROPERTY(BlueprintAssignable, Category = "KoeMorph")
	FKoeMorphVoiceEvent OnVoiceStarted;

	UPROPERTY(BlueprintAssignable, Category = "KoeMorph")
	FKoeMorphVoiceEvent OnVoiceStopped;

	UPROPERTY(BlueprintAssignable, Category = "KoeMorph")
	FKoeMorphErrorEvent OnError;

	/** Plays a sound on this actor and animates the face from it. */
	UFUNCTION(BlueprintCallable, Category = "KoeMorph")
	void PlaySpeech(USoundBase* Sound);

	/** Sets Input = Audio Component with this component. */
	UFUNCTION(BlueprintCallable, Category = "KoeMorph")
	void SetAudioComponent(UAudioComponent* AudioComponent);

	/** Raw audio for Input = Manual: interleaved samples in [-1, 1], from one thread. */
	UFUNCTION(BlueprintCallable, Category = "KoeMorph")
	void PushAudio(const TArray<float>& Samples, int32 SampleRate, int32 Channels);

	/** Changes the input. Like all setters, it restarts the stream if the value differs. */
	UFUNCTION(BlueprintCallable, Category = "KoeMorph")
	void SetInput(EKoeMorphInput NewInput);

	/** Sets Input = Submix with this submix; none: the main submix. */
	UFUNCTION(BlueprintCallable, Category = "KoeMorph")
	void SetSubmix(USoundSubmix* NewSubmix);

	/** Sets Input = Microphone with this device; empty: the default device. */
	UFUNCTION(BlueprintCallable, Category = "KoeMorph")
	void SetMicrophone(const FString& NewMicrophone);

	/** Names of the connected microphones; empty without the Audio Capture plugin. */
	UFUNCTION(BlueprintCallable, Category = "KoeMorph")
	static TArray<FString> GetMicrophones();

	UFUNCTION(BlueprintCallable, Category = "KoeMorph")
	void SetModelName(const FString& NewName);

	UFUNCTION(BlueprintCallable, Category = "KoeMorph")
	void SetModel(UKoeMorphModelAsset* NewModel);

	UFUNCTION(BlueprintCallable, Category = "KoeMorph")
	void SetMapName(const FString& NewName);

	/** A path relative to the project; empty: Map Name is used. */
	UFUNCTION(BlueprintCallable, Category = "KoeMorph")
	void SetMapFile(const FString& NewFile);

	/** Loads a bundled model now, which blocks, and keeps it loaded, so that a component that uses it starts at once. Empty:
	 * the model of the project settings. False, with a line in the log, on failure. */
	UFUNCTION(BlueprintCallable, Category = "KoeMorph")
	static bool PreloadModel(const FString& Name);

	/** Fades the face to neutral, for example on an interruption. It stays neutral until FadeIn, whatever the audio is. */
	UFUNCTION(BlueprintCallable, Category = "KoeMorph")
	void FadeOut(float Seconds = 0.2f);

	/** Reverts FadeOut. */
	UFUNCTION(BlueprintCallable, Category = "KoeMorph")
	void FadeIn(float Seconds = 0.2f);

	/** Applies a preset with a transition. None: the default controls. Call it again after changing the preset. If the preset is
	 * invalid, the error is reported and the previous controls stay in force. */
	UFUNCTION(BlueprintCallable, Category = "KoeMorph")
	void SetPreset(UKoeMorphPreset* NewPreset);

	/** Value of one curve in [0, 1] by name (JawOpen); 0 for an unknown name. */
	UFUNCTION(BlueprintPure, Category = "KoeMorph")
	float GetCurve(FName Name) const;

	/** True while the input has audio. */
	UFUNCTION(BlueprintPure, Category = "KoeMorph")
	bool IsSpeaking() const { return bSpeaking; }

	/** Stream time of the displayed weights: seconds of audio since the stream started. */
	UFUNCTION(BlueprintPure, Category = "KoeMorph")
	double GetPlaybackTime() const;

	/** The last error; empty if there is none. */
	UFUNCTION(BlueprintPure, Category = "KoeMorph")
	FString GetError() const { return Error; }

	/** Current values in the order of GetCurveNames: the 52 weights in [0, 1], or those of the retarget map. */
	TConstArrayView<float> GetCurves() const { return Curves; }

	/** JawOpen, ..., or the names of the retarget map. */
	const TArray<FName>& GetCurveNames() const { return CurveNames; }

	/** For C++: the stream; null while there is none. */
	const std::shared_ptr<koemorph_plugin::FaceStream>& GetStream() const { return Stream; }

	UFUNCTION()
	TArray<FString> ModelNames() const;

	UFUNCTION()
	TArray<FString> MapNames() const;

	virtual void BeginPlay() override;
	virtual void EndPlay(const EEndPlayReason::Type Reason) override;
	virtual void TickComponent(float DeltaTime, ELevelTick TickType, FActorComponentTickFunction* ThisTickFunction) override;

private:
	void Open();
	void Restart();
	bool OpenMap(FString& OutError);
	bool FindMorphTargets(FString& OutError);
	bool UpdateMorphTargets();
	void Close();
	void Fail(const FString& Message);
	void ReportError(const FString& Message);
	void ApplyWeights();
	void SetSpeaking(bool bNow);

	std::shared_ptr<koemorph_plugin::FaceStream> Stream;
	TSharedPtr<FKoeMorphAudioInput> AudioInput;
	TSharedPtr<FKoeMorphLiveLinkSource> LiveLink;
	TSharedPtr<FKoeMorphMorphTargets> MorphTargets;
	/** From the 52 weights to curves; null: they are equal. */
	std::shared_ptr<const koemorph_plugin::RetargetMap> Map;

	UPROPERTY(Transient)
	TObjectPtr<UAudioComponent> Source;

	TArray<float> Weights;
	TArray<float> Curves;
	TArray<FName> CurveNames;
	FString Error;
	bool bSpeaking = false;
};
