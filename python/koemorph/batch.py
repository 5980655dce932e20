"""Batch conversion: plan the outputs of many recordings and write them in several processes."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from koemorph import outputs
from koemorph.animation import Animation
from koemorph.errors import AudioError, DataError, KoemorphError, OutputError
from koemorph.model import DEFAULT_MODEL, Model, find_model
from koemorph.outputs import FORMATS, WriteOptions, find_format
from koemorph.outputs.atomic import remove_partial_files_on_signal

AUDIO_EXTENSIONS = frozenset(
    (".aif", ".aiff", ".au", ".caf", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".w64", ".wav")
)
ALL_EXTENSIONS = tuple(extension for known in FORMATS for extension in known.extensions)
_KNOWN_EXTENSIONS = AUDIO_EXTENSIONS.union(ALL_EXTENSIONS)
MANIFEST_EXTENSIONS = frozenset((".txt", ".tsv", ".lst"))


@dataclass(frozen=True)
class Job:
    """One recording and the file of its animation."""

    audio: Path
    output: Path

    def is_done(self) -> bool:
        """Return whether the output exists and is not older than the recording."""
        try:
            return self.output.stat().st_mtime >= self.audio.stat().st_mtime
        except OSError:
            return False


@dataclass(frozen=True)
class Settings:
    """Settings that apply to all recordings; see `koemorph animate --help`."""

    model: str | Path = DEFAULT_MODEL
    preset: str | None = None
    retarget: str | None = None
    format: str | None = None
    rig: Path | None = None
    node: str = ""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that the settings name by path."""
        paths = (find_model(self.model), self.preset, self.retarget, self.rig)
        return tuple(Path(path) for path in paths if path is not None)


def is_batch(inputs: Sequence[Path]) -> bool:
    """Return whether the inputs are a folder, a manifest or several recordings."""
    return len(inputs) != 1 or inputs[0].is_dir() or inputs[0].suffix.lower() in MANIFEST_EXTENSIONS


def _is_recording(path: Path) -> bool:
    # macOS writes files like ._line.wav for metadata on foreign file systems.
    is_audio = path.suffix.lower() in AUDIO_EXTENSIONS and not path.name.startswith("._")
    return is_audio and not path.is_dir()


def _recordings(source: Path) -> Iterator[tuple[Path, Path]]:
    """Yield an input's recordings, each with its output path relative to the output folder."""
    if source.is_dir():
        found = sorted(path for path in source.rglob("*") if _is_recording(path))
        if not found:
            raise AudioError(
                f"{source} contains no audio files ({', '.join(sorted(AUDIO_EXTENSIONS))}). "
                "Give another folder.",
                code="no_recordings",
            )
        yield from ((path, path.relative_to(source)) for path in found)
    elif source.suffix.lower() in MANIFEST_EXTENSIONS:
        yield from _manifest(source)
    else:
        yield source, Path(source.name)


