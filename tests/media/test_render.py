"""Derivatives of pictures: sizes, fits, formats, orientation, colours, animations, and what is refused."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures_of import animation, encoded, png_declaring, scene
from PIL import Image, ImageCms

from pinako.catalog.derivative import Derivative
from pinako.errors import UnreadableFile
from pinako.media.layout import lay_out
from pinako.media.render import Rendered, render


def opened(rendered: Rendered) -> Image.Image:
    """The derivative decoded, after checking that its record tells the truth."""
    image = Image.open(io.BytesIO(rendered.data))
    image.load()
    assert image.size == (rendered.width, rendered.height)
    assert Image.MIME[image.format or ""] == rendered.mime
    return image


def near(one: tuple[int, ...], other: tuple[int, ...], within: int = 14) -> bool:
    """Whether two colours differ by no more than an encoder's loss."""
    return all(abs(a - b) <= within for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "AVIF", "TIFF", "BMP"])
def test_every_format_becomes_a_jpeg_of_the_asked_width(format: str) -> None:
    """Shrunk with its aspect kept."""
    picture = opened(render(encoded(scene(900, 600), format), Derivative(width=450)))
    assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (450, 300))
    assert near(picture.getpixel((65, 58)), (250, 190, 40), 30)


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        (Derivative(width=450), (450, 225)),
        (Derivative(height=100), (200, 100)),
        (Derivative(width=2200), (800, 400)),
        (Derivative(width=450, height=100), (200, 100)),
        (Derivative(width=450, height=100, fit="contain"), (200, 100)),
        (Derivative(width=96, height=96, fit="cover"), (96, 96)),
        (Derivative(width=96, height=96, fit="crop"), (96, 96)),
        (Derivative(width=1000, height=1000, fit="cover"), (400, 400)),
        (Derivative(width=320, height=320, fit="pad"), (320, 320)),
        (Derivative(original=False), (800, 400)),
        (Derivative(original=True, width=96), (800, 400)),
    ],
)
def test_sizes(asked: Derivative, size: tuple[int, int]) -> None:
    """Every fit on an 800 x 400 picture; nothing is enlarged."""
    assert opened(render(encoded(scene(800, 400), "PNG"), asked)).size == size


@given(
    st.tuples(st.integers(1, 20000), st.integers(1, 20000)),
    st.none() | st.integers(1, 2200),
    st.none() | st.integers(1, 1000),
    st.sampled_from(["scale-down", "contain", "cover", "crop", "pad"]),
)
def test_layouts_never_enlarge_and_keep_within_the_box(
    size: tuple[int, int], width: int | None, height: int | None, fit: str
) -> None:
    """For any picture and any wish."""
    layout = lay_out(size, Derivative(width=width, height=height, fit=fit))
    assert all(1 <= scaled <= full for scaled, full in zip(layout.scaled, size, strict=True))
    assert layout.canvas[0] <= (width or size[0])
    assert layout.canvas[1] <= (height or size[1])
    assert not (layout.crops and layout.pads)
    left, top, right, bottom = layout.box((0.3, 1.0))
    if layout.crops:
        assert (left >= 0, top >= 0) == (True, True)
        assert (right <= layout.scaled[0], bottom <= layout.scaled[1]) == (True, True)


@pytest.mark.parametrize(
    ("gravity", "colour"),
    [("left", (255, 0, 0)), ("right", (0, 0, 255)), ("center", (0, 255, 0)), ("top", (0, 255, 0))],
)
def test_gravity_says_which_side_stays(gravity: str, colour: tuple[int, int, int]) -> None:
    """Three colours side by side, cut to a square."""
    image = Image.new("RGB", (300, 100), (0, 255, 0))
    image.paste((255, 0, 0), (0, 0, 100, 100))
    image.paste((0, 0, 255), (200, 0, 300, 100))
    asked = Derivative(width=96, height=96, fit="cover", gravity=gravity, quality=95)
    assert near(opened(render(encoded(image, "PNG"), asked)).getpixel((48, 48)), colour)


def test_automatic_gravity_follows_the_subject() -> None:
    """All detail lies on the right: that is what stays."""
    image = Image.new("RGB", (600, 200), (90, 90, 90))
    image.paste(Image.effect_noise((150, 150), 120).convert("RGB"), (430, 20))
    asked = Derivative(width=96, height=96, fit="cover", gravity="auto")
    grey = opened(render(encoded(image, "PNG"), asked)).convert("L")
    assert grey.getextrema()[1] - grey.getextrema()[0] > 60


