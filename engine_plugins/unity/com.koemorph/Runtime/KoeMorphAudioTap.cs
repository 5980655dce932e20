using System;
using UnityEngine;

namespace KoeMorph
{
    /// <summary>
    /// Passes the audio of an AudioSource to a face and leaves it unchanged. KoeMorphFace adds this component.
    /// </summary>
    [AddComponentMenu("")]
    public sealed class KoeMorphAudioTap : MonoBehaviour
    {
        const int MaxChannels = 8;

        // Set by the game thread, read by the audio thread.
        volatile KoeMorphFace _face;
        float[] _scaled;

        /// <summary>Factor for the audio that the face gets; set by the game thread.</summary>
        internal volatile float Gain = 1;

        internal void Attach(KoeMorphFace face, int blockLength)
        {
            _scaled = new float[Math.Max(1, blockLength) * MaxChannels];
            _face = face;
        }

        internal void Detach() { _face = null; }

        void OnAudioFilterRead(float[] data, int channels)
        {
            var face = _face;
            // Not "!= null": that operator calls the engine, which the audio thread must not do.
            if (ReferenceEquals(face, null)) return;
            var gain = Gain;
            if (gain == 1)
            {
                face.PushFromAudioThread(data, data.Length / channels, channels);
                return;
            }
            // In parts that fit the buffer: the audio thread must not allocate.
            var scaled = _scaled;
            var part = scaled.Length / channels * channels;
            for (var first = 0; first < data.Length; first += part)
            {
                var count = Math.Min(part, data.Length - first);
                for (var i = 0; i < count; i++) scaled[i] = data[first + i] * gain;
                face.PushFromAudioThread(scaled, count / channels, channels);
            }
        }
    }
}
