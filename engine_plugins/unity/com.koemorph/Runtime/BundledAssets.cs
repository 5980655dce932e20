using System;
using UnityEngine;

namespace KoeMorph
{
    /// <summary>Models, retarget maps and presets in the package, by name.</summary>
    static class BundledAssets
    {
        public const string Models = "models", Maps = "maps", Presets = "presets";

        /// <param name="kind">Models, Maps or Presets.</param>
        /// <exception cref="KoeMorphException">There is no asset of this name.</exception>
        public static TextAsset Load(string kind, string name)
        {
            var asset = Resources.Load<TextAsset>(Folder(kind) + "/" + name);
            if (asset != null) return asset;
            var names = Names(kind);
            throw new KoeMorphException(
                names.Length == 0
                    ? "No bundled " + kind + ": Resources/" + Folder(kind) + " is empty. Reinstall com.koemorph, or set a file of your own."
                    : "Unknown name: '" + name + "' is not one of the bundled " + kind + ". Use one of " + string.Join(", ", names) + ".");
        }

        /// <summary>The names of all assets of a kind, sorted. Loads them all: do not call it every frame.</summary>
        public static string[] Names(string kind)
        {
            var names = Array.ConvertAll(Resources.LoadAll<TextAsset>(Folder(kind)), asset => asset.name);
            Array.Sort(names, StringComparer.Ordinal);
            return names;
        }

        static string Folder(string kind) { return "KoeMorph/" + kind; }
    }

    /// <summary>Displays a string field as a popup with the names of bundled assets.</summary>
    [AttributeUsage(AttributeTargets.Field)]
    sealed class BundledAssetAttribute : PropertyAttribute
    {
        public readonly string Kind;
        public BundledAssetAttribute(string kind) { Kind = kind; }
    }

    /// <summary>Labels the elements of an array with blend shape names.</summary>
    [AttributeUsage(AttributeTargets.Field)]
    sealed class PerBlendshapeAttribute : PropertyAttribute { }
}
