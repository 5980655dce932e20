"""Players, with a simulated audio device: lag, even time, restarts, stops, pauses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koemorph import Controls, Model, Player
from koemorph.errors import AudioError

FRAME = 1 / 60  # s
RATE = 16000


@pytest.fixture(scope="module")
def model(tiny_models: dict[int, Path]) -> Model:
    return Model(tiny_models[30])


class Game:
    """A game loop and an audio device with a clock of its own."""

    def __init__(self, player: Player, voice: np.ndarray, speed: float = 1.0) -> None:
        self.player, self.voice, self.speed = player, voice, speed
        self.now = self.delivered = 50.0
        self.position = self.block = 0
        self.faces: list[np.ndarray] = []
        self.times: list[float] = []

    def feed(self, blocks: list[int], jitter: list[float], repeats: list[int]) -> None:
        """Deliver the blocks that are due; sizes, delays and repetitions are used cyclically."""
        while True:
            size = blocks[self.block % len(blocks)]
            due = self.delivered + size / (RATE * self.speed)
            late = jitter[self.block % len(jitter)]
            if due + late > self.now:
                return
            for _ in range(repeats[self.block % len(repeats)]):  # 0: the block is dropped
                block = np.take(self.voice, range(self.position, self.position + size), mode="wrap")
                self.player.feed(block, RATE, due + late)
            self.position += size
            self.block += 1
            self.delivered = due

    def frame(self, *, paused: bool = False) -> None:
        self.player.update(self.now, paused=paused)
        self.faces.append(self.player.sample())
        self.times.append(self.player.playback_time)
        self.now += FRAME

    def play(self, seconds: float) -> None:
        for _ in range(round(seconds / FRAME)):
            self.feed([320], [0.0], [1])
            self.frame()

    def silence(self, seconds: float) -> None:
        for _ in range(round(seconds / FRAME)):
            self.delivered = self.now
            self.frame()

    def steps(self, first: int) -> np.ndarray:
        return np.abs(np.diff(self.faces[first:], axis=0)).max(axis=1)


VOICE = (0.2 * np.random.default_rng(1).standard_normal(RATE)).astype(np.float32)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    speed=st.floats(0.9997, 1.0003),
    blocks=st.lists(st.integers(64, 800), min_size=1, max_size=5),
    jitter=st.lists(st.floats(0.0, 0.02), min_size=1, max_size=7),
    repeats=st.sampled_from([[1], [1] * 40 + [0], [1] * 40 + [2]]),
)
def test_time_advances_evenly_with_any_device(
    model: Model, speed: float, blocks: list[int], jitter: list[float], repeats: list[int]
) -> None:
    game = Game(model.player(RATE), VOICE, speed)
    for _ in range(480):
        game.feed(blocks, jitter, repeats)
        game.frame()
    steps = np.diff(game.times)[240:]
    np.testing.assert_allclose(steps, FRAME, atol=1e-3)
    assert game.player.speaking
    # Bounded by the latency of the model, a frame, the largest block and jitter.
    behind = game.player.info.pushed_samples / RATE - game.times[-1]
    assert 0 < behind < game.player.latency + 0.1 < 0.3
    assert game.player.info.dropped_samples == 0


@settings(max_examples=8, deadline=None, derandomize=True)
@given(pause=st.floats(0.1, 3.0))
def test_restart_has_no_visible_jump(model: Model, pause: float) -> None:
    """The model predicts nearly constant weights, so that larger steps are those of the player."""
    controls = Controls()
    controls.blink = 0.0
    controls.upper_strength = controls.lower_strength = 0.0
    controls.offset[:] = 0.7
    game = Game(model.player(RATE, controls=controls), VOICE)
    game.play(1.0)
    game.silence(pause)
    first = len(game.faces)  # the first block arrives with the next frame
    game.play(1.0)
    assert game.steps(first).max() <= 0.05
    assert game.faces[-1].max() == pytest.approx(0.7, abs=1e-3)


def test_face_is_at_rest_after_a_stop_and_idle_motion_follows(model: Model) -> None:
    game = Game(model.player(RATE), VOICE)
    game.play(1.0)
    assert game.player.speaking
    assert game.faces[-1].max() > 0.05
    game.silence(0.15 + 0.2 + 2 * FRAME)
    assert not game.player.speaking
    assert game.faces[-1].max() == 0
    game.silence(2.0)
    assert game.faces[-1].max() > 0


def test_stop_does_not_wait_for_the_timeout(model: Model) -> None:
    game = Game(model.player(RATE), VOICE)
    game.play(1.0)
    game.player.stop()
    game.silence(FRAME)
    assert not game.player.speaking
    game.silence(0.2 + FRAME)
    assert game.faces[-1].max() == 0


def test_no_time_passes_during_a_pause_or_a_suspension(model: Model) -> None:
    game = Game(model.player(RATE), VOICE)
    game.play(1.0)
    shown, time = game.faces[-1], game.times[-1]
    for _ in range(120):
        game.delivered = game.now
        game.frame(paused=True)
    np.testing.assert_array_equal(game.faces[-1], shown)
    assert game.times[-1] == time
    game.play(0.5)
    assert game.times[-1] == pytest.approx(time + 0.5, abs=0.03)
    game.now += 60.0
    game.silence(0.5)
    assert game.times[-1] < time + 2.0
    assert game.player.info.dropped_samples == 0


def test_device_changes_keep_time_and_speech(model: Model) -> None:
    player = model.player()
    now, accepted = 10.0, []
    for rate, channels in [(48000, 2), (44100, 1), (8000, 6)]:
        for _ in range(25):
            now += 0.02
            block = np.full((rate // 50, channels), 0.1, np.float32)
            accepted.append(player.feed(block, rate, now))
            player.update(now)
    assert [index for index, value in enumerate(accepted) if not value] == [0, 25, 50]
    assert player.speaking
    # All but the first block, which only has the format.
    assert player.playback_time + player.latency == pytest.approx(74 * 0.02, abs=0.03)


def test_weights_equal_those_of_a_stream(model: Model) -> None:
    game = Game(model.player(RATE), VOICE)
    game.play(0.9)
    stream = model.stream(RATE)
    stream.push(VOICE[: game.position])
    for time, face in zip(game.times, game.faces, strict=True):
        if time >= 0:
            np.testing.assert_allclose(face, stream.sample(time), atol=1e-5)
    assert game.times[-1] > 0.7


def test_invalid_arguments_are_errors(model: Model) -> None:
    player = model.player()
    with pytest.raises(AudioError):
        player.feed(np.zeros(10, np.float32), 7, 0.0)
    with pytest.raises(AudioError):
        model.player(7)
    with pytest.raises(ValueError, match="now"):
        player.update(float("nan"))
    with pytest.raises(ValueError, match="delay"):
        player.set_latency(0.1, 5.0)
