// Stub of objects, components and actors: the members that the plugin uses.
#pragma once

#include "Core.h"

class UPackage;
class UWorld;
class AActor;

enum EObjectFlags
{
	RF_NoFlags = 0,
	RF_Public = 1,
	RF_Standalone = 2
};
constexpr EObjectFlags operator|(EObjectFlags A, EObjectFlags B)
{
	return static_cast<EObjectFlags>(static_cast<int>(A) | static_cast<int>(B));
}

class UObject
{
public:
	virtual ~UObject();
	FString GetName() const { return StubName.ToString(); }
	FName GetFName() const { return StubName; }
	FString GetPathName() const { return StubName.ToString(); }
	UPackage* GetPackage() const { return StubPackage; }
	bool Modify(bool bAlwaysMarkDirty = true) { return true; }
	virtual UWorld* GetWorld() const { return nullptr; }
	virtual void PostInitProperties() {}

	FName StubName;
	UPackage* StubPackage = nullptr;
	AActor* StubActor = nullptr;
	/** Objects that exist, for weak pointers. */
	static std::vector<UObject*>& StubAlive();
	UObject() { StubAlive().push_back(this); }
};

class UPackage : public UObject
{
public:
	void FullyLoad() {}
	bool MarkPackageDirty() const { return StubDirty = true; }
	std::vector<UObject*> StubContent;
	mutable bool StubDirty = false;
};

// Stands for the Cast of the engine; the plugin is compiled without RTTI, the stub with it.
template <typename T, typename From>
T StubCast(From* Object)
{
#ifdef __cpp_rtti
	return dynamic_cast<T>(Object);
#else
	return static_cast<T>(Object);
#endif
}
template <typename T>
T* Cast(UObject* Object)
{
	return StubCast<T*>(Object);
}
UPackage* CreatePackage(const TCHAR* Name);

void StubPlace(UObject& Object, UObject* Outer, FName Name);
template <typename T>
T* NewObject(UObject* Outer, FName Name = FName(), EObjectFlags Flags = RF_NoFlags)
{
	T* const Made = new T;
	StubPlace(*Made, Outer, Name);
	return Made;
}
template <typename T>
T* FindObject(UObject* Outer, const TCHAR* Name)
{
	for (UObject* const Object : static_cast<UPackage*>(Outer)->StubContent)
	{
		if (Object->GetFName() == FName(Name))
		{
			return StubCast<T*>(Object);
		}
	}
	return nullptr;
}
template <typename T>
T* StubDefault()
{
	static T* const Default = new T;
	return Default;
}
template <typename T>
const T* GetDefault()
{
	return StubDefault<T>();
}

template <typename T>
class TObjectPtr
{
public:
	TObjectPtr(T* InObject = nullptr)
		: Object(InObject)
	{
	}
	operator T*() const { return Object; }
	T* operator->() const { return Object; }
	T* Get() const { return Object; }

private:
	T* Object;
};
inline bool IsValid(const UObject* Object)
{
	return Object != nullptr;
}
template <typename T>
class TWeakObjectPtr
{
public:
	TWeakObjectPtr(T* InObject = nullptr)
		: Object(InObject)
	{
	}
	T* Get() const
	{
		for (UObject* const Alive : UObject::StubAlive())
		{
			if (Alive == Object)
			{
				return Object;
			}
		}
		return nullptr;
	}

private:
	T* Object;
};
template <typename T>
class TSoftObjectPtr
{
public:
	T* LoadSynchronous() const { return StubObject; }
	T* StubObject = nullptr;
};
template <typename T>
class TSubclassOf
{
public:
	TSubclassOf(UClass* Class) {}
};
class UScriptStruct;

struct FFilePath
{
	FString FilePath;
};

class UDataAsset : public UObject
{
};
class UDeveloperSettings : public UObject
{
public:
	virtual FName GetCategoryName() const { return FName(); }
};

enum ELevelTick
{
	LEVELTICK_All
};
enum ETickingGroup
{
	TG_PrePhysics
};
struct FActorComponentTickFunction
{
	bool bCanEverTick = false;
	bool bTickEvenWhenPaused = false;
	ETickingGroup TickGroup = TG_PrePhysics;
};
namespace EEndPlayReason
{
enum Type : int
{
	Destroyed
};
}

class UActorComponent : public UObject
{
public:
	// UnrealHeaderTool defines it per class; the stub supports direct subclasses.
	using Super = UActorComponent;
	FActorComponentTickFunction PrimaryComponentTick;
	AActor* GetOwner() const { return StubActor; }
	bool HasBegunPlay() const { return StubBegun; }
	void RegisterComponent();
	virtual UWorld* GetWorld() const override;
	virtual void BeginPlay() { StubBegun = true; }
	virtual void EndPlay(const EEndPlayReason::Type Reason) { StubBegun = false; }
	virtual void TickComponent(float DeltaTime, ELevelTick TickType, FActorComponentTickFunction* ThisTickFunction) {}
	void AddTickPrerequisiteComponent(UActorComponent* PrerequisiteComponent) { StubTicksAfter = PrerequisiteComponent; }
	bool StubBegun = false;
	UActorComponent* StubTicksAfter = nullptr;
};

class USceneComponent : public UActorComponent
{
public:
	void SetupAttachment(USceneComponent* Parent) { StubParent = Parent; }
	USceneComponent* StubParent = nullptr;
};

class AActor : public UObject
{
public:
	bool IsActorBeginningPlay() const { return StubBeginning; }
	USceneComponent* GetRootComponent() const { return FindComponentByClass<USceneComponent>(); }
	bool StubBeginning = false;
	template <typename T>
	T* FindComponentByClass() const
	{
		for (UActorComponent* const Component : StubComponents)
		{
			if (T* const Found = StubCast<T*>(Component))
			{
				return Found;
			}
		}
		return nullptr;
	}
	template <typename T>
	T* StubAdd()
	{
		T* const Made = NewObject<T>(this);
		Made->RegisterComponent();
		return Made;
	}
	std::vector<UActorComponent*> StubComponents;
};

template <typename T>
class TInlineComponentArray : public TArray<T>
{
public:
	explicit TInlineComponentArray(const AActor* Actor)
	{
		for (UActorComponent* const Component : Actor->StubComponents)
		{
			if (T const Found = StubCast<T>(Component))
			{
				this->Add(Found);
			}
		}
	}
};

class UMorphTarget : public UObject
{
};
class USkeletalMesh : public UObject
{
public:
	const TArray<TObjectPtr<UMorphTarget>>& GetMorphTargets() const { return StubTargets; }
	TArray<TObjectPtr<UMorphTarget>> StubTargets;
};
class USkeletalMeshComponent : public UActorComponent
{
public:
	USkeletalMesh* GetSkeletalMeshAsset() const { return StubMesh; }
	void SetMorphTarget(FName Name, float Value, bool bRemoveZeroWeight = true) { StubMorphs.Add(Name, Value); }
	float GetMorphTarget(FName Name) const
	{
		const float* const Found = StubMorphs.Find(Name);
		return Found != nullptr ? *Found : 0.0f;
	}
	USkeletalMesh* StubMesh = nullptr;
	TMap<FName, float> StubMorphs;
};
