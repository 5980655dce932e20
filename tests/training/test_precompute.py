"""Features by Dask, on a cluster of two processes, one of which is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import dask
import numpy as np
import pytest
from click.testing import CliRunner
from dask.distributed import Client, LocalCluster

from koemorph import cli
from koemorph.errors import DataError
from koemorph.features import FeatureSettings
from koemorph.training.cache import FeatureCache
from koemorph.training.expression import expression_backend
from koemorph.training.precompute import MIN_IN_FLIGHT, precompute_features
from koemorph.training.tracks import Track

TRACKS = 16


def make_track(seed: int, seconds: int = 8) -> Track:
    audio = 0.1 * np.random.default_rng(seed).standard_normal(16000 * seconds).astype(np.float32)
    weights = np.zeros((30 * seconds, 52), np.float32)
    labelled, captured = np.ones(52, np.bool_), np.ones(len(weights), np.bool_)
    return Track("noise", audio, 16000, weights, labelled, captured, np.zeros(1, np.int64))


@pytest.mark.parametrize("left", [None, 0, 500])
def test_damaged_features_are_computed_again(tmp_path: Path, left: int | None) -> None:
    """A file of an entry is missing, empty or truncated, as after a power failure."""
    track, settings = make_track(0), FeatureSettings.for_fps(30)
    cache = FeatureCache(tmp_path, settings, expression_backend("native"))
    expected = np.array(cache.load(track.audio, 16000).mel)
    name = cache.key(track.audio, 16000)
    part = tmp_path / name / "mel.npy"
    if left is None:
        part.unlink()
    else:
        os.truncate(part, left)
    assert not cache.contains(name)
    np.testing.assert_array_equal(cache.load(track.audio, 16000).mel, expected)
    assert cache.contains(name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def max_in_flight(client: Client, folder: Path) -> int:
    """Return the largest number of tracks that are in progress at the same time."""
    drawn, largest = 0, 0

    def draw() -> Iterator[Track]:
        nonlocal drawn
        for seed in range(3 * MIN_IN_FLIGHT):
            drawn += 1
            yield make_track(seed, 1)

    def done(count: int) -> None:
        nonlocal largest
        largest = max(largest, drawn - count + 1)

    names = precompute_features(
        draw(), folder, FeatureSettings(), "native", client, on_progress=done
    )
    assert len(set(names)) == drawn == 3 * MIN_IN_FLIGHT
    return largest


@pytest.mark.parametrize("address", ["nonsense", "tcp://127.0.0.1:9"])
def test_a_missing_scheduler_is_reported(address: str, babble: Path) -> None:
    arguments = ["dataset", "prepare", f"data.train_data_dir={babble / 'train'}"]
    with dask.config.set({"distributed.comm.timeouts.connect": 0.5}):
        result = CliRunner().invoke(cli.cli, [*arguments, "--scheduler", address])
    assert isinstance(result.exception, DataError)
    assert result.exception.code == "no_scheduler"
    assert address in str(result.exception)


def test_a_killed_worker_loses_and_repeats_no_track(tmp_path: Path) -> None:
    tracks = [make_track(seed) for seed in range(TRACKS)]
    settings = FeatureSettings.for_fps(30)
    finished: list[int] = []
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        processes = [worker.pid for worker in cluster.workers.values()]

        def kill_one(count: int) -> None:
            finished.append(count)
            if count == TRACKS // 3:
                os.kill(processes[0], signal.SIGKILL)

        names = precompute_features(
            tracks, tmp_path, settings, "native", client, on_progress=kill_one
        )
        again = precompute_features(
            tracks, tmp_path, settings, "native", client, on_progress=finished.append
        )
        largest = max_in_flight(client, tmp_path / ".short")
    assert MIN_IN_FLIGHT <= largest <= MIN_IN_FLIGHT + 1
    assert again == names
    assert finished == list(range(1, TRACKS + 1))
    assert len(set(names)) == TRACKS
    whole = {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")}
    assert whole == set(names)
    cache = FeatureCache(tmp_path / "alone", settings, expression_backend("native"))
    expected = cache.load(tracks[3].audio, 16000)
    shared = FeatureCache(tmp_path, settings, expression_backend("native"))
    found = shared.load(tracks[3].audio, 16000)
    np.testing.assert_array_equal(found.mel, expected.mel)
    np.testing.assert_array_equal(found.expression, expected.expression)
