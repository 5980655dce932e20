"""Animation of many recordings in several processes."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from koemorph import outputs
from koemorph.animation import Animation
from koemorph.audio import open_audio
from koemorph.batch_plan import Job
from koemorph.batch_settings import Settings
from koemorph.edits import Edit
from koemorph.errors import AudioError, KoemorphError, OutputError
from koemorph.model import Model, Progress
from koemorph.outputs import WriteOptions
from koemorph.outputs.atomic import remove_partial_files_on_signal

_DRY_RUN_NAME = "koemorph-check"


@dataclass(frozen=True)
class Result:
    """The result of a job.

    Attributes:
        seconds: Duration of the animation.
        files: The outputs.
        error: Why there is none, "" if there is.
        problems: Problems of the recording that left audio to animate.
    """

    seconds: float = 0.0
    files: tuple[Path, ...] = ()
    error: str = ""
    problems: tuple[AudioError, ...] = ()


OnDone = Callable[[Job, Result], None]


def animate_silence(model: Model, settings: Settings) -> Animation:
    """Animate 0.1 s of silence, which raises any error of the settings."""
    silence = np.zeros(1600, np.float32)
    return model.animate(
        silence, sample_rate=16000, preset=settings.preset, retarget=settings.retarget
    )


def dry_run(animation: Animation, path: Path, settings: Settings) -> None:
    """Raise any error of writing an animation to `path`, and leave `path` unchanged."""
    options = WriteOptions(settings.rig, settings.node)
    outputs.dry_run(animation, path, settings.format, options)


def prepare(jobs: Sequence[Job], folder: Path, settings: Settings) -> None:
    """Create the output folder and check the settings once, before any job runs.

    Raises:
        KoemorphError: An error that every job would raise.
    """
    silence = animate_silence(Model(settings.model), settings)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"Cannot create the folder {folder}: {error.strerror}. Choose another folder.",
            code="cannot_create_folder",
        ) from error
    # Not the name of an output, which may be too long.
    dry_run(silence, folder / f"{_DRY_RUN_NAME}{jobs[0].output.suffix}", settings)


_worker_model: Model | None = None
_working = threading.Lock()


def _start_worker(model: str | Path) -> None:
    global _worker_model  # noqa: PLW0603 (one model per process)
    remove_partial_files_on_signal()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _worker_model = Model(model)


def _end_with_parent() -> None:
    """Exit after the current job when the parent process is killed; the pool would wait forever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    with _working:
        os._exit(1)


def channel_outputs(output: Path, channels: int) -> list[Path]:
    """Return the output of each channel: NAME.channel1.jsonl, NAME.channel2.jsonl, ..."""
    return [
        output.with_name(f"{output.stem}.channel{channel}{output.suffix}")
        for channel in range(1, channels + 1)
    ]


def animate_recording(
    model: Model,
    job: Job,
    settings: Settings,
    *,
    name: str | None = None,
    edits: Sequence[Edit] = (),
    progress: Progress | None = None,
) -> tuple[list[tuple[Path, Animation]], list[AudioError]]:
    """Animate one recording.

    Args:
        model: The model.
        job: The recording and its output.
        settings: The settings.
        name: The recording's name in messages; None for its path.
        edits: Edits of single moments.
        progress: Called with the finished ratio of the work, 0..1.

    Returns:
        The animations with their files, and problems that left audio to animate.
    """
    problems: dict[str, AudioError] = {}

    def on_problem(problem: AudioError) -> None:
        problems[problem.code] = problem

    def animate(channel: int | None) -> Animation:
        options = {"channel": channel, "raw": settings.raw, "name": name}
        with open_audio(job.audio, on_problem=on_problem, **options) as reader:  # type: ignore[arg-type]
            return model.animate(
                reader,
                preset=settings.preset,
                edits=edits,
                retarget=settings.retarget,
                progress=progress,
            )

    if settings.channel != 0:
        animated = [(job.output, animate(settings.channel))]
    else:
        with open_audio(job.audio, raw=settings.raw, name=name, on_problem=on_problem) as reader:
            channels = reader.channels
        files = channel_outputs(job.output, channels)
        animated = [(file, animate(channel)) for channel, file in enumerate(files, 1)]
    return animated, list(problems.values())


def animate_one(model: Model, job: Job, settings: Settings) -> Result:
    """Write the animation of one recording."""
    animated, problems = animate_recording(model, job, settings)
    job.output.parent.mkdir(parents=True, exist_ok=True)
    for file, animation in animated:
        animation.save(file, settings.format, rig=settings.rig, node=settings.node)
    files = tuple(file for file, _ in animated)
    return Result(animated[0][1].duration, files, problems=tuple(problems))


def _work(job: Job, settings: Settings) -> Result:
    assert _worker_model is not None
    with _working:
        return guarded(_worker_model, job, settings)


def guarded(model: Model, job: Job, settings: Settings) -> Result:
    """Return the result of a job, with any error: one bad file does not stop others."""
    try:
        return animate_one(model, job, settings)
    except (KoemorphError, OSError) as error:
        return Result(error=str(error))
    except Exception as error:
        return Result(error=f"{type(error).__name__}: {error}")


def run(
    jobs: Sequence[Job],
    settings: Settings,
    processes: int,
    on_done: OnDone,
) -> None:
    """Run the jobs.

    Args:
        jobs: The jobs.
        settings: Settings of all jobs.
        processes: Number of worker processes; 1 runs the jobs in this process.
        on_done: Called after each job with its result.
    """
    if processes == 1:
        model = Model(settings.model)
        for job in jobs:
            on_done(job, guarded(model, job, settings))
        return
    waiting = list(jobs)
    while waiting:
        left = _run_pool(waiting, settings, processes, on_done)
        # One of the started jobs killed its process. Run each alone to find out which.
        started, waiting = left[:processes], left[processes:]
        for job in started:
            if _run_pool([job], settings, 1, on_done):
                on_done(job, Result(error="Its process was killed. Check the free memory."))


def _run_pool(jobs: list[Job], settings: Settings, processes: int, on_done: OnDone) -> list[Job]:
    """Run the jobs in a pool, in order; return the unfinished ones when a process died."""
    left = dict.fromkeys(jobs)
    # Not forked: a fork copies the locks of ONNX Runtime's threads in their present state.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, context, _start_worker, (settings.model,))
    with pool:
        started: dict[Future[Result], Job] = {}
        try:
            started = {pool.submit(_work, job, settings): job for job in jobs}
            for done in as_completed(started):
                result = done.result()
                del left[started[done]]
                on_done(started[done], result)
        except BrokenProcessPool:
            pass
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return list(left)
