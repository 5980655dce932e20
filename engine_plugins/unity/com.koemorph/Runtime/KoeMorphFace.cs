using System;
using System.Collections.Generic;
using UnityEngine;

namespace KoeMorph
{
    /// <summary>
    /// Animates a face from speech: 52 ARKit blend shape weights, applied to the blend shapes of one or more meshes.
    /// An error is logged once, and the meshes get their own weights back.
    /// </summary>
    [AddComponentMenu("KoeMorph/KoeMorph Face")]
    [DisallowMultipleComponent]
    public sealed partial class KoeMorphFace : MonoBehaviour
    {
        /// <summary>Sample rate of <see cref="Push"/> until SetManualFormat is called.</summary>
        const int DefaultManualSampleRate = 48000;
        /// <summary>The smallest volume that is compensated (-40 dB); below it, noise would be amplified.</summary>
        const float MinVolume = 0.01f;

        readonly float[] _weights = new float[Blendshapes.Count];
        readonly List<ShapeBinding> _bindings = new List<ShapeBinding>();

        // Written by the game thread, read by the audio thread.
        volatile Interop.PlayerHandle _player;
        volatile int _sampleRate, _channels;  // of the audio from the mixer

        TextAsset _acquiredModel;
        KoeMorphAudioTap _tap;
        ClipReader _reader;
        AudioClip _clip;
        double _outputLatency, _playbackTime;
        int _manualSampleRate = DefaultManualSampleRate, _manualChannels = 1;
        KoeMorphPreset _appliedPreset;
        int _appliedRevision;
        bool _speaking;
        int _closeCount;
        string _error = "";

        void OnEnable()
        {
            AudioSettings.OnAudioConfigurationChanged += OnAudioConfigurationChanged;
            Open();
        }

        void OnDisable()
        {
            AudioSettings.OnAudioConfigurationChanged -= OnAudioConfigurationChanged;
            Close();
        }

        void LateUpdate()
        {
            if (_input == FaceInput.AudioClip && ClipChanged() || InspectorChanged()) Restart();
            if (_input != FaceInput.Manual && _source == null && (_player != null || _error.Length == 0))
                Fail("No audio source: '" + name + "' has no AudioSource. Set Source, or add an AudioSource to '" + name + "'.");
            UpdateMixerFormat();
            var player = _player;
            if (player == null) return;
            Interop.PlayerState state;
            try
            {
                var paused = IsPaused;
                if (!paused) ApplyPreset();
                // Manual audio is displayed as soon as possible; other audio when it is audible.
                player.SetLatency(_input == FaceInput.Manual ? -1 : _outputLatency, _delay);
                if (_reader != null) _reader.Update(_source, paused);
                else player.Update(paused);
                if (paused) return;
                state = player.State();
                _playbackTime = state.PlaybackTime;
                player.Sample(_weights);
                ApplyWeights();
            }
            catch (KoeMorphException error)
            {
                Fail(error.Message);
                return;
            }
            if (ReferenceEquals(player, _player)) SetSpeaking(state.Speaking != 0);
        }

        /// <summary>
        /// Pushes raw audio, from one thread of your own. Only with <see cref="FaceInput.Manual"/>. Wait-free.
        /// </summary>
        /// <param name="interleaved">Interleaved samples in [-1, 1], in the format of SetManualFormat.</param>
        /// <param name="sampleCount">Samples per channel.</param>
        /// <returns>False if the block was dropped: the input is not Manual, the face has no stream, or the array is
        /// shorter than sampleCount × channels.</returns>
        public bool Push(float[] interleaved, int sampleCount)
        {
            var player = _player;
            if (_input != FaceInput.Manual || player == null) return false;
            var channels = _manualChannels;
            return sampleCount <= interleaved.Length / channels && player.Feed(interleaved, sampleCount, _manualSampleRate, channels);
        }

        /// <summary>
        /// Sets the format of the following calls of Push. The stream continues. Call it on the game thread, between
        /// two calls of Push.
        /// </summary>
        /// <param name="sampleRate">8000 to 192000 Hz.</param>
        public void SetManualFormat(int sampleRate, int channels)
        {
            if (sampleRate == _manualSampleRate && channels == _manualChannels) return;
            _manualSampleRate = sampleRate;
            _manualChannels = channels;
            if (_input != FaceInput.Manual) return;
            if (_player == null) Restart();
            else SetInputFormat(sampleRate, channels);
        }

