"""Unpacked PNGs decode to the same pixels; whatever is not a plain whole PNG is left to the decoder itself."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pinako.media.facts import read_facts
from pinako.media.quickpng import unpack_png

MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")


def a_png(mode: str, width: int, height: int, seed: int = 1, **options: object) -> bytes:
    chance = random.Random(seed)
    if mode == "I;16":
        image = Image.frombytes("I;16", (width, height), chance.randbytes(width * height * 2))
    else:
        image = Image.frombytes("RGBA", (width, height), chance.randbytes(width * height * 4)).convert(mode)
    out = io.BytesIO()
    image.save(out, "PNG", **options)
    return out.getvalue()


def pixels(data: bytes) -> tuple[object, ...]:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image.mode, image.size, image.tobytes(), image.getexif().tobytes(), image.info.get("transparency")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(MODES), st.integers(1, 90), st.integers(1, 90), st.integers(0, 9), st.integers(0, 2**20))
def test_unpacked_pictures_are_the_same(mode: str, width: int, height: int, level: int, seed: int) -> None:
    data = a_png(mode, width, height, seed, compress_level=level)
    unpacked = unpack_png(data)
    assert unpacked is not None
    assert pixels(unpacked) == pixels(data)


def test_what_else_a_file_says_of_its_pixels_stays() -> None:
    info, exif = PngInfo(), Image.Exif()
    info.add_text("parameters", "a harbor" * 1000)
    exif[0x0112] = 6
    data = a_png("RGB", 300, 200, pnginfo=info, exif=exif, icc_profile=b"not a real profile")
    unpacked = unpack_png(data)
    assert unpacked is not None
    assert b"parameters" not in unpacked
    assert read_facts(unpacked) == read_facts(data)
    assert read_facts(unpacked).width == 200
    palette = a_png("P", 64, 64, transparency=3)
    again = unpack_png(palette)
    assert again is not None
    assert pixels(again) == pixels(palette)


def test_animations_keep_their_frames() -> None:
    frames = [Image.new("RGB", (20, 16), colour) for colour in ("teal", "gold")]
    out = io.BytesIO()
    frames[0].save(out, "PNG", save_all=True, append_images=frames[1:])
    unpacked = unpack_png(out.getvalue())
    assert unpacked is not None
    assert read_facts(unpacked) == read_facts(out.getvalue())
    assert read_facts(unpacked).animated


@pytest.mark.parametrize("cut", [0, 5, 20, 40, 200, -1, -13, -30])
def test_cut_files_are_left_to_the_decoder(cut: int) -> None:
    assert unpack_png(a_png("RGB", 40, 40)[:cut]) is None


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damage_is_never_hidden(data: st.DataObject) -> None:
    whole = bytearray(a_png("RGB", 24, 24))
    at = data.draw(st.integers(8, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    unpacked = unpack_png(bytes(whole))
    if unpacked is not None:
        try:
            expected = pixels(bytes(whole))
        except (OSError, SyntaxError, ValueError):
            return  # a checksum that this does not look at; the pixels are whole all the same
        assert pixels(unpacked) == expected


def test_bombs_and_strangers_are_left_alone() -> None:
    header = bytearray(a_png("L", 8, 8))
    header[16:24] = (40_000).to_bytes(4, "big") * 2
    assert unpack_png(bytes(header)) is None
    assert unpack_png(b"") is None
    assert unpack_png(b"GIF89a") is None
    assert unpack_png(a_png("L", 8, 8) + b"trailing") is not None
