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
        /// <exception cref="KoeMorphException">The model is invalid, or has operators that the library lacks.</exception>
        public static ModelHandle Load(byte[] data)
        {
            Native.CheckVersion();
            var dataPin = GCHandle.Alloc(data, GCHandleType.Pinned);
            try
            {
                var config = new ModelConfig();
                Init(ref config);
                config.Data = dataPin.AddrOfPinnedObject();
                config.DataSize = (ulong)data.Length;
                ModelHandle model;
                Native.Check(Load(ref config, out model));
                return model;
            }
            finally
            {
                dataPin.Free();
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
