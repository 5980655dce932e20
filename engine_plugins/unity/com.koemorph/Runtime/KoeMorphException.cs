using System;

namespace KoeMorph
{
    /// <summary>An error of KoeMorph; the message states what failed and what to do.</summary>
    public sealed class KoeMorphException : Exception
    {
        public KoeMorphException(string message) : base(message) { }
        public KoeMorphException(string message, Exception inner) : base(message, inner) { }
    }
}
