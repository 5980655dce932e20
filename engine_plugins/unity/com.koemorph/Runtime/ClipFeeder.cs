using System;
using UnityEngine;

namespace KoeMorph
{
    /// <summary>
    /// Reads an AudioSource's clip ahead of its play position, for a face without latency. Seeking and looping are
    /// followed; a stopped source is silence.
    /// </summary>
    sealed class ClipFeeder
    {
        const int Block = 512;
        /// <summary>Seconds read beyond the lag of the face: time for the worker to compute.</summary>
        const double Margin = 0.1;
        /// <summary>Seconds of what precedes a new position, so that the face does not start from nothing. With
        /// lag and margin it stays below the half second that a stream holds.</summary>
        const double Preroll = 0.2;

        readonly FaceStream _stream;
        readonly AudioClip _clip;
        readonly float[] _block;
        // Clip position fed next, position at the last update, and how far feeding is ahead of it (frames).
        int _next, _position;
        long _lead;
        bool _playing, _begun;
        // Where the clip was found when it began to play.
        int _start;
        double _wall = AudioClock.Wall;

        /// <summary>Whether the clip's samples are still to come: with Load In Background, or without Preload Audio Data,
        /// where playing loads them.</summary>
        public static bool Waits(AudioSource source, AudioClip clip)
        {
            var state = clip.loadState;
            return state == AudioDataLoadState.Loading || state == AudioDataLoadState.Unloaded && !source.isPlaying;
        }

        /// <exception cref="KoeMorphException">The clip gives no samples.</exception>
        public ClipFeeder(FaceStream stream, AudioClip clip)
        {
            _stream = stream;
            _clip = clip;
            _block = new float[Block * clip.channels];
            if (!clip.GetData(_block, 0))
                throw new KoeMorphException(
                    "AudioClip '" + clip.name + "' gives no samples: set its Load Type to Decompress On Load " +
                    "in the import settings, or use the Audio Source input.");
        }

        /// <summary>Whether the clip is heard. A source that is to play at a later time (PlayScheduled, PlayDelayed) says
        /// at once that it plays, but stands still until then.</summary>
        public bool IsHeard { get { return _playing && _begun; } }

        /// <summary>Feeds what will soon be heard; returns the stream time being heard now.</summary>
        public double Advance(AudioSource source)
        {
            var wall = AudioClock.Wall;
            var playing = source.isPlaying;
            if (playing) Follow(source);
            else _lead -= (long)(Math.Min(wall - _wall, FaceStream.LongestGap) * _stream.SampleRate);
            _playing = playing;
            _wall = wall;
            var ahead = (long)((_stream.Lag + Margin) * _stream.SampleRate);
            while (_lead < ahead) FeedBlock(source);
            return _stream.Reached - _lead / (double)_stream.SampleRate;
        }

        void Follow(AudioSource source)
        {
            var position = source.timeSamples;
            if (!_playing)
            {
                _begun = false;
                _start = position;
            }
            _begun |= position != _start;
            var advance = position - _position;
            if (advance < 0 && source.loop) advance += _clip.samples;
            // Beyond the longest gap (the game stood while the sound went on) it is as after seeking: all of it would not fit.
            if (!_playing || advance < 0 || advance > FaceStream.LongestGap * _stream.SampleRate)
            {
                _next = Math.Max(0, position - (int)(Preroll * _stream.SampleRate));
                _lead = _next - position;
            }
            else _lead -= advance;
            _position = position;
        }

        void FeedBlock(AudioSource source)
        {
            if (_playing && source.loop && _next >= _clip.samples) _next = 0;
            var left = _playing ? _clip.samples - _next : 0;
            var frames = left > 0 ? Math.Min(Block, left) : Block;
            if (left > 0)
            {
                _clip.GetData(_block, _next);
                _stream.Feed(_block, frames, _clip.channels);
                _next += frames;
            }
            else _stream.FeedSilence(frames);
            _lead += frames;
        }
    }
}
