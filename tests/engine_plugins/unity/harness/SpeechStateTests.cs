using System;
using System.Linq;
using KoeMorph.Interop;
using UnityEngine;

namespace KoeMorph.Harness
{
    /// <summary>MODEL: stops, pauses and fades.</summary>
    static class SpeechStateTests
    {
        public static void Run(string[] arguments)
        {
            TestScene.UseModel(arguments[0]);
            StopFadesToNeutralThenIdleMotion();
            GameStallDropsNoSample();
            ScheduledClipWaits();
            PauseStopsTime();
            ShortPauseStopsTime();
            FadeOutHolds();
            FadeOutAfterARestart();
            BlockDuringAnUpdateIsSpeech();
            EmptyBlocksAreNotActivity();
            StallOfThePushingGameIsNotAStop();
            GameStallDoesNotLoseTheMicrophone();
        }

        // The clip was read ahead: without a fade the face would display audio that is never played.
        static void StopFadesToNeutralThenIdleMotion()
        {
            using (var scene = ErrorTests.CreateSpeaking())
            {
                var clip = AudioClip.Create("voice", 4 * 48000, 2, 48000, false);
                ErrorTests.Fill(clip.Data);
                scene.Source.clip = clip;
                scene.Face.Input = FaceInput.AudioClip;
                for (var position = 0; position < 2 * 48000; position += 800) ShowAt(scene, position);
                Expect.True(scene.OnMesh().Any(weight => weight > 0.01), "the face is animated");
                scene.Source.Stop();
                Pass(scene, 0.1);
                Expect.True(!scene.AtRest, "the fade is gradual");
                Pass(scene, 0.15);
                Expect.True(scene.AtRest, "the face is neutral after the fade");
                Pass(scene, 0.5);
                Expect.True(scene.AtRest, "the face stays neutral");
                var blinked = false;
                for (var i = 0; i < 30 && !blinked; i++)
                {
                    Pass(scene, 0.5);
                    blinked = scene.OnMesh()[0] > 0;
                }
                Expect.True(blinked, "idle motion starts");
                scene.Source.Play();
                for (var position = 0; position < 48000; position += 800) ShowAt(scene, position);
                Expect.True(scene.OnMesh().Any(weight => weight > 0.01), "new audio is displayed");
                Expect.NoMessages();
            }
        }