        /// <summary>Fades the weights to neutral, for example on an interruption. They stay neutral until FadeIn, whatever
        /// the audio is.</summary>
        public void FadeOut(float seconds) { if (_player != null) _player.FadeOut(seconds); }

        /// <summary>Reverts FadeOut.</summary>
        public void FadeIn(float seconds) { if (_player != null) _player.FadeIn(seconds); }

        internal void PushFromAudioThread(float[] data, int sampleCount, int channels)
        {
            var player = _player;
            _channels = channels;
            if (player != null) player.Feed(data, sampleCount, _sampleRate, channels);
        }

        void Open()
        {
            _error = "";
            try
            {
                if (_source == null && _input != FaceInput.Manual) _source = GetComponent<AudioSource>();
                _clip = _source == null ? null : _source.clip;
                StoreInspectorState();
                if (_input == FaceInput.AudioSource && _source == null) return;  // may be set later; see LateUpdate
                if (_input == FaceInput.AudioClip && (_clip == null || ClipReader.IsLoading(_source, _clip))) return;
                var asset = ModelInUse;
                var model = ModelCache.Acquire(asset);
                _acquiredModel = asset;
                Bind();
                OpenInput(model);
            }
            catch (KoeMorphException error)
            {
                Fail(error.Message);
            }
            catch (Exception error) when (ModelCache.IsLibraryError(error))
            {
                Fail(ModelCache.LibraryErrorMessage(error));
            }
        }

        void ApplyPreset()
        {
            var revision = _preset == null ? 0 : _preset.Revision;
            if (ReferenceEquals(_preset, _appliedPreset) && revision == _appliedRevision) return;
            _appliedPreset = _preset;
            _appliedRevision = revision;
            try
            {
                _player.SetControls(_preset == null ? Interop.Controls.Default() : _preset.Controls);
                _error = "";
            }
            catch (KoeMorphException error)
            {
                ReportError(error.Message);  // the previous controls stay in force
            }
        }

        void OpenInput(Interop.ModelHandle model)
        {
            switch (_input)
            {
                case FaceInput.AudioSource:
                    _sampleRate = AudioSettings.outputSampleRate;
                    _channels = ChannelCount(AudioSettings.speakerMode);
                    _player = Interop.PlayerHandle.Create(model, _sampleRate, _channels);
                    AttachTap();
                    break;
                case FaceInput.AudioClip:
                    _player = Interop.PlayerHandle.Create(model, _clip.frequency, _clip.channels);
                    _reader = new ClipReader(_player, _clip);
                    ReadOutputLatency();
                    break;
                default:
                    _player = Interop.PlayerHandle.Create(model, _manualSampleRate, _manualChannels);
                    break;
            }
        }

        int ReadOutputLatency()
        {
            int length, buffers;
            AudioSettings.GetDSPBufferSize(out length, out buffers);
            _outputLatency = length * buffers / (double)AudioSettings.outputSampleRate;
            return length;
        }

        void AttachTap()
        {
            var length = ReadOutputLatency();
            _tap = _source.gameObject.AddComponent<KoeMorphAudioTap>();
            _tap.hideFlags = HideFlags.HideAndDontSave;
            _tap.Attach(this, length);
            UpdateTapGain();
        }

        void DetachTap()
        {
            if (_tap == null) return;
            _tap.Detach();
            Destroy(_tap);
            _tap = null;
        }

        /// <summary>The tap is behind the source's volume and the listener's, which must not change the weights.</summary>
        void UpdateTapGain()
        {
            var volume = _source.ignoreListenerVolume ? _source.volume : _source.volume * AudioListener.volume;
            _tap.Gain = 1 / Mathf.Max(volume, MinVolume);
        }

        void Close()
        {
            _closeCount++;
            DetachTap();
            var player = _player;
            _player = null;
            if (player != null) player.Dispose();
            // Not "!= null": the asset may have been unloaded with its AssetBundle, and the model is still acquired.
            if (!ReferenceEquals(_acquiredModel, null)) ModelCache.Release(_acquiredModel);
            _acquiredModel = null;
            _reader = null;
            _playbackTime = 0;
            _appliedPreset = null;
            Array.Clear(_weights, 0, _weights.Length);
            Unbind();
            SetSpeaking(false);
        }

