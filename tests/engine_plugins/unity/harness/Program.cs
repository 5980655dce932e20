using System;
using System.Collections.Generic;
using System.Reflection;

namespace KoeMorph.Harness
{
    /// <summary>mono KoeMorph.Tests.exe CHECK [ARGUMENT...]: one check a process; what is wrong is thrown.</summary>
    static class Program
    {
        static int Main(string[] arguments)
        {
            var checks = new Dictionary<string, Action<string[]>>
            {
                { "units", Units },
                { "play", PlaybackTests.Play },
                { "clip", PlaybackTests.PlayClip },
                { "manual", PlaybackTests.PlayManual },
                { "microphone", MicrophoneTests.Run },
                { "format-change", FormatChangeTests.Run },
                { "bake", BakeTests.Bake },
                { "asset-selection", AssetSelectionTests.Run },
                { "events", EventTests.Run },
                { "speech-state", SpeechStateTests.Run },
                { "allocations", AllocationTests.Run },
                { "ahead-of-time", Il2CppTests.Run },
                { "leaks", LeakTests.Run },
                { "errors", ErrorTests.Run },
                { "no-library", ErrorTests.NoLibrary },
                { "other-version", ErrorTests.OtherVersion },
                { "reload", DomainReloadTests.Run }
            };
            var rest = new string[arguments.Length - 1];
            Array.Copy(arguments, 1, rest, 0, rest.Length);
            checks[arguments[0]](rest);
            return 0;
        }

        static void Units(string[] arguments)
        {
            var ran = NUnit.Framework.Runner.Run(Assembly.GetExecutingAssembly());
            Console.WriteLine(ran + " tests, " + NUnit.Framework.Assert.Count + " assertions");
        }
    }
}
