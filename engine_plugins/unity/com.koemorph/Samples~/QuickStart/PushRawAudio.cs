using KoeMorph;
using UnityEngine;

/// <summary>
/// Animates a face from audio that is not an AudioClip: a synthesizer or the network. Call Push from the thread that
/// delivers the samples, always the same one.
/// </summary>
[RequireComponent(typeof(KoeMorphFace))]
public sealed class PushRawAudio : MonoBehaviour
{
    [SerializeField] int _sampleRate = 24000;

    KoeMorphFace _face;

    void Start()
    {
        _face = GetComponent<KoeMorphFace>();
        _face.Input = FaceInput.Manual;
        _face.SetManualFormat(_sampleRate, 1);
    }

    /// <summary>Pushes mono samples in [-1, 1], as they are played.</summary>
    public void Push(float[] samples) { _face.Push(samples, samples.Length); }
}
