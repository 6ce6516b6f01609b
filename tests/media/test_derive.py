"""What is sent for an address: the plan for each kind of source, originals untouched, derivatives from the cache."""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures_of import animation, encoded, scene
from PIL import Image

from pinako.catalog.derivative import Derivative
from pinako.errors import NotFound, NotImplementedHere, UnreadableFile
from pinako.media.cache import DerivativeCache
from pinako.media.derive import Darkroom, Delivered
from pinako.media.local import DirectoryStore
from pinako.media.plan import plan
from pinako.media.video import transcode
from pinako.media.workshop import Workshop

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed here")


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    with Workshop(1) as made:
        yield made


@pytest.fixture
def darkroom(tmp_path: Path, workshop: Workshop) -> Iterator[Darkroom]:
    cache = DerivativeCache(tmp_path / "cache", 100 << 20)
    store = DirectoryStore(tmp_path / "media")
    yield Darkroom(store, cache, workshop)
    cache.close()
    store.close()


def sent(darkroom: Darkroom, delivered: Delivered) -> bytes:
    data = b"".join(darkroom.read(delivered))
    assert len(data) == delivered.size
    return data


STILL = Derivative(anim=False, transcode=True, width=450, container="jpeg")


@pytest.mark.parametrize(
    ("mime", "asked", "way"),
    [
        ("image/png", Derivative(), "source"),
        ("image/png", Derivative(original=True, width=450), "source"),
        ("image/png", Derivative(original=True, quality=90), "source"),
        ("image/png", Derivative(original=True, anim=False), "source"),
        ("image/png", Derivative(anim=False), "source"),
        ("image/png", Derivative(transcode=True), "source"),
        ("image/png", Derivative(original=False), "picture"),
        ("image/jpeg", Derivative(width=450), "picture"),
        ("image/jpeg", Derivative(blur=20), "picture"),
        ("image/gif", Derivative(original=True), "source"),
        ("image/gif", Derivative(anim=False), "picture"),
        ("image/gif", Derivative(anim=False, original=True), "picture"),
        ("image/gif", Derivative(transcode=True, width=450, container="mp4"), "video"),
        ("image/webp", Derivative(anim=False, width=450), "picture"),
        ("video/mp4", Derivative(), "source"),
        ("video/mp4", Derivative(original=True, container="jpeg"), "source"),
        ("video/mp4", Derivative(width=450, container="jpeg"), "still"),
        ("video/mp4", Derivative(width=450, container="mp4"), "source"),
        ("video/mp4", Derivative(anim=False, width=450), "still"),
        ("video/mp4", STILL, "still"),
        ("video/mp4", Derivative(transcode=True, width=450, optimized=True, container="webm"), "video"),
        ("video/mp4", Derivative(transcode=True, original=True, quality=90, container="mp4"), "video"),
        ("audio/mpeg", Derivative(width=450), "source"),
        ("application/octet-stream", Derivative(width=450), "source"),
    ],
)
def test_the_plan_for_every_kind_of_source(mime: str, asked: Derivative, way: str) -> None:
    """The rules of the delivery grammar, case by case."""
    assert plan(asked, mime).way == way


@given(
    st.sampled_from(["image/png", "image/gif", "video/mp4", "audio/mpeg"]),
    st.builds(
        Derivative,
        anim=st.booleans(),
        transcode=st.booleans(),
        width=st.none() | st.just(450),
        original=st.none() | st.booleans(),
        blur=st.sampled_from([0, 10]),
        container=st.sampled_from(["", "jpeg", "mp4", "webm"]),
        skip=st.sampled_from([0.0, 4.0]),
    ),
)
def test_a_settled_wish_has_the_same_plan(mime: str, asked: Derivative) -> None:
    """Settling is idempotent in what it makes: same size, same pixels wish, and a key without doubles."""
    chosen = plan(asked, mime)
    if chosen.way != "source":
        assert chosen.wish.has_size is asked.has_size
        assert chosen.wish.blur == asked.blur
        assert chosen.wish.original is not True
    else:
        assert chosen.wish == Derivative(original=True)


def test_the_name_in_the_address_makes_no_second_file() -> None:
    """`.jpeg`, `.png` or nothing: the same derivative of a picture."""
    keys = {plan(Derivative(width=450, container=name), "image/png").cache_key("x") for name in ("", "jpeg", "webp")}
    assert len(keys) == 1
    assert plan(Derivative(width=96), "image/png").cache_key("x") not in keys


def test_originals_are_sent_byte_for_byte(darkroom: Darkroom) -> None:
    """With their metadata, from the store itself."""
    data = encoded(scene(), "PNG")
    blob = darkroom.store.put_bytes(data)
    for asked in (Derivative(), Derivative(original=True, width=450)):
        delivered = darkroom.deliver(blob.sha256, "image/png", asked)
        assert (delivered.source, delivered.mime, delivered.tag) == (True, "image/png", blob.sha256[:32])
        assert sent(darkroom, delivered) == data
    assert b"".join(darkroom.read(delivered, 3, 11)) == data[3:11]


def test_a_derivative_is_made_once_and_served_from_disk(darkroom: Darkroom) -> None:
    """The second time the original is not even opened."""
    blob = darkroom.store.put_bytes(encoded(scene(1200, 800), "PNG"))
    first = darkroom.deliver(blob.sha256, "image/png", Derivative(width=450))
    with Image.open(io.BytesIO(sent(darkroom, first))) as image:
        assert (image.format, image.size) == ("JPEG", (450, 300))
    assert b"".join(darkroom.read(first, 2, 6)) == sent(darkroom, first)[2:6]
    darkroom.store.delete(blob.sha256)
    assert darkroom.deliver(blob.sha256, "image/png", Derivative(width=450, container="jpeg")) == first


