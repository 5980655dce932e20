// Stub of Unity's audio and meshes: the members that com.koemorph uses. Members marked "stub only" are for tests.
using System;
using System.Collections.Generic;
using System.Linq;

namespace UnityEngine
{
    public enum AudioSpeakerMode { Raw, Mono, Stereo, Quad, Surround, Mode5point1, Mode7point1, Prologic }

    public static class AudioSettings
    {
        public delegate void AudioConfigurationChangeHandler(bool deviceWasChanged);
        public static event AudioConfigurationChangeHandler OnAudioConfigurationChanged;

        public static int outputSampleRate = 48000;
        public static AudioSpeakerMode speakerMode = AudioSpeakerMode.Stereo;
        public static int DspBufferLength = 1024, DspBuffers = 4;  // stub only

        public static void GetDSPBufferSize(out int bufferLength, out int numBuffers)
        {
            bufferLength = DspBufferLength;
            numBuffers = DspBuffers;
        }

        /// <summary>Stub only: changes the audio device.</summary>
        public static void Change(int rate, AudioSpeakerMode mode)
        {
            outputSampleRate = rate;
            speakerMode = mode;
            if (OnAudioConfigurationChanged != null) OnAudioConfigurationChanged(true);
        }
    }

    public enum AudioDataLoadState { Unloaded, Loading, Loaded, Failed }

    public class AudioClip : Object
    {
        /// <summary>Stub only: interleaved samples; null for a clip whose load type returns none.</summary>
        public float[] Data;

        public int samples { get; private set; }
        public int channels { get; private set; }
        public int frequency { get; private set; }
        public AudioDataLoadState loadState { get; set; } = AudioDataLoadState.Loaded;
        public float length { get { return samples / (float)frequency; } }

        public static AudioClip Create(string name, int lengthSamples, int channels, int frequency, bool stream)
        {
            return new AudioClip
            {
                name = name, samples = lengthSamples, channels = channels, frequency = frequency,
                Data = new float[lengthSamples * channels]
            };
        }

        public bool LoadAudioData()
        {
            loadState = LoadsInBackground ? AudioDataLoadState.Loading : AudioDataLoadState.Loaded;
            return true;
        }

        /// <summary>Stub only: whether LoadAudioData returns before the samples are loaded.</summary>
        public bool LoadsInBackground;

        public bool SetData(float[] data, int offsetSamples)
        {
            Array.Copy(data, 0, Data, offsetSamples * channels, data.Length);
            return true;
        }

        /// <summary>Fills the whole array; wraps at the end of the clip, as in Unity.</summary>
        public bool GetData(float[] data, int offsetSamples)
        {
            if (Data == null || loadState != AudioDataLoadState.Loaded) return false;
            for (var i = 0; i < data.Length; i++) data[i] = Data[(offsetSamples * channels + i) % Data.Length];
            return true;
        }
    }

    public class AudioSource : Behaviour
    {
        public AudioClip clip { get; set; }
        public bool loop { get; set; }
        public bool isPlaying { get; set; }
        public bool ignoreListenerPause { get; set; }
        public bool ignoreListenerVolume { get; set; }
        public float volume { get; set; } = 1;
        public float pitch { get; set; } = 1;
        public bool mute { get; set; }

        int _position;

        /// <summary>As in Unity, it moves in steps of a DSP block. Tests set the exact position.</summary>
        public int timeSamples
        {
            get
            {
                if (clip == null) return _position;
                var step = AudioSettings.DspBufferLength * (double)clip.frequency / AudioSettings.outputSampleRate;
                return (int)((long)(_position / step) * step);
            }
            set { _position = value; }
        }

        public void Play()
        {
            timeSamples = 0;
            isPlaying = true;
        }

        public void Stop() { isPlaying = false; }

