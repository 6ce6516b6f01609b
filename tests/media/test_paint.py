"""Demo pictures: the same for the same seed, different for another, of any size, quick, readable by anything."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pinako.media.facts import read_facts
from pinako.media.paint import PALETTES, SCENES, encode, paint, scene_of


@pytest.mark.parametrize("scene", SCENES)
def test_every_scene_uses_light_and_shade(scene: str) -> None:
    """No scene comes out flat, black or burnt out, for several seeds."""
    for seed in range(3):
        grey = paint(seed, 128, 192, scene=scene).convert("RGB").convert("L")
        low, high = grey.getextrema()
        assert high - low > 80
        assert 15 < sum(i * n for i, n in enumerate(grey.histogram())) / (128 * 192) < 235


def test_seeds_make_different_pictures() -> None:
    """Hundreds of pictures and no two alike: the look-alike search must find nothing in a demo."""
    hashes = [read_facts(encode(paint(seed, 96, 144), "png")).perceptual_hash for seed in range(300)]
    assert len(set(hashes)) == 300
    assert len({scene_of(seed) for seed in range(15)}) == len(SCENES)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**40), st.integers(8, 900), st.integers(8, 900), st.sampled_from(tuple(SCENES)))
def test_any_size_can_be_painted(seed: int, width: int, height: int, scene: str) -> None:
    """Every aspect ratio, and exactly the size that was asked."""
    assert paint(seed, width, height, scene=scene).size == (width, height)


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_files_carry_metadata_and_open(format: str) -> None:
    """The three formats of the demo, with text in the place where generators put it."""
    exif = Image.Exif()
    exif[0x010E] = "a lighthouse at dusk"
    data = encode(paint(3, 200, 300), format, text={"parameters": "Küste, 灯台"}, exif=exif.tobytes())
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (200, 300)
        assert image.format == format.upper()
        if format == "png":
            assert image.info["parameters"] == "Küste, 灯台"
        else:
            assert image.getexif()[0x010E] == "a lighthouse at dusk"


def test_another_process_paints_the_same_bytes() -> None:
    """Nothing hangs on hash seeds or what was painted before."""
    script = (
        "import hashlib; from pinako.media.paint import *\n"
        "print(*(hashlib.sha256(encode(paint(seed, 160, 240), 'png')).hexdigest() for seed in range(15)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    backwards = [hashlib.sha256(encode(paint(seed, 160, 240), "png")).hexdigest() for seed in range(14, -1, -1)]
    assert done.stdout.split() == backwards[::-1]


def test_scene_and_palette_can_be_named() -> None:
    """A prompt may say what the picture shows."""
    ember = paint(5, 64, 96, scene="dunes", palette="ember").convert("RGB")
    fjord = paint(5, 64, 96, scene="dunes", palette="fjord").convert("RGB")
    assert ember.getpixel((60, 90)) != fjord.getpixel((60, 90))
    assert all(len(stops) >= 5 for stops in PALETTES.values())
    with pytest.raises(KeyError):
        paint(5, 64, 96, scene="unicorns")
