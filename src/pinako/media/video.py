"""Stills and web-playable copies of videos, by ffmpeg where it is installed; a clear refusal where it is not."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pinako.catalog.derivative import Derivative
from pinako.errors import NotImplementedHere, UnreadableFile

STILL_SECONDS: Final = 20.0
TRANSCODE_SECONDS: Final = 600.0
"""Time that one still or one conversion may take."""

_LONGEST_SECONDS: Final = 600
_LARGEST_BYTES: Final = 1 << 30
"""A conversion ends at this length of the video, or size of its result."""

_INPUT_LIMITS: Final = (
    *("-protocol_whitelist", "file"),  # a file that names others (a playlist) gets at nothing
    *("-format_whitelist", "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,mpegts,ogg,flv"),
    *("-max_pixels", "40000000"),
)
_STILL: Final = ("-map", "0:v:0", "-frames:v", "1", "-c:v", "png", "-compression_level", "1", "-f", "image2pipe")
_BARE: Final = ("-map", "0:v:0", "-map", "0:a:0?", "-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn")
_ENCODERS: Final = {
    "mp4": (
        *("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-movflags", "+faststart"),
        *("-c:a", "aac", "-b:a", "96k"),
    ),
    "webm": (
        *("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "0", "-pix_fmt", "yuv420p"),
        *("-c:a", "libopus", "-b:a", "64k"),
    ),
}
_RATE_FACTORS: Final = {"mp4": (36, 16), "webm": (48, 20)}
"""Of quality 0 and 100; the encoders count downwards."""
_QUALITY: Final = 60


def has_ffmpeg() -> bool:
    """Whether this machine can open videos."""
    return shutil.which("ffmpeg") is not None


def take_still(path: Path, second: float = 0.0) -> bytes:
    """One frame of a video as PNG bytes; the first where the video ends before `second`.

    NotImplementedHere without ffmpeg, UnreadableFile where it cannot read the file.
    """
    for start in (second, 0.0) if second else (0.0,):
        frame = _run(["-ss", f"{start:.3f}", *_INPUT_LIMITS, "-i", f"file:{path}", *_STILL, "pipe:1"], STILL_SECONDS)
        if frame:
            return frame
    raise UnreadableFile("The video has no frame that can be shown")


def transcode(path: Path, target: Path, derivative: Derivative) -> str:
    """Write a web-playable copy to `target` and answer its MIME type: MP4 with H.264, or WebM with VP9.

    NotImplementedHere without ffmpeg, UnreadableFile where it cannot read the file or takes too long.
    """
    container = "webm" if derivative.container == "webm" else "mp4"
    limits = ("-t", str(_LONGEST_SECONDS), *_INPUT_LIMITS)
    picture = ("-vf", _filters(derivative), "-crf", str(_rate_factor(container, derivative.quality)))
    output = ("-threads", "2", "-fs", str(_LARGEST_BYTES), "-f", container, "-y", f"file:{target}")
    _run([*limits, "-i", f"file:{path}", *_BARE, *picture, *_ENCODERS[container], *output], TRANSCODE_SECONDS)
    if not target.exists() or target.stat().st_size == 0:
        raise UnreadableFile("The video cannot be converted")
    return f"video/{container}"


def _filters(derivative: Derivative) -> str:
    """Never enlarged, and even in both directions, which the encoders need."""
    width = min(derivative.width or 3840, 3840) if derivative.has_size else 3840
    height = min(derivative.height or 3840, 3840) if derivative.has_size else 3840
    scale = f"scale=w='min({width},iw)':h='min({height},ih)':force_original_aspect_ratio=decrease:force_divisible_by=2"
    return f"{scale},gblur=sigma={derivative.blur}" if derivative.blur else scale


def _rate_factor(container: str, quality: int | None) -> int:
    worst, best = _RATE_FACTORS[container]
    return round(worst + (best - worst) * (_QUALITY if quality is None else quality) / 100)


def _run(arguments: Sequence[str], seconds: float) -> bytes:
    """What ffmpeg writes to its output."""
    program = shutil.which("ffmpeg")
    if program is None:
        raise NotImplementedHere("This instance has no ffmpeg, which stills and conversions of videos need")
    command = [program, "-hide_banner", "-nostdin", "-v", "error", "-max_alloc", str(1 << 30), *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - a list of our own making, no shell
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise UnreadableFile("The video takes longer to open than this instance allows") from error
    if done.returncode != 0:
        raise UnreadableFile(f"The video cannot be read: {_complaint(done.stderr)}"[:300])
    return done.stdout


def _complaint(said: bytes) -> str:
    """The first of what ffmpeg says: what follows are consequences and advice. Without the place in its own code."""
    first = said.decode(errors="replace").strip().partition("\n")[0]
    return re.sub(r"^(\[[^\]]*\] )+", "", first)
