"""Copies that say how they were made: the picture and its other tags stay, and no damaged file ends more than itself."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from pinako import metadata
from pinako.errors import Conflict, PinakoError, TooLarge, UnreadableFile
from pinako.metadata.embed import carry_a1111, carry_xmp

TEXT = "a quiet harbour, 漁港 🛶\nNegative prompt: fog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 64x48"
OTHER = TEXT.replace("quiet", "loud")
PACKET = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><dc:description>a harbour</dc:description></x:xmpmeta>'
KINDS = ("PNG", "JPEG", "WEBP", "AVIF")


def picture(kind: str, *, turned: bool = False, **options: object) -> bytes:
    """A small picture; `turned`: with an EXIF orientation and a maker."""
    image = Image.linear_gradient("L").resize((64, 48)).convert("RGB")
    if turned:
        exif = Image.Exif()
        exif[0x0112], exif[0x010F] = 6, "A camera"
        exif.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
        options["exif"] = exif.tobytes()
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def pixels(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        return image.tobytes()


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_tells_and_keeps_the_rest(kind: str, turned: bool) -> None:
    data = picture(kind, turned=turned)
    for how in (carry_a1111, lambda data, text: carry_xmp(carry_a1111(data, text), PACKET)):
        copy = how(data, TEXT)
        said = metadata.read_bytes(copy).generation
        assert said is not None
        assert (said.prompt, said.negative_prompt, said.seed) == ("a quiet harbour, 漁港 🛶", "fog", 5)
        assert pixels(copy) == pixels(data)
        with Image.open(io.BytesIO(copy)) as image:
            assert image.getexif().get(0x0112) == (6 if turned else None)
            if turned:
                assert image.getexif().get(0x010F) == "A camera"
                assert image.getexif().get_ifd(0x8769)[0x9003] == "2024:05:06 07:08:09"


@pytest.mark.parametrize("kind", KINDS)
def test_a_newer_text_takes_the_older_ones_place(kind: str) -> None:
    once = carry_a1111(picture(kind), TEXT)
    twice = carry_a1111(once, OTHER)
    said = metadata.read_bytes(twice).generation
    assert said is not None
    assert said.prompt == "a loud harbour, 漁港 🛶"
    assert b"quiet" not in twice
    assert "quiet".encode("utf-16-be") not in twice
    if kind != "AVIF":  # there the newer text lies behind the older one's blank place
        assert carry_a1111(twice, TEXT) == once


def test_other_texts_of_a_png_stay() -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("parameters", OTHER, zip=True)
    notes.add_text("workflow", '{"nodes": []}')
    copy = carry_a1111(picture("PNG", pnginfo=notes), TEXT)
    with Image.open(io.BytesIO(copy)) as image:
        assert image.info["workflow"] == '{"nodes": []}'
        assert image.info["parameters"] == TEXT


@pytest.mark.parametrize("kind", KINDS)
def test_a_packet_of_its_own_is_left_alone(kind: str) -> None:
    once = carry_xmp(picture(kind, turned=True), PACKET)
    with Image.open(io.BytesIO(once)) as image:
        found = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp", "")
    assert (found.decode() if isinstance(found, bytes) else found) == PACKET
    with pytest.raises(Conflict):
        carry_xmp(once, PACKET)


def test_what_has_no_room_or_is_no_picture_is_told() -> None:
    with pytest.raises(TooLarge):
        carry_a1111(picture("JPEG"), "x" * 40_000)
    with pytest.raises(TooLarge):
        carry_xmp(picture("JPEG"), "x" * 70_000)
    for data in (b"", b"GIF89a", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP", picture("PNG")[:50], picture("AVIF")[:200]):
        with pytest.raises(UnreadableFile):
            carry_a1111(data, TEXT)


SAMPLES = [picture(kind, turned=turned) for kind in KINDS for turned in (False, True)]


@given(
    st.sampled_from(SAMPLES),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=8),
    st.integers(0, 4000),
)
def test_a_damaged_file_is_only_a_damaged_file(data: bytes, strokes: list[tuple[int, int]], cut: int) -> None:
    hurt = bytearray(data)
    for at, value in strokes:
        hurt[at % len(hurt)] = value
    for broken in (bytes(hurt), bytes(hurt[: cut % len(hurt)])):
        for how, text in ((carry_a1111, TEXT), (carry_xmp, PACKET)):
            try:
                assert len(how(broken, text)) > len(broken) // 2
            except PinakoError as refused:
                assert refused.message  # noqa: PT017 - either it works, or it says why not
