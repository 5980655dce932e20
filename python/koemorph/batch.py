"""Many recordings at once: what there is to do, and doing it in several processes."""

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
_ENDINGS = AUDIO_EXTENSIONS.union(ALL_EXTENSIONS)
MANIFEST_EXTENSIONS = frozenset((".txt", ".tsv", ".lst"))


@dataclass(frozen=True)
class Job:
    """One recording and the file its animation goes to."""

    audio: Path
    output: Path

    def is_done(self) -> bool:
        """Whether the output is there and no older than the recording."""
        try:
            return self.output.stat().st_mtime >= self.audio.stat().st_mtime
        except OSError:
            return False


@dataclass(frozen=True)
class Settings:
    """What is the same for every recording; see `koemorph animate --help`."""

    model: str | Path = DEFAULT_MODEL
    preset: str | None = None
    retarget: str | None = None
    format: str | None = None
    rig: Path | None = None
    node: str = ""

    @property
    def files(self) -> tuple[Path, ...]:
        """What may be files of the user's: a name that ships is one of none."""
        given = (find_model(self.model), self.preset, self.retarget, self.rig)
        return tuple(Path(one) for one in given if one is not None)


def is_batch(inputs: Sequence[Path]) -> bool:
    """Whether the inputs are more than one recording."""
    return len(inputs) != 1 or inputs[0].is_dir() or inputs[0].suffix.lower() in MANIFEST_EXTENSIONS


def _is_recording(path: Path) -> bool:
    """By its name; what macOS lays beside a file elsewhere, ._line.wav, holds no sound."""
    named = path.suffix.lower() in AUDIO_EXTENSIONS and not path.name.startswith("._")
    return named and not path.is_dir()


def _recordings(source: Path) -> Iterator[tuple[Path, Path]]:
    """Recordings that an input stands for, each with its place below the output folder."""
    if source.is_dir():
        found = sorted(path for path in source.rglob("*") if _is_recording(path))
        if not found:
            raise AudioError(
                f"{source} holds no recording ({', '.join(sorted(AUDIO_EXTENSIONS))}); "
                "give another folder."
            )
        yield from ((path, path.relative_to(source)) for path in found)
    elif source.suffix.lower() in MANIFEST_EXTENSIONS:
        yield from _manifest(source)
    else:
        yield source, Path(source.name)


def _manifest(source: Path) -> Iterator[tuple[Path, Path]]:
    """One recording a line, relative to the manifest; after a tab, where its output goes."""
    try:
        text = source.read_text("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    except OSError as error:
        raise DataError(f"Cannot read {source}: {error.strerror}.") from error
    if "\0" in text:  # which no path has
        raise DataError(f"{source} is not UTF-8 text, so it is no list of recordings.")
    entries = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not entries:
        raise DataError(f"{source} lists no recording; write one path a line.")
    for line in entries:
        audio, _, place = line.partition("\t")
        path = Path(audio.strip())
        yield source.parent / path, Path(place.strip() or path.name)


def _with_ending(place: Path, extension: str) -> Path:
    """In the place of an ending that is known, else after it: a name may have dots of its own."""
    stem = place.stem if place.suffix.lower() in _ENDINGS else place.name
    return place.with_name(stem + extension)


def plan(inputs: Sequence[Path], folder: Path, format: str | None) -> list[Job]:
    """The jobs of all inputs, each recording once.

    Those that differ in their ending alone keep it; one that is called as another was goes below a
    folder that is called as its own.
    """
    extension = (find_format(folder, format) if format else FORMATS[0]).extensions[0]
    if folder.is_file() or folder.name.lower().endswith(ALL_EXTENSIONS):
        what = "is a folder" if inputs[0].is_dir() else "is not the only recording"
        raise DataError(f"{inputs[0]} {what}, so the output must be a folder, not {folder}.")
    jobs: dict[Path, Job] = {}
    for audio, place in dict.fromkeys(chain.from_iterable(map(_recordings, inputs))):
        if place.is_absolute() or ".." in place.parts:
            raise DataError(f"The output {place} of {audio} lies outside {folder}.")
        if not place.name:
            raise DataError(f"The output {place} of {audio} is no name of a file.")
        output = folder / _with_ending(place, extension)
        if output in jobs:
            if jobs[output].audio.name == audio.name == place.name:
                output = output.parent / audio.resolve().parent.name / output.name
            else:
                output = folder / place.with_name(place.name + extension)
        if output in jobs:
            raise DataError(
                f"{audio} and {jobs[output].audio} would both become {output}; give one another "
                "name, in a list after a tab."
            )
        jobs[output] = Job(audio, output)
    return list(jobs.values())


def animate_silence(model: Model, settings: Settings) -> Animation:
    """A moment of it, which raises what the settings would raise for every recording."""
    moment = np.zeros(1600, np.float32)
    return model.animate(
        moment,
        sample_rate=16000,
        preset=settings.preset,
        retarget=settings.retarget,
    )


def rehearse(silence: Animation, path: Path, settings: Settings) -> None:
    """Raise what stands in the way of any animation's being written to `path`, which stays."""
    options = WriteOptions(settings.rig, settings.node)
    outputs.dry_run(silence, path, settings.format, options)


def prepare(jobs: Sequence[Job], folder: Path, settings: Settings) -> None:
    """Make the output folder and raise what would fail every job, rather than fail each with it."""
    silence = animate_silence(Model(settings.model), settings)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"Cannot make the folder {folder}: {error.strerror}; choose another place."
        ) from error
    rehearse(silence, folder / jobs[0].output.name, settings)


_worker_model: Model | None = None
_working = threading.Lock()


def _start_worker(model: str | Path) -> None:
    global _worker_model  # noqa: PLW0603 (a process's own, loaded once for all its recordings)
    remove_partial_files_on_signal()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _worker_model = Model(model)


def _end_with_parent() -> None:
    """Where the parent is killed, end once what is begun is done; the pool would wait for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    with _working:
        os._exit(1)


def animate_one(model: Model, job: Job, settings: Settings) -> float:
    """Animate one recording into its file; returns its length in seconds."""
    animation = model.animate(
        job.audio, preset=settings.preset, retarget=settings.retarget
    )
    job.output.parent.mkdir(parents=True, exist_ok=True)
    animation.save(job.output, settings.format, rig=settings.rig, node=settings.node)
    return animation.duration


def _work(job: Job, settings: Settings) -> tuple[float, str]:
    assert _worker_model is not None
    with _working:
        return _guarded(_worker_model, job, settings)


def _guarded(model: Model, job: Job, settings: Settings) -> tuple[float, str]:
    """Seconds animated and "", or 0 and what went wrong: one bad file never stops the rest."""
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
    """Do the jobs; `on_done` hears of each, with its seconds and "" or its trouble."""
    if processes == 1:
        model = Model(settings.model)
        for job in jobs:
            on_done(job, *_guarded(model, job, settings))
        return
    waiting = list(jobs)
    while waiting:
        left = _run_pool(waiting, settings, processes, on_done)
        # A process died under one of those that were begun; alone, each shows whether it is that.
        begun, waiting = left[:processes], left[processes:]
        for job in begun:
            if _run_pool([job], settings, 1, on_done):
                on_done(job, 0.0, "the process that animated it was killed; is memory short?")


def _run_pool(
    jobs: list[Job], settings: Settings, processes: int, on_done: Callable[[Job, float, str], None]
) -> list[Job]:
    """Do the jobs in a pool, begun in their order; returns those left when a process died."""
    left = dict.fromkeys(jobs)
    # Not forked: a fork copies the locks of ONNX Runtime's threads in whatever state they are.
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
