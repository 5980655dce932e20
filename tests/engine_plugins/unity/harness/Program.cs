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
                { "play", Playing.Play },
                { "clip", Playing.PlayClip },
                { "manual", Playing.PlayManual },
                { "microphone", Playing.PlayMicrophone },
                { "devices", Changing.Run },
                { "bake", Baking.Bake },
                { "choosing", Choosing.Run },
                { "listening", Listening.Run },
                { "resting", Resting.Run },
                { "allocations", Allocations.Run },
                { "ahead-of-time", AheadOfTime.Run },
                { "lives", Lives.Run },
                { "broken", Broken.Run },
                { "no-library", Broken.NoLibrary },
                { "no-runtime", Broken.NoRuntime },
                { "other-version", Broken.OtherVersion },
                { "reload", Reload.Run }
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
