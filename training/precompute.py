"""Features of a large corpus, prepared by many workers with Dask before training begins.

Tasks are tracks. Each writes one cache entry whose name is a digest of its audio and settings, so a
task that runs again after its worker died finds its entry, or writes it whole: nothing is lost and
nothing is there twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from dask.distributed import Client, as_completed

from koemorph.features import FeatureSettings

from .cache import FeatureCache
from .expression import expression_backend
from .tracks import Track

# Tracks that wait or are worked on: so many, or so many for each of the workers' threads.
LEAST_AHEAD, AHEAD = 16, 2


def prepare_features(
    tracks: Iterable[Track],
    folder: Path,
    settings: FeatureSettings,
    expression: str,
    client: Client,
    *,
    done: Callable[[int], None] = lambda count: None,
) -> list[str]:
    """Computes what the cache in `folder` lacks; the names of all entries, in the tracks' order.

    `folder` must be one that all workers share. done(n) is called after the n-th track that was
    computed. Tracks are drawn as the workers get on, so the corpus need not fit into memory.
    """
    cache = FeatureCache(folder, settings, expression_backend(expression))
    most = max(LEAST_AHEAD, AHEAD * sum(client.nthreads().values()))  # type: ignore[no-untyped-call]
    coming = as_completed(loop=client.loop)  # type: ignore[no-untyped-call]
    names: list[str] = []
    asked: set[str] = set()

    def wait(left: int) -> None:
        """Until no more than so many tracks are left."""
        while coming.count() > left:  # type: ignore[no-untyped-call]
            next(coming).result()
            done(len(asked) - coming.count())  # type: ignore[no-untyped-call]

    for track in tracks:
        name = cache.key(track.audio, track.sample_rate)
        names.append(name)
        if name in asked or cache.holds(name):
            continue
        wait(most - 1)
        asked.add(name)
        future = client.submit(
            _prepare, track.audio, track.sample_rate, folder, settings, expression,
            key=f"features-{name}", retries=3,
        )  # fmt: skip
        coming.add(future)  # type: ignore[no-untyped-call]
    wait(0)
    return names


def _prepare(
    audio: object, sample_rate: int, folder: Path, settings: FeatureSettings, expression: str
) -> None:
    """One task, on a worker."""
    FeatureCache(folder, settings, expression_backend(expression)).load(audio, sample_rate)  # type: ignore[arg-type]
