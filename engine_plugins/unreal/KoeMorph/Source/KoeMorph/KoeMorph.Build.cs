// Copyright KoeMorph contributors. Licensed under the MIT License.

using UnrealBuildTool;

public class KoeMorph : ModuleRules
{
    public KoeMorph(ReadOnlyTargetRules Target) : base(Target)
    {
        PCHUsage = PCHUsageMode.UseExplicitOrSharedPCHs;
        // For Core/: plain C++ without an Unreal type, tested without an engine. Not the folder itself: the engine has
        // a Model.h, too, and whoever includes that would find the other one.
        PrivateIncludePaths.Add(ModuleDirectory);

        PublicDependencyModuleNames.AddRange(new[] { "Core", "CoreUObject", "Engine", "DeveloperSettings" });
        PrivateDependencyModuleNames.AddRange(new[]
        {
            "AudioCaptureCore", "AudioMixer", "LiveLinkInterface", "Projects", "KoeMorphLibrary"
        });
    }
}
