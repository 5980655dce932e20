// Unity's audio and meshes, as far as com.koemorph touches them. Members marked "stub only" are for tests.
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

        /// <summary>Stub only: another device is plugged in.</summary>
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
        /// <summary>Stub only: interleaved samples; null for a clip whose load type gives none.</summary>
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

        /// <summary>Stub only: whether LoadAudioData returns before the samples are there.</summary>
        public bool LoadsInBackground;

        public bool SetData(float[] data, int offsetSamples)
        {
            Array.Copy(data, 0, Data, offsetSamples * channels, data.Length);
            return true;
        }

        /// <summary>Fills the whole array; past the end it goes on at the start, as Unity does.</summary>
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
        public int timeSamples { get; set; }

        public void Play()
        {
            timeSamples = 0;
            isPlaying = true;
        }

        public void Stop() { isPlaying = false; }

        /// <summary>Stub only: what the audio thread does for one DSP block of a playing source.</summary>
        public void Mix(float[] block, int channels)
        {
            foreach (var behaviour in gameObject.GetComponents<MonoBehaviour>())
                behaviour.Message("OnAudioFilterRead", block, channels);
        }
    }

    public static class AudioListener
    {
        public static bool pause { get; set; }
    }

#if !UNITY_WEBGL
    public static class Microphone
    {
        public static AudioClip Clip;      // stub only: the device's ring
        public static int Position;        // stub only
        public static bool Recording;      // stub only
        public static string Name;         // stub only: of the device that records
        public static int Channels = 1;    // stub only
        public static int Frequency;       // stub only: the device's own; 0: as wanted
        public static string[] devices = new string[0];

        public static AudioClip Start(string deviceName, bool loop, int lengthSec, int frequency)
        {
            if (Frequency != 0) frequency = Frequency;
            Clip = AudioClip.Create("Microphone", lengthSec * frequency, Channels, frequency, false);
            Position = 0;
            Recording = true;
            Name = deviceName;
            return Clip;
        }

        public static void End(string deviceName) { if (deviceName == Name) Recording = false; }
        public static bool IsRecording(string deviceName) { return Recording && deviceName == Name; }
        public static int GetPosition(string deviceName) { return IsRecording(deviceName) ? Position : 0; }
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
