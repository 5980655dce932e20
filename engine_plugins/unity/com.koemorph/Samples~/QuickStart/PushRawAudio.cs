using KoeMorph;
using UnityEngine;

/// <summary>
/// A voice that never was an AudioClip: a synthesiser or the network hands over blocks of samples, and the
/// face follows. Call Say from whatever thread the samples come on, always the same one.
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

    /// <summary>Mono samples in [-1, 1], as they are played.</summary>
    public void Say(float[] samples)
    {
        _face.Push(samples, samples.Length);
    }
}
