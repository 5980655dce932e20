using System;
using System.Diagnostics;

namespace KoeMorph
{
    /// <summary>Monotonic time in seconds, callable from any thread.</summary>
    static class Clock
    {
        /// <summary>Replaced by tests.</summary>
        public static Func<double> Source = () => Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency;

        public static double Now { get { return Source(); } }
    }
}
