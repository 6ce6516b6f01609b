"""What import learns of a picture: the same for every format, right for every mode, and a refusal for hostile files."""

from __future__ import annotations

import io
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures_of import animation, encoded, png_declaring, scene, webp_declaring
from PIL import Image
from xxhash import xxh3_128

from pinako.errors import UnreadableFile
from pinako.media.facts import measure, read_facts
from pinako.media.hashes import blurhash, hamming, perceptual_hash
from pinako.media.slate import Slate

LOSSLESS = [("PNG", {}, "image/png"), ("WEBP", {"lossless": True}, "image/webp"), ("BMP", {}, "image/bmp")]
LOSSY = [("JPEG", {"quality": 90}, "image/jpeg"), ("AVIF", {"quality": 80}, "image/avif"), ("WEBP", {}, "image/webp")]


@pytest.mark.parametrize(("format", "options", "mime"), LOSSLESS)
def test_same_pixels_have_the_same_hash_in_every_lossless_format(format: str, options: dict, mime: str) -> None:
    """The pixel hash ignores container and metadata; all other facts follow the pixels too."""
    image = scene()
    facts = read_facts(encoded(image, format, **options))
    assert facts == measure(image, mime)
    assert (facts.width, facts.height, facts.animated) == (240, 160, False)


@pytest.mark.parametrize(("format", "options", "mime"), LOSSY)
def test_lossy_copies_look_alike(format: str, options: dict, mime: str) -> None:
    """Other pixels, but a perceptual hash within the look-alike distance."""
    image = scene()
    facts = read_facts(encoded(image, format, **options))
    plain = measure(image, mime)
    assert facts.mime == mime
    assert facts.pixel_hash != plain.pixel_hash
    assert hamming(facts.perceptual_hash, plain.perceptual_hash) <= 4


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_every_mode_is_measured(mode: str) -> None:
    """Palette, grey, deep and print modes all give the usual facts."""
    source = scene(90, 60)
    image = source.convert("RGBA").convert(mode) if mode in {"LA", "PA"} else source.convert("L").convert(mode)
    facts = measure(image, "image/tiff")
    assert len(facts.blurhash) == 36
    assert facts.blurhash[0] == "U"
    assert facts.pixel_hash


def test_deep_grey_is_not_clipped_to_white() -> None:
    """A 16-bit depth map keeps its shades."""
    deep = Image.new("I;16", (64, 64), 20000)
    assert measure(deep, "image/png").blurhash == measure(Image.new("L", (64, 64), 77), "image/png").blurhash


def test_opaque_alpha_is_no_difference_and_real_alpha_is() -> None:
    """An RGBA file without transparency has the pixels of its RGB twin."""
    image = scene()
    opaque = image.convert("RGBA")
    assert measure(opaque, "image/png").pixel_hash == measure(image, "image/png").pixel_hash
    assert measure(scene(mode="RGBA"), "image/png").pixel_hash != measure(image, "image/png").pixel_hash


