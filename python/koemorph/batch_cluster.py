"""Batches on several machines: shards of a batch, and Dask workers."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from koemorph import batch
from koemorph.batch_plan import Job
from koemorph.batch_settings import Settings
from koemorph.dask_client import dask_client
from koemorph.model import Model

Item = TypeVar("Item")


@dataclass(frozen=True)
class Shard:
    """Part `index` of `count` parts of a batch, from 1."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Return the shard that a text such as "2/8" names.

        Raises:
            ValueError: The text is not I/N with 1 <= I <= N.
        """
        found = re.fullmatch(r"(\d+)/(\d+)", text)
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            raise ValueError(f'"{text}" is not I/N with 1 <= I <= N, such as 2/8.')
        return cls(int(found[1]), int(found[2]))

    def of(self, items: Sequence[Item]) -> list[Item]:
        """Return every `count`-th item from the `index`-th on: shards of about equal size."""
        return list(items[self.index - 1 :: self.count])


def _absolute(name: str | Path) -> str | Path:
    """Return a path as an absolute one, and a bundled name (no dot, no slash) as it is."""
    path = Path(name)
    return str(path.absolute()) if path.suffix or path.name != str(name) else name


def absolute_settings(settings: Settings) -> Settings:
    """Return settings that name the same files from any working folder."""
    preset, retarget = (
        None if name is None else str(_absolute(name))
        for name in (settings.preset, settings.retarget)
    )
    rig = None if settings.rig is None else settings.rig.absolute()
    model = _absolute(settings.model)
    return replace(settings, model=model, preset=preset, retarget=retarget, rig=rig)


@functools.lru_cache(maxsize=2)
def _model(name: str | Path) -> Model:
    """Return a model, loaded once per worker process."""
    return Model(name)


def _work(job: Job, settings: Settings) -> batch.Result:
    return batch.guarded(_model(settings.model), job, settings)


def run_on_dask(
    jobs: Sequence[Job], settings: Settings, scheduler: str, on_done: batch.OnDone
) -> None:
    """Run the jobs on the workers of a Dask scheduler.

    The workers read the recordings and write the outputs at the same absolute paths as this
    machine: a shared file system.

    Args:
        jobs: The jobs.
        settings: Settings of all jobs.
        scheduler: Address of the scheduler.
        on_done: Called after each job with its result.

    Raises:
        MissingExtraError: Dask is not installed.
        DataError: There is no scheduler at the address.
    """
    everywhere = absolute_settings(settings)
    with dask_client(scheduler) as client:
        from dask.distributed import as_completed

        started = {}
        for job in jobs:
            absolute = Job(job.audio.absolute(), job.output.absolute())
            # Not pure: a repeated batch writes its outputs again.
            started[client.submit(_work, absolute, everywhere, pure=False)] = job
        for future in as_completed(started):
            job, error = started[future], future.exception()
            if error is not None:  # such as a worker that was killed several times
                on_done(job, batch.Result(error=f"{type(error).__name__}: {error}"))
                continue
            result = future.result()
            files = tuple(job.output.parent / file.name for file in result.files)
            on_done(job, replace(result, files=files))