        /// <summary>Stub only: the audio thread processes one DSP block. As in Unity, filters receive it after the volume.</summary>
        public void Mix(float[] block, int channels)
        {
            var gain = mute ? 0 : ignoreListenerVolume ? volume : volume * AudioListener.volume;
            if (gain != 1) block = Array.ConvertAll(block, sample => sample * gain);
            foreach (var behaviour in gameObject.GetComponents<MonoBehaviour>())
                behaviour.Message("OnAudioFilterRead", block, channels);
        }
    }

    public static class AudioListener
    {
        public static bool pause { get; set; }
        public static float volume { get; set; } = 1;
    }

#if !UNITY_WEBGL
    public static class Microphone
    {
        public static AudioClip Clip;      // stub only: the ring buffer of the device
        public static int Position;        // stub only
        public static bool Recording;      // stub only
        public static string Name;         // stub only: name of the recording device
        public static int Channels = 1;    // stub only
        public static int Frequency;       // stub only: the device's own sample rate; 0: the requested one
        public static int MinimumFrequency, MaximumFrequency;  // stub only: of all devices; 0, 0: any
        public static string[] devices = new string[0];

        public static AudioClip Start(string deviceName, bool loop, int lengthSec, int frequency)
        {
            if (!Exists(deviceName)) throw new ArgumentException("Couldn't acquire device ID for device name " + deviceName);
            if (MaximumFrequency != 0 && (frequency < MinimumFrequency || frequency > MaximumFrequency)) return null;
            if (Frequency != 0) frequency = Frequency;
            Clip = AudioClip.Create("Microphone", lengthSec * frequency, Channels, frequency, false);
            Position = 0;
            Recording = true;
            Name = deviceName;
            return Clip;
        }

        public static void End(string deviceName) { if (deviceName == Name) Recording = false; }
        public static bool IsRecording(string deviceName) { return Exists(deviceName) && Recording && deviceName == Name; }
        public static int GetPosition(string deviceName) { return IsRecording(deviceName) ? Position : 0; }

        public static void GetDeviceCaps(string deviceName, out int minFreq, out int maxFreq)
        {
            minFreq = MinimumFrequency;
            maxFreq = MaximumFrequency;
        }

        static bool Exists(string deviceName)
        {
            return deviceName == null ? devices.Length > 0 : Array.IndexOf(devices, deviceName) >= 0;
        }
    }
#endif

    public class Mesh : Object
    {
        readonly string[] _shapes;
        readonly float _full;

        public Mesh() : this(100) { }
        /// <summary>Stub only: a mesh with blend shapes.</summary>
        public Mesh(float full, params string[] shapes)
        {
            _shapes = shapes;
            _full = full;
        }

        public int blendShapeCount { get { return _shapes.Length; } }
        public string GetBlendShapeName(int shapeIndex) { return _shapes[shapeIndex]; }
        public int GetBlendShapeIndex(string blendShapeName) { return Array.IndexOf(_shapes, blendShapeName); }
        public int GetBlendShapeFrameCount(int shapeIndex) { return 1; }
        public float GetBlendShapeFrameWeight(int shapeIndex, int frameIndex) { return _full; }
    }

    public class Renderer : Component { }

    public class SkinnedMeshRenderer : Renderer
    {
        readonly Dictionary<int, float> _weights = new Dictionary<int, float>();
        public Mesh sharedMesh { get; set; }

        public void SetBlendShapeWeight(int index, float value)
        {
            if (index < 0 || index >= sharedMesh.blendShapeCount) throw new ArgumentOutOfRangeException("index");
            _weights[index] = value;
        }

        public float GetBlendShapeWeight(int index)
        {
            float value;
            return _weights.TryGetValue(index, out value) ? value : 0;
        }
    }

    public struct Keyframe
    {
        public float time { get; set; }
        public float value { get; set; }

        public Keyframe(float time, float value) : this()
        {
            this.time = time;
            this.value = value;
        }
    }

    public class AnimationCurve
    {
        public Keyframe[] keys { get; set; }
        public AnimationCurve(params Keyframe[] keys) { this.keys = keys; }
    }

    public class Motion : Object { }

    public sealed class AnimationClip : Motion
    {
        public float frameRate { get; set; }
    }
}
