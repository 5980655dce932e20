// Copyright KoeMorph contributors. Licensed under the MIT License.

#include "KoeMorphMorphTargets.h"

#include "Animation/MorphTarget.h"
#include "Components/SkeletalMeshComponent.h"
#include "Engine/SkeletalMesh.h"
#include "GameFramework/Actor.h"
#include "KoeMorphModule.h"
#include "Core/RetargetMap.h"

TSharedPtr<FKoeMorphMorphTargets> FKoeMorphMorphTargets::Find(
	const AActor& Actor, const FString& MapName, const FString& MapFile, FString& OutError)
{
	const TSharedPtr<FKoeMorphMorphTargets> Found = MakeShared<FKoeMorphMorphTargets>();
	TInlineComponentArray<USkeletalMeshComponent*> Components(&Actor);
	for (USkeletalMeshComponent* const Component : Components)
	{
		FMesh Mesh;
		Mesh.Component = Component;
		Mesh.Asset = Component->GetSkeletalMeshAsset();
		if (Mesh.Asset != nullptr) // else Apply returns false when it is set later
		{
			for (const UMorphTarget* const Target : Mesh.Asset->GetMorphTargets())
			{
				Mesh.Names.Add(Target->GetFName());
				Mesh.AuthoredWeights.Add(Component->GetMorphTarget(Target->GetFName()));
			}
		}
		const FString Name = MapName.IsEmpty() ? FString(TEXT("arkit")) : MapName;
		Mesh.Map = FKoeMorphModule::Get().LoadMap(Name, MapFile, &Mesh.Names, OutError);
		if (!Mesh.Map)
		{
			return nullptr;
		}
		Mesh.Weights.SetNumZeroed(Mesh.Names.Num());
		Found->Meshes.Add(Mesh);
	}
	return Found;
}

bool FKoeMorphMorphTargets::Apply(const TArray<float>& Blendshapes)
{
	for (FMesh& Mesh : Meshes)
	{
		USkeletalMeshComponent* const Component = Mesh.Component.Get();
		if (Component == nullptr || Component->GetSkeletalMeshAsset() != Mesh.Asset)
		{
			return false;
		}
		Mesh.Map->Apply(Blendshapes.GetData(), Mesh.Weights.GetData());
		for (int32 Index = 0; Index < Mesh.Names.Num(); ++Index)
		{
			if (Mesh.Map->IsDriven(Index))
			{
				Component->SetMorphTarget(Mesh.Names[Index], Mesh.Weights[Index]);
			}
		}
	}
	return true;
}

void FKoeMorphMorphTargets::RestoreWeights()
{
	for (FMesh& Mesh : Meshes)
	{
		USkeletalMeshComponent* const Component = Mesh.Component.Get();
		for (int32 Index = 0; Component != nullptr && Index < Mesh.Names.Num(); ++Index)
		{
			if (Mesh.Map->IsDriven(Index))
			{
				Component->SetMorphTarget(Mesh.Names[Index], Mesh.AuthoredWeights[Index]);
			}
		}
	}
}

int32 FKoeMorphMorphTargets::Num() const
{
	int32 Count = 0;
	for (const FMesh& Mesh : Meshes)
	{
		for (int32 Index = 0; Index < Mesh.Names.Num(); ++Index)
		{
			Count += Mesh.Map->IsDriven(Index) ? 1 : 0;
		}
	}
	return Count;
}