        void Restart()
        {
            if (!isActiveAndEnabled) return;
            var closing = _closeCount + 1;
            Close();
            // Listeners of VoiceStopped may have disabled or restarted the face.
            if (isActiveAndEnabled && _closeCount == closing) Open();
        }

        void Fail(string message)
        {
            ReportError(message);
            Close();
        }

        void ReportError(string message)
        {
            _error = message;
            Debug.LogError("KoeMorph: " + message, this);
        }

        /// <summary>The game is paused together with its audio: the weights stay, and no stream time passes.</summary>
        bool IsPaused
        {
            get { return AudioListener.pause && _input != FaceInput.Manual && !_source.ignoreListenerPause; }
        }

        bool ClipChanged()
        {
            if (_source == null) return false;
            return _source.clip != _clip || _player == null && _error.Length == 0 && _clip != null && !ClipReader.IsLoading(_source, _clip);
        }

        void OnAudioConfigurationChanged(bool deviceWasChanged)
        {
            if (_player == null) Restart();  // what was missing may be available now
            else if (_tap != null && _source != null)
            {
                // Unity rebuilds its mixer for another device, and on some platforms existing filters are lost.
                DetachTap();
                AttachTap();
                SetInputFormat(AudioSettings.outputSampleRate, ChannelCount(AudioSettings.speakerMode));
            }
            else if (_reader != null) ReadOutputLatency();
        }

        /// <summary>The mixer's format may differ from AudioSettings, and change without a notification.</summary>
        void UpdateMixerFormat()
        {
            if (_player == null || _tap == null) return;
            UpdateTapGain();
            SetInputFormat(AudioSettings.outputSampleRate, _channels);
        }

        void SetInputFormat(int sampleRate, int channels)
        {
            try
            {
                var state = _player.State();
                if (sampleRate != state.SampleRate || channels != state.Channels) _player.SetInputFormat(sampleRate, channels);
                _sampleRate = sampleRate;
                _channels = channels;
            }
            catch (KoeMorphException error)
            {
                Fail(error.Message);
            }
        }

        /// <summary>Call this last: listeners may disable or restart the face.</summary>
        void SetSpeaking(bool speaking)
        {
            if (speaking == _speaking) return;
            _speaking = speaking;
            (speaking ? _voiceStarted : _voiceStopped).Invoke();
        }

        /// <summary>Gives the meshes the weights back that they had before.</summary>
        void Unbind()
        {
            foreach (var binding in _bindings)
            {
                if (binding.IsValid) binding.RestoreWeights();
                binding.Dispose();
            }
            _bindings.Clear();
        }

        void Bind()
        {
            Unbind();
            var map = MapInUse;
            var renderers = _renderers.Length > 0 ? _renderers : GetComponentsInChildren<SkinnedMeshRenderer>(true);
            foreach (var renderer in renderers)
            {
                if (renderer == null) continue;
                var binding = new ShapeBinding(renderer, map);
                if (binding.Count > 0 || _renderers.Length > 0) _bindings.Add(binding);
                else binding.Dispose();
            }
            foreach (var binding in _bindings) if (binding.Count > 0) return;
            Debug.LogWarning("KoeMorph: no blend shape matches: no mesh of '" + name + "' has a blend shape that its retarget map " +
                             "drives (arkit: jawOpen, mouthClose, ...). Set Map Name, Map or Renderers, or read Weights.", this);
        }

        void ApplyWeights()
        {
            if (WeightsReady != null) WeightsReady(_weights);
            if (_player == null) return;  // a listener disabled the face
            foreach (var binding in _bindings)
            {
                if (!binding.IsValid)
                {
                    Bind();
                    break;
                }
                binding.Apply(_weights);
            }
        }

        static int ChannelCount(AudioSpeakerMode mode)
        {
            switch (mode)
            {
                case AudioSpeakerMode.Mono: return 1;
                case AudioSpeakerMode.Quad: return 4;
                case AudioSpeakerMode.Surround: return 5;
                case AudioSpeakerMode.Mode5point1: return 6;
                case AudioSpeakerMode.Mode7point1: return 8;
                default: return 2;
            }
        }
    }
}
