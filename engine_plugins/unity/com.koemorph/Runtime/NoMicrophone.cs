#if UNITY_WEBGL && !UNITY_EDITOR
using UnityEngine;

namespace KoeMorph
{
    /// <summary>
    /// Unity has no UnityEngine.Microphone in a browser, and what names it does not compile there. Nearer than that one, so
    /// that a game with a microphone's face can still be built; the component says that it finds no device.
    /// </summary>
    static class Microphone
    {
        public static readonly string[] devices = new string[0];

        public static AudioClip Start(string device, bool loop, int seconds, int frequency) { return null; }
        public static int GetPosition(string device) { return 0; }
        public static bool IsRecording(string device) { return false; }
        public static void End(string device) { }
    }
}
#endif
