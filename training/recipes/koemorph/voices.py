"""Utterances of the recipe's voices, split into train and dev."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from koemorph.errors import DataError

from ...datasets.grid import TRAIN_CLIPS
from ...datasets.librivox import read_librivox
from ...datasets.utterances import Utterance, read_utterances
from . import flite, kokoro
from .config import BuildConfig, OnProgress

KATHLEEN_DEV_UTTERANCES = 100
# Voices of kokoro that are only in its dev part.
DEV_VOICES = ("am_puck", "bf_lily", "jf_tebukuro", "zm_yunxi")


def synthesize_voices(
    config: BuildConfig,
    voices: Path,
    kokoro_hours: float,
    flite_hours: float,
    on_progress: OnProgress,
) -> None:
    """Synthesize WORK/kokoro and WORK/flite (step 1), from where it stopped.

    Args:
        config: of the build.
        voices: folder of the .bin files of npm kokoro-js.
        kokoro_hours: of audio.
        flite_hours: of audio.
        on_progress: called with the seconds of each utterance.

    Raises:
        DataError: voices or flite are missing.
        MissingExtraError: a package of Kokoro is not installed.
    """
    sentences = train_sentences(config.data)
    # Before flite, which takes an hour, because packages of Kokoro may be missing.
    network = kokoro.Kokoro(voices) if kokoro_hours > 0 else None
    flite.synthesize_hours(config.work / "flite", sentences, flite_hours, on_progress)
    if network is not None:
        folder = config.work / "kokoro"
        kokoro.synthesize_hours(folder, network, sentences, kokoro_hours, on_progress)


def train_sentences(data: Path) -> list[str]:
    """Collect the sentences of kathleen (CC0) that none of her dev utterances has.

    Args:
        data: folder with kathleen.

    Returns:
        The sentences, sorted.
    """
    utterances = read_utterances(data / "kathleen")
    dev = {utterance.text for utterance in utterances[-KATHLEEN_DEV_UTTERANCES:]}
    return sorted({each.text for each in utterances[:-KATHLEEN_DEV_UTTERANCES]} - dev)


def read_splits(config: BuildConfig, source: str) -> tuple[list[Utterance], list[Utterance]]:
    """Read the utterances of a source.

    Args:
        config: of the build.
        source: one of SOURCES whose phones are known.

    Returns:
        The utterances of train and of dev.

    Raises:
        DataError: there are none (no_utterances), or one is broken.
    """
    if source == "kathleen":
        utterances = read_utterances(config.data / source)
        return utterances[:-KATHLEEN_DEV_UTTERANCES], utterances[-KATHLEEN_DEV_UTTERANCES:]
    if source == "librivox":
        return [], read_librivox(config.data / source)
    if source == "grid":
        # Its dev clips are evaluated as captured (`koemorph dataset convert grid`).
        utterances = read_utterances(config.data / "grid_s1", "grid_s1")
        return sorted(utterances, key=lambda u: u.name)[:TRAIN_CLIPS], []
    utterances = read_utterances(config.work / source, remedy="Synthesize it, with --voices.")
    dev = [u for u in utterances if set(u.voice.split("+")) & set(DEV_VOICES)]
    return [u for u in utterances if u not in dev], dev


def draw_utterances(
    config: BuildConfig, source: str, minutes: float, rng: np.random.Generator
) -> list[Utterance]:
    """Draw train utterances of a source.

    Args:
        config: of the build.
        source: the source.
        minutes: total duration.
        rng: draws the order.

    Returns:
        The utterances.

    Raises:
        DataError: the source has no train utterance (no_utterances).
    """
    train = read_splits(config, source)[0]
    if not train:
        raise DataError(
            f"{source}: no train utterances: the last {KATHLEEN_DEV_UTTERANCES} of kathleen and "
            f"the voices {', '.join(DEV_VOICES)} are for dev. Add others.",
            code="no_utterances",
        )
    order = rng.permutation(len(train))
    return next(group_by_duration([train[k] for k in order], 60.0 * minutes))


def group_by_duration(utterances: Sequence[Utterance], seconds: float) -> Iterator[list[Utterance]]:
    """Group utterances, in order.

    Args:
        utterances: with phones.
        seconds: minimum duration of a group; the last one may be shorter.

    Yields:
        The groups.
    """
    group: list[Utterance] = []
    duration = 0.0
    for utterance in utterances:
        group.append(utterance)
        duration += max((phone.end for phone in utterance.phones), default=0.0)
        if duration > seconds:
            yield group
            group, duration = [], 0.0
    if group:
        yield group
