"""Imports of every kind of file: thumbnails made beside, texts that no database likes, codings and names that deceive."""

from __future__ import annotations

import hashlib
import shutil
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
from importing_files import picture_bytes
from importing_home import Home
from PIL import Image

from pinako import metadata
from pinako.catalog.derivative import Derivative
from pinako.intake.rules import Rules
from pinako.media.cache import DerivativeCache
from pinako.media.film import paint_video
from pinako.media.plan import plan

sys.path.insert(0, str(Path(__file__).parents[1] / "metadata"))
import metadata_samples as samples

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed here")

WIDTHS = (320, 450, 800)
"""What the pages' tiles ask for."""


def cached(home: Home, sha256: str, mime: str, **wish: Any) -> bytes:
    """A derivative as the server would find it; made by nobody here."""

    def refuse(target: Path) -> str:
        raise AssertionError(f"nothing was made for {wish}")

    cache = DerivativeCache(home.settings.folder / "derivatives", home.settings.derivative_cache_bytes)
    try:
        return cache.fetch(plan(Derivative(**wish), mime).cache_key(sha256), refuse).read()
    finally:
        cache.close()


def size_of(data: bytes, tmp_path: Path) -> tuple[int, int]:
    (tmp_path / "shown").write_bytes(data)
    with Image.open(tmp_path / "shown") as image:
        return image.size


def test_thumbnails_are_ready_where_the_server_looks(sqlite_home: Home, outputs: Path, tmp_path: Path) -> None:
    Image.radial_gradient("L").resize((1200, 800)).convert("RGB").save(outputs / "wide.jpg")
    assert sqlite_home.bring(outputs, thumbnails=True).images == 1
    [(sha256,)] = sqlite_home.rows("SELECT blob FROM images")
    for width in WIDTHS:
        shown = cached(sqlite_home, sha256, "image/jpeg", width=width)
        assert size_of(shown, tmp_path) == (width, round(width * 2 / 3))


def test_what_may_not_be_kept_leaves_neither_bytes_nor_thumbnails(sqlite_home: Home, outputs: Path) -> None:
    with sqlite_home.database.write() as w:
        w.insert("tags", {"id": 5351, "name": "child", "name_key": "child"})
    (outputs / "a.png").write_bytes(picture_bytes(1))
    sqlite_home.bring(outputs, rules=Rules(level=8, tags=("child",)), thumbnails=True)
    assert sqlite_home.rows("SELECT id FROM images") == []
    assert list(sqlite_home.store.blobs()) == []
    folder = sqlite_home.settings.derivatives
    assert folder.is_dir()
    assert [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size] == []


def test_without_being_asked_none_are_made(sqlite_home: Home, outputs: Path) -> None:
    (outputs / "a.png").write_bytes(picture_bytes(1))
    sqlite_home.bring(outputs)
    assert not (sqlite_home.settings.folder / "derivatives").exists()


@needs_ffmpeg
def test_a_films_thumbnails_are_stills_of_it(sqlite_home: Home, outputs: Path, tmp_path: Path) -> None:
    paint_video(outputs / "move.mp4", 1, width=640, height=360)
    assert sqlite_home.bring(outputs, thumbnails=True).images == 1
    [(sha256, hash)] = sqlite_home.rows("SELECT blob, blurhash FROM images")
    assert hash
    shown = cached(sqlite_home, sha256, "video/mp4", width=450, anim=False)
    assert size_of(shown, tmp_path) == (450, 253)


