using System;
using System.Diagnostics;
using System.Threading;

namespace KoeMorph
{
    /// <summary>
    /// Turns "this much audio has been fed by now" into a smooth time of playback. The feeding thread
    /// anchors stream time to wall time at each block; the game thread asks for the time being heard.
    /// Blocks come in bursts, so the answer follows wall time and leans gently towards the anchors:
    /// neither the bursts nor the drift between two clocks can be seen on the face.
    /// </summary>
    sealed class AudioClock
    {
        /// <summary>Larger errors than this, in seconds, are jumps (a stall, a new device): followed at once.</summary>
        const double Jump = 0.25;
        /// <summary>Smaller ones shrink with this time constant, in seconds.</summary>
        const double Settle = 0.5;

        // A sequence lock: odd while the feeder writes. The feeder never waits for the reader.
        int _sequence;
        double _anchorStream, _anchorWall;

        bool _running;
        double _time, _wall;

        /// <summary>Wall time in seconds, monotonic, from any thread; tests put their own in.</summary>
        public static Func<double> Source = () => Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency;

        public static double Wall { get { return Source(); } }

        /// <summary>[feeder] Stream time <paramref name="stream"/> was reached at <paramref name="wall"/>.</summary>
        public void Anchor(double stream, double wall)
        {
            Interlocked.Increment(ref _sequence);
            _anchorStream = stream;
            _anchorWall = wall;
            Interlocked.Increment(ref _sequence);
        }

        /// <summary>[game] The sound stands still until <paramref name="wall"/>, and so does the time being heard.</summary>
        public void Hold(double wall) { _wall = wall; }

        /// <summary>[game] Seconds since the feeder's last block; how a stopped source is noticed.</summary>
        public double Idle(double wall)
        {
            double stream, anchor;
            return TryRead(out stream, out anchor) ? wall - anchor : 0;
        }

        /// <summary>[game] The stream time heard at <paramref name="wall"/>, <paramref name="delay"/> seconds
        /// behind what has been fed. Never goes back, except over a jump.</summary>
        public double Time(double wall, double delay)
        {
            double stream, anchor;
            if (!TryRead(out stream, out anchor)) return _time;
            var target = stream + Math.Min(wall - anchor, Jump) - delay;
            var step = wall - _wall;
            var error = target - (_time + step);
            if (!_running || Math.Abs(error) > Jump) _time = target;
            else _time += Math.Max(0, step + error * Math.Min(1, step / Settle));
            _running = true;
            _wall = wall;
            return _time;
        }

        bool TryRead(out double stream, out double wall)
        {
            // A writer is inside for two stores only; three looks are enough, and a miss costs one frame's news.
            for (var look = 0; look < 3; look++)
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
