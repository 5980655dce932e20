using System;
using System.Runtime.InteropServices;
using System.Text;

namespace KoeMorph.Interop
{
    /// <summary>Library-wide entry points, and errors turned into exceptions.</summary>
    static class Native
    {
        static bool _fits;

        /// <summary>Throws with the library's own sentence unless <paramref name="result"/> is a success.</summary>
        public static void Check(Result result)
        {
            if (result >= Result.Ok) return;
            var message = Text(ErrorMessage());
            throw new KoeMorphException(message.Length > 0 ? message : Text(ResultText(result)));
        }

        /// <summary>Before the library fills a struct. Throws when it is of a version whose structs may be larger.</summary>
        public static void CheckVersion()
        {
            if (_fits) return;
            var version = Text(Version());
            _fits = version.StartsWith(Library.Fits, StringComparison.Ordinal);
            if (!_fits)
                throw new KoeMorphException(
                    "The native library 'koemorph' is version " + version + ", which does not fit this package: replace it " +
                    "with the one of this release and restart Unity.");
        }

        /// <summary>UTF-8 in native memory to a string; "" for NULL.</summary>
        public static string Text(IntPtr utf8)
        {
            if (utf8 == IntPtr.Zero) return "";
            var length = 0;
            while (Marshal.ReadByte(utf8, length) != 0) length++;
            var bytes = new byte[length];
            Marshal.Copy(utf8, bytes, 0, length);
            return Encoding.UTF8.GetString(bytes);
        }

        /// <summary>A string as zero-terminated UTF-8, or null.</summary>
        public static byte[] Utf8(string text)
        {
            return string.IsNullOrEmpty(text) ? null : Encoding.UTF8.GetBytes(text + "\0");
        }

        /// <summary>The same in native memory; free it with Marshal.FreeHGlobal.</summary>
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
