// Copyright KoeMorph contributors. Licensed under the MIT License.

#include "KoeMorphPresetControls.h"

#include "KoeMorphModule.h"
#include "KoeMorphPreset.h"
#include "Core/FaceStream.h"

namespace
{
bool CopyControls(const FKoeMorphControls& From, koemorph_controls& To, FString& OutError)
{
	To.input_strength = From.InputStrength;
	To.gate = From.bGate ? 1 : 0;
	To.gate_margin = From.GateMargin;
	To.gate_hold = From.GateHold;
	To.gate_ceiling = From.GateCeiling;
	To.auto_gain = From.bAutoGain ? 1 : 0;
	To.auto_gain_target = From.AutoGainTarget;
	To.auto_gain_limit = From.AutoGainLimit;
	To.upper_strength = From.UpperStrength;
	To.lower_strength = From.LowerStrength;
	To.upper_smoothing = From.UpperSmoothing;
	To.lower_smoothing = From.LowerSmoothing;
	To.symmetry = From.Symmetry;
	To.lip_close_offset = From.LipCloseOffset;
	To.eyelid_offset = From.EyelidOffset;
	To.transition_seconds = From.TransitionSeconds;
	To.blink = From.Blink;
	To.blinks_per_minute = From.BlinksPerMinute;
	To.saccades = From.Saccades;
	To.brow_accents = From.BrowAccents;
	To.idle = From.Idle;
	To.seed = static_cast<uint32>(From.Seed);
	for (const TPair<FName, FKoeMorphBlendshape>& Entry : From.Blendshapes)
	{
		const int32 Index = FKoeMorphModule::Get().CurveNames().IndexOfByKey(Entry.Key);
		if (Index == INDEX_NONE)
		{
			OutError =
				FString::Printf(TEXT("Invalid preset: %s is not an ARKit blend shape. Use the names JawOpen, MouthClose, ..."),
					*Entry.Key.ToString());
			return false;
		}
		To.multiplier[Index] = Entry.Value.Multiplier;
		To.offset[Index] = Entry.Value.Offset;
		To.minimum[Index] = Entry.Value.Minimum;
		To.maximum[Index] = Entry.Value.Maximum;
		To.active[Index] = Entry.Value.bActive ? 1 : 0;
		To.cancel_group[Index] = Entry.Value.CancelGroup;
	}
	return true;
}
}

bool KoeMorphReadPreset(
	const koemorph_plugin::Api& Api, const UKoeMorphPreset* Preset, koemorph_controls& OutControls, FString& OutError)
{
	Api.controls_init(&OutControls);
	if (Preset == nullptr)
	{
		return true;
	}
	FString Json = Preset->Json;
	if (Json.IsEmpty() && !Preset->Name.IsEmpty() && !FKoeMorphModule::LoadBundled(TEXT("presets"), Preset->Name, Json, OutError))
	{
		return false;
	}
	if (Json.IsEmpty())
	{
		return CopyControls(Preset->Controls, OutControls, OutError);
	}
	std::string Message;
	const bool bRead = koemorph_plugin::ReadPreset(Api, TCHAR_TO_UTF8(*Json), &OutControls, &Message);
	OutError = UTF8_TO_TCHAR(Message.c_str());
	return bRead;
}
