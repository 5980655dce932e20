using System.Collections.Generic;
using System.IO;
using KoeMorph.Interop;
using UnityEngine;

namespace KoeMorph
{
    /// <summary>
    /// Models by asset, loaded once however many faces speak with them, and freed with the last of them.
    /// Game thread only.
    /// </summary>
    static class SharedModel
    {
        /// <summary>Of the models that come with the package, the one of a face that names none.</summary>
        public const string DefaultName = "koemorph-30";

        sealed class Entry
        {
            public ModelHandle Model;
            public int Users;
        }

        static readonly Dictionary<TextAsset, Entry> Loaded = new Dictionary<TextAsset, Entry>();

        /// <summary>The asset itself, or for null the package's model of that name.</summary>
        /// <exception cref="KoeMorphException">There is no such model.</exception>
        public static TextAsset Resolve(TextAsset asset, string name)
        {
            if (asset != null) return asset;
            return Packaged.Load(Packaged.Models, string.IsNullOrEmpty(name) ? DefaultName : name);
        }

        /// <summary>The model of a resolved asset; give it back with Release.</summary>
        /// <exception cref="KoeMorphException">The asset is no KoeMorph model, or cannot be run here.</exception>
        public static ModelHandle Acquire(TextAsset asset)
        {
            Entry entry;
            if (!Loaded.TryGetValue(asset, out entry))
            {
                entry = new Entry { Model = ModelHandle.Load(asset.bytes, OnnxRuntimePath()) };
                Loaded.Add(asset, entry);
            }
            entry.Users++;
            return entry.Model;
        }

        public static void Release(TextAsset asset)
        {
            Entry entry;
            if (!Loaded.TryGetValue(asset, out entry) || --entry.Users > 0) return;
            Loaded.Remove(asset);
            entry.Model.Dispose();
        }

        /// <summary>Models held now; 0 once every face is gone.</summary>
        public static int Count { get { return Loaded.Count; } }

        // With domain reload switched off, statics outlive play mode.
        [RuntimeInitializeOnLoadMethod(RuntimeInitializeLoadType.SubsystemRegistration)]
        static void Clear()
        {
            foreach (var entry in Loaded.Values) entry.Model.Dispose();
            Loaded.Clear();
        }

        // In players ONNX Runtime lies beside our library, where the library itself looks. In the editor it
        // may lie in the package it came with.
        static string OnnxRuntimePath()
        {
#if UNITY_EDITOR
            var path = Path.GetFullPath("Packages/com.github.asus4.onnxruntime/Plugins/" + EditorRuntime);
            if (File.Exists(path)) return path;
#endif
            return null;
        }

#if UNITY_EDITOR_WIN
        const string EditorRuntime = "Windows/x64/onnxruntime.dll";
#elif UNITY_EDITOR_OSX
        const string EditorRuntime = "macOS/arm64/libonnxruntime.dylib";
#elif UNITY_EDITOR
        const string EditorRuntime = "Linux/x64/libonnxruntime.so";
#endif
    }
}
