using KoeMorph.Interop;

namespace KoeMorph
{
    /// <summary>ARKit names of the 52 blend shapes, in the order of the weights.</summary>
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
