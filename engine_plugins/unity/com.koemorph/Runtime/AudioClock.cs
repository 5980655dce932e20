using System;
using System.Diagnostics;
using System.Threading;

namespace KoeMorph
{
    /// <summary>
    /// Smooth playback time from irregular audio blocks. The pushing thread anchors stream time to wall time at each
    /// block; the game thread reads the time. The time advances with wall time and is corrected gradually towards the
    /// anchors, so neither bursts of blocks nor drift between the clocks is visible.
    /// </summary>
    sealed class AudioClock
    {
        /// <summary>Errors above this, in seconds, are applied at once (a stall, a new device).</summary>
        const double MaxError = 0.25;
        /// <summary>Time constant of the correction of smaller errors, in seconds.</summary>
        const double CorrectionTime = 0.5;

        // Sequence lock: odd while the pushing thread writes, which never waits for the reader.
        int _sequence;
        double _anchorStream, _anchorWall;

        bool _running;
        double _time, _wall;

        /// <summary>Monotonic wall time in seconds, callable from any thread; replaced by tests.</summary>
        public static Func<double> TimeSource = () => Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency;

        public static double Now { get { return TimeSource(); } }

        /// <summary>[pushing thread] Stream time <paramref name="stream"/> was reached at <paramref name="wall"/>.</summary>
        public void Anchor(double stream, double wall)
        {
            Interlocked.Increment(ref _sequence);
            _anchorStream = stream;
            _anchorWall = wall;
            Interlocked.Increment(ref _sequence);
        }

        /// <summary>[game] No stream time passes until <paramref name="wall"/>.</summary>
        public void Pause(double wall) { _wall = wall; }

        /// <summary>[game] The next time is exact, without a gradual correction; after a seek.</summary>
        public void Restart() { _running = false; }

        /// <summary>[game] Seconds since the last anchor; detects a stopped source.</summary>
        public double Idle(double wall)
        {
            double stream, anchor;
            return TryRead(out stream, out anchor) ? wall - anchor : 0;
        }

        /// <summary>[game] Stream time at <paramref name="wall"/>, <paramref name="latency"/> seconds behind the pushed
        /// audio. Never decreases, except for errors above the maximum.</summary>
        public double Time(double wall, double latency)
        {
            double stream, anchor;
            if (!TryRead(out stream, out anchor)) return _time;
            var target = stream + Math.Min(wall - anchor, MaxError) - latency;
            var step = wall - _wall;
            var error = target - (_time + step);
            if (!_running || Math.Abs(error) > MaxError) _time = target;
            else _time += Math.Max(0, step + error * Math.Min(1, step / CorrectionTime));
            _running = true;
            _wall = wall;
            return _time;
        }

        bool TryRead(out double stream, out double wall)
        {
            // The writer holds the lock for two stores only: three attempts suffice, and a failure costs one update.
            for (var attempt = 0; attempt < 3; attempt++)
            {
                var before = Volatile.Read(ref _sequence);
                stream = _anchorStream;
                wall = _anchorWall;
                Interlocked.MemoryBarrier();
                if ((before & 1) == 0 && before == Volatile.Read(ref _sequence)) return true;
            }
            stream = wall = 0;
            return false;
        }
    }
}
