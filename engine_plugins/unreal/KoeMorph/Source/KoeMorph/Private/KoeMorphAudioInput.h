#pragma once

#include "CoreMinimal.h"
#include "KoeMorphComponent.h"

/** Brings a component's voice from one of Unreal's sources; ends with the object. Game thread. */
class FKoeMorphAudioInput
{
public:
	/** Null for Manual, and for an audio component that is not there yet. */
	static TSharedPtr<FKoeMorphAudioInput> Open(UKoeMorphComponent& Component, EKoeMorphInput Input, UAudioComponent* Source,
		USoundSubmix* Submix, const std::shared_ptr<koemorph_plugin::Voice>& Voice);

	virtual ~FKoeMorphAudioInput() = default;

	/** Looks after the source: a lost device is waited for. */
	virtual void Update(double Now) {}
};
