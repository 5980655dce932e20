using System;
using System.Linq;
using UnityEngine;

namespace KoeMorph.Harness
{
    /// <summary>MODEL: a voice that stops, is paused, or is told to be quiet.</summary>
    static class Resting
    {
        public static void Run(string[] arguments)
        {
            Stage.UseModel(arguments[0]);
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
            using (var stage = Broken.Talking())
            {
                var clip = AudioClip.Create("voice", 4 * 48000, 2, 48000, false);
                Broken.Fill(clip.Data);
                stage.Source.clip = clip;
                stage.Face.Input = FaceInput.AudioClip;
                for (var position = 0; position < 2 * 48000; position += 800) ShowAt(stage, position);
                Expect.True(stage.OnMesh().Any(weight => weight > 0.01), "the face speaks");
                stage.Source.Stop();
                Pass(stage, 0.1);
                Expect.True(!stage.AtRest, "it takes its time");
                Pass(stage, 0.15);
                Expect.True(stage.AtRest, "a quarter of a second after its voice the face is at rest");
                Pass(stage, 0.5);
                Expect.True(stage.AtRest, "and stays there");
                var blinked = false;
                for (var i = 0; i < 30 && !blinked; i++)
                {
                    Pass(stage, 0.5);
                    blinked = stage.OnMesh()[0] > 0;
                }
                Expect.True(blinked, "but its eyes live on");
                stage.Source.Play();
                for (var position = 0; position < 48000; position += 800) ShowAt(stage, position);
                Expect.True(stage.OnMesh().Any(weight => weight > 0.01), "a voice that starts again is followed");
                Expect.NoComplaint();
            }
        }

        // While the game loads, its sound goes on; a phone's app sleeps. Neither is made up for by more than a stream holds.
        static void AGameThatStoodLosesNoSample()
        {
            using (var stage = new Stage())
            {
                var clip = AudioClip.Create("voice", 4 * 48000, 2, 48000, false);
                Broken.Fill(clip.Data);
                stage.Source.clip = clip;
                stage.AddFace().Input = FaceInput.AudioClip;
                for (var position = 0; position < 48000; position += 800) ShowAt(stage, position);
                Stage.Wait(0.9);
                for (var position = 90000; position < 120000; position += 800) ShowAt(stage, position);
                Expect.True(stage.OnMesh().Any(weight => weight > 0.01), "the face goes on where the sound is");
                stage.Source.Stop();
                Stage.Wait(5);
                Pass(stage, 0.1);
                Expect.True(stage.Face.Info.DroppedSamples == 0, "no sample is lost on the way");
                Expect.NoComplaint();
            }
        }

        // PlayScheduled: the source says that it plays, and stands at its start.
        static void AVoiceOfALaterTimeIsAwaited()
        {
            using (var stage = new Stage())
            {
                var clip = AudioClip.Create("voice", 48000, 2, 48000, false);
                Broken.Fill(clip.Data);
                stage.Source.clip = clip;
                stage.AddFace().Input = FaceInput.AudioClip;
                var started = 0;
                stage.Face.VoiceStarted.AddListener(() => started++);
                for (var wait = 0; wait < 120; wait++) ShowAt(stage, 0);
                Expect.True(started == 0 && !stage.Face.IsSpeaking, "a voice that is still to come has not begun");
                for (var position = 800; position < 40000; position += 800) ShowAt(stage, position);
                Expect.True(started == 1 && stage.OnMesh().Any(weight => weight > 0.01), "it begins when it is heard");
                Expect.NoComplaint();
            }
        }

        static void APausedGameStandsStill()
        {
            using (var stage = Broken.Talking())
            {
                var shown = stage.OnMesh();
                var time = stage.Face.PlaybackTime;
                var pushed = stage.Face.Info.PushedSamples;
                AudioListener.pause = true;
                Pass(stage, 5);
                AudioListener.pause = false;
                Expect.True(stage.OnMesh().SequenceEqual(shown), "a paused game has a still face");
                Expect.True(stage.Face.Info.PushedSamples == pushed, "and makes up no silence");
                stage.Tick();
                Expect.True(stage.Face.PlaybackTime - time < 0.2, "time goes on where it stood");
                Expect.True(stage.Face.IsSpeaking, "the voice has not stopped");
                Broken.Talk(stage);
                stage.Source.ignoreListenerPause = true;
                AudioListener.pause = true;
                Broken.Talk(stage);
                AudioListener.pause = false;
                Expect.True(stage.Face.PlaybackTime > time + 0.5, "a voice that is heard in the pause is followed");
                Expect.NoComplaint();
            }
        }

        static void AShortPauseIsNoTimeThatPasses()
        {
            using (var stage = Broken.Talking())
            {
                var time = stage.Face.PlaybackTime;
                AudioListener.pause = true;
                Pass(stage, 0.2);
                AudioListener.pause = false;
                Pass(stage, 1 / 60.0);
                Expect.True(stage.Face.PlaybackTime < time + 0.03, "time goes on where it stood");
                Expect.NoComplaint();
            }
        }

