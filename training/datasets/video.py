"""Reader of faces in videos, by MediaPipe's Face Landmarker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from koemorph.errors import DataError, MissingExtraError, install_command

from .captures import estimate_fps
from .converters import CaptureTable
from .ffmpeg import video_start

LANDMARKER_URL = "https://ai.google.dev/edge/mediapipe/solutions/vision/face_landmarker"


def read_video(path: Path, landmarker: Path) -> CaptureTable:
    """Detect the blend shape weights of the first face of each frame of a video.

    Args:
        path: the video.
        landmarker: MediaPipe's model file, face_landmarker.task.

    Returns:
        The table; frames without a face are left out.

    Raises:
        DataError: a file does not exist (file_not_found), the video cannot be read (invalid_video),
            or no frame has a face (no_face).
        MissingExtraError: MediaPipe is not installed.
    """
    try:
        import cv2
        import mediapipe as mp
    except ImportError as error:
        raise MissingExtraError(
            f'MediaPipe is not installed. Install the extra "video": {install_command("video")}',
            code="missing_extra",
        ) from error
    if not path.is_file():
        raise DataError(f"video {path} does not exist.", code="file_not_found")
    options = _options(mp, landmarker)
    video = cv2.VideoCapture(str(path))
    fps = float(video.get(cv2.CAP_PROP_FPS))
    if not video.isOpened() or fps <= 0:
        raise DataError(f"{path}: OpenCV cannot read it as a video.", code="invalid_video")
    start = video_start(path)  # OpenCV puts the first frame at 0
    times: list[float] = []
    rows: list[list[float]] = []
    names: tuple[str, ...] = ()
    with mp.tasks.vision.FaceLandmarker.create_from_options(options) as detector:
        frame, last = 0, -1
        while True:
            more, image = video.read()
            if not more:
                break
            # Phones record at variable frame rates: use the time of the frame, if it has one.
            stored = float(video.get(cv2.CAP_PROP_POS_MSEC))
            time = stored if stored > last else frame * 1000 / fps
            last = max(last + 1, round(time))  # MediaPipe requires increasing whole milliseconds
            rgb = mp.Image(mp.ImageFormat.SRGB, cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
            faces = detector.detect_for_video(rgb, last).face_blendshapes
            if faces:
                names = tuple(category.category_name for category in faces[0])
                rows.append([category.score for category in faces[0]])
                times.append(start + time / 1000)
            frame += 1
    video.release()
    if not rows:
        raise DataError(f"{path}: no face in its {frame} frames.", code="no_face")
    if len(times) > 1:
        fps = estimate_fps(np.array(times), fps)  # .webm files of browsers state 1000
    return CaptureTable(
        np.array(rows, np.float32), np.array(times), names, fps, "MediaPipe Face Landmarker"
    )


def _options(mp: Any, landmarker: Path) -> Any:
    if not landmarker.is_file():
        raise DataError(
            f"{landmarker} does not exist. Use --landmarker with face_landmarker.task from "
            f"{LANDMARKER_URL}.",
            code="file_not_found",
        )
    return mp.tasks.vision.FaceLandmarkerOptions(
        base_options=mp.tasks.BaseOptions(model_asset_path=str(landmarker)),
        running_mode=mp.tasks.vision.RunningMode.VIDEO,
        output_face_blendshapes=True,
    )
