using UnityEngine;

namespace KoeMorph
{
    /// <summary>
    /// Sits on an AudioSource and hands what it plays to a face, unchanged. KoeMorphFace adds it itself.
    /// </summary>
    [AddComponentMenu("")]
    public sealed class KoeMorphAudioTap : MonoBehaviour
    {
        /// <summary>Who listens; set and cleared by the game thread, read by the audio thread.</summary>
        internal volatile KoeMorphFace Face;

        void OnAudioFilterRead(float[] data, int channels)
        {
            var face = Face;
            // Not "!= null": that asks the engine whether the object lives, which the audio thread may not.
            if (!ReferenceEquals(face, null)) face.FeedFromAudioThread(data, channels);
        }
    }
}
