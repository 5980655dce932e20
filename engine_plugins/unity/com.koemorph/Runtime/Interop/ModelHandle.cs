using System;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using UnityEngine.Scripting;

namespace KoeMorph.Interop
{
    /// <summary>Owns a koemorph_model: immutable, shared by all its streams.</summary>
    sealed class ModelHandle : SafeHandleZeroOrMinusOneIsInvalid
    {
        [Preserve]  // only the runtime calls it, which code stripping cannot detect
        ModelHandle() : base(true) { }

        /// <summary>Loads a model from the bytes of its file. Blocks; callable from any thread.</summary>
        /// <param name="onnxRuntimePath">Path of ONNX Runtime's library, or null: the native library searches for it.</param>
        /// <exception cref="KoeMorphException">The model is invalid, or ONNX Runtime cannot be loaded.</exception>
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
