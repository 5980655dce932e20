using System;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using UnityEngine.Scripting;

namespace KoeMorph.Interop
{
    /// <summary>Owns a koemorph_retarget_map: from the 52 ARKit blend shapes to those of a rig.</summary>
    sealed class RetargetMapHandle : SafeHandleZeroOrMinusOneIsInvalid
    {
        [Preserve]  // only the runtime calls it, which code stripping cannot detect
        RetargetMapHandle() : base(true) { }

        /// <param name="json">Bytes of a retarget map file.</param>
        /// <param name="rigNames">Blend shapes of the rig; Apply writes weights in this order.</param>
        /// <exception cref="KoeMorphException">The map is invalid.</exception>
        public static RetargetMapHandle Load(byte[] json, string[] rigNames)
        {
            var names = new IntPtr[rigNames.Length];
            try
            {
                for (var i = 0; i < names.Length; i++) names[i] = Native.AllocUtf8(rigNames[i]);
                RetargetMapHandle map;
                Native.Check(Load(json, (ulong)json.Length, names, names.Length, out map));
                return map;
            }
            finally
            {
                foreach (var name in names) Marshal.FreeHGlobal(name);
            }
        }

        /// <summary>Whether the map drives a blend shape of the rig.</summary>
        public bool IsDriven(int shape) { return IsDriven(this, shape) != 0; }

        /// <summary>Converts 52 weights to one weight per blend shape of the rig.</summary>
        public void Apply(float[] blendshapes, float[] weights)
        {
            Native.Check(Apply(this, blendshapes, weights, weights.Length));
        }

        protected override bool ReleaseHandle()
        {
            Destroy(handle);
            return true;
        }

        [DllImport(Library.Name, EntryPoint = "koemorph_retarget_map_load", CallingConvention = CallingConvention.Cdecl)]
        static extern Result Load(byte[] json, ulong size, IntPtr[] rigNames, int rigCount, out RetargetMapHandle map);

        [DllImport(Library.Name, EntryPoint = "koemorph_retarget_map_destroy", CallingConvention = CallingConvention.Cdecl)]
        static extern void Destroy(IntPtr map);

        [DllImport(Library.Name, EntryPoint = "koemorph_retarget_map_is_driven", CallingConvention = CallingConvention.Cdecl)]
        static extern int IsDriven(RetargetMapHandle map, int index);

        [DllImport(Library.Name, EntryPoint = "koemorph_retarget_map_apply", CallingConvention = CallingConvention.Cdecl)]
        static extern Result Apply(RetargetMapHandle map, float[] blendshapes, float[] weights, int count);
    }
}
