using KoeMorph;
using UnityEngine;

/// <summary>
/// Add this to a head with ARKit blend shapes, set a clip and press Play. Without a script: add an AudioSource and a
/// KoeMorph Face to the head.
/// </summary>
public sealed class QuickStart : MonoBehaviour
{
    [SerializeField] AudioClip _speech = null;

    void Start()
    {
        var source = gameObject.AddComponent<AudioSource>();
        source.clip = _speech;
        var face = gameObject.AddComponent<KoeMorphFace>();
        face.Source = source;
        face.VoiceStopped.AddListener(() => Debug.Log("Speech stopped."));
        source.Play();
    }
}
