namespace KoeMorph.Interop
{
    /// <summary>The one place that names the native library.</summary>
    static class Library
    {
#if (UNITY_IOS || UNITY_TVOS || UNITY_VISIONOS) && !UNITY_EDITOR
        public const string Name = "__Internal";
#else
        public const string Name = "koemorph";
#endif
    }
}
