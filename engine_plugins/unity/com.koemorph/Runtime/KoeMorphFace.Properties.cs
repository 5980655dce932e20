using System;
using System.Collections.Generic;
using KoeMorph.Interop;
using UnityEngine;
using UnityEngine.Events;

namespace KoeMorph
{
    /// <summary>Where a face takes its voice from.</summary>
    public enum FaceInput
    {
        /// <summary>What an AudioSource plays, effects and all, tapped on the audio thread.</summary>
        AudioSource,
        /// <summary>The AudioSource's clip, read ahead of the play position: no latency.</summary>
        AudioClip,
        /// <summary>Whatever is given to <see cref="KoeMorphFace.Push"/>: a network voice, a synthesiser, a microphone.</summary>
        Manual
    }

    public sealed partial class KoeMorphFace
    {
        [SerializeField, Tooltip("Where the voice comes from.")]
        FaceInput _input = FaceInput.AudioSource;

        [SerializeField, Tooltip("The voice. Empty: the AudioSource on this GameObject.")]
        AudioSource _source = null;

        [SerializeField, Packaged(Packaged.Models), Tooltip("The model, of those in the package: 30 or 60 frames a second, fast, lively.")]
        string _modelName = SharedModel.DefaultName;

        [SerializeField, Tooltip("A KoeMorph model of your own, with the ending .bytes, in place of the package's.")]
        TextAsset _model = null;

        [SerializeField, Tooltip("The meshes that show the face. Empty: every one below this GameObject that has matching blend shapes.")]
        SkinnedMeshRenderer[] _renderers = new SkinnedMeshRenderer[0];

        [SerializeField, Packaged(Packaged.Maps), Tooltip("How the blendshapes become this rig's shapes, of the maps in the package.")]
        string _mapName = ArkitMap;

        [SerializeField, Tooltip("A retarget map of your own (.json), in place of the package's.")]
        TextAsset _map = null;

        [SerializeField, Tooltip("How voices move this face. Empty: KoeMorph's defaults.")]
        KoeMorphPreset _preset = null;

        [SerializeField, Range(-0.3f, 0.3f), Tooltip("Seconds by which the face follows the voice later (positive) or earlier.")]
        float _delay = 0;

        [SerializeField, Tooltip("The voice has begun.")]
        UnityEvent _voiceStarted = new UnityEvent();

        [SerializeField, Tooltip("The voice has stopped.")]
        UnityEvent _voiceStopped = new UnityEvent();

        /// <summary>Called in LateUpdate with the 52 weights in [0, 1] before they are shown; may change them.</summary>
        public event Action<float[]> WeightsReady;

        public UnityEvent VoiceStarted { get { return _voiceStarted; } }
        public UnityEvent VoiceStopped { get { return _voiceStopped; } }

        const string ArkitMap = "arkit";

        /// <summary>Changing it, the source, the model, the map or the renderers starts the face anew.</summary>
        public FaceInput Input { get { return _input; } set { _input = value; Reopen(); } }
        public AudioSource Source { get { return _source; } set { _source = value; Reopen(); } }

        /// <summary>Which of the package's models; "" is koemorph-30.</summary>
        public string ModelName { get { return _modelName; } set { _modelName = value; Reopen(); } }
        /// <summary>A model of your own in its place.</summary>
        public TextAsset Model { get { return _model; } set { _model = value; Reopen(); } }
        /// <summary>Which of the package's retarget maps; "" is arkit.</summary>
        public string MapName { get { return _mapName; } set { _mapName = value; Reopen(); } }
        /// <summary>A map of your own in its place.</summary>
        public TextAsset Map { get { return _map; } set { _map = value; Reopen(); } }
        /// <summary>The meshes that show the face; none: every one below it with matching blend shapes.</summary>
        public SkinnedMeshRenderer[] Renderers
        {
            get { return _renderers; }
            set { _renderers = value ?? new SkinnedMeshRenderer[0]; Reopen(); }
        }

        /// <summary>How voices move this face; may change at any time.</summary>
        public KoeMorphPreset Preset { get { return _preset; } set { _preset = value; } }

        /// <summary>Seconds by which the face follows the voice later (positive) or earlier.</summary>
        public float Delay { get { return _delay; } set { _delay = value; } }

        /// <summary>The 52 weights now shown, in [0, 1]; read only. See <see cref="Names"/>.</summary>
        public float[] Weights { get { return _weights; } }

        /// <summary>Apple's names of the 52 blendshapes, in the order of <see cref="Weights"/>.</summary>
        public static string[] Names { get { return Blendshapes.Names; } }

        /// <summary>What keeps this face at rest, or its preset from being used; "" when all is well.</summary>
        public string Problem { get { return _problem; } }

        /// <exception cref="KoeMorphException">There is no such model.</exception>
        internal TextAsset ModelInUse { get { return SharedModel.Resolve(_model, _modelName); } }

        /// <exception cref="KoeMorphException">There is no such map.</exception>
        internal TextAsset MapInUse
        {
            get { return _map != null ? _map : Packaged.Load(Packaged.Maps, string.IsNullOrEmpty(_mapName) ? ArkitMap : _mapName); }
        }

        /// <summary>True while there is a voice to follow.</summary>
        public bool IsSpeaking { get { return _speaking; } }

        /// <summary>The moment shown, in seconds of audio since the face was enabled.</summary>
        public double PlaybackTime { get { return _playbackTime; } }

        /// <summary>Counters of the native stream; all 0 while there is none.</summary>
        public StreamInfo Info { get { return _stream == null ? new StreamInfo() : _stream.Info(); } }

        /// <summary>The blend shapes that follow the voice, on every mesh.</summary>
        public IEnumerable<string> MatchedShapes()
        {
            foreach (var binding in _bindings)
                for (var n = 0; n < binding.Count; n++) yield return binding.Name(n);
        }

        /// <summary>The blend shapes of those meshes that found no partner.</summary>
        public IEnumerable<string> UnmatchedShapes()
        {
            foreach (var binding in _bindings)
                foreach (var name in binding.Idle()) yield return name;
        }
    }
}
