"""Every container gives its texts and facts, in whatever order and encoding its writers left them."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import metadata_samples as samples
import pytest
from PIL import Image

from pinako import errors
from pinako.metadata import Reading, embed_jpeg, embed_png, embed_webp, read_bytes, read_file
from pinako.metadata.containers.source import HEAD
from pinako.metadata.containers.stealth import hide
from pinako.metadata.embed import exif_block

TEXT = samples.INFOTEXT
SAMPLES = samples.all_samples()


def only_text(data: bytes) -> str:
    fields = read_bytes(data).fields
    assert len(fields) == 1, fields
    return next(iter(fields.values()))


@pytest.mark.parametrize("name", SAMPLES)
def test_each_container_gives_its_text_and_is_recognised(name: str) -> None:
    reading = read_bytes(SAMPLES[name])
    assert TEXT in reading.fields.values()
    assert reading.generation is not None
    assert reading.generation.seed == 3623174757
    assert reading.facts.complete
    assert reading.raw == TEXT


@pytest.mark.parametrize(
    ("name", "kind", "mime", "size", "duration"),
    [
        ("png", "image", "image/png", (24, 16), None), ("jpeg", "image", "image/jpeg", (24, 16), None),
        ("webp", "image", "image/webp", (24, 16), None), ("webp-lossless", "image", "image/webp", (24, 16), None),
        ("gif", "image", "image/gif", (8, 6), None), ("avif", "image", "image/avif", (24, 16), None),
        ("heic", "image", "image/heic", (640, 480), None), ("heif", "image", "image/heif", (640, 480), None),
        ("tiff", "image", "image/tiff", (24, 16), None), ("mp4", "video", "video/mp4", (640, 360), 2.0),
        ("mov", "video", "video/quicktime", (640, 360), 2.0), ("webm-late", "video", "video/webm", (640, 360), 1.5),
        ("mkv", "video", "video/x-matroska", (640, 360), 1.5), ("wav", "audio", "audio/wav", (None, None), 1.0),
        ("flac", "audio", "audio/flac", (None, None), 2.0), ("mp3", "audio", "audio/mpeg", (None, None), None),
        ("ogg", "audio", "audio/ogg", (None, None), None), ("m4a", "audio", "audio/mp4", (640, 360), 2.0),
    ],
)  # fmt: skip
def test_facts(name: str, kind: str, mime: str, size: tuple[int | None, int | None], duration: float | None) -> None:
    facts = read_bytes(SAMPLES[name]).facts
    assert (facts.kind, facts.mime, (facts.width, facts.height), facts.duration) == (kind, mime, size, duration)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_name_of_a_file_decides_nothing(name: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg.exe"
    path.write_bytes(SAMPLES[name])
    assert read_file(path) == read_bytes(SAMPLES[name])


@pytest.mark.parametrize("kind", ["png", "mp4", "webm", "webp"])
def test_media_data_is_stepped_over(kind: str, tmp_path: Path) -> None:
    size = 3 << 30  # sparse: reading it would take many seconds and all memory
    files = {
        "png": (SAMPLES["png"][:33] + struct.pack(">I4s", size, b"IDAT"),
                b"\0" * 4 + samples.png_chunk(b"tEXt", b"parameters\0" + TEXT.encode()) + samples.png_chunk(b"IEND", b"")),
        "mp4": (samples.box(b"ftyp", b"isom") + struct.pack(">I4sQ", 1, b"mdat", size + 16), samples.mp4({"comment": TEXT})),
        "webm": (samples.element(0x1A45DFA3, samples.element(0x4282, b"webm"))
                 + b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff\x1f\x43\xb6\x75\x01" + size.to_bytes(7, "big"),
                 samples.element(0x1254C367, samples.element(0x7373, samples.element(
                     0x67C8, samples.element(0x45A3, b"COMMENT"), samples.element(0x4487, TEXT.encode()))))),
        "webp": (b"RIFF\xff\xff\xff\xffWEBP" + SAMPLES["webp"][12:30] + b"VP8 " + struct.pack("<I", size),
                 b"EXIF" + struct.pack("<I", len(exif_block(TEXT))) + exif_block(TEXT)),
    }  # fmt: skip
    before, after = files[kind]
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.write(before)
        file.seek(size, 1)
        file.write(after)
    assert TEXT in read_file(path).fields.values()


def test_a_big_file_is_the_same_on_disk_and_in_memory(tmp_path: Path) -> None:
    out = BytesIO()
    Image.effect_noise((400, 400), 90).save(out, "PNG")
    data = out.getvalue()
    late = data[:-12] + samples.png_chunk(b"tEXt", b"Comment\0late") + data[-12:]
    assert len(late) > 4 * HEAD
    path = tmp_path / "big.png"
    path.write_bytes(late)
    assert read_file(path) == read_bytes(late)
    assert read_file(path).fields == {"Comment": "late"}


# PNG


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "chunk",
    [
        samples.png_chunk(b"tEXt", b"parameters\0" + TEXT.encode()),
        samples.png_chunk(b"tEXt", b"parameters\0" + TEXT.encode(), crc=1),
        samples.png_chunk(b"zTXt", b"parameters\0\0" + zlib.compress(TEXT.encode())),
        samples.png_chunk(b"iTXt", b"parameters\0\0\0\0\0" + TEXT.encode()),
        samples.png_chunk(b"iTXt", b"parameters\0\1\0en\0Parameter\0" + zlib.compress(TEXT.encode())),
        samples.png_chunk(b"eXIf", exif_block(TEXT)),
    ],
    ids=["tEXt", "broken checksum", "zTXt", "iTXt", "iTXt packed", "eXIf"],
)
def test_png_text_chunks(chunk: bytes, after: bool) -> None:
    assert only_text(samples.png_with(chunk, after_data=after)) == TEXT


def test_png_latin_text_is_read_as_it_was_meant() -> None:
    assert only_text(samples.png_with(samples.png_chunk(b"tEXt", b"Comment\0caf\xe9"))) == "café"
    assert only_text(samples.png_with(samples.png_chunk(b"tEXt", b"Comment\0caf\xc3\xa9"))) == "café"


def test_a_repeated_keyword_loses_nothing() -> None:
    chunks = b"".join(samples.png_chunk(b"tEXt", b"Comment\0" + text) for text in (b"one", b"two", b"one"))
    assert read_bytes(samples.png_with(chunks)).fields == {"Comment": "one", "Comment (2)": "two"}


def test_png_facts_beside_the_text() -> None:
    assert read_bytes(samples.png_with(samples.png_chunk(b"acTL", b"\0" * 8))).facts.animated
    assert read_bytes(samples.png_with(samples.png_chunk(b"caBX", b"jumb"))).facts.c2pa
    assert read_bytes(SAMPLES["png-rgba"]).facts.alpha
    assert not read_bytes(SAMPLES["png"]).facts.alpha


def test_a_png_cut_short_gives_what_came_before() -> None:
    reading = read_bytes(SAMPLES["png"][:-20])
    assert not reading.facts.complete
    assert reading.recognised


@pytest.mark.parametrize(
    "data", [b"", b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, b"GIF89a", b"RIFF\0\0\0\0WEBP"]
)
def test_files_that_are_nothing_are_unreadable(data: bytes) -> None:
    with pytest.raises(errors.UnreadableFile):
        read_bytes(data)


def test_missing_files_and_folders_are_unreadable(tmp_path: Path) -> None:
    for path in (tmp_path / "none.png", tmp_path):
        with pytest.raises(errors.UnreadableFile):
            read_file(path)


def test_unknown_content_is_no_error() -> None:
    reading = read_bytes(b"just some words")
    assert (reading.facts.kind, reading.recognised, reading.raw) == ("unknown", False, "")


# EXIF and XMP


def _exif_comment(raw: bytes, order: str = ">") -> bytes:
    mark = b"MM\0*" if order == ">" else b"II*\0"
    first = struct.pack(order + "HHHII", 1, 0x8769, 4, 1, 26) + b"\0" * 4
    second = struct.pack(order + "HHHII", 1, 0x9286, 7, len(raw), 44) + b"\0" * 4
    return mark + struct.pack(order + "I", 8) + first + second + raw


JAPANESE = "灯台、霧の中、墨絵\nSteps: 20, Sampler: Euler a, Seed: 9, CFG scale: 7"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("text", [TEXT, JAPANESE, "灯台、霧の中、墨絵の海"])
@pytest.mark.parametrize(
    ("code", "encoding"),
    [
        (b"UNICODE\0", "utf-16-be"), (b"UNICODE\0", "utf-16-le"), (b"UNICODE\0", "utf-16"),
        (b"UTF8\0\0\0\0", "utf-8"), (b"ASCII\0\0\0", "utf-8"), (b"\0" * 8, "utf-8"),
    ],
)  # fmt: skip
def test_user_comment_in_every_encoding(code: bytes, encoding: str, text: str, order: str) -> None:
    block = _exif_comment(code + text.encode(encoding), order)
    assert only_text(samples.jpeg_segment(0xE1, b"Exif\0\0" + block)) == text


def test_utf8_after_a_unicode_code() -> None:
    block = _exif_comment(b"UNICODE\0" + b"a cat\nSteps: 20, Seed: 3")
    assert only_text(samples.jpeg_segment(0xE1, b"Exif\0\0" + block)) == "a cat\nSteps: 20, Seed: 3"


def test_exif_over_several_segments_is_joined() -> None:
    long = "word " * 20_000 + "\nSteps: 5, Seed: 6"
    block = _exif_comment(b"UNICODE\0" + long.encode("utf-16-be"))
    pieces = [block[at : at + 60_000] for at in range(0, len(block), 60_000)]
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", len(piece) + 8) + b"Exif\0\0" + piece for piece in pieces)
    plain = samples.encoded("JPEG")
    assert only_text(plain[:2] + segments + plain[2:]) == long


def test_comfyui_texts_in_exif_tags_come_under_their_own_names() -> None:
    exif = Image.Exif()
    exif[0x0110] = 'prompt:{"1": {}}'
    exif[0x010F] = 'Workflow: {"nodes": []}'
    data = samples.encoded("WEBP", exif=exif.tobytes())
    assert dict(read_bytes(data).fields) == {"prompt": '{"1": {}}', "workflow": '{"nodes": []}'}


def test_jpeg_comments_and_xmp() -> None:
    assert only_text(samples.jpeg_segment(0xFE, TEXT.encode())) == TEXT
    packet = '<x:xmpmeta><rdf:li exif:UserComment="a &lt;b&gt;"/></x:xmpmeta>'
    fields = read_bytes(samples.jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet.encode())).fields
    assert fields == {"xmp:UserComment": "a <b>", "XMP": packet}


@pytest.mark.parametrize(
    "make", [samples.heic, lambda xmp: samples.encoded("AVIF", xmp=xmp.encode())], ids=["heic", "avif"]
)
def test_xmp_of_pictures_in_boxes(make: Callable[..., bytes]) -> None:
    packet = '<x:xmpmeta><rdf:RDF><rdf:li exif:UserComment="{&quot;c&quot;: 1}"/></rdf:RDF></x:xmpmeta>'
    assert read_bytes(make(xmp=packet)).fields == {"xmp:UserComment": '{"c": 1}', "XMP": packet}


def test_xmp_elements_lose_their_marks() -> None:
    packet = "<exif:UserComment><rdf:Alt><rdf:li xml:lang='x-default'>{&quot;c&quot;: 1}</rdf:li></rdf:Alt></exif:UserComment>"
    chunk = samples.png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet.encode())
    assert read_bytes(samples.png_with(chunk)).fields["xmp:UserComment"] == '{"c": 1}'


def test_c2pa_is_noted() -> None:
    assert read_bytes(samples.jpeg_segment(0xEB, b"JP\0\0\0\0\0\1\0\0\0\0jumb")).facts.c2pa
    manifest = samples.box(b"uuid", bytes.fromhex("d8fec3d61b0e483c92975828877ec481"), b"x")
    assert read_bytes(SAMPLES["mp4"] + manifest).facts.c2pa
    assert not any(read_bytes(data).facts.c2pa for data in SAMPLES.values())


# film, sound and the rest


def test_animations_are_told_from_stills() -> None:
    assert read_bytes(samples.gif("x", frames=3)).facts.animated
    assert not read_bytes(samples.gif("x")).facts.animated
    out = BytesIO()
    frames = [Image.new("RGB", (8, 6), (shade, 0, 0)) for shade in (0, 90, 180)]
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:])
    assert read_bytes(out.getvalue()).facts.animated


def test_several_tags_of_a_film_are_kept_apart() -> None:
    tags = {"comment": "a", "prompt": '{"1": {}}', "workflow": '{"nodes": []}'}
    assert read_bytes(samples.mp4(tags)).fields == tags
    assert read_bytes(samples.mp4(tags, keys=True)).fields == tags
    assert read_bytes(samples.webm(tags)).fields == tags
    assert read_bytes(samples.flac(tags)).fields == tags
    assert read_bytes(samples.mp3(tags, utf16=True)).fields == tags


def test_long_ogg_comments_span_pages() -> None:
    tags = {"prompt": "word " * 30_000, "comment": TEXT}
    assert read_bytes(samples.ogg(tags)).fields == tags


def test_films_that_end_early_say_so() -> None:
    assert not read_bytes(SAMPLES["mp4"][:-10]).facts.complete
    assert not read_bytes(SAMPLES["webm"][:-10]).facts.complete
    assert not read_bytes(SAMPLES["webp"][:-10]).facts.complete


# hidden text


@pytest.mark.parametrize("size", [(200, 150), (64, 64), (1000, 130)])
@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_text_hidden_in_alpha_is_found(size: tuple[int, int], form: str) -> None:
    out = BytesIO()
    hide(samples.picture(size, "RGBA"), TEXT).save(
        out, form, **({"lossless": True, "exact": True} if form == "WEBP" else {})
    )
    reading = read_bytes(out.getvalue())
    assert reading.fields == {"stealth": TEXT}
    assert reading.recognised


def test_said_text_goes_before_hidden_text() -> None:
    out = BytesIO()
    hide(samples.picture((200, 150), "RGBA"), TEXT).save(out, "PNG")
    reading = read_bytes(embed_png(out.getvalue(), {"parameters": "b\nSteps: 4, Seed: 5"}))
    assert reading.generation is not None
    assert reading.generation.seed == 5


def test_too_long_a_text_does_not_fit() -> None:
    with pytest.raises(ValueError, match="too long"):
        hide(samples.picture((8, 8), "RGBA"), TEXT)


# embedding


def _pixels(data: bytes) -> bytes:
    with Image.open(BytesIO(data)) as picture:
        return picture.convert("RGBA").tobytes()


@pytest.mark.parametrize("text", [TEXT, "plain", "caf\xe9", JAPANESE])
def test_embedding_changes_no_pixel_and_reads_back(text: str) -> None:
    for plain, embedded in (
        (samples.encoded("PNG"), embed_png(samples.encoded("PNG"), {"parameters": text})),
        (samples.encoded("JPEG"), embed_jpeg(samples.encoded("JPEG"), text)),
        (samples.encoded("WEBP"), embed_webp(samples.encoded("WEBP"), text)),
        (
            samples.encoded("WEBP", "RGBA", lossless=True),
            embed_webp(samples.encoded("WEBP", "RGBA", lossless=True), text),
        ),
    ):
        assert _pixels(plain) == _pixels(embedded)
        assert only_text(embedded) == text


def test_embedding_twice_in_a_webp_replaces() -> None:
    assert only_text(embed_webp(samples.webp("one"), "two")) == "two"


def test_pillow_reads_what_is_embedded() -> None:
    with Image.open(BytesIO(samples.png({"parameters": TEXT, "Software": "x"}))) as picture:
        picture.load()
        assert picture.info == {"parameters": TEXT, "Software": "x"}
    for data in (samples.jpeg(TEXT), samples.webp(TEXT)):
        with Image.open(BytesIO(data)) as picture:
            comment = picture.getexif().get_ifd(0x8769)[0x9286]
            assert comment == b"UNICODE\0" + TEXT.encode("utf-16-be")


def test_embedding_refuses_other_files() -> None:
    for embed in (embed_jpeg, embed_webp):
        with pytest.raises(errors.UnreadableFile):
            embed(b"no picture", "x")
    with pytest.raises(errors.UnreadableFile):
        embed_png(b"no picture", {"a": "b"})
    with pytest.raises(errors.TooLarge):
        embed_jpeg(samples.encoded("JPEG"), "x" * 40_000)


def test_readings_are_equal_by_what_they_say() -> None:
    assert isinstance(read_bytes(SAMPLES["png"]), Reading)
    assert read_bytes(SAMPLES["png"]) == read_bytes(SAMPLES["png"])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(errors.UnreadableFile):
        read_file(tmp_path / "pipe.png")