        // Audio continues while the game loads, and an app may be suspended. Neither pushes more than a stream buffers.
        static void GameStallDropsNoSample()
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
                Expect.True(scene.OnMesh().Any(weight => weight > 0.01), "the face continues at the position of the audio");
                scene.Source.Stop();
                TestScene.Wait(5);
                Pass(scene, 0.1);
                Expect.True(scene.Face.Info.DroppedSamples == 0, "no sample was dropped");
                Expect.NoMessages();
            }
        }

        // PlayScheduled: isPlaying is true, but the position does not move.
        static void ScheduledClipWaits()
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
                Expect.True(started == 0 && !scene.Face.IsSpeaking, "scheduled audio has not started");
                for (var position = 800; position < 40000; position += 800) ShowAt(scene, position);
                Expect.True(started == 1 && scene.OnMesh().Any(weight => weight > 0.01), "it starts when it is audible");
                Expect.NoMessages();
            }
        }

        static void PauseStopsTime()
        {
            using (var scene = ErrorTests.CreateSpeaking())
            {
                var shown = scene.OnMesh();
                var time = scene.Face.PlaybackTime;
                var pushed = scene.Face.Info.PushedSamples;
                AudioListener.pause = true;
                Pass(scene, 5);
                AudioListener.pause = false;
                Expect.True(scene.OnMesh().SequenceEqual(shown), "a pause keeps the weights");
                Expect.True(scene.Face.Info.PushedSamples == pushed, "a pause pushes no silence");
                scene.Tick();
                Expect.True(scene.Face.PlaybackTime - time < 0.2, "the time continues after the pause");
                Expect.True(scene.Face.IsSpeaking, "a pause is not a stop");
                ErrorTests.Speak(scene);
                scene.Source.ignoreListenerPause = true;
                AudioListener.pause = true;
                ErrorTests.Speak(scene);
                AudioListener.pause = false;
                Expect.True(scene.Face.PlaybackTime > time + 0.5, "audio that ignores the pause is followed");
                Expect.NoMessages();
            }
        }

        static void ShortPauseStopsTime()
        {
            using (var scene = ErrorTests.CreateSpeaking())
            {
                var time = scene.Face.PlaybackTime;
                AudioListener.pause = true;
                Pass(scene, 0.2);
                AudioListener.pause = false;
                Pass(scene, 1 / 60.0);
                Expect.True(scene.Face.PlaybackTime < time + 0.03, "the time continues after the pause");
                Expect.NoMessages();
            }
        }

        static void FadeOutHolds()
        {
            using (var scene = ErrorTests.CreateSpeaking())
            {
                scene.Face.FadeOut(0.1f);
                ErrorTests.Speak(scene);
                Expect.True(scene.AtRest, "a faded-out face is neutral");
                Expect.True(scene.Face.IsSpeaking, "the audio continues");
                Pass(scene, 3);
                ErrorTests.Speak(scene);
                Expect.True(scene.AtRest, "a stop and new audio do not end the fade");
                scene.Face.FadeIn(0.1f);
                ErrorTests.Speak(scene);
                Expect.True(scene.OnMesh().Any(weight => weight > 0.01), "FadeIn does");
                Expect.NoMessages();
            }
        }

        // A new stream starts at time 0.
        static void FadeOutAfterARestart()
        {
            using (var scene = ErrorTests.CreateSpeaking())
            {
                for (var i = 0; i < 3; i++) ErrorTests.Speak(scene);
                Expect.True(scene.Face.PlaybackTime > 1, "time has passed");
                scene.Face.enabled = false;
                scene.Face.enabled = true;
                Expect.True(scene.Face.PlaybackTime == 0, "a new stream starts at 0");
                scene.Face.FadeOut(0.1f);
                ErrorTests.Speak(scene);
                Expect.True(scene.AtRest, "FadeOut before the first update applies");
                Expect.NoMessages();
            }
        }

        static void EmptyBlocksAreNotActivity()
        {
            using (var scene = CreatePushed())
            {
                for (var i = 0; i < 30; i++)
                {
                    Expect.True(scene.Face.Push(new float[0], 0), "an empty block is accepted");
                    Pass(scene, 1 / 60.0);
                }
                Expect.True(!scene.Face.IsSpeaking, "empty blocks are not activity");
                Expect.NoMessages();
            }
        }

        // The block is pushed after the face's update, so none arrives before the first update after a stall.
        static void StallOfThePushingGameIsNotAStop()
        {
            using (var scene = CreatePushed())
            {
                var stopped = 0;
                scene.Face.VoiceStopped.AddListener(() => stopped++);
                var pushed = scene.Face.Info.PushedSamples;
                TestScene.Wait(0.3);
                scene.Tick();
                Expect.True(stopped == 0 && scene.Face.Info.PushedSamples == pushed, "a stall is not a stop");
                Pass(scene, 1 / 60.0);
                Expect.True(stopped == 1, "a stop is detected");
                Expect.NoMessages();
            }
        }

        // Manual audio whose last block was pushed after the face's last update.
        static TestScene CreatePushed()
        {
            var scene = new TestScene();
            scene.AddFace().Input = FaceInput.Manual;
            for (var i = 0; i < 10; i++)
            {
                Pass(scene, 1 / 60.0);
                Expect.True(scene.Face.Push(new float[800], 800), "the block is accepted");
            }
            Expect.True(scene.Face.IsSpeaking, "the face has audio");
            return scene;
        }

        // The ring buffer wrapped to nearly the last read position.
        static void GameStallDoesNotLoseTheMicrophone()
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
                Expect.True(microphone.IsRecording, "a stall does not lose the device");
                Expect.NoMessages();
            }
        }

        // The audio thread pushes a block while the game thread updates.
        static void BlockDuringAnUpdateIsSpeech()
        {
            var asset = ModelCache.Resolve(null, null);
            var wall = 0.0;
            Clock.Source = () => wall;
            using (var player = PlayerHandle.Create(ModelCache.Acquire(asset), 48000, 1))
            {
                Action none = () => { }, duringUpdate = none;
                Action push = () => Expect.True(player.Feed(new float[960], 960, 48000, 1), "the block is accepted");
                Func<bool> speaking = () =>
                {
                    player.Update(false);
                    return player.State().Speaking != 0;
                };
                push();
                Expect.True(speaking(), "a new source has not stopped");
                wall = 0.2;
                Expect.True(!speaking() && player.Info().PushedSamples == 960 + 9600, "a stop is detected");
                Clock.Source = () =>
                {
                    var action = duringUpdate;
                    duringUpdate = none;
                    action();
                    return wall;
                };
                duringUpdate = push;
                speaking();
                wall = 0.22;
                Expect.True(speaking(), "speech is detected");
                Expect.True(player.Info().PushedSamples == 960 + 9600 + 960, "no silence follows the block");
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
