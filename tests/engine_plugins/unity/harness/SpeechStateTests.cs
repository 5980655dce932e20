using System;
using System.Linq;
using UnityEngine;

namespace KoeMorph.Harness
{
    /// <summary>MODEL: a voice that stops, is paused, or is told to be quiet.</summary>
    static class SpeechStateTests
    {
        public static void Run(string[] arguments)
        {
            TestScene.UseModel(arguments[0]);
            AStoppedVoiceFallsToRestAndLivesOn();
            AGameThatStoodLosesNoSample();
            AVoiceOfALaterTimeIsAwaited();
            APausedGameStandsStill();
            AShortPauseIsNoTimeThatPasses();
            AnInterruptionHolds();
            AnInterruptionIsOfTheNewStream();
            ABlockThatMeetsALookIsVoice();
            BlocksOfNothingAreNoVoice();
            AVoiceStandsWithTheGameThatPushesIt();
            AMicrophoneOutlivesAGameThatStands();
        }

        // The clip was read ahead: without a relax the face would go on with what is never heard.
        static void AStoppedVoiceFallsToRestAndLivesOn()
        {
            using (var scene = ErrorTests.CreateSpeaking())
            {
                var clip = AudioClip.Create("voice", 4 * 48000, 2, 48000, false);
                ErrorTests.Fill(clip.Data);
                scene.Source.clip = clip;
                scene.Face.Input = FaceInput.AudioClip;
                for (var position = 0; position < 2 * 48000; position += 800) ShowAt(scene, position);
                Expect.True(scene.OnMesh().Any(weight => weight > 0.01), "the face speaks");
                scene.Source.Stop();
                Pass(scene, 0.1);
                Expect.True(!scene.AtRest, "it takes its time");
                Pass(scene, 0.15);
                Expect.True(scene.AtRest, "a quarter of a second after its voice the face is at rest");
                Pass(scene, 0.5);
                Expect.True(scene.AtRest, "and stays there");
                var blinked = false;
                for (var i = 0; i < 30 && !blinked; i++)
                {
                    Pass(scene, 0.5);
                    blinked = scene.OnMesh()[0] > 0;
                }
                Expect.True(blinked, "but its eyes live on");
                scene.Source.Play();
                for (var position = 0; position < 48000; position += 800) ShowAt(scene, position);
                Expect.True(scene.OnMesh().Any(weight => weight > 0.01), "a voice that starts again is followed");
                Expect.NoMessages();
            }
        }

        // While the game loads, its sound goes on; a phone's app sleeps. Neither is made up for by more than a stream holds.
        static void AGameThatStoodLosesNoSample()
        {
            using (var scene = new TestScene())
            {
                var clip = AudioClip.Create("voice", 4 * 48000, 2, 48000, false);
                ErrorTests.Fill(clip.Data);
                scene.Source.clip = clip;
                scene.AddFace().Input = FaceInput.AudioClip;
                for (var position = 0; position < 48000; position += 800) ShowAt(scene, position);
                TestScene.Wait(0.9);
                for (var position = 90000; position < 120000; position += 800) ShowAt(scene, position);
                Expect.True(scene.OnMesh().Any(weight => weight > 0.01), "the face goes on where the sound is");
                scene.Source.Stop();
                TestScene.Wait(5);
                Pass(scene, 0.1);
                Expect.True(scene.Face.Info.DroppedSamples == 0, "no sample is lost on the way");
                Expect.NoMessages();
            }
        }

        // PlayScheduled: the source says that it plays, and stands at its start.
        static void AVoiceOfALaterTimeIsAwaited()
        {
            using (var scene = new TestScene())
            {
                var clip = AudioClip.Create("voice", 48000, 2, 48000, false);
                ErrorTests.Fill(clip.Data);
                scene.Source.clip = clip;
                scene.AddFace().Input = FaceInput.AudioClip;
                var started = 0;
                scene.Face.VoiceStarted.AddListener(() => started++);
                for (var wait = 0; wait < 120; wait++) ShowAt(scene, 0);
                Expect.True(started == 0 && !scene.Face.IsSpeaking, "a voice that is still to come has not begun");
                for (var position = 800; position < 40000; position += 800) ShowAt(scene, position);
                Expect.True(started == 1 && scene.OnMesh().Any(weight => weight > 0.01), "it begins when it is heard");
                Expect.NoMessages();
            }
        }

        static void APausedGameStandsStill()
        {
            using (var scene = ErrorTests.CreateSpeaking())
            {
                var shown = scene.OnMesh();
                var time = scene.Face.PlaybackTime;
                var pushed = scene.Face.Info.PushedSamples;
                AudioListener.pause = true;
                Pass(scene, 5);
                AudioListener.pause = false;
                Expect.True(scene.OnMesh().SequenceEqual(shown), "a paused game has a still face");
                Expect.True(scene.Face.Info.PushedSamples == pushed, "and makes up no silence");
                scene.Tick();
                Expect.True(scene.Face.PlaybackTime - time < 0.2, "time goes on where it stood");
                Expect.True(scene.Face.IsSpeaking, "the voice has not stopped");
                ErrorTests.Speak(scene);
                scene.Source.ignoreListenerPause = true;
                AudioListener.pause = true;
                ErrorTests.Speak(scene);
                AudioListener.pause = false;
                Expect.True(scene.Face.PlaybackTime > time + 0.5, "a voice that is heard in the pause is followed");
                Expect.NoMessages();
            }
        }

