using System;
using System.Runtime.InteropServices;
using System.Text;

namespace KoeMorph.Interop
{
    /// <summary>Functions of the library as a whole, and conversion of results to exceptions.</summary>
    static class Native
    {
        static bool _compatible;

        /// <summary>Throws with the library's error message if <paramref name="result"/> is an error.</summary>
        public static void Check(Result result)
        {
            if (result >= Result.Ok) return;
            var message = Text(ErrorMessage());
            throw new KoeMorphException(message.Length > 0 ? message : Text(ResultText(result)));
        }

        /// <summary>Call this before the library fills a struct. Throws if its version may have larger structs.</summary>
        public static void CheckVersion()
        {
            if (_compatible) return;
            var version = Text(Version());
            _compatible = version.StartsWith(Library.CompatibleVersion, StringComparison.Ordinal);
            if (!_compatible)
                throw new KoeMorphException(
                    "Version mismatch: the native library 'koemorph' is version " + version + ", this package needs " + Library.CompatibleVersion +
                    "x. Replace the library with that of this release and restart Unity.");
        }

        /// <summary>Converts UTF-8 in native memory; "" for NULL.</summary>
        public static string Text(IntPtr utf8)
        {
            if (utf8 == IntPtr.Zero) return "";
            var length = 0;
            while (Marshal.ReadByte(utf8, length) != 0) length++;
            var bytes = new byte[length];
            Marshal.Copy(utf8, bytes, 0, length);
            return Encoding.UTF8.GetString(bytes);
        }

        /// <summary>Zero-terminated UTF-8, or null for an empty string.</summary>
        public static byte[] Utf8(string text)
        {
            return string.IsNullOrEmpty(text) ? null : Encoding.UTF8.GetBytes(text + "\0");
        }

        /// <summary>Zero-terminated UTF-8 in native memory; free it with Marshal.FreeHGlobal.</summary>
        public static IntPtr AllocUtf8(string text)
        {
            var bytes = Encoding.UTF8.GetBytes(text + "\0");
            var memory = Marshal.AllocHGlobal(bytes.Length);
            Marshal.Copy(bytes, 0, memory, bytes.Length);
            return memory;
        }

        public static string BlendshapeName(int index) { return Text(Blendshape(index)); }

        [DllImport(Library.Name, EntryPoint = "koemorph_version", CallingConvention = CallingConvention.Cdecl)]
        static extern IntPtr Version();

        [DllImport(Library.Name, EntryPoint = "koemorph_result_text", CallingConvention = CallingConvention.Cdecl)]
        static extern IntPtr ResultText(Result result);

        [DllImport(Library.Name, EntryPoint = "koemorph_error_message", CallingConvention = CallingConvention.Cdecl)]
        static extern IntPtr ErrorMessage();

        [DllImport(Library.Name, EntryPoint = "koemorph_blendshape_name", CallingConvention = CallingConvention.Cdecl)]
        static extern IntPtr Blendshape(int index);
    }
}
