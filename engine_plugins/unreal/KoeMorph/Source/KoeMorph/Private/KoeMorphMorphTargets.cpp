#include "KoeMorphMorphTargets.h"

#include "Animation/MorphTarget.h"
#include "Components/SkeletalMeshComponent.h"
#include "Engine/SkeletalMesh.h"
#include "GameFramework/Actor.h"
#include "KoeMorphModule.h"
#include "Core/Retarget.h"

TSharedPtr<FKoeMorphMorphTargets> FKoeMorphMorphTargets::Find(
	const AActor& Actor, const FString& MapName, const FString& MapFile, FString& OutProblem)
{
	const TSharedPtr<FKoeMorphMorphTargets> Found = MakeShared<FKoeMorphMorphTargets>();
	TInlineComponentArray<USkeletalMeshComponent*> Components(&Actor);
	for (USkeletalMeshComponent* const Component : Components)
	{
		FMesh Mesh;
		Mesh.Component = Component;
		Mesh.Asset = Component->GetSkeletalMeshAsset();
		if (Mesh.Asset != nullptr) // else it is given one later, which Show notices
		{
			for (const UMorphTarget* const Target : Mesh.Asset->GetMorphTargets())
			{
				Mesh.Names.Add(Target->GetFName());
			}
		}
		const FString Name = MapName.IsEmpty() ? FString(TEXT("arkit")) : MapName;
		Mesh.Map = FKoeMorphModule::Get().LoadMap(Name, MapFile, &Mesh.Names, OutProblem);
		if (!Mesh.Map)
		{
			return nullptr;
		}
		Mesh.Weights.SetNumZeroed(Mesh.Names.Num());
		Found->Meshes.Add(Mesh);
	}
	return Found;
}

bool FKoeMorphMorphTargets::Show(const TArray<float>& Blendshapes)
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
