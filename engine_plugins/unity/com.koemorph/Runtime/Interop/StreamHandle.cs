using System;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using UnityEngine.Scripting;

namespace KoeMorph.Interop
{
    /// <summary>
    /// Owns a koemorph_stream. A call in progress on another thread keeps the native stream alive; a call after Dispose
    /// throws ObjectDisposedException.
    /// </summary>
    sealed class StreamHandle : SafeHandleZeroOrMinusOneIsInvalid
    {
        [Preserve]  // only the runtime calls it, which code stripping cannot detect
        StreamHandle() : base(true) { }

        /// <param name="worker">True: the library processes on its own thread.</param>
        /// <param name="bufferSeconds">Audio buffered between push and process; 0 for the default.</param>
        public static StreamHandle Create(ModelHandle model, int sampleRate, int channels, bool worker,
                                          double bufferSeconds)
        {
            var config = new StreamConfig();
            Init(ref config);
            config.SampleRate = sampleRate;
            config.Channels = channels;
            config.Worker = worker ? 1 : 0;
            if (bufferSeconds > 0) config.BufferSeconds = bufferSeconds;
            StreamHandle stream;
            Native.Check(Create(model, ref config, out stream));
            return stream;
        }

        /// <summary>[audio] Interleaved samples; wait-free.</summary>
        public Result Push(float[] interleaved, int sampleCount) { return Push(this, interleaved, sampleCount); }

        /// <summary>[audio] Changes the format of pushed audio; the stream continues. Allocates.</summary>
        public void SetInputFormat(int sampleRate, int channels) { Native.Check(SetInputFormat(this, sampleRate, channels)); }

        /// <summary>[audio] Marks the end of the audio.</summary>
        public void Flush() { Native.Check(Flush(this)); }

        /// <summary>[worker] Computes every frame whose audio has arrived.</summary>
        public void Process() { Native.Check(Process(this)); }

        /// <summary>[game] Weights at a stream time; neutral before the first frame.</summary>
        public Result Sample(double time, float[] weights) { return Sample(this, time, weights, weights.Length); }

        /// <summary>[game] The next frame in order; false if there is none.</summary>
        public bool Pull(float[] weights, out double time)
        {
            var result = Pull(this, weights, weights.Length, out time);
            Native.Check(result);
            return result == Result.Ok;
        }

        /// <summary>[game] Applies controls with a transition.</summary>
        public void SetControls(Controls controls) { Native.Check(SetControls(this, ref controls)); }

        /// <summary>[game] Fades to neutral, starting at a stream time.</summary>
        public Result FadeOut(double time, double seconds) { return FadeOut(this, time, seconds); }

        /// <summary>[game] Reverts FadeOut.</summary>
        public Result FadeIn(double time, double seconds) { return FadeIn(this, time, seconds); }

        public StreamInfo Info()
        {
            var info = new StreamInfo { Size = (uint)Marshal.SizeOf(typeof(StreamInfo)) };
            Native.Check(GetInfo(this, ref info));
            return info;
        }

        protected override bool ReleaseHandle()
        {
            Destroy(handle);
            return true;
        }

        [DllImport(Library.Name, EntryPoint = "koemorph_stream_config_init", CallingConvention = CallingConvention.Cdecl)]
        static extern void Init(ref StreamConfig config);

        [DllImport(Library.Name, EntryPoint = "koemorph_stream_create", CallingConvention = CallingConvention.Cdecl)]
        static extern Result Create(ModelHandle model, ref StreamConfig config, out StreamHandle stream);

        [DllImport(Library.Name, EntryPoint = "koemorph_stream_destroy", CallingConvention = CallingConvention.Cdecl)]
        static extern void Destroy(IntPtr stream);

        [DllImport(Library.Name, EntryPoint = "koemorph_stream_push", CallingConvention = CallingConvention.Cdecl)]
        static extern Result Push(StreamHandle stream, float[] interleaved, int sampleCount);

        [DllImport(Library.Name, EntryPoint = "koemorph_stream_set_input_format", CallingConvention = CallingConvention.Cdecl)]
        static extern Result SetInputFormat(StreamHandle stream, int sampleRate, int channels);

        [DllImport(Library.Name, EntryPoint = "koemorph_stream_flush", CallingConvention = CallingConvention.Cdecl)]
        static extern Result Flush(StreamHandle stream);

        [DllImport(Library.Name, EntryPoint = "koemorph_stream_process", CallingConvention = CallingConvention.Cdecl)]
        static extern Result Process(StreamHandle stream);

        [DllImport(Library.Name, EntryPoint = "koemorph_stream_sample", CallingConvention = CallingConvention.Cdecl)]
        static extern Result Sample(StreamHandle stream, double time, float[] weights, int count);

        [DllImport(Library.Name, EntryPoint = "koemorph_stream_pull", CallingConvention = CallingConvention.Cdecl)]
        static extern Result Pull(StreamHandle stream, float[] weights, int count, out double time);

        [DllImport(Library.Name, EntryPoint = "koemorph_stream_set_controls", CallingConvention = CallingConvention.Cdecl)]
        static extern Result SetControls(StreamHandle stream, ref Controls controls);

        [DllImport(Library.Name, EntryPoint = "koemorph_stream_fade_out", CallingConvention = CallingConvention.Cdecl)]
        static extern Result FadeOut(StreamHandle stream, double time, double seconds);

        [DllImport(Library.Name, EntryPoint = "koemorph_stream_fade_in", CallingConvention = CallingConvention.Cdecl)]
        static extern Result FadeIn(StreamHandle stream, double time, double seconds);

        [DllImport(Library.Name, EntryPoint = "koemorph_stream_get_info", CallingConvention = CallingConvention.Cdecl)]
        static extern Result GetInfo(StreamHandle stream, ref StreamInfo info);
    }
}