def test_transparency_stays_unless_a_background_is_asked_for() -> None:
    """WebP keeps it, a colour fills it, padding shows the colour."""
    source = encoded(scene(400, 400, "RGBA"), "PNG")
    assert opened(render(source, Derivative(width=96))).mode == "RGBA"
    filled = opened(render(source, Derivative(width=96, background="#0000ff")))
    assert (filled.format, near(filled.getpixel((90, 2)), (0, 0, 255), 30)) == ("JPEG", True)
    padded = opened(
        render(encoded(scene(400, 200), "PNG"), Derivative(width=96, height=96, fit="pad", background="red"))
    )
    assert near(padded.getpixel((48, 4)), (255, 0, 0))


def test_optimized_is_webp_and_smaller() -> None:
    """What `optimized=true` is for."""
    source = encoded(scene(900, 600), "PNG")
    plain, optimized = render(source, Derivative(width=450)), render(source, Derivative(width=450, optimized=True))
    assert (plain.mime, optimized.mime) == ("image/jpeg", "image/webp")
    assert len(optimized.data) < len(plain.data)


@pytest.mark.parametrize("quality", [0, 100])
def test_quality_changes_the_size_only(quality: int) -> None:
    """The whole scale is accepted."""
    source = encoded(scene(900, 600), "PNG")
    extreme, usual = render(source, Derivative(width=450, quality=quality)), render(source, Derivative(width=450))
    assert (len(extreme.data) > len(usual.data)) is (quality == 100)


def test_blur_and_gamma() -> None:
    """Blur takes detail away, also at full size; gamma above one brightens."""
    noise = encoded(Image.effect_noise((200, 200), 100).convert("RGB"), "PNG")
    sharp, blurred = (
        opened(render(noise, Derivative(width=200, blur=blur))).convert("L").getextrema() for blur in (0, 250)
    )
    assert sharp[1] - sharp[0] > 5 * (blurred[1] - blurred[0])
    grey = encoded(Image.new("RGB", (50, 50), (64, 64, 64)), "PNG")
    assert opened(render(grey, Derivative(width=96, gamma=2.0))).getpixel((9, 9))[0] > 120


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_orientation_is_applied_and_not_repeated(orientation: int, format: str) -> None:
    """The sun is top left as shown, in size and place; also where the JPEG is decoded at a fraction."""
    turn = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    shown = scene(1800, 1200)
    step = turn[orientation]
    stored = shown.transpose(step) if step is not None else shown
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x8298] = "the painter"
    exif[0x010E] = "prompt: a harbor"
    source = encoded(stored, format, exif=exif)
    picture = opened(render(source, Derivative(width=450, metadata="keep")))
    assert picture.size == (450, 300)
    assert near(picture.getpixel((65, 58)), (250, 190, 40), 30)
    assert dict(picture.getexif()) == {0x8298: "the painter", 0x010E: "prompt: a harbor"}
    copyright_only = opened(render(source, Derivative(width=450, metadata="copyright")))
    assert dict(copyright_only.getexif()) == {0x8298: "the painter"}
    assert b"painter" not in render(source, Derivative(width=450)).data


def test_generation_metadata_is_left_out() -> None:
    """The prompt of a PNG does not leak into its thumbnail."""
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    text.add_text("parameters", "a quiet harbor, Steps: 20")
    source = encoded(scene(), "PNG", pnginfo=text)
    assert b"harbor" in source
    assert b"harbor" not in render(source, Derivative(width=96, optimized=True)).data


def test_text_hidden_in_the_alpha_channel_is_left_out() -> None:
    """Neither an opaque picture's last alpha bits nor a transparent one's survive a new encoding at full size."""
    bits = Image.frombytes("L", (64, 64), bytes(254 + (i * 7 % 3 == 0) for i in range(64 * 64)))
    hidden = scene(64, 64)
    hidden.putalpha(bits)
    assert opened(render(encoded(hidden, "PNG"), Derivative(original=False))).mode == "RGB"
    bits.paste(0, (0, 0, 64, 8))
    hidden.putalpha(bits)
    shown = opened(render(encoded(hidden, "PNG"), Derivative(original=False)))
    assert set(shown.getchannel("A").tobytes()) == {1, 255}


