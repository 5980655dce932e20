using System;
using System.Threading;
using KoeMorph.Interop;

namespace KoeMorph
{
    /// <summary>One animated stream: one thread pushes audio, the game thread samples weights. Independent of Unity.</summary>
    sealed class FaceStream : IDisposable
    {
        /// <summary>Seconds without a block after which the source counts as stopped.</summary>
        const double StopTimeout = 0.15;
        /// <summary>Maximum seconds of silence pushed at once, for example after the app was suspended. A stream
        /// buffers half a second.</summary>
        internal const double MaxGap = 0.4;
        const int SilenceBlock = 1024;
        /// <summary>Seconds of the fade when speech stops and when it starts.</summary>
        const double StopFade = 0.2, StartFade = 0.05;
        /// <summary>Seconds after a stop at which idle motion fades in, and the length of that fade. By then the
        /// weights follow the pushed silence and not the speech that was cut off.</summary>
        const double IdleDelay = 1.0, IdleFade = 0.5;

        readonly StreamHandle _stream;
        readonly AudioClock _clock = new AudioClock();
        double _modelLatency;
        // 1 while a thread pushes. The library allows one pushing thread at a time, and the audio thread must not wait.
        int _pushing;
        long _pushed, _pushedAfterSilence, _pushedAtUpdate;
        // Start of the current input format: stream time in seconds, and the samples pushed before it.
        double _formatStart;
        long _pushedBeforeFormat;
        float[] _silence;
        // Channels and sample frames of rejected blocks; 0 channels: no block was rejected.
        volatile int _rejectedChannels;
        int _rejectedSamples;
        volatile int _lastBlock;
        bool _silent, _speaking, _fadedOut;
        double _idleTime = double.PositiveInfinity;

        public FaceStream(ModelHandle model, int sampleRate, int channels)
        {
            _stream = StreamHandle.Create(model, sampleRate, channels, true, 0);
            UpdateFormat(sampleRate, channels);
            _clock.Anchor(0, AudioClock.Now);
        }

        public int SampleRate { get; private set; }
        public int Channels { get; private set; }

        /// <summary>Seconds between pushing audio and displaying it without steps: model latency, one frame for
        /// interpolation, and one block that has not arrived yet.</summary>
        public double DisplayLatency { get { return _modelLatency + _lastBlock / (double)SampleRate; } }

        /// <summary>Sample frames pushed since the start, including silence.</summary>
        public long PushedSamples { get { return Interlocked.Read(ref _pushed); } }

        /// <summary>Stream time of the last pushed sample, in seconds.</summary>
        public double PushedSeconds { get { return _formatStart + (PushedSamples - _pushedBeforeFormat) / (double)SampleRate; } }

        /// <summary>Channel count of a rejected block; 0 if all matched. SetInputFormat replaces rejected blocks by silence.</summary>
        public int RejectedChannels { get { return _rejectedChannels; } }

        public StreamInfo Info() { return _stream.Info(); }

        /// <summary>
        /// [any one thread] Pushes interleaved samples. Wait-free, does not allocate.
        /// </summary>
        /// <returns>False if the block was dropped: another thread is pushing, the stream is closed, or the channel
        /// count differs.</returns>
        public bool Push(float[] interleaved, int sampleCount, int channels)
        {
            // An empty block does not count as activity: sources without audio may push empty blocks.
            if (sampleCount == 0) return true;
            if (Interlocked.CompareExchange(ref _pushing, 1, 0) != 0) return false;
            try
            {
                // Checked inside the guard, where SetInputFormat cannot run: the library reads Channels per sample.
                if (channels != Channels)
                {
                    _rejectedSamples += sampleCount;
                    _rejectedChannels = channels;
                    return false;
                }
                if (_stream.IsClosed || _stream.Push(interleaved, sampleCount) != Result.Ok) return false;
                _lastBlock = sampleCount;
                Interlocked.Add(ref _pushed, sampleCount);
                _clock.Anchor(PushedSeconds, AudioClock.Now);
                return true;
            }
            catch (ObjectDisposedException)
            {
                return false;  // the game thread closed the stream between the check and the call
            }
            finally
            {
                Volatile.Write(ref _pushing, 0);
            }
        }

