using KoeMorph.Interop;

namespace KoeMorph
{
    /// <summary>The 52 blendshapes by Apple's camelCase names, in their one order.</summary>
    static class Blendshapes
    {
        public const int Count = 52;

        static string[] _names;

        public static string[] Names
        {
            get
            {
                if (_names != null) return _names;
                var names = new string[Count];
                for (var i = 0; i < Count; i++) names[i] = Native.BlendshapeName(i);
                return _names = names;
            }
        }
    }
}
