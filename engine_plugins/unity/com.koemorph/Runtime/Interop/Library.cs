namespace KoeMorph.Interop
{
    /// <summary>The one place that names the native library, and the versions of it that fit.</summary>
    static class Library
    {
#if (UNITY_IOS || UNITY_TVOS || UNITY_VISIONOS) && !UNITY_EDITOR
        public const string Name = "__Internal";
#else
        public const string Name = "koemorph";
#endif
        /// <summary>Up to 1.0 another minor version may fill larger structs than those of this package.</summary>
        public const string Fits = "0.1.";
    }
}
