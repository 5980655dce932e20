// Copyright KoeMorph contributors. Licensed under the MIT License.

using System.IO;
using UnrealBuildTool;

// The koemorph library and the bundled files. The KoeMorph module loads the library when it starts, so that a missing
// library is an error message and does not prevent the start of the engine.
public class KoeMorphLibrary : ModuleRules
{
    public KoeMorphLibrary(ReadOnlyTargetRules Target) : base(Target)
    {
        Type = ModuleType.External;
        PublicSystemIncludePaths.Add(Path.Combine(ModuleDirectory, "include"));

        if (Target.Platform == UnrealTargetPlatform.IOS)
        {
            PublicDefinitions.Add("KOEMORPH_STATIC=1");
            PublicAdditionalLibraries.Add(Path.Combine(ModuleDirectory, "lib", "IOS", "libkoemorph.a"));
        }
        else
        {
            PublicDefinitions.Add("KOEMORPH_STATIC=0");
        }

        if (Target.Platform == UnrealTargetPlatform.Android)
        {
            string Manifest = Path.Combine(ModuleDirectory, "KoeMorph_APL.xml");
            AdditionalPropertiesForReceipt.Add("AndroidPlugin", Manifest);
        }

        if (Target.Type == TargetType.Server) return; // loads neither library nor models

        string Folder = Target.Platform.ToString();
        foreach (string Name in new[] { "koemorph.dll", "libkoemorph.so", "libkoemorph.dylib" })
        {
            if (Target.Platform == UnrealTargetPlatform.Android) break;
            if (!File.Exists(Path.Combine(ModuleDirectory, "lib", Folder, Name))) continue;
            RuntimeDependencies.Add("$(PluginDir)/Source/ThirdParty/KoeMorphLibrary/lib/" + Folder + "/" + Name);
        }
        RuntimeDependencies.Add("$(PluginDir)/Resources/...", StagedFileType.NonUFS);
    }
}
