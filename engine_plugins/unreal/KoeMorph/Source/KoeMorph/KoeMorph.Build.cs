using System.IO;
using UnrealBuildTool;

public class KoeMorph : ModuleRules
{
    public KoeMorph(ReadOnlyTargetRules Target) : base(Target)
    {
        PCHUsage = PCHUsageMode.UseExplicitOrSharedPCHs;
        // Plain C++ without an Unreal type; tested without an engine.
        PrivateIncludePaths.Add(Path.Combine(ModuleDirectory, "Core"));

        PublicDependencyModuleNames.AddRange(new[] { "Core", "CoreUObject", "Engine", "DeveloperSettings" });
        PrivateDependencyModuleNames.AddRange(new[]
        {
            "AudioCaptureCore", "AudioMixer", "LiveLinkInterface", "Projects", "KoeMorphLibrary"
        });
    }
}
