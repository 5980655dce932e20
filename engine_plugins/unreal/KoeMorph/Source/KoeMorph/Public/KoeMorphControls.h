#pragma once

#include "CoreMinimal.h"
#include "KoeMorphControls.generated.h"

/** How the voice moves one blendshape. */
USTRUCT(BlueprintType)
struct KOEMORPH_API FKoeMorphBlendshape
{
	GENERATED_BODY()

	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph", meta = (ClampMin = "-10", ClampMax = "10"))
	float Multiplier = 1.0f;

	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph", meta = (ClampMin = "-1", ClampMax = "1"))
	float Offset = 0.0f;

	/** After multiplier and offset. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph", meta = (ClampMin = "0", ClampMax = "1"))
	float Minimum = 0.0f;

	/** After multiplier and offset. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph", meta = (ClampMin = "0", ClampMax = "1"))
	float Maximum = 1.0f;

	/** Off: stays at rest. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph")
	bool bActive = true;

	/** Of the same number above 0 only the strongest acts, by what it is stronger than the next. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph")
	uint8 CancelGroup = 0;
};

/** koemorph_controls of koemorph.h, with its defaults: how one voice moves one face. */
USTRUCT(BlueprintType)
struct KOEMORPH_API FKoeMorphControls
{
	GENERATED_BODY()

	/** Gain on the voice. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Voice", meta = (ClampMin = "0", ClampMax = "10"))
	float InputStrength = 1.0f;

	/** What lies near the noise floor is not heard. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Voice")
	bool bGate = false;

	/** dB above the noise floor at which a voice begins. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Voice", meta = (ClampMin = "1", ClampMax = "40"))
	float GateMargin = 9.0f;

	/** Seconds that the gate stays open after the voice. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Voice", meta = (ClampMin = "0", ClampMax = "5"))
	float GateHold = 0.25f;

	/** dBFS; the noise floor is never taken for louder. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Voice", meta = (ClampMin = "-90", ClampMax = "0"))
	float GateCeiling = -45.0f;

	/** Voices are brought to the target below. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Voice")
	bool bAutoGain = false;

	/** dBFS, RMS of speech. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Voice", meta = (ClampMin = "-60", ClampMax = "0"))
	float AutoGainTarget = -23.0f;

	/** dB up or down at most. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Voice", meta = (ClampMin = "0", ClampMax = "40"))
	float AutoGainLimit = 12.0f;

	/** Eyes, brows, and cheeks below the eyes. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Face", meta = (ClampMin = "0", ClampMax = "4"))
	float UpperStrength = 1.0f;

	/** The rest. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Face", meta = (ClampMin = "0", ClampMax = "4"))
	float LowerStrength = 1.0f;

	/** Seconds, beyond the model's own smoothing. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Face", meta = (ClampMin = "0", ClampMax = "2"))
	float UpperSmoothing = 0.0f;

	/** Seconds, beyond the model's own smoothing. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Face", meta = (ClampMin = "0", ClampMax = "2"))
	float LowerSmoothing = 0.0f;

	/** 0: as the model says. 1: left and right alike. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Face", meta = (ClampMin = "0", ClampMax = "1"))
	float Symmetry = 0.0f;

	/** Above 0 the lips close, below 0 they part. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Face", meta = (ClampMin = "-1", ClampMax = "1"))
	float LipCloseOffset = 0.0f;

	/** Above 0 the eyes open wider, below 0 they close. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Face", meta = (ClampMin = "-1", ClampMax = "1"))
	float EyelidOffset = 0.0f;

	/** Seconds over which a change takes place. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Face", meta = (ClampMin = "0", ClampMax = "10"))
	float TransitionSeconds = 0.2f;

	/** By curve name (JawOpen); those that are not here are as the model says. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Face")
	TMap<FName, FKoeMorphBlendshape> Blendshapes;

	/** Strength of blinks. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Life", meta = (ClampMin = "0", ClampMax = "2"))
	float Blink = 1.0f;

	/** On average. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Life", meta = (ClampMin = "0", ClampMax = "120"))
	float BlinksPerMinute = 20.0f;

	/** Strength of the eyes' small jumps. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Life", meta = (ClampMin = "0", ClampMax = "2"))
	float Saccades = 0.0f;

	/** Strength of brows on stressed words. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Life", meta = (ClampMin = "0", ClampMax = "2"))
	float BrowAccents = 0.0f;

	/** Strength of slow motion. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Life", meta = (ClampMin = "0", ClampMax = "2"))
	float Idle = 0.0f;

	/** The same seed and voice give the same life; taken over when the face starts. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Life", meta = (ClampMin = "0"))
	int32 Seed = 0;
};
