"""Demo videos: real, short, looping, the same for the same seed."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from pinako.errors import NotImplementedHere
from pinako.media.film import paint_video
from pinako.media.video import take_still

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed here")


@needs_ffmpeg
def test_a_seed_makes_one_film(tmp_path: Path) -> None:
    """Equal bytes for the same seed, others for another; it moves, and carries its comment."""
    paths = [tmp_path / f"{number}.mp4" for number in range(3)]
    for path, seed in zip(paths, (4, 4, 5), strict=True):
        paint_video(path, seed, width=161, height=240, comment="a slow camera")
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].read_bytes() != paths[2].read_bytes()
    assert b"a slow camera" in paths[0].read_bytes()
    first, later = (Image.open(io.BytesIO(take_still(paths[0], second))) for second in (0.0, 1.0))
    assert first.size == (160, 240)
    assert first.tobytes() != later.tobytes()


@needs_ffmpeg
def test_a_film_lasts_as_long_as_asked(tmp_path: Path) -> None:
    """Two seconds unless said otherwise."""
    paint_video(tmp_path / "a.mp4", 1, width=96, height=96)
    command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", tmp_path / "a.mp4"]
    assert float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) == pytest.approx(2.0)


def test_without_ffmpeg_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo then makes pictures only."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotImplementedHere):
        paint_video(tmp_path / "a.mp4", 1)
