"""Faces off videos, by MediaPipe's Face Landmarker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from koemorph.errors import DataError, MissingExtraError

from .converters import Table, picture_start
from .recordings import shown_fps

LANDMARKER_URL = "https://ai.google.dev/edge/mediapipe/solutions/vision/face_landmarker"


def from_video(path: Path, landmarker: Path) -> Table:
    """The first face of every frame of a video; frames without a face are left out.

    `landmarker` is MediaPipe's face_landmarker.task. Raises DataError, with the path, for a file
    that cannot be read or shows no face.
    """
    try:
        import cv2
        import mediapipe as mp
    except ImportError as error:
        raise MissingExtraError(
            'Reading faces off videos needs MediaPipe: pip install "koemorph[video]".'
        ) from error
    if not path.is_file():
        raise DataError(f"there is no video {path}.")
    options = _options(mp, landmarker)
    video = cv2.VideoCapture(str(path))
    fps = float(video.get(cv2.CAP_PROP_FPS))
    if not video.isOpened() or fps <= 0:
        raise DataError(f"{path} cannot be read as a video.")
    start = picture_start(path)  # for OpenCV the first frame is at 0
    times: list[float] = []
    rows: list[list[float]] = []
    names: tuple[str, ...] = ()
    with mp.tasks.vision.FaceLandmarker.create_from_options(options) as marker:
        frame, last = 0, -1
        while True:
            more, picture = video.read()
            if not more:
                break
            # Phones film at rates that vary: a frame's own time, where the file tells it.
            shown = float(video.get(cv2.CAP_PROP_POS_MSEC))
            time = shown if shown > last else frame * 1000 / fps
            last = max(last + 1, round(time))  # MediaPipe wants whole milliseconds that increase
            image = mp.Image(mp.ImageFormat.SRGB, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
            faces = marker.detect_for_video(image, last).face_blendshapes
            if faces:
                names = tuple(category.category_name for category in faces[0])
                rows.append([category.score for category in faces[0]])
                times.append(start + time / 1000)
            frame += 1
    video.release()
    if not rows:
        raise DataError(f"no face was found in the {frame} frames of {path}.")
    if len(times) > 1:
        fps = shown_fps(np.array(times), fps)  # browsers' .webm files say 1000
    return Table(
        np.array(rows, np.float32), np.array(times), names, fps, "MediaPipe Face Landmarker"
    )


def _options(mp: Any, landmarker: Path) -> Any:
    if not landmarker.is_file():
        raise DataError(
            f"there is no {landmarker}: give --landmarker the file face_landmarker.task, from "
            f"{LANDMARKER_URL}."
        )
    return mp.tasks.vision.FaceLandmarkerOptions(
        base_options=mp.tasks.BaseOptions(model_asset_path=str(landmarker)),
        running_mode=mp.tasks.vision.RunningMode.VIDEO,
        output_face_blendshapes=True,
    )
