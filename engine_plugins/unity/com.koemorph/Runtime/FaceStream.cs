using System;
using System.Threading;
using KoeMorph.Interop;

namespace KoeMorph
{
    /// <summary>One voice: audio in on one thread, weights out on another. Knows nothing of Unity.</summary>
    sealed class FaceStream : IDisposable
    {
        /// <summary>Seconds without a block after which a source counts as stopped.</summary>
        const double Stopped = 0.15;
        /// <summary>The most sound, in seconds, that is made up for at once (after an app slept, say); a stream holds
        /// half a second of it.</summary>
        internal const double LongestGap = 0.4;
        const int SilenceBlock = 1024;
        /// <summary>Seconds in which the face falls to rest when its voice stops, and comes back with the next.</summary>
        const double Fall = 0.2, Rise = 0.05;
        /// <summary>Seconds after a stop from which the face lives on, and over how many: by then it follows the
        /// silence that has been fed since, not the voice that was cut off.</summary>
        const double LivesAfter = 1.0, LivesOver = 0.5;

        readonly StreamHandle _stream;
        readonly AudioClock _clock = new AudioClock();
        double _lookahead;
        // 1 while a thread feeds: the library wants one feeder at a time, and the audio thread must not wait.
        int _feeding;
        long _fed, _fedAfterSilence, _fedAtLook;
        // Where the present device began: stream time (s), and what had been fed by then.
        double _deviceTime;
        long _deviceFed;
        float[] _silence;
        // What was fed and did not fit: the channels it had (0: all fitted), and how many sample frames it was.
        volatile int _unfitChannels;
        int _unfitFrames;
        volatile int _block;
        bool _silent, _speaking, _fadedOut;
        double _lives = double.PositiveInfinity;

        public FaceStream(ModelHandle model, int sampleRate, int channels)
        {
            _stream = StreamHandle.Create(model, sampleRate, channels, true, 0);
            SetFormat(sampleRate, channels);
            _clock.Anchor(0, AudioClock.Wall);
        }

        public int SampleRate { get; private set; }
        public int Channels { get; private set; }

        /// <summary>Seconds by which a face that glides instead of stepping is behind its audio: what the model
        /// looks ahead, the frame after the moment shown, and the block that is still on its way.</summary>
        public double Lag { get { return _lookahead + _block / (double)SampleRate; } }

        /// <summary>Sample frames fed since the start, silence included.</summary>
        public long Fed { get { return Interlocked.Read(ref _fed); } }

        /// <summary>Stream time of the last of them, in seconds.</summary>
        public double Reached { get { return _deviceTime + (Fed - _deviceFed) / (double)SampleRate; } }

        /// <summary>Channels of a block that did not fit; 0 when all do. SetInputFormat makes up for what was left out.</summary>
        public int UnfitChannels { get { return _unfitChannels; } }

        public StreamInfo Info() { return _stream.Info(); }

        /// <summary>
        /// [any one thread] Feeds interleaved samples. Wait-free and without allocation. False when another
        /// thread is feeding at this very moment, the stream has been closed, or has other channels: the block is
        /// left out.
        /// </summary>
        public bool Feed(float[] interleaved, int frames, int channels)
        {
            // Says nothing, not even that its source goes on: one that has no sound to give may push on all the same.
            if (frames == 0) return true;
            if (Interlocked.CompareExchange(ref _feeding, 1, 0) != 0) return false;
            try
            {
                // Asked here, where SetInputFormat cannot be at work: the library reads as many as the stream has.
                if (channels != Channels)
                {
                    _unfitFrames += frames;
                    _unfitChannels = channels;
                    return false;
                }
                if (_stream.IsClosed || _stream.Push(interleaved, frames) != Result.Ok) return false;
                _block = frames;
                Interlocked.Add(ref _fed, frames);
                _clock.Anchor(Reached, AudioClock.Wall);
                return true;
            }
            catch (ObjectDisposedException)
            {
                return false;  // closed by the game thread between the test and the call
            }
            finally
            {
                Volatile.Write(ref _feeding, 0);
            }
        }

