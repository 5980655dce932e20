"""Features of a large corpus, prepared by many workers with Dask before training begins.

Tasks are tracks. Each writes one cache entry whose name is a digest of its audio and settings, so a
task that runs again after its worker died finds its entry, or writes it whole: nothing is lost and
nothing is there twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from dask.distributed import Client, as_completed

from koemorph.features import FeatureSettings

from .cache import FeatureCache
from .emotion import emotion_backend
from .tracks import Track


def prepare_features(
    tracks: Sequence[Track],
    folder: Path,
    settings: FeatureSettings,
    emotion: str,
    client: Client,
    *,
    done: Callable[[int], None] = lambda count: None,
) -> list[str]:
    """Computes what the cache in `folder` lacks; the names of all entries, in the tracks' order.

    `folder` must be one that all workers share. done(n) is called after every n-th track.
    """
    cache = FeatureCache(folder, settings, emotion_backend(emotion))
    futures = []
    for track in tracks:
        name = cache.key(track.audio, track.sample_rate)
        if not cache.holds(name):
            futures.append(
                client.submit(_prepare, track.audio, track.sample_rate, folder, settings, emotion,
                              key=f"features-{name}", retries=3)
            )  # fmt: skip
    for count, future in enumerate(as_completed(futures), 1):  # type: ignore[no-untyped-call]
        future.result()
        done(count)
    return [cache.key(track.audio, track.sample_rate) for track in tracks]


def _prepare(
    audio: object, sample_rate: int, folder: Path, settings: FeatureSettings, emotion: str
) -> None:
    """One task, on a worker."""
    FeatureCache(folder, settings, emotion_backend(emotion)).load(audio, sample_rate)  # type: ignore[arg-type]
