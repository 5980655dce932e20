using UnityEngine;

namespace KoeMorph
{
    /// <summary>What comes with the package, below a Resources folder.</summary>
    static class Packaged
    {
        /// <summary>A retarget map for rigs with ARKit's names.</summary>
        public const string ArkitMap = "KoeMorph/arkit";

        /// <param name="what">What it is, for the message.</param>
        /// <param name="otherwise">What a user without it can do.</param>
        /// <exception cref="KoeMorphException">It is not there.</exception>
        public static TextAsset Load(string resource, string what, string otherwise)
        {
            var asset = Resources.Load<TextAsset>(resource);
            if (asset != null) return asset;
            throw new KoeMorphException(
                "There is no " + what + " at Resources/" + resource + ": reinstall com.koemorph, or " + otherwise + ".");
        }

        public static TextAsset MapOr(TextAsset map)
        {
            return map != null ? map : Load(ArkitMap, "map", "set a KoeMorph map (.json) as Map");
        }
    }
}