def test_thumbnails_made_at_import_are_found(darkroom: Darkroom) -> None:
    """What `Workshop.measure` made needs no second decode."""
    blob = darkroom.store.put_bytes(encoded(scene(1200, 800), "PNG"))
    path = darkroom.store.locate(blob.sha256)
    assert path is not None
    wish = Derivative(width=320)
    thumbnail = darkroom.workshop.measure(path, thumbnails=(wish,)).thumbnails[0]
    darkroom.keep(blob.sha256, "image/png", wish, thumbnail)
    darkroom.store.delete(blob.sha256)
    assert sent(darkroom, darkroom.deliver(blob.sha256, "image/png", wish)) == thumbnail.data


def test_unknown_and_hostile_originals(darkroom: Darkroom) -> None:
    """404 for what is not there, a refusal for what cannot be opened, and the original still downloads."""
    with pytest.raises(NotFound):
        darkroom.deliver("0" * 64, "image/png", Derivative())
    with pytest.raises(NotFound):
        darkroom.deliver("0" * 64, "image/png", Derivative(width=450))
    blob = darkroom.store.put_bytes(b"\x89PNG\r\n\x1a\nnonsense")
    with pytest.raises(UnreadableFile):
        darkroom.deliver(blob.sha256, "image/png", Derivative(width=450))
    assert darkroom.deliver(blob.sha256, "image/png", Derivative()).size == blob.size


def test_without_ffmpeg_videos_say_so(darkroom: Darkroom, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """501 for stills, sizes and conversions; an MP4 stands in for its own playable copy of full size."""
    monkeypatch.setenv("PATH", str(tmp_path))
    blob = darkroom.store.put_bytes(b"not opened")
    with pytest.raises(NotImplementedHere, match="ffmpeg"):
        darkroom.deliver(blob.sha256, "video/mp4", STILL)
    with pytest.raises(NotImplementedHere, match="ffmpeg"):
        darkroom.deliver(blob.sha256, "video/mp4", Derivative(transcode=True, width=450))
    playable = Derivative(transcode=True, original=True)
    with pytest.raises(NotImplementedHere):
        darkroom.deliver(blob.sha256, "video/webm", playable)
    assert darkroom.deliver(blob.sha256, "video/mp4", playable).source
    assert darkroom.deliver(blob.sha256, "video/mp4", Derivative()).source


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A second of red, green, blue, converted from an animation by the code under test."""
    source = tmp_path / "clip.gif"
    source.write_bytes(animation("GIF", frames=12, width=321, height=181))
    transcode(source, tmp_path / "clip.mp4", Derivative(transcode=True))
    return tmp_path / "clip.mp4"


@needs_ffmpeg
def test_a_still_of_a_video(darkroom: Darkroom, clip: Path) -> None:
    """The asked second, or the first frame where the video is shorter; never larger than the video."""
    blob = darkroom.store.put_file(clip)
    first = darkroom.deliver(blob.sha256, "video/mp4", STILL)
    with Image.open(io.BytesIO(sent(darkroom, first))) as image:
        assert (first.mime, image.size) == ("image/jpeg", (320, 180))
        red = image.convert("RGB").getpixel((100, 100))
    assert red[0] > red[1]
    later = darkroom.deliver(blob.sha256, "video/mp4", Derivative(anim=False, width=96, skip=0.1, optimized=True))
    with Image.open(io.BytesIO(sent(darkroom, later))) as image:
        assert (later.mime, image.size) == ("image/webp", (96, 54))
        green = image.convert("RGB").getpixel((40, 40))
    assert green[1] > green[0]
    assert darkroom.deliver(blob.sha256, "video/mp4", Derivative(anim=False, width=96, skip=500)).size > 0


@needs_ffmpeg
@pytest.mark.parametrize("container", ["mp4", "webm"])
def test_a_playable_copy_of_a_video(darkroom: Darkroom, clip: Path, container: str) -> None:
    """Smaller, in the container that the name asks for, without the original's metadata."""
    blob = darkroom.store.put_file(clip)
    copy = darkroom.deliver(
        blob.sha256, "video/mp4", Derivative(transcode=True, width=96, optimized=True, container=container)
    )
    assert copy.mime == f"video/{container}"
    data = sent(darkroom, copy)
    assert data[4:8] == b"ftyp" if container == "mp4" else data[:4] == b"\x1a\x45\xdf\xa3"
    again = darkroom.store.put_bytes(data)
    still = darkroom.deliver(again.sha256, copy.mime, Derivative(anim=False, original=False))
    with Image.open(io.BytesIO(sent(darkroom, still))) as image:
        assert image.size == (96, 54)


@needs_ffmpeg
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\0\x18ftypmp42" + bytes(500),
        b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
    ],
    ids=["empty", "broken", "playlist", "concat"],
)
def test_hostile_videos_are_refused(darkroom: Darkroom, data: bytes) -> None:
    """Broken files, and playlists that would make ffmpeg read others."""
    blob = darkroom.store.put_bytes(data)
    for asked in (STILL, Derivative(transcode=True, width=450)):
        with pytest.raises(UnreadableFile):
            darkroom.deliver(blob.sha256, "video/mp4", asked)


def test_tags_change_with_the_bytes(darkroom: Darkroom) -> None:
    """Two sources, two sizes: four different tags, all usable as ETags."""
    tags = set()
    for size in ((900, 600), (600, 900)):
        blob = darkroom.store.put_bytes(encoded(scene(*size), "PNG"))
        assert blob.sha256 == hashlib.sha256(encoded(scene(*size), "PNG")).hexdigest()
        tags |= {darkroom.deliver(blob.sha256, "image/png", Derivative(width=width)).tag for width in (96, 320)}
    assert len(tags) == 4
    assert all(tag.isalnum() for tag in tags)
