using System;
using UnityEngine;

namespace KoeMorph
{
    /// <summary>What comes with the package, by name: models, retarget maps and presets.</summary>
    static class Packaged
    {
        public const string Models = "models", Maps = "maps", Presets = "presets";

        /// <param name="kind">Models, Maps or Presets.</param>
        /// <exception cref="KoeMorphException">There is none of this name.</exception>
        public static TextAsset Load(string kind, string name)
        {
            var asset = Resources.Load<TextAsset>(Folder(kind) + "/" + name);
            if (asset != null) return asset;
            var names = Names(kind);
            throw new KoeMorphException(
                names.Length == 0
                    ? "There are no " + kind + " in Resources/" + Folder(kind) + ": reinstall com.koemorph, or set files of your own."
                    : "There is no '" + name + "' among the package's " + kind + ": choose one of " + string.Join(", ", names) + ".");
        }

        /// <summary>The names there are, in order. Loads every one: not for each frame.</summary>
        public static string[] Names(string kind)
        {
            var names = Array.ConvertAll(Resources.LoadAll<TextAsset>(Folder(kind)), asset => asset.name);
            Array.Sort(names, StringComparer.Ordinal);
            return names;
        }

        static string Folder(string kind) { return "KoeMorph/" + kind; }
    }

    /// <summary>Shows a string field as a choice among what comes with the package.</summary>
    [AttributeUsage(AttributeTargets.Field)]
    sealed class PackagedAttribute : PropertyAttribute
    {
        public readonly string Kind;
        public PackagedAttribute(string kind) { Kind = kind; }
    }

    /// <summary>Shows each element of an array by the name of its blendshape.</summary>
    [AttributeUsage(AttributeTargets.Field)]
    sealed class PerBlendshapeAttribute : PropertyAttribute { }
}
