using System;

namespace KoeMorph
{
    /// <summary>Something KoeMorph cannot do; the message is a sentence that says what to do about it.</summary>
    public sealed class KoeMorphException : Exception
    {
        public KoeMorphException(string message) : base(message) { }
        public KoeMorphException(string message, Exception inner) : base(message, inner) { }
    }
}