        /// <summary>
        /// [game] Another device feeds from now on: the voice and its time go on. What has come by now and did not
        /// fit becomes silence. Allocates; a thread that feeds at this very moment is waited for.
        /// </summary>
        public void SetInputFormat(int sampleRate, int channels)
        {
            var turn = new SpinWait();
            while (Interlocked.CompareExchange(ref _feeding, 1, 0) != 0) turn.SpinOnce();
            int unfit;
            try
            {
                _stream.SetInputFormat(sampleRate, channels);
                unfit = _unfitFrames;
                SetFormat(sampleRate, channels);
            }
            finally
            {
                Volatile.Write(ref _feeding, 0);
            }
            FeedSilence(Math.Min(unfit, (long)(LongestGap * sampleRate)));
        }

        void SetFormat(int sampleRate, int channels)
        {
            _deviceTime = SampleRate == 0 ? 0 : Reached;
            _deviceFed = Fed;
            SampleRate = sampleRate;
            Channels = channels;
            _silence = new float[SilenceBlock * channels];
            _unfitFrames = _unfitChannels = 0;
            var info = _stream.Info();
            _lookahead = info.Latency + 1.0 / info.Fps;
        }

        /// <summary>[game] Feeds silence, any number of frames; how many of them the stream took.</summary>
        public long FeedSilence(long frames)
        {
            long taken = 0;
            for (; frames > 0; frames -= SilenceBlock)
            {
                var block = (int)Math.Min(frames, SilenceBlock);
                if (Feed(_silence, block, Channels)) taken += block;
            }
            return taken;
        }

        /// <summary>
        /// [game] Where a source has stopped, feeds the silence that is heard instead, so that the mouth
        /// closes and the face lives on. True while the source is stopped.
        /// </summary>
        public bool FeedSilenceWhenStopped()
        {
            var fed = Fed;
            if (fed != _fedAfterSilence) _silent = false;
            // Where the game stood, so did a voice that it pushes itself: one that came since the last look goes on.
            var goesOn = fed != _fedAtLook;
            _fedAtLook = fed;
            var idle = _clock.Idle(AudioClock.Wall);
            if (!_silent && (goesOn || idle < Stopped)) return false;
            _silent = true;
            // Not what has been fed by now: a block of the voice that came meanwhile is none of the silence.
            _fedAfterSilence = fed + FeedSilence((long)(Math.Min(idle, LongestGap) * SampleRate));
            return true;
        }

        /// <summary>[game] The sound stands still: no time passes for the clock either.</summary>
        public void Hold()
        {
            var wall = AudioClock.Wall;
            _clock.Hold(wall);
            if (Interlocked.CompareExchange(ref _feeding, 1, 0) != 0) return;
            _clock.Anchor(Reached, wall);
            Volatile.Write(ref _feeding, 0);
        }

        /// <summary>
        /// [game] Lets the face fall to rest where its voice stops, whatever was fed ahead, and come back with the
        /// next voice, or else to the blinks of one that is silent.
        /// </summary>
        public void FollowVoice(bool speaking, double time)
        {
            if (speaking != _speaking)
            {
                _speaking = speaking;
                _lives = speaking ? double.PositiveInfinity : time + LivesAfter;
                if (!_fadedOut) Native.Check(speaking ? _stream.FadeIn(time, Rise) : _stream.FadeOut(time, Fall));
            }
            else if (time >= _lives)
            {
                _lives = double.PositiveInfinity;
                if (!_fadedOut) Native.Check(_stream.FadeIn(time, LivesOver));
            }
        }

        /// <summary>[game] The face falls to rest and stays there until FadeIn.</summary>
        public void FadeOut(double time, double seconds)
        {
            _fadedOut = true;
            Native.Check(_stream.FadeOut(time, seconds));
        }

        /// <summary>[game] Takes a FadeOut back.</summary>
        public void FadeIn(double time, double seconds)
        {
            _fadedOut = false;
            Native.Check(_stream.FadeIn(time, seconds));
        }

        /// <summary>[game] Takes over new controls; changes glide.</summary>
        public void SetControls(Controls controls) { _stream.SetControls(controls); }

        /// <summary>[game] The stream time being heard, <paramref name="delay"/> seconds after it was fed.</summary>
        public double Heard(double delay) { return _clock.Time(AudioClock.Wall, delay); }

        /// <summary>[game] The face at a stream time; at rest while there is none.</summary>
        public void Sample(double time, float[] weights) { Native.Check(_stream.Sample(time, weights)); }

        public void Dispose() { _stream.Dispose(); }
    }
}