def test_colours_are_brought_to_srgb() -> None:
    """A picture in another space looks the same without its profile; a broken profile is ignored."""
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    image = scene(200, 100)
    for profile in (lab, b"nonsense", ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()):
        picture = opened(render(encoded(image, "PNG", icc_profile=profile), Derivative(width=96)))
        assert "icc_profile" not in picture.info
        assert near(picture.getpixel((14, 11)), (250, 190, 40), 40)


def test_wide_gamut_is_converted() -> None:
    """A profile with swapped primaries visibly swaps them: the conversion happens."""
    swapped = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for old, new in ((b"rXYZ", b"tmp!"), (b"bXYZ", b"rXYZ"), (b"tmp!", b"bXYZ"), (b"sRGB", b"test")):
        swapped[:] = swapped.replace(old, new)
    swapped[:] = swapped.replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))
    red = encoded(Image.new("RGB", (40, 40), (230, 20, 20)), "PNG", icc_profile=bytes(swapped))
    picture = opened(render(red, Derivative(width=96, quality=95)))
    assert near(picture.getpixel((20, 20)), (20, 20, 230), 30)


def test_cmyk_and_deep_grey_become_ordinary() -> None:
    """Print files and depth maps are shown too."""
    cmyk = encoded(scene(200, 100).convert("CMYK"), "JPEG", quality=95)
    assert near(opened(render(cmyk, Derivative(width=96))).getpixel((14, 11)), (250, 190, 40), 45)
    deep = encoded(Image.new("I;16", (64, 64), 20000), "PNG")
    assert near(opened(render(deep, Derivative(width=96))).getpixel((9, 9)), (78, 78, 78), 4)


@pytest.mark.parametrize("width", [96, 320])
@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_animations_stay_animated_unless_a_still_is_asked_for(format: str, width: int) -> None:
    """Frames, durations and loop are kept, also where none is made smaller; `anim=false` gives the first frame."""
    source = animation(format)
    moving = opened(render(source, Derivative(width=width)))
    assert (moving.format, moving.n_frames) == ("WEBP", 3)
    if width == 96:
        assert moving.size == (96, 64)
    moving.seek(2)
    moving.load()
    assert near(moving.convert("RGB").getpixel((40, 40)), (30, 30, 200), 25)
    assert moving.info["duration"] == 100
    still = opened(render(source, Derivative(width=96, anim=False)))
    assert still.format == "JPEG"
    assert near(still.getpixel((40, 40)), (200, 30, 30), 25)


def test_an_endless_animation_becomes_a_still() -> None:
    """More frames than may be held: the first one is shown."""
    frames = [Image.new("P", (1500, 1500), i % 200) for i in range(30)]
    source = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert opened(render(source, Derivative(width=1600))).format == "JPEG"
    assert opened(render(source, Derivative(width=96))).format == "WEBP"


def without_palette(gif: bytes) -> bytes:
    """Its header says that no palette for all frames follows."""
    return gif[:10] + b"\0" + gif[11:]


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"GIF89a",
        without_palette(animation("GIF")),
        png_declaring(60000, 60000),
        encoded(scene(), "JPEG")[:1500],
        encoded(scene(), "PNG")[:-100],
        animation("GIF")[:-40],
        animation("WEBP")[:-60],
    ],
    ids=["empty", "gif", "no palette", "bomb", "jpeg", "png", "cut gif", "cut webp"],
)
def test_hostile_files_are_refused(source: bytes) -> None:
    """The one error, before memory is spent."""
    with pytest.raises(UnreadableFile):
        render(source, Derivative(width=450))


SEEDS = [encoded(scene(60, 40), name) for name in ("PNG", "JPEG", "WEBP", "AVIF", "TIFF")]
SEEDS += [animation(name, width=40, height=30) for name in ("GIF", "WEBP", "PNG")]


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(SEEDS), st.data())
def test_mutated_files_render_or_are_refused(seed: bytes, data: st.DataObject) -> None:
    """No byte of a file can cause anything but a derivative or UnreadableFile."""
    mutated = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 6))):
        mutated[data.draw(st.integers(0, len(seed) - 1))] = data.draw(st.integers(0, 255))
    try:
        opened(render(bytes(mutated), Derivative(width=96, metadata="keep"), pixel_limit=500_000))
    except UnreadableFile:
        return
