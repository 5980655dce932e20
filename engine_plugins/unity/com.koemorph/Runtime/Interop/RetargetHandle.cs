using System;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using UnityEngine.Scripting;

namespace KoeMorph.Interop
{
    /// <summary>Owns a koemorph_retarget_map: from the 52 blendshapes to a rig's own shapes.</summary>
    sealed class RetargetHandle : SafeHandleZeroOrMinusOneIsInvalid
    {
        [Preserve]  // made by the runtime alone, which code stripping cannot see
        RetargetHandle() : base(true) { }

        /// <param name="json">A map file's bytes.</param>
        /// <param name="rigNames">The rig's shapes; weights come in their order.</param>
        /// <exception cref="KoeMorphException">The map says something that maps cannot say.</exception>
        public static RetargetHandle Load(byte[] json, string[] rigNames)
        {
            var names = new IntPtr[rigNames.Length];
            try
            {
                for (var i = 0; i < names.Length; i++) names[i] = Native.AllocUtf8(rigNames[i]);
                RetargetHandle map;
                Native.Check(Load(json, (ulong)json.Length, names, names.Length, out map));
                return map;
            }
            finally
            {
                foreach (var name in names) Marshal.FreeHGlobal(name);
            }
        }

        /// <summary>Whether the map drives a shape of the rig.</summary>
        public bool IsDriven(int shape) { return IsDriven(this, shape) != 0; }

        /// <summary>52 blendshapes into one weight for each shape of the rig.</summary>
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
        static extern Result Load(byte[] json, ulong size, IntPtr[] rigNames, int rigCount, out RetargetHandle map);

        [DllImport(Library.Name, EntryPoint = "koemorph_retarget_map_destroy", CallingConvention = CallingConvention.Cdecl)]
        static extern void Destroy(IntPtr map);

        [DllImport(Library.Name, EntryPoint = "koemorph_retarget_map_is_driven", CallingConvention = CallingConvention.Cdecl)]
        static extern int IsDriven(RetargetHandle map, int index);

        [DllImport(Library.Name, EntryPoint = "koemorph_retarget_map_apply", CallingConvention = CallingConvention.Cdecl)]
        static extern Result Apply(RetargetHandle map, float[] blendshapes, float[] weights, int count);
    }
}
