using KoeMorph;
using UnityEngine;

/// <summary>
/// Put this on a head with ARKit blend shapes, give it a clip and press Play: the head says it.
/// The same by hand: add an AudioSource and a KoeMorph Face to the head.
/// </summary>
public sealed class QuickStart : MonoBehaviour
{
    [SerializeField] AudioClip _voice = null;

    void Start()
    {
        var source = gameObject.AddComponent<AudioSource>();
        source.clip = _voice;
        var face = gameObject.AddComponent<KoeMorphFace>();
        face.Source = source;
        face.VoiceStopped.AddListener(() => Debug.Log("The voice has stopped."));
        source.Play();
    }
}