        /// <summary>
        /// [game] Changes the format of pushed audio; stream and time continue. Rejected samples become silence.
        /// Allocates, and waits for a push in progress.
        /// </summary>
        public void SetInputFormat(int sampleRate, int channels)
        {
            var spin = new SpinWait();
            while (Interlocked.CompareExchange(ref _pushing, 1, 0) != 0) spin.SpinOnce();
            int rejected;
            try
            {
                _stream.SetInputFormat(sampleRate, channels);
                rejected = _rejectedSamples;
                UpdateFormat(sampleRate, channels);
            }
            finally
            {
                Volatile.Write(ref _pushing, 0);
            }
            PushSilence(Math.Min(rejected, (long)(MaxGap * sampleRate)));
        }

        void UpdateFormat(int sampleRate, int channels)
        {
            _formatStart = SampleRate == 0 ? 0 : PushedSeconds;
            _pushedBeforeFormat = PushedSamples;
            SampleRate = sampleRate;
            Channels = channels;
            _silence = new float[SilenceBlock * channels];
            _rejectedSamples = _rejectedChannels = 0;
            var info = _stream.Info();
            _modelLatency = info.Latency + 1.0 / info.Fps;
        }

        /// <summary>[game] Pushes silence; returns the number of sample frames that were accepted.</summary>
        public long PushSilence(long sampleCount)
        {
            long accepted = 0;
            for (; sampleCount > 0; sampleCount -= SilenceBlock)
            {
                var block = (int)Math.Min(sampleCount, SilenceBlock);
                if (Push(_silence, block, Channels)) accepted += block;
            }
            return accepted;
        }

        /// <summary>
        /// [game] Pushes silence while the source is stopped, so that the mouth closes and idle motion continues.
        /// </summary>
        /// <returns>True while the source is stopped.</returns>
        public bool UpdateSilence()
        {
            var pushed = PushedSamples;
            if (pushed != _pushedAfterSilence) _silent = false;
            // If the game thread stalled, a source that it pushes itself stalled too: a block since the last update
            // counts as activity.
            var active = pushed != _pushedAtUpdate;
            _pushedAtUpdate = pushed;
            var idle = _clock.Idle(AudioClock.Now);
            if (!_silent && (active || idle < StopTimeout)) return false;
            _silent = true;
            // Computed from the accepted silence: speech pushed meanwhile by another thread must not count as silence.
            _pushedAfterSilence = pushed + PushSilence((long)(Math.Min(idle, MaxGap) * SampleRate));
            return true;
        }

        /// <summary>[game] The audio is paused: no stream time passes.</summary>
        public void Pause()
        {
            var now = AudioClock.Now;
            _clock.Pause(now);
            if (Interlocked.CompareExchange(ref _pushing, 1, 0) != 0) return;
            _clock.Anchor(PushedSeconds, now);
            Volatile.Write(ref _pushing, 0);
        }

        /// <summary>
        /// [game] Fades out when speech stops, whatever was pushed ahead, and in when speech starts. After a stop,
        /// idle motion fades in.
        /// </summary>
        public void UpdateFade(bool speaking, double time)
        {
            if (speaking != _speaking)
            {
                _speaking = speaking;
                _idleTime = speaking ? double.PositiveInfinity : time + IdleDelay;
                if (!_fadedOut) Native.Check(speaking ? _stream.FadeIn(time, StartFade) : _stream.FadeOut(time, StopFade));
            }
            else if (time >= _idleTime)
            {
                _idleTime = double.PositiveInfinity;
                if (!_fadedOut) Native.Check(_stream.FadeIn(time, IdleFade));
            }
        }

        /// <summary>[game] Fades to neutral weights, which hold until FadeIn.</summary>
        public void FadeOut(double time, double seconds)
        {
            _fadedOut = true;
            Native.Check(_stream.FadeOut(time, seconds));
        }

        /// <summary>[game] Reverts FadeOut.</summary>
        public void FadeIn(double time, double seconds)
        {
            _fadedOut = false;
            Native.Check(_stream.FadeIn(time, seconds));
        }

        /// <summary>[game] Applies controls, with a transition of Controls.TransitionSeconds.</summary>
        public void SetControls(Controls controls) { _stream.SetControls(controls); }

        /// <summary>[game] Stream time that is audible now, <paramref name="latency"/> seconds after it was pushed.</summary>
        public double PlaybackTime(double latency) { return _clock.Time(AudioClock.Now, latency); }

        /// <summary>[game] Weights at a stream time; neutral before the first frame.</summary>
        public void Sample(double time, float[] weights) { Native.Check(_stream.Sample(time, weights)); }

        public void Dispose() { _stream.Dispose(); }
    }
}
