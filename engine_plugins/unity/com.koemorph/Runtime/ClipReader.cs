using System;
using UnityEngine;

namespace KoeMorph
{
    /// <summary>
    /// Reads an AudioSource's clip ahead of its play position, so that the model adds no latency. Follows seeks and
    /// loops; a stopped source is silence.
    /// </summary>
    sealed class ClipReader
    {
        const int Block = 512;
        /// <summary>Seconds read beyond the display latency: time for the worker to compute.</summary>
        const double Margin = 0.1;
        /// <summary>Seconds read before a new position, as context for the model. With display latency and margin it
        /// stays below the half second that a stream buffers.</summary>
        const double Preroll = 0.2;

        readonly FaceStream _stream;
        readonly AudioClip _clip;
        readonly float[] _block;
        // AudioSource.timeSamples moves in steps of a DSP block; the clock turns the steps into a smooth time.
        readonly AudioClock _clock = new AudioClock();
        // Clip position to read next, and the position and wall time of the last update.
        int _next, _position;
        double _now = AudioClock.Now;
        // Clock time, which runs at the pitch of the source.
        double _clockNow;
        // Stream time of clip position 0, and of the mixer's position.
        double _origin, _mixed;
        bool _playing, _started;
        int _startPosition;

        /// <summary>Whether the clip's samples are not loaded yet: with Load In Background, or without Preload Audio Data,
        /// in which case playing loads them.</summary>
        public static bool IsLoading(AudioSource source, AudioClip clip)
        {
            var state = clip.loadState;
            return state == AudioDataLoadState.Loading || state == AudioDataLoadState.Unloaded && !source.isPlaying;
        }

        /// <exception cref="KoeMorphException">The clip returns no samples.</exception>
        public ClipReader(FaceStream stream, AudioClip clip)
        {
            _stream = stream;
            _clip = clip;
            _block = new float[Block * clip.channels];
            if (!clip.GetData(_block, 0))
                throw new KoeMorphException(
                    "AudioClip '" + clip.name + "' returns no samples. Set its Load Type to Decompress On Load " +
                    "in the import settings, or use the Audio Source input.");
        }

        /// <summary>Whether the clip is audible. A source that is scheduled for later (PlayScheduled, PlayDelayed) reports
        /// isPlaying at once, but its position does not move until then.</summary>
        public bool IsAudible { get { return _playing && _started; } }

        /// <summary>Pushes audio ahead of the play position.</summary>
        /// <param name="outputLatency">Seconds between the mixer's position and the loudspeaker.</param>
        /// <returns>The stream time that is audible now.</returns>
        public double Update(AudioSource source, double outputLatency)
        {
            var now = AudioClock.Now;
            var elapsed = now - _now;
            _now = now;
            var playing = source.isPlaying;
            _clockNow += playing ? elapsed * source.pitch : elapsed;
            if (playing) FollowPosition(source);
            else AnchorAt(_mixed + Math.Min(elapsed, FaceStream.MaxGap));
            _playing = playing;
            var time = _clock.Time(_clockNow, outputLatency);
            var ahead = Math.Max(_mixed, time) + _stream.DisplayLatency + Margin;
            while (_stream.PushedSeconds < ahead && PushBlock(source)) { }
            return time;
        }

        void FollowPosition(AudioSource source)
        {
            var position = source.timeSamples;
            if (!_playing)
            {
                _started = false;
                _startPosition = position;
            }
            _started |= position != _startPosition;
            var advance = position - _position;
            if (advance < 0 && source.loop)
            {
                advance += _clip.samples;
                _origin += _clip.samples / (double)_clip.frequency;
            }
            _position = position;
            // Beyond the maximum gap (the game stalled while the audio continued) it is handled like a seek: the stream
            // could not buffer the whole gap.
            if (!_playing || advance < 0 || advance > FaceStream.MaxGap * _stream.SampleRate) Seek(position);
            else if (advance > 0) AnchorAt(StreamTime(position));
            else if (!_started)
            {
                AnchorAt(_mixed);
                _clock.Pause(_clockNow);  // scheduled for later: no time passes
            }
        }

        void Seek(int position)
        {
            _next = Math.Max(0, position - (int)(Preroll * _stream.SampleRate));
            _origin = _stream.PushedSeconds - _next / (double)_stream.SampleRate;
            AnchorAt(StreamTime(position));
            _clock.Restart();
        }

        double StreamTime(int position) { return _origin + position / (double)_stream.SampleRate; }

        void AnchorAt(double streamTime)
        {
            _mixed = streamTime;
            _clock.Anchor(streamTime, _clockNow);
        }

        bool PushBlock(AudioSource source)
        {
            if (_playing && source.loop && _next >= _clip.samples) _next = 0;
            var left = _playing ? _clip.samples - _next : 0;
            var count = left > 0 ? Math.Min(Block, left) : Block;
            if (left <= 0) return _stream.PushSilence(count) > 0;
            _clip.GetData(_block, _next);
            _next += count;
            return _stream.Push(_block, count, _clip.channels);
        }
    }
}