@pytest.mark.parametrize("size", [(33, 7), (2100, 2100)], ids=["in one piece", "in blocks"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_the_pixel_hash_is_of_all_pixels_however_they_lie_in_memory(mode: str, size: tuple[int, int]) -> None:
    """Read in place or copied in bands, what is hashed is the same, and one pixel makes the difference."""
    image = scene(*size, mode=mode)
    pixels = image.convert("RGBA").tobytes()
    expected = xxh3_128(f"{size[0]}x{size[1]} {mode}\n".encode() + pixels).hexdigest()
    assert measure(image, "image/png").pixel_hash == expected
    last = image.getpixel((size[0] - 1, size[1] - 1))
    assert isinstance(last, tuple)
    image.putpixel((size[0] - 1, size[1] - 1), (int(last[0]) ^ 1, *map(int, last[1:])))
    assert measure(image, "image/png").pixel_hash != expected


def test_a_byte_that_no_pixel_has_is_in_no_hash() -> None:
    """A TIFF may hold a fourth byte that means nothing; the pixels are those of its PNG twin."""
    image = scene(40, 30)
    padded = Image.merge("RGBX", (*image.split(), Image.new("L", image.size, 7)))
    data = encoded(padded, "TIFF")
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.mode == "RGB"
    plain = read_facts(encoded(image, "PNG")).pixel_hash
    assert read_facts(data).pixel_hash == plain
    assert measure(Image.merge("RGB", image.split()), "image/png").pixel_hash == plain


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_to_size_and_looks(orientation: int) -> None:
    """Whatever way the camera lay, width, height and both hashes are those of the picture as shown."""
    upright = scene(320, 160)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = _laid_down(upright, orientation)
    facts = read_facts(encoded(stored, "PNG", exif=exif))
    expected = measure(upright, "image/png")
    assert (facts.width, facts.height) == (320, 160)
    assert hamming(facts.perceptual_hash, expected.perceptual_hash) <= 2
    assert facts.blurhash[:10] == expected.blurhash[:10]


def _laid_down(image: Image.Image, orientation: int) -> Image.Image:
    """What a camera stores, so that a viewer who applies `orientation` sees `image`."""
    turn = Image.Transpose
    undo = {
        2: turn.FLIP_LEFT_RIGHT,
        3: turn.ROTATE_180,
        4: turn.FLIP_TOP_BOTTOM,
        5: turn.TRANSPOSE,
        6: turn.ROTATE_90,
        7: turn.TRANSVERSE,
        8: turn.ROTATE_270,
    }
    return image.transpose(undo[orientation]) if orientation in undo else image


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_animations_are_measured_by_their_first_frame(format: str, tmp_path: Path) -> None:
    """From bytes and from a file alike."""
    data = animation(format)
    path = tmp_path / "a.bin"
    path.write_bytes(data)
    facts = read_facts(path)
    assert facts == read_facts(data)
    assert facts.animated
    assert (facts.width, facts.height) == (120, 80)


def test_a_fast_reading_skips_only_the_pixel_hash() -> None:
    """A JPEG read at an eighth of its size looks the same and keeps its true dimensions."""
    data = encoded(scene(1024, 1536), "JPEG", quality=92)
    fast, whole = read_facts(data, pixel_hash=False), read_facts(data)
    assert (fast.width, fast.height, fast.pixel_hash) == (1024, 1536, None)
    assert hamming(fast.perceptual_hash, whole.perceptual_hash) <= 2


HOSTILE = {
    "empty": b"",
    "text": b"not a picture",
    "bomb": png_declaring(60000, 60000),
    "webp bomb": webp_declaring(16384, 16384),
    "no pixels": png_declaring(0, 100),
    "short data": png_declaring(300, 300),
    "truncated jpeg": encoded(scene(), "JPEG")[:2000],
    "truncated png": encoded(scene(), "PNG")[:-200],
    "truncated webp": encoded(scene(), "WEBP")[:300],
    "truncated avif": encoded(scene(), "AVIF")[:400],
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(name: str) -> None:
    """Bombs, cut files and formats that nobody asked for: one error, no memory."""
    with pytest.raises(UnreadableFile):
        read_facts(HOSTILE[name])


def test_the_pixel_limit_is_a_setting() -> None:
    """Exactly the limit passes, one more does not."""
    data = encoded(scene(100, 100), "PNG")
    assert read_facts(data, pixel_limit=10_000).width == 100
    with pytest.raises(UnreadableFile, match="100 x 100"):
        read_facts(data, pixel_limit=9_999)


SEEDS = [encoded(scene(60, 40), name) for name in ("PNG", "JPEG", "WEBP", "GIF", "AVIF", "TIFF")] + [animation("GIF")]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SEEDS), st.data())
def test_mutated_files_are_measured_or_refused(seed: bytes, data: st.DataObject) -> None:
    """No byte of a file can cause anything but facts or UnreadableFile."""
    mutated = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 8))):
        mutated[data.draw(st.integers(0, len(seed) - 1))] = data.draw(st.integers(0, 255))
    try:
        facts = read_facts(bytes(mutated[: data.draw(st.integers(1, len(seed)))]), pixel_limit=1_000_000)
    except UnreadableFile:
        return
    assert len(facts.blurhash) == 36


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 64), st.integers(1, 64), st.integers(0, 2**32))
def test_blurhash_is_the_published_algorithm(width: int, height: int, seed: int) -> None:
    """Equal to the slow sums of the definition, for any picture that needs no shrinking."""
    image = _noise(width, height, seed)
    assert blurhash(image) == _slow_blurhash(image)


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_distance_counts_bits_of_signed_hashes(one: int, other: int) -> None:
    """Signed 64-bit integers, as a database keeps them."""
    assert hamming(one, other) == sum((one >> i & 1) != (other >> i & 1) for i in range(64))


