// Copyright KoeMorph contributors. Licensed under the MIT License.

using UnrealBuildTool;

public class KoeMorphEditor : ModuleRules
{
    public KoeMorphEditor(ReadOnlyTargetRules Target) : base(Target)
    {
        PCHUsage = PCHUsageMode.UseExplicitOrSharedPCHs;
        PublicDependencyModuleNames.AddRange(new[] { "Core", "CoreUObject", "Engine", "AnimGraph", "KoeMorph" });
        PrivateDependencyModuleNames.AddRange(new[]
        {
            "AssetRegistry", "BlueprintGraph", "ContentBrowser", "Slate", "SlateCore",
            "ToolMenus", "UnrealEd"
        });
    }
}
