using System;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using UnityEngine.Scripting;

namespace KoeMorph.Interop
{
    /// <summary>Owns a koemorph_model: immutable, shared by any number of streams.</summary>
    sealed class ModelHandle : SafeHandleZeroOrMinusOneIsInvalid
    {
        [Preserve]  // made by the runtime alone, which code stripping cannot see
        ModelHandle() : base(true) { }

        /// <summary>Loads a model from its file's bytes. Blocks: call it while loading a scene.</summary>
        /// <param name="onnxRuntimePath">ONNX Runtime's library, or null to let the native side search.</param>
        /// <exception cref="KoeMorphException">The model or ONNX Runtime cannot be used.</exception>
        public static ModelHandle Load(byte[] data, string onnxRuntimePath)
        {
            Native.CheckVersion();
            var runtime = Native.Utf8(onnxRuntimePath);
            var dataPin = GCHandle.Alloc(data, GCHandleType.Pinned);
            var runtimePin = GCHandle.Alloc(runtime, GCHandleType.Pinned);
            try
            {
                var config = new ModelConfig();
                Init(ref config);
                config.Data = dataPin.AddrOfPinnedObject();
                config.DataSize = (ulong)data.Length;
                config.OnnxRuntimePath = runtimePin.AddrOfPinnedObject();
                ModelHandle model;
                Native.Check(Load(ref config, out model));
                return model;
            }
            finally
            {
                dataPin.Free();
                runtimePin.Free();
            }
        }

        protected override bool ReleaseHandle()
        {
            Destroy(handle);
            return true;
        }

        [DllImport(Library.Name, EntryPoint = "koemorph_model_config_init", CallingConvention = CallingConvention.Cdecl)]
        static extern void Init(ref ModelConfig config);

        [DllImport(Library.Name, EntryPoint = "koemorph_model_load", CallingConvention = CallingConvention.Cdecl)]
        static extern Result Load(ref ModelConfig config, out ModelHandle model);

        [DllImport(Library.Name, EntryPoint = "koemorph_model_destroy", CallingConvention = CallingConvention.Cdecl)]
        static extern void Destroy(IntPtr model);
    }
}
