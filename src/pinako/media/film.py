"""Short videos for the demo library: a slow camera over a painted scene. Needs ffmpeg."""

from __future__ import annotations

import math
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from PIL import Image

from pinako.errors import NotImplementedHere, UnreadableFile
from pinako.media.paint import paint

_RATE: Final = 16
"""Frames a second: enough for a slow camera."""

_ENCODER: Final = (
    *("-c:v", "libx264", "-preset", "ultrafast", "-crf", "26", "-pix_fmt", "yuv420p", "-threads", "1"),
    *("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-movflags", "+faststart"),
)
"""One thread and no dates: the same frames give the same bytes."""


def paint_video(
    path: Path, seed: int, *, width: int = 320, height: int = 480, seconds: float = 2.0, comment: str = ""
) -> Image.Image:
    """Write an MP4 of `width` x `height` pixels (made even), decided by the seed; `comment` becomes a container tag.

    Gives the first frame.

    Raises NotImplementedHere without ffmpeg.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        raise NotImplementedHere("This instance has no ffmpeg, which videos need")
    width, height = width // 2 * 2, height // 2 * 2
    source = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(_RATE), "-i", "pipe:0")
    tags = ("-metadata", f"comment={comment}") if comment else ()
    command = [program, "-v", "error", "-nostdin", *source, *_ENCODER, *tags, "-f", "mp4", "-y", f"file:{path}"]
    frames = list(_frames(seed, width, height, round(seconds * _RATE)))
    data = b"".join(frame.tobytes() for frame in frames)
    done = subprocess.run(command, input=data, capture_output=True, check=False)  # noqa: S603 - our own list, no shell
    if done.returncode != 0:
        raise UnreadableFile(f"ffmpeg: {done.stderr.decode(errors='replace').strip()}"[:300])
    return frames[0]


def _frames(seed: int, width: int, height: int, count: int) -> Iterator[Image.Image]:
    """The camera glides over a larger picture and back, so that the video loops."""
    wide, high = round(width * 1.3), round(height * 1.2)
    scene = paint(seed, wide, high)
    shades = Image.frombytes("L", scene.size, scene.tobytes())
    for number in range(count):
        turn = number / count * math.tau
        left = (wide - width) * (0.5 + 0.5 * math.sin(turn))
        top = (high - height) * (0.5 + 0.5 * math.cos(turn))
        window = (left, top, left + width, top + height)
        frame = shades.resize((width, height), Image.Resampling.BILINEAR, box=window)
        frame.putpalette(scene.getpalette() or [])
        yield frame.convert("RGB")