@needs_ffmpeg
def test_a_film_in_an_unknown_coding_is_kept_and_a_cut_one_is_not(sqlite_home: Home, outputs: Path) -> None:
    """Whole, it may be shown elsewhere; its bytes count, not what this machine can decode."""
    paint_video(outputs / "whole.mp4", 1, width=160, height=96, comment="Steps: 9, Sampler: Euler a, Seed: 4")
    data = (outputs / "whole.mp4").read_bytes()
    (outputs / "odd.mp4").write_bytes(data.replace(b"avc1", b"zzz9").replace(b"avcC", b"zzzC"))
    (outputs / "cut.mp4").write_bytes(data[: len(data) // 2])
    report = sqlite_home.bring(outputs)
    assert report.images == 2
    [refused] = report.refused
    assert (refused.path.name, refused.reason[:9]) == ("cut.mp4", "cut short")
    assert sqlite_home.rows("SELECT width, height, generator, mime FROM images WHERE name = 'odd.mp4'") == [
        (160, 96, "a1111", "video/mp4")
    ]


def test_what_its_name_does_not_say_is_told_by_name(sqlite_home: Home, outputs: Path) -> None:
    """A file that a user takes for a picture must not vanish among those that are none."""
    (outputs / "page.png").write_text("<html>not found</html>")
    (outputs / "notes.json").write_text("{}")
    (outputs / "phone.heic").write_bytes(samples.heic("Steps: 1, Seed: 2"))
    report = sqlite_home.bring(outputs)
    assert report.foreign == 1
    assert {each.path.name: each.reason for each in report.refused} == {
        "page.png": "it is not the picture, video or sound that its name says",
        "phone.heic": "image/heic cannot be decoded here; pinako inspect shows what it says",
    }


def test_text_that_no_database_takes_is_kept_as_far_as_it_goes(home: Home, outputs: Path) -> None:
    """PostgreSQL knows no NUL and neither knows half a character; what stands around them stays."""
    plain = picture_bytes(3)
    end = plain.index(b"IDAT") - 4
    body = b"parameters\0a boat\0 at sea \xff\nSteps: 8, Seed: 5, Model: x\0y"
    chunk = samples.png_chunk(b"tEXt", body)
    (outputs / "odd.png").write_bytes(plain[:end] + chunk + plain[end:])
    text = '{"3": {"class_type": "KSampler", "inputs": {"seed": 7, "text": "a\\u0000b \\ud83d c"}}}'
    (outputs / "half.png").write_bytes(metadata.embed_png(picture_bytes(4), {"prompt": text}))
    assert home.bring(outputs).images == 2
    raws = [
        row[0] for row in home.rows("SELECT m.raw FROM image_meta m JOIN images i ON i.id = m.image_id ORDER BY i.name")
    ]
    assert "KSampler" in raws[0]
    assert "at sea" in raws[1]
    assert home.rows("SELECT generator FROM images WHERE name = 'odd.png'") == [("a1111",)]


def test_every_container_comes_in_with_what_it_says(sqlite_home: Home, outputs: Path) -> None:
    """Real files of every kind, named after nothing: content decides, and the text is recognised in each."""
    whole = {name: data for name, data in samples.all_samples().items() if _is_whole(name)}
    for name, data in whole.items():
        (outputs / name).write_bytes(data)
    report = sqlite_home.bring(outputs)
    assert [each.reason for each in report.refused] == []
    rows = sqlite_home.rows("SELECT name, generator FROM images")
    assert report.images == len(rows) == len(whole)
    assert {name for name, generator in rows if generator != "a1111"} == set()


def _is_whole(name: str) -> bool:
    """The films and phone pictures among the samples have texts and no pixels: not for an import."""
    return not name.startswith(("mp4", "mov", "webm", "mkv", "hei"))


@pytest.mark.slow
def test_files_beyond_four_gigabytes(sqlite_home: Home, outputs: Path) -> None:
    """Hashed whole in a bounded time where they are models, passed over at once where they are nothing."""
    size = 4_500_000_000
    header = b'{"weight":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}' % (size, size)
    with (outputs / "large.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + size)
    with (outputs / "large.png").open("wb") as file:
        file.truncate(size)
    report = sqlite_home.bring(outputs, in_place=True)
    assert (report.model_files, [each.path.name for each in report.refused]) == (1, ["large.png"])
    [(kilobytes,)] = sqlite_home.rows("SELECT size_kb FROM model_files")
    assert kilobytes == (8 + len(header) + size) / 1024
    with (outputs / "large.safetensors").open("rb") as file:
        expected = hashlib.file_digest(file, "sha256").hexdigest()
    hashes = {row[0]: row[1] for row in sqlite_home.rows("SELECT type, hash FROM file_hashes")}
    assert hashes["SHA256"] == expected.upper()