def _manifest(source: Path) -> Iterator[tuple[Path, Path]]:
    """Yield a manifest's recordings: a path per line, optionally a tab and the output path."""
    try:
        text = source.read_text("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    except OSError as error:
        raise DataError(
            f"Cannot read the list {source}: {error.strerror}. Check the path.",
            code="file_not_found",
        ) from error
    if "\0" in text:  # No path contains it.
        raise DataError(
            f"Cannot read the list {source}: it is not UTF-8 text. Write one path per line.",
            code="invalid_manifest",
        )
    entries = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not entries:
        raise DataError(
            f"The list {source} is empty. Write one path per line.", code="empty_manifest"
        )
    for line in entries:
        audio, _, output = line.partition("\t")
        path = Path(audio.strip())
        yield source.parent / path, Path(output.strip() or path.name)


def _with_extension(path: Path, extension: str) -> Path:
    """Replace a known extension, else append: a name may contain dots."""
    stem = path.stem if path.suffix.lower() in _KNOWN_EXTENSIONS else path.name
    return path.with_name(stem + extension)


def plan(inputs: Sequence[Path], folder: Path, format: str | None) -> list[Job]:
    """Assign an output file to every recording.

    Recordings whose names differ only in the extension keep it in the output's name. A recording
    with the name of an earlier one goes into a subfolder named like its own folder.

    Args:
        inputs: Recordings, folders and manifests.
        folder: The output folder.
        format: Name of the output format; None for JSONL.

    Returns:
        One job per recording.

    Raises:
        AudioError: An input folder contains no recordings.
        DataError: `folder` is not a folder, a manifest is invalid, or two outputs collide.
    """
    extension = (find_format(folder, format) if format else FORMATS[0]).extensions[0]
    if folder.is_file() or folder.name.lower().endswith(ALL_EXTENSIONS):
        reason = "is a folder" if inputs[0].is_dir() else "is not the only recording"
        raise DataError(
            f"Output {folder} is a file, but {inputs[0]} {reason}. Give a folder.",
            code="output_not_a_folder",
        )
    jobs: dict[Path, Job] = {}
    for audio, path in dict.fromkeys(chain.from_iterable(map(_recordings, inputs))):
        if path.is_absolute() or ".." in path.parts or not path.name:
            raise DataError(
                f"Invalid output {path} of {audio}: it must be a file below {folder}. "
                "Correct the list.",
                code="invalid_output",
            )
        output = folder / _with_extension(path, extension)
        if output in jobs:
            if jobs[output].audio.name == audio.name == path.name:
                output = output.parent / audio.resolve().parent.name / output.name
            else:
                output = folder / path.with_name(path.name + extension)
        if output in jobs:
            raise DataError(
                f"Output collision: {audio} and {jobs[output].audio} both become {output}. "
                "Set another output for one of them in a list, after a tab.",
                code="output_collision",
            )
        jobs[output] = Job(audio, output)
    return list(jobs.values())


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
    dry_run(silence, folder / jobs[0].output.name, settings)


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


def animate_one(model: Model, job: Job, settings: Settings) -> float:
    """Write the animation of one recording.

    Returns:
        Its duration in seconds.
    """
    animation = model.animate(job.audio, preset=settings.preset, retarget=settings.retarget)
    job.output.parent.mkdir(parents=True, exist_ok=True)
    animation.save(job.output, settings.format, rig=settings.rig, node=settings.node)
    return animation.duration


def _work(job: Job, settings: Settings) -> tuple[float, str]:
    assert _worker_model is not None
    with _working:
        return _guarded(_worker_model, job, settings)


def _guarded(model: Model, job: Job, settings: Settings) -> tuple[float, str]:
    """Return the seconds animated and "", or 0 and the error: one bad file does not stop others."""
    try:
        return animate_one(model, job, settings), ""
    except (KoemorphError, OSError) as error:
        return 0.0, str(error)
    except Exception as error:
        return 0.0, f"{type(error).__name__}: {error}"


def run(
    jobs: Sequence[Job],
    settings: Settings,
    processes: int,
    on_done: Callable[[Job, float, str], None],
) -> None:
    """Run the jobs.

    Args:
        jobs: The jobs.
        settings: Settings of all jobs.
        processes: Number of worker processes; 1 runs the jobs in this process.
        on_done: Called after each job with the job, its duration in seconds, and its error or "".
    """
    if processes == 1:
        model = Model(settings.model)
        for job in jobs:
            on_done(job, *_guarded(model, job, settings))
        return
    waiting = list(jobs)
    while waiting:
        left = _run_pool(waiting, settings, processes, on_done)
        # One of the started jobs killed its process. Run each alone to find out which.
        started, waiting = left[:processes], left[processes:]
        for job in started:
            if _run_pool([job], settings, 1, on_done):
                on_done(job, 0.0, "its process was killed. Check the free memory.")


def _run_pool(
    jobs: list[Job], settings: Settings, processes: int, on_done: Callable[[Job, float, str], None]
) -> list[Job]:
    """Run the jobs in a pool, in order; return the unfinished ones when a process died."""
    left = dict.fromkeys(jobs)
    # Not forked: a fork copies the locks of ONNX Runtime's threads in their present state.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, context, _start_worker, (settings.model,))
    with pool:
        started: dict[Future[tuple[float, str]], Job] = {}
        try:
            started = {pool.submit(_work, job, settings): job for job in jobs}
            for done in as_completed(started):
                result = done.result()
                del left[started[done]]
                on_done(started[done], *result)
        except BrokenProcessPool:
            pass
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return list(left)
