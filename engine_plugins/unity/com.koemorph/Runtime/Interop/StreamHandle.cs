using System;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using UnityEngine.Scripting;

namespace KoeMorph.Interop
{
    /// <summary>Owns a koemorph_stream, for baking.</summary>
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

        /// <summary>[audio] Marks the end of the audio.</summary>
        public void Flush() { Native.Check(Flush(this)); }

        /// <summary>[worker] Computes every frame whose audio has arrived.</summary>
        public void Process() { Native.Check(Process(this)); }

        /// <summary>[game] The next frame in order; false if there is none.</summary>
        public bool Pull(float[] weights, out double time)
        {
            var result = Pull(this, weights, weights.Length, out time);
            Native.Check(result);
            return result == Result.Ok;
        }

        /// <summary>[game] Applies controls with a transition.</summary>
        public void SetControls(Controls controls) { Native.Check(SetControls(this, ref controls)); }

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

        [DllImport(Library.Name, EntryPoint = "koemorph_stream_flush", CallingConvention = CallingConvention.Cdecl)]
        static extern Result Flush(StreamHandle stream);

        [DllImport(Library.Name, EntryPoint = "koemorph_stream_process", CallingConvention = CallingConvention.Cdecl)]
        static extern Result Process(StreamHandle stream);

        [DllImport(Library.Name, EntryPoint = "koemorph_stream_pull", CallingConvention = CallingConvention.Cdecl)]
        static extern Result Pull(StreamHandle stream, float[] weights, int count, out double time);

        [DllImport(Library.Name, EntryPoint = "koemorph_stream_set_controls", CallingConvention = CallingConvention.Cdecl)]
        static extern Result SetControls(StreamHandle stream, ref Controls controls);
    }
}
