using KoeMorph.Interop;
using UnityEngine;

namespace KoeMorph
{
    /// <summary>Feeds a player with an AudioSource's clip ahead of its play position, so that the model adds no latency.</summary>
    sealed class ClipReader
    {
        /// <summary>The maximum of PlayerHandle.NextRead.</summary>
        const int Block = 512;

        readonly PlayerHandle _player;
        readonly AudioClip _clip;
        readonly float[] _block;

        /// <summary>Whether the clip's samples are not loaded yet: with Load In Background, or without Preload Audio Data,
        /// in which case playing loads them.</summary>
        public static bool IsLoading(AudioSource source, AudioClip clip)
        {
            var state = clip.loadState;
            return state == AudioDataLoadState.Loading || state == AudioDataLoadState.Unloaded && !source.isPlaying;
        }

        /// <exception cref="KoeMorphException">The clip returns no samples.</exception>
        public ClipReader(PlayerHandle player, AudioClip clip)
        {
            _player = player;
            _clip = clip;
            _block = new float[Block * clip.channels];
            if (!clip.GetData(_block, 0))
                throw new KoeMorphException(
                    "AudioClip '" + clip.name + "' returns no samples. Set its Load Type to Decompress On Load " +
                    "in the import settings, or use the Audio Source input.");
        }

        public void Update(AudioSource source, bool paused)
        {
            var state = new ClipState { Position = source.timeSamples, SampleCount = _clip.samples, Speed = source.pitch };
            state.Playing = source.isPlaying ? 1 : 0;
            state.Loop = source.loop ? 1 : 0;
            _player.FollowClip(state, paused);
            long position;
            for (int count; (count = _player.NextRead(out position)) > 0;)
            {
                _clip.GetData(_block, (int)position);
                if (!_player.Feed(_block, count, _clip.frequency, _clip.channels)) return;
            }
        }
    }
}