def test_perceptual_hash_tells_pictures_apart() -> None:
    """Alike within a few bits when resized, far apart when different, 0 when flat."""
    image = scene(400, 300)
    assert hamming(perceptual_hash(image), perceptual_hash(image.resize((123, 77)))) <= 4
    assert hamming(perceptual_hash(image), perceptual_hash(_noise(64, 64, 5))) > 16
    assert perceptual_hash(Image.new("RGB", (50, 50), (9, 99, 200))) == 0
    assert -(2**63) <= perceptual_hash(image) < 2**63


def _noise(width: int, height: int, seed: int) -> Image.Image:
    import random

    return Image.frombytes("RGB", (width, height), random.Random(seed).randbytes(width * height * 3))


def _slow_blurhash(image: Image.Image) -> str:
    """A second writing of the published definition, term by term."""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"
    width, height = image.size
    raw = image.tobytes()

    def linear(value: int) -> float:
        share = value / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    def srgb(value: float) -> int:
        value = min(max(value, 0), 1)
        return int((value * 12.92 if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055) * 255 + 0.5)

    def spell(value: int, length: int) -> str:
        return "".join(digits[value // 83 ** (length - 1 - i) % 83] for i in range(length))

    values = [linear(value) for value in raw]
    factors = []
    for j in range(4):
        for i in range(4):
            weights = [
                math.cos(math.pi * i * x / width) * math.cos(math.pi * j * y / height)
                for y in range(height)
                for x in range(width)
            ]
            norm = (1 if (i, j) == (0, 0) else 2) / (width * height)
            factors.append([norm * sum(w * v for w, v in zip(weights, values[c::3], strict=True)) for c in range(3)])
    largest = max(abs(value) for factor in factors[1:] for value in factor)
    step = int(max(0, min(82, math.floor(largest * 166 - 0.5))))

    def quantised(value: float) -> int:
        share = value / ((step + 1) / 166)
        return int(max(0, min(18, math.floor(math.copysign(abs(share) ** 0.5, share) * 9 + 9.5))))

    red, green, blue = (srgb(value) for value in factors[0])
    text = spell(3 + 3 * 9, 1) + spell(step, 1) + spell((red << 16) + (green << 8) + blue, 4)
    for factor in factors[1:]:
        r, g, b = (quantised(value) for value in factor)
        text += spell(r * 361 + g * 19 + b, 2)
    return text


def test_reading_closes_the_file(tmp_path: Path) -> None:
    """No handle stays open, also when refused: a ResourceWarning would fail this suite."""
    path = tmp_path / "bomb.png"
    path.write_bytes(HOSTILE["bomb"])
    with pytest.raises(UnreadableFile):
        read_facts(path)
    path.unlink()
    assert io.BytesIO(SEEDS[0]).readable()


def test_memory_that_is_kept_shows_nothing_of_the_last_picture() -> None:
    """Whatever was decoded before, also what was cut short, a picture is measured as if it were the first."""
    slate = Slate()
    plain, black = scene(90, 60), Image.new("RGB", (90, 60))
    files = [encoded(image, format) for image in (plain, black) for format in ("PNG", "JPEG")]
    files += [encoded(scene(90, 60, mode), "PNG") for mode in ("RGBA", "L", "P")]
    files += [encoded(scene(60, 90), "JPEG"), encoded(black.convert("RGBA"), "PNG"), *files]
    for data in files:
        assert read_facts(data, slate=slate) == read_facts(data)
        with pytest.raises(UnreadableFile):
            read_facts(data[: len(data) // 2], slate=slate)


@pytest.mark.parametrize("size", [(1024, 1536), (1537, 771), (3000, 800), (770, 5), (5, 900)])
def test_few_rows_look_like_the_whole(size: tuple[int, int]) -> None:
    """A large picture whose rows are not all looked at has the perceptual hash of the same picture looked at whole."""
    image = scene(*size)
    whole = image.resize((max(1, size[0] // 8), max(1, size[1] // 8)), Image.Resampling.BOX)
    found, expected = measure(image, "image/png"), measure(whole, "image/png")
    assert hamming(found.perceptual_hash, expected.perceptual_hash) <= 6
