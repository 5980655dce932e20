using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using KoeMorph.Interop;
using UnityEngine;

namespace KoeMorph
{
    /// <summary>
    /// Loaded models by asset, shared by all faces. The models released last stay loaded, because loading one takes much
    /// longer than opening a stream. Game thread only.
    /// </summary>
    static class ModelCache
    {
        /// <summary>Bundled model of a face with an empty Model Name.</summary>
        public const string DefaultName = "koemorph-30";
        /// <summary>Number of models that stay loaded without a user.</summary>
        internal const int MaxUnused = 2;

        sealed class Entry
        {
            public TextAsset Asset;
            public Task<ModelHandle> Model;
            public int Users;
        }

        // Unused entries are in the order of their release.
        static readonly List<Entry> Entries = new List<Entry>();

        /// <summary>The asset itself, or the bundled model if it is null.</summary>
        /// <exception cref="KoeMorphException">There is no such model.</exception>
        public static TextAsset Resolve(TextAsset asset, string name)
        {
            if (asset != null) return asset;
            return BundledAssets.Load(BundledAssets.Models, string.IsNullOrEmpty(name) ? DefaultName : name);
        }

        /// <summary>The model of a resolved asset; return it with Release. Loads it if necessary, which blocks.</summary>
        /// <exception cref="KoeMorphException">The asset is not a KoeMorph model, or cannot be used on this platform.</exception>
        public static ModelHandle Acquire(TextAsset asset)
        {
            var entry = Find(asset);
            if (entry == null) entry = Add(asset, Task.FromResult(ModelHandle.Load(asset.bytes)));
            try
            {
                var model = entry.Model.GetAwaiter().GetResult();
                entry.Users++;
                return model;
            }
            catch
            {
                Entries.Remove(entry);
                throw;
            }
        }

        public static void Release(TextAsset asset)
        {
            var entry = Find(asset);
            if (entry == null || --entry.Users > 0) return;
            Entries.Remove(entry);
            Entries.Add(entry);
            Trim(MaxUnused);
        }

        /// <summary>Loads a model on another thread, for a later Acquire.</summary>
        public static Task Preload(TextAsset asset)
        {
            var entry = Find(asset);
            if (entry != null && !entry.Model.IsFaulted) return entry.Model;
            Entries.Remove(entry);
            var bytes = asset.bytes;
            return Add(asset, Task.Run(() => ModelHandle.Load(bytes))).Model;
        }

        /// <summary>Frees the models that no face uses.</summary>
        public static void UnloadUnused() { Trim(0); }

        /// <summary>Number of models with at least one user.</summary>
        public static int InUse { get { return Entries.FindAll(entry => entry.Users > 0).Count; } }

        /// <summary>Number of loaded models.</summary>
        public static int Count { get { return Entries.Count; } }

        /// <summary>Whether an exception means that the native library is missing or outdated. WebGL and IL2CPP platforms
        /// may throw TypeLoadException or its subclasses, or NotSupportedException, for a missing library.</summary>
        public static bool IsLibraryError(Exception error)
        {
            return error is TypeLoadException || error is BadImageFormatException || error is NotSupportedException;
        }

        public static string LibraryErrorMessage(Exception error)
        {
            if (error is EntryPointNotFoundException)
                return "Outdated native library: 'koemorph' is older than this package. Replace it and restart Unity. " + error.Message;
            return "Missing native library: 'koemorph' cannot be loaded on this platform. Install com.koemorph with the " +
                   "library of this platform (see Platforms in its README). " + error.Message;
        }

        static Entry Find(TextAsset asset) { return Entries.Find(entry => ReferenceEquals(entry.Asset, asset)); }

        static Entry Add(TextAsset asset, Task<ModelHandle> model)
        {
            var entry = new Entry { Asset = asset, Model = model };
            Entries.Add(entry);
            return entry;
        }

        static void Trim(int limit)
        {
            var unused = Entries.FindAll(entry => entry.Users == 0);
            for (var i = 0; i < unused.Count - limit; i++)
            {
                Entries.Remove(unused[i]);
                Free(unused[i]);
            }
        }

        static void Free(Entry entry)
        {
            // A model that is still being loaded is freed when it is there.
            entry.Model.ContinueWith(task => { if (task.Status == TaskStatus.RanToCompletion) task.Result.Dispose(); },
                                     TaskContinuationOptions.ExecuteSynchronously);
        }

        // Statics survive play mode if domain reload is switched off.
        [RuntimeInitializeOnLoadMethod(RuntimeInitializeLoadType.SubsystemRegistration)]
        static void Clear()
        {
            foreach (var entry in Entries) Free(entry);
            Entries.Clear();
            Application.lowMemory -= UnloadUnused;
            Application.lowMemory += UnloadUnused;
        }
    }

    /// <summary>Loading of models before a face needs them. Game thread only.</summary>
    public static class KoeMorphModels
    {
        /// <summary>Loads a bundled model on another thread, so that enabling a face does not block.</summary>
        /// <param name="modelName">Name of a bundled model; "" for koemorph-30.</param>
        /// <returns>A task that ends when the model is loaded, with a KoeMorphException on failure.</returns>
        /// <exception cref="KoeMorphException">There is no such model.</exception>
        public static Task PreloadAsync(string modelName) { return ModelCache.Preload(ModelCache.Resolve(null, modelName)); }

        /// <summary>The same with a model of your own.</summary>
        public static Task PreloadAsync(TextAsset model) { return ModelCache.Preload(model); }

        /// <summary>Frees the models that no face uses. The last two are kept otherwise, until memory is low.</summary>
        public static void UnloadUnused() { ModelCache.UnloadUnused(); }
    }
}
