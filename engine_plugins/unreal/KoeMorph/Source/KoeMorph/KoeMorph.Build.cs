// Copyright KoeMorph contributors. Licensed under the MIT License.

using UnrealBuildTool;

public class KoeMorph : ModuleRules
{
    public KoeMorph(ReadOnlyTargetRules Target) : base(Target)
    {
        PCHUsage = PCHUsageMode.UseExplicitOrSharedPCHs;
        // For includes of Core/..., not of files in Core: the engine also has a Model.h.
        PrivateIncludePaths.Add(ModuleDirectory);

        PublicDependencyModuleNames.AddRange(new[] { "Core", "CoreUObject", "Engine", "DeveloperSettings" });
        PrivateDependencyModuleNames.AddRange(new[]
        {
            "AudioCaptureCore", "AudioMixer", "LiveLinkInterface", "Projects", "KoeMorphLibrary"
        });
    }
}