        static void AShortPauseIsNoTimeThatPasses()
        {
            using (var scene = ErrorTests.CreateSpeaking())
            {
                var time = scene.Face.PlaybackTime;
                AudioListener.pause = true;
                Pass(scene, 0.2);
                AudioListener.pause = false;
                Pass(scene, 1 / 60.0);
                Expect.True(scene.Face.PlaybackTime < time + 0.03, "time goes on where it stood");
                Expect.NoMessages();
            }
        }

        static void AnInterruptionHolds()
        {
            using (var scene = ErrorTests.CreateSpeaking())
            {
                scene.Face.FadeOut(0.1f);
                ErrorTests.Speak(scene);
                Expect.True(scene.AtRest, "a face told to relax is at rest while its voice goes on");
                Expect.True(scene.Face.IsSpeaking, "though it hears it");
                Pass(scene, 3);
                ErrorTests.Speak(scene);
                Expect.True(scene.AtRest, "neither a stop nor a new voice ends that");
                scene.Face.FadeIn(0.1f);
                ErrorTests.Speak(scene);
                Expect.True(scene.OnMesh().Any(weight => weight > 0.01), "a resume does");
                Expect.NoMessages();
            }
        }

        // A stream begins at 0: nothing of the last one's time is of it.
        static void AnInterruptionIsOfTheNewStream()
        {
            using (var scene = ErrorTests.CreateSpeaking())
            {
                for (var i = 0; i < 3; i++) ErrorTests.Speak(scene);
                Expect.True(scene.Face.PlaybackTime > 1, "the face has spoken for a while");
                scene.Face.enabled = false;
                scene.Face.enabled = true;
                Expect.True(scene.Face.PlaybackTime == 0, "a face that starts anew has shown nothing");
                scene.Face.FadeOut(0.1f);
                ErrorTests.Speak(scene);
                Expect.True(scene.AtRest, "and one told to relax at once does so");
                Expect.NoMessages();
            }
        }

        static void BlocksOfNothingAreNoVoice()
        {
            using (var scene = Pushed())
            {
                for (var i = 0; i < 30; i++)
                {
                    Expect.True(scene.Face.Push(new float[0], 0), "nothing fits");
                    Pass(scene, 1 / 60.0);
                }
                Expect.True(!scene.Face.IsSpeaking, "a source that has no sound to give has stopped");
                Expect.NoMessages();
            }
        }

        // Pushed after the face's turn, it has not come when a game that loaded goes on.
        static void AVoiceStandsWithTheGameThatPushesIt()
        {
            using (var scene = Pushed())
            {
                var stopped = 0;
                scene.Face.VoiceStopped.AddListener(() => stopped++);
                var pushed = scene.Face.Info.PushedSamples;
                TestScene.Wait(0.3);
                scene.Tick();
                Expect.True(stopped == 0 && scene.Face.Info.PushedSamples == pushed, "it goes on as the game does");
                Pass(scene, 1 / 60.0);
                Expect.True(stopped == 1, "one that stops is noticed");
                Expect.NoMessages();
            }
        }

        // A manual voice whose last block came after the face's last look.
        static TestScene Pushed()
        {
            var scene = new TestScene();
            scene.AddFace().Input = FaceInput.Manual;
            for (var i = 0; i < 10; i++)
            {
                Pass(scene, 1 / 60.0);
                Expect.True(scene.Face.Push(new float[800], 800), "the block is taken");
            }
            Expect.True(scene.Face.IsSpeaking, "the face follows a voice");
            return scene;
        }

        // The ring has come round to nearly where it was read last.
        static void AMicrophoneOutlivesAGameThatStands()
        {
            using (var scene = new TestScene())
            {
                scene.AddFace();
                scene.Rate = 16000;
                Microphone.devices = new[] { "Desk" };
                var microphone = scene.Head.AddComponent<KoeMorphMicrophone>();
                Pass(scene, 1 / 60.0);
                Microphone.Position = 512;
                Pass(scene, 1 / 60.0);
                TestScene.Wait(2);
                Microphone.Position = 612;
                scene.Tick();
                Expect.True(microphone.IsRecording, "a device is not lost while nobody asks it");
                Expect.NoMessages();
            }
        }

        // The audio thread's block comes when the game has counted what was fed, and not yet acted on it.
        static void ABlockThatMeetsALookIsVoice()
        {
            var asset = ModelCache.Resolve(null, null);
            var wall = 0.0;
            AudioClock.TimeSource = () => wall;
            using (var stream = new FaceStream(ModelCache.Acquire(asset), 48000, 1))
            {
                Action nothing = () => { }, feed = () => stream.Push(new float[960], 960, 1), meanwhile = nothing;
                Expect.True(!stream.UpdateSilence(), "a source that has just begun has not stopped");
                wall = 0.2;
                Expect.True(stream.UpdateSilence() && stream.PushedSamples == 9600, "but after a while it has");
                AudioClock.TimeSource = () =>
                {
                    var now = meanwhile;
                    meanwhile = nothing;
                    now();
                    return wall;
                };
                meanwhile = feed;
                stream.UpdateSilence();
                wall = 0.22;
                Expect.True(!stream.UpdateSilence(), "the voice is noticed");
                Expect.True(stream.PushedSamples == 9600 + 960, "and no silence is fed behind it");
            }
            ModelCache.Release(asset);
        }

        static void ShowAt(TestScene scene, int position)
        {
            scene.Source.isPlaying = true;
            scene.Source.timeSamples = position;
            scene.Tick();
            scene.Settle();
            TestScene.Wait(1 / 60.0);
        }

        public static void Pass(TestScene scene, double seconds)
        {
            for (var passed = 0.0; passed < seconds; passed += 1 / 60.0)
            {
                TestScene.Wait(1 / 60.0);
                scene.Tick();
                scene.Settle();
            }
        }
    }
}
