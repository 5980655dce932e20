namespace KoeMorph.Interop
{
    /// <summary>Name of the native library, and the versions that this package accepts.</summary>
    static class Library
    {
        // The packager defines KOEMORPH_STATIC_LIBRARY when it adds the static library for iOS. Without that library
        // "__Internal" would be an undefined symbol for the linker, in every game that has this package.
#if KOEMORPH_STATIC_LIBRARY && UNITY_IOS && !UNITY_EDITOR
        public const string Name = "__Internal";
#else
        public const string Name = "koemorph";
#endif
        /// <summary>Before 1.0, another minor version may fill larger structs than those of this package.</summary>
        public const string CompatibleVersion = "0.1.";
    }
}
