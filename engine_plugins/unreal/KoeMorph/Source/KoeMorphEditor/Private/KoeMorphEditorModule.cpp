// Copyright KoeMorph contributors. Licensed under the MIT License.

#include "ContentBrowserMenuContexts.h"
#include "CoreMinimal.h"
#include "KoeMorphBake.h"
#include "Modules/ModuleManager.h"
#include "Sound/SoundWave.h"
#include "ToolMenus.h"

#define LOCTEXT_NAMESPACE "KoeMorph"

/** Adds "Bake Face Animation" to the menu of sounds in the Content Browser. */
class FKoeMorphEditorModule : public IModuleInterface
{
public:
	virtual void StartupModule() override
	{
		UToolMenus::RegisterStartupCallback(
			FSimpleMulticastDelegate::FDelegate::CreateRaw(this, &FKoeMorphEditorModule::RegisterMenus));
	}

	virtual void ShutdownModule() override
	{
		UToolMenus::UnRegisterStartupCallback(this);
		UToolMenus::UnregisterOwner(this);
	}

private:
	void RegisterMenus()
	{
		FToolMenuOwnerScoped Owner(this);
		UToolMenu* const Menu = UToolMenus::Get()->ExtendMenu("ContentBrowser.AssetContextMenu.SoundWave");
		FToolMenuSection& Section = Menu->FindOrAddSection("GetAssetActions");
		FToolUIAction Action;
		Action.ExecuteAction = FToolMenuExecuteAction::CreateStatic(&FKoeMorphEditorModule::Bake);
		Section.AddMenuEntry("KoeMorphBake", LOCTEXT("BakeLabel", "Bake Face Animation"),
			LOCTEXT("BakeTip", "Creates an animation with the 52 ARKit curves from each selected sound."), FSlateIcon(), Action);
	}

	static void Bake(const FToolMenuContext& MenuContext)
	{
		if (const UContentBrowserAssetContextMenuContext* const Context =
				UContentBrowserAssetContextMenuContext::FindContextWithAssets(MenuContext))
		{
			KoeMorphBake::BakeAll(Context->LoadSelectedObjects<USoundWave>());
		}
	}
};

IMPLEMENT_MODULE(FKoeMorphEditorModule, KoeMorphEditor)

#undef LOCTEXT_NAMESPACE
