// Copyright KoeMorph contributors. Licensed under the MIT License.

#pragma once

#include "CoreMinimal.h"
#include "KoeMorphControls.generated.h"

/** Controls of one blend shape. */
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

	/** Off: stays neutral. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph")
	bool bActive = true;

	/** In a group with the same number above 0, only the strongest blend shape is active, reduced by the second strongest. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph")
	uint8 CancelGroup = 0;
};

/** koemorph_controls of koemorph.h, with its defaults. */
USTRUCT(BlueprintType)
struct KOEMORPH_API FKoeMorphControls
{
	GENERATED_BODY()

	/** Linear gain of the input. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Audio", meta = (ClampMin = "0", ClampMax = "10"))
	float InputStrength = 1.0f;

	/** Replaces audio near the noise floor by silence. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Audio")
	bool bGate = false;

	/** dB above the noise floor at which the gate opens. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Audio", meta = (ClampMin = "1", ClampMax = "40"))
	float GateMargin = 9.0f;

	/** Seconds that the gate stays open after speech. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Audio", meta = (ClampMin = "0", ClampMax = "5"))
	float GateHold = 0.25f;

	/** dBFS; upper limit of the estimated noise floor. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Audio", meta = (ClampMin = "-90", ClampMax = "0"))
	float GateCeiling = -45.0f;

	/** Adjusts the level of speech to the target below. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Audio")
	bool bAutoGain = false;

	/** dBFS, RMS of speech. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Audio", meta = (ClampMin = "-60", ClampMax = "0"))
	float AutoGainTarget = -23.0f;

	/** Maximum gain change in dB, up or down. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Audio", meta = (ClampMin = "0", ClampMax = "40"))
	float AutoGainLimit = 12.0f;

	/** Eyes, brows, and cheeks below the eyes. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Face", meta = (ClampMin = "0", ClampMax = "4"))
	float UpperStrength = 1.0f;

	/** All other blend shapes. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Face", meta = (ClampMin = "0", ClampMax = "4"))
	float LowerStrength = 1.0f;

	/** Seconds, beyond the model's own smoothing. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Face", meta = (ClampMin = "0", ClampMax = "2"))
	float UpperSmoothing = 0.0f;

	/** Seconds, beyond the model's own smoothing. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Face", meta = (ClampMin = "0", ClampMax = "2"))
	float LowerSmoothing = 0.0f;

	/** 0: the model's output. 1: left and right are equal. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Face", meta = (ClampMin = "0", ClampMax = "1"))
	float Symmetry = 0.0f;

	/** Above 0 closes the lips, below 0 opens them. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Face", meta = (ClampMin = "-1", ClampMax = "1"))
	float LipCloseOffset = 0.0f;

	/** Above 0 opens the eyes wider, below 0 closes them. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Face", meta = (ClampMin = "-1", ClampMax = "1"))
	float EyelidOffset = 0.0f;

	/** Duration in seconds of the transition after a change. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Face", meta = (ClampMin = "0", ClampMax = "10"))
	float TransitionSeconds = 0.2f;

	/** By curve name (JawOpen); others keep the model's output. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Face")
	TMap<FName, FKoeMorphBlendshape> Blendshapes;

	/** Strength of blinks. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Idle Motion", meta = (ClampMin = "0", ClampMax = "2"))
	float Blink = 1.0f;

	/** Average rate. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Idle Motion", meta = (ClampMin = "0", ClampMax = "120"))
	float BlinksPerMinute = 20.0f;

	/** Strength of saccades (small eye movements). */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Idle Motion", meta = (ClampMin = "0", ClampMax = "2"))
	float Saccades = 0.0f;

	/** Strength of brow movements on stressed words. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Idle Motion", meta = (ClampMin = "0", ClampMax = "2"))
	float BrowAccents = 0.0f;

	/** Strength of the slow drift of brows, eyelids and mouth corners. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Idle Motion", meta = (ClampMin = "0", ClampMax = "2"))
	float Idle = 0.0f;

	/** Equal seeds and audio give equal idle motion. Applies when the stream starts. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Idle Motion", meta = (ClampMin = "0"))
	int32 Seed = 0;
};
