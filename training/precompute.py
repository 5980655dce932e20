"""Features of a large data set, computed by many workers with Dask before training.

A task is a track. It writes one cache entry, named by a digest of its audio and settings, so a task
that runs again after its worker died finds the entry or writes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from dask.distributed import Client, as_completed

from koemorph.features import FeatureSettings

from .cache import FeatureCache
from .expression import expression_backend
from .tracks import Track

# Tracks in flight: at least so many, and so many for each thread of the workers.
MIN_IN_FLIGHT, IN_FLIGHT_PER_THREAD = 16, 2


def precompute_features(
    tracks: Iterable[Track],
    folder: Path,
    settings: FeatureSettings,
    expression: str,
    client: Client,
    *,
    on_progress: Callable[[int], None] = lambda count: None,
) -> list[str]:
    """Compute the features that a cache lacks.

    Tracks are requested as the workers finish others, so a data set need not fit into memory.

    Args:
        tracks: the tracks.
        folder: of the cache; all workers must share it.
        settings: of the features.
        expression: name of the backend of the expression features.
        client: of Dask.
        on_progress: called with the number of tracks that were computed so far.

    Returns:
        The names of all cache entries, in the order of the tracks.
    """
    cache = FeatureCache(folder, settings, expression_backend(expression))
    threads = sum(client.nthreads().values())  # type: ignore[no-untyped-call]
    limit = max(MIN_IN_FLIGHT, IN_FLIGHT_PER_THREAD * threads)
    pending = as_completed(loop=client.loop)  # type: ignore[no-untyped-call]
    names: list[str] = []
    submitted: set[str] = set()

    def wait_until(remaining: int) -> None:
        while pending.count() > remaining:  # type: ignore[no-untyped-call]
            next(pending).result()
            on_progress(len(submitted) - pending.count())  # type: ignore[no-untyped-call]

    for track in tracks:
        name = cache.key(track.audio, track.sample_rate)
        names.append(name)
        if name in submitted or cache.contains(name):
            continue
        wait_until(limit - 1)
        submitted.add(name)
        future = client.submit(
            _compute, track.audio, track.sample_rate, folder, settings, expression,
            key=f"features-{name}", retries=3,
        )  # fmt: skip
        pending.add(future)  # type: ignore[no-untyped-call]
    wait_until(0)
    return names


def _compute(
    audio: object, sample_rate: int, folder: Path, settings: FeatureSettings, expression: str
) -> None:
    """Compute the features of one track, on a worker."""
    FeatureCache(folder, settings, expression_backend(expression)).load(audio, sample_rate)  # type: ignore[arg-type]
