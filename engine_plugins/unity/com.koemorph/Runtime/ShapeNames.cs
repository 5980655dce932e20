using System;
using System.Collections.Generic;
using System.Text;
using KoeMorph.Interop;

namespace KoeMorph
{
    /// <summary>
    /// Finds the coefficient that a rig's shape name means: any case, any separators, any prefix that a
    /// separator ends, and _L / _R for Left / Right. "jawOpen", "Head.JawOpen", "blendShape1.Jaw_Open" and
    /// "A21_Jaw_Open" are one shape.
    /// </summary>
    static class ShapeNames
    {
        /// <summary>Coefficients in their one order; see koemorph_coefficient_name.</summary>
        public const int Count = 52;

        static string[] _names;
        static Dictionary<string, int> _index;

        /// <summary>Apple's camelCase names.</summary>
        public static string[] Canonical
        {
            get
            {
                if (_names != null) return _names;
                var names = new string[Count];
                for (var i = 0; i < Count; i++) names[i] = Native.CoefficientName(i);
                return _names = names;
            }
        }

        /// <summary>The coefficient's index, or -1.</summary>
        public static int Match(string shape)
        {
            var words = Words(shape);
            for (var first = 0; first < words.Count; first++)
            {
                int index;
                if (Index.TryGetValue(string.Concat(words.GetRange(first, words.Count - first).ToArray()), out index))
                    return index;
            }
            return -1;
        }

        static Dictionary<string, int> Index
        {
            get
            {
                if (_index != null) return _index;
                var index = new Dictionary<string, int>();
                for (var i = 0; i < Count; i++)
                {
                    var name = Canonical[i].ToLowerInvariant();
                    index[name] = i;
                    if (name.EndsWith("left", StringComparison.Ordinal)) index[name.Remove(name.Length - 3)] = i;
                    if (name.EndsWith("right", StringComparison.Ordinal)) index[name.Remove(name.Length - 4)] = i;
                }
                return _index = index;
            }
        }

        // Lower-case runs of letters and digits: what separators, and nothing else, keep apart.
        static List<string> Words(string shape)
        {
            var words = new List<string>();
            var word = new StringBuilder();
            foreach (var c in shape)
            {
                if (char.IsLetterOrDigit(c)) word.Append(char.ToLowerInvariant(c));
                else if (word.Length > 0)
                {
                    words.Add(word.ToString());
                    word.Length = 0;
                }
            }
            if (word.Length > 0) words.Add(word.ToString());
            return words;
        }
    }
}
