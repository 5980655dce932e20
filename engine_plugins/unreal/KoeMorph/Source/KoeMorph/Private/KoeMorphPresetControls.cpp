#include "KoeMorphPresetControls.h"

#include "KoeMorphModule.h"
#include "KoeMorphPreset.h"
#include "Core/Voice.h"

namespace
{
bool Fill(const FKoeMorphControls& From, koemorph_controls& To, FString& OutProblem)
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
			OutProblem = FString::Printf(
				TEXT("The preset speaks of a blendshape %s, which there is not; use ARKit's names (JawOpen, ...)."),
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
	const koemorph_plugin::Api& Api, const UKoeMorphPreset* Preset, koemorph_controls& OutControls, FString& OutProblem)
{
	Api.controls_init(&OutControls);
	if (Preset == nullptr)
	{
		return true;
	}
	FString Json = Preset->Json;
	if (Json.IsEmpty() && !Preset->Name.IsEmpty() &&
		!FKoeMorphModule::LoadPackaged(TEXT("presets"), Preset->Name, Json, OutProblem))
	{
		return false;
	}
	if (Json.IsEmpty())
	{
		return Fill(Preset->Controls, OutControls, OutProblem);
	}
	std::string Why;
	const bool bRead = koemorph_plugin::ReadPreset(Api, TCHAR_TO_UTF8(*Json), &OutControls, &Why);
	OutProblem = UTF8_TO_TCHAR(Why.c_str());
	return bRead;
}