        static void AnInterruptionHolds()
        {
            using (var stage = Broken.Talking())
            {
                stage.Face.FadeOut(0.1f);
                Broken.Talk(stage);
                Expect.True(stage.AtRest, "a face told to relax is at rest while its voice goes on");
                Expect.True(stage.Face.IsSpeaking, "though it hears it");
                Pass(stage, 3);
                Broken.Talk(stage);
                Expect.True(stage.AtRest, "neither a stop nor a new voice ends that");
                stage.Face.FadeIn(0.1f);
                Broken.Talk(stage);
                Expect.True(stage.OnMesh().Any(weight => weight > 0.01), "a resume does");
                Expect.NoComplaint();
            }
        }

        // A stream begins at 0: nothing of the last one's time is of it.
        static void AnInterruptionIsOfTheNewStream()
        {
            using (var stage = Broken.Talking())
            {
                for (var i = 0; i < 3; i++) Broken.Talk(stage);
                Expect.True(stage.Face.PlaybackTime > 1, "the face has spoken for a while");
                stage.Face.ModelName = SharedModel.DefaultName;
                Expect.True(stage.Face.PlaybackTime == 0, "a face that starts anew has shown nothing");
                stage.Face.FadeOut(0.1f);
                Broken.Talk(stage);
                Expect.True(stage.AtRest, "and one told to relax at once does so");
                Expect.NoComplaint();
            }
        }

        static void BlocksOfNothingAreNoVoice()
        {
            using (var stage = Pushed())
            {
                for (var i = 0; i < 30; i++)
                {
                    Expect.True(stage.Face.Push(new float[0], 0), "nothing fits");
                    Pass(stage, 1 / 60.0);
                }
                Expect.True(!stage.Face.IsSpeaking, "a source that has no sound to give has stopped");
                Expect.NoComplaint();
            }
        }

        // Pushed after the face's turn, it has not come when a game that loaded goes on.
        static void AVoiceStandsWithTheGameThatPushesIt()
        {
            using (var stage = Pushed())
            {
                var stopped = 0;
                stage.Face.VoiceStopped.AddListener(() => stopped++);
                var pushed = stage.Face.Info.PushedSamples;
                Stage.Wait(0.3);
                stage.Tick();
                Expect.True(stopped == 0 && stage.Face.Info.PushedSamples == pushed, "it goes on as the game does");
                Pass(stage, 1 / 60.0);
                Expect.True(stopped == 1, "one that stops is noticed");
                Expect.NoComplaint();
            }
        }

        // A manual voice whose last block came after the face's last look.
        static Stage Pushed()
        {
            var stage = new Stage();
            stage.AddFace().Input = FaceInput.Manual;
            for (var i = 0; i < 10; i++)
            {
                Pass(stage, 1 / 60.0);
                Expect.True(stage.Face.Push(new float[800], 800), "the block is taken");
            }
            Expect.True(stage.Face.IsSpeaking, "the face follows a voice");
            return stage;
        }

        // The ring has come round to nearly where it was read last.
        static void AMicrophoneOutlivesAGameThatStands()
        {
            using (var stage = new Stage())
            {
                stage.AddFace();
                stage.Rate = 16000;
                Microphone.devices = new[] { "Desk" };
                var microphone = stage.Head.AddComponent<KoeMorphMicrophone>();
                Pass(stage, 1 / 60.0);
                Microphone.Position = 512;
                Pass(stage, 1 / 60.0);
                Stage.Wait(2);
                Microphone.Position = 612;
                stage.Tick();
                Expect.True(microphone.IsListening, "a device is not lost while nobody asks it");
                Expect.NoComplaint();
            }
        }

        // The audio thread's block comes when the game has counted what was fed, and not yet acted on it.
        static void ABlockThatMeetsALookIsVoice()
        {
            var asset = SharedModel.Resolve(null, null);
            var wall = 0.0;
            AudioClock.Source = () => wall;
            using (var stream = new FaceStream(SharedModel.Acquire(asset), 48000, 1))
            {
                Action nothing = () => { }, feed = () => stream.Feed(new float[960], 960, 1), meanwhile = nothing;
                Expect.True(!stream.FeedSilenceWhenStopped(), "a source that has just begun has not stopped");
                wall = 0.2;
                Expect.True(stream.FeedSilenceWhenStopped() && stream.Fed == 9600, "but after a while it has");
                AudioClock.Source = () =>
                {
                    var now = meanwhile;
                    meanwhile = nothing;
                    now();
                    return wall;
                };
                meanwhile = feed;
                stream.FeedSilenceWhenStopped();
                wall = 0.22;
                Expect.True(!stream.FeedSilenceWhenStopped(), "the voice is noticed");
                Expect.True(stream.Fed == 9600 + 960, "and no silence is fed behind it");
            }
            SharedModel.Release(asset);
        }

        static void ShowAt(Stage stage, int position)
        {
            stage.Source.isPlaying = true;
            stage.Source.timeSamples = position;
            stage.Tick();
            stage.Settle();
            Stage.Wait(1 / 60.0);
        }

        public static void Pass(Stage stage, double seconds)
        {
            for (var passed = 0.0; passed < seconds; passed += 1 / 60.0)
            {
                Stage.Wait(1 / 60.0);
                stage.Tick();
                stage.Settle();
            }
        }
    }
}
