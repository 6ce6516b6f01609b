"""Small files of every container, built here byte by byte or by Pillow, each carrying the texts it is given."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

from PIL import Image

from pinako.metadata.embed import embed_jpeg, embed_png, embed_webp, exif_block

INFOTEXT = (
    "a lighthouse in fog, ink wash ♥\n"
    "Negative prompt: blurry, text\n"
    "Steps: 25, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 5.5, Seed: 3623174757, Size: 1024x768, "
    "Model hash: 45a21ea00a, Model: harbour_v1, Version: v1.10.1"
)


def picture(size: tuple[int, int] = (24, 16), mode: str = "RGB") -> Image.Image:
    """A picture with some structure."""
    return Image.radial_gradient("L").resize(size).convert(mode)


def encoded(kind: str, mode: str = "RGB", size: tuple[int, int] = (24, 16), **options: object) -> bytes:
    """The picture in one of Pillow's formats."""
    out = BytesIO()
    picture(size, mode).save(out, kind, **options)
    return out.getvalue()


def png(texts: dict[str, str], *, mode: str = "RGB", size: tuple[int, int] = (24, 16)) -> bytes:
    return embed_png(encoded("PNG", mode, size), texts)


def png_chunk(kind: bytes, body: bytes, *, crc: int | None = None) -> bytes:
    checksum = zlib.crc32(kind + body) if crc is None else crc
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def png_with(chunk: bytes, *, after_data: bool = False) -> bytes:
    """A PNG with one more chunk, before or after its picture data."""
    plain = encoded("PNG")
    place = len(plain) - 12 if after_data else 33
    return plain[:place] + chunk + plain[place:]


def jpeg(comment: str) -> bytes:
    return embed_jpeg(encoded("JPEG"), comment)


def jpeg_segment(marker: int, body: bytes) -> bytes:
    plain = encoded("JPEG")
    return plain[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body + plain[2:]


def webp(comment: str, *, lossless: bool = False) -> bytes:
    return embed_webp(encoded("WEBP", lossless=lossless), comment)


def gif(comment: str, frames: int = 1) -> bytes:
    out = BytesIO()
    pictures = [Image.new("RGB", (8, 6), (40 * number, 0, 0)) for number in range(frames)]
    pictures[0].save(out, "GIF", comment=comment.encode(), save_all=True, append_images=pictures[1:])
    return out.getvalue()


def avif(comment: str) -> bytes:
    return encoded("AVIF", exif=exif_block(comment))


def box(kind: bytes, *bodies: bytes) -> bytes:
    body = b"".join(bodies)
    return struct.pack(">I", len(body) + 8) + kind + body


def heic(comment: str = "", *, xmp: str = "", brand: bytes = b"heic", inside: bool = False) -> bytes:
    """A picture of 640 x 480 without pixels; its texts are items of the media data or, with `inside`, of the item list."""
    exif = b"\0\0\0\6Exif\0\0" + exif_block(comment) if comment else b""
    items = [(b"hvc1", b"\0" * 8)] + [(b"Exif", exif)] * bool(exif) + [(b"mime", xmp.encode())] * bool(xmp)
    entries = [box(b"infe", struct.pack(">IHH", 2 << 24, id, 0), kind, b"\0") for id, (kind, _) in enumerate(items, 1)]
    data = b"".join(body for _, body in items)
    about = [box(b"hdlr", b"\0" * 8, b"pict", b"\0" * 13), box(b"pitm", b"\0" * 5, b"\1"),
             box(b"iinf", b"\0" * 4, struct.pack(">H", len(items)), *entries),
             box(b"iprp", box(b"ipco", box(b"ispe", struct.pack(">III", 0, 640, 480))),
                 box(b"ipma", struct.pack(">IIHBB", 0, 1, 1, 1, 0x81)))]  # fmt: skip
    head = box(b"ftyp", brand, b"\0" * 4, b"mif1", brand)

    def meta(at: int) -> bytes:
        rows = b""
        for id, (_, body) in enumerate(items, 1):
            rows += struct.pack(">HHHHII", id, int(inside), 0, 1, at, len(body))
            at += len(body)
        places = box(b"iloc", struct.pack(">IHH", 1 << 24, 0x4400, len(items)), rows)
        return box(b"meta", b"\0" * 4, *about, places, *[box(b"idat", data)] * inside)

    return head + meta(0 if inside else len(head) + len(meta(0)) + 8) + box(b"mdat", data)


def mp4(tags: dict[str, str], *, brand: bytes = b"isom", keys: bool = False) -> bytes:
    """A movie of two seconds without media; tags as an iTunes list or, with `keys`, as QuickTime keys."""
    head = struct.pack(">IIIII", 0, 0, 0, 1000, 2000) + b"\0" * 80
    track = b"\0" * 76 + struct.pack(">II", 640 << 16, 360 << 16)
    if keys:
        names = b"".join(box(b"mdta", name.encode()) for name in tags)
        rows = [box(struct.pack(">I", number), _data(text)) for number, text in enumerate(tags.values(), 1)]
        inner = box(b"keys", struct.pack(">II", 0, len(tags)), names) + box(b"ilst", *rows)
    else:
        known = {"comment": b"\xa9cmt", "description": b"desc"}
        rows = [
            box(known[name], _data(text))
            if name in known
            else box(b"----", box(b"mean", b"\0\0\0\0com.x"), box(b"name", b"\0\0\0\0", name.encode()), _data(text))
            for name, text in tags.items()
        ]
        inner = box(b"ilst", *rows)
    handler = box(b"hdlr", b"\0" * 8, b"mdta" if keys else b"mdir", b"\0" * 13)
    user = box(b"udta", box(b"meta", b"\0" * 4, handler, inner))
    movie = box(b"moov", box(b"mvhd", head), box(b"trak", box(b"tkhd", track)), user)
    return box(b"ftyp", brand, b"\0\0\0\0", brand) + box(b"mdat", b"\0" * 200) + movie


def _data(text: str) -> bytes:
    return box(b"data", struct.pack(">II", 1, 0), text.encode())


def element(number: int, *bodies: bytes) -> bytes:
    """An EBML element with an eight-byte size."""
    body = b"".join(bodies)
    return number.to_bytes((number.bit_length() + 7) // 8, "big") + b"\x01" + len(body).to_bytes(7, "big") + body


def webm(tags: dict[str, str], *, tags_last: bool = False, doc: bytes = b"webm") -> bytes:
    """A film of 1.5 seconds; `tags_last` puts the tags behind the media with an index in front."""
    info = element(
        0x1549A966, element(0x2AD7B1, (1_000_000).to_bytes(3, "big")), element(0x4489, struct.pack(">d", 1500))
    )
    video = element(0xE0, element(0xB0, b"\x02\x80"), element(0xBA, b"\x01\x68"))
    tracks = element(0x1654AE6B, element(0xAE, element(0x83, b"\x01"), video))
    rows = [
        element(0x67C8, element(0x45A3, name.encode()), element(0x4487, text.encode())) for name, text in tags.items()
    ]
    tag_block = element(0x1254C367, element(0x7373, *rows))
    cluster = element(0x1F43B675, b"\xec" + b"\x01" + (300).to_bytes(7, "big") + b"\0" * 300)
    if tags_last:
        place = 54 + len(info) + len(tracks) + len(cluster)
        seek = element(0x4DBB, element(0x53AB, b"\x12\x54\xc3\x67"), element(0x53AC, place.to_bytes(8, "big")))
        index = element(0x114D9B74, seek)
        body = index + info + tracks + cluster + tag_block
        assert len(index) == 54
    else:
        body = info + tracks + tag_block + cluster
    return element(0x1A45DFA3, element(0x4282, doc)) + element(0x18538067, body)


def mp3(tags: dict[str, str], *, utf16: bool = False) -> bytes:
    frames = b""
    for name, text in tags.items():
        if utf16:
            body = b"\x01" + _bom(name) + b"\0\0" + _bom(text)
        else:
            body = b"\x03" + name.encode() + b"\0" + text.encode()
        frames += b"TXXX" + _synchsafe(len(body)) + b"\0\0" + body
    return b"ID3\x04\0\0" + _synchsafe(len(frames)) + frames + b"\xff\xfb\x90\0" + b"\0" * 100


def _bom(text: str) -> bytes:
    return b"\xff\xfe" + text.encode("utf-16-le")


def _synchsafe(value: int) -> bytes:
    return bytes(value >> shift & 127 for shift in (21, 14, 7, 0))


def wav(comment: str) -> bytes:
    text = comment.encode() + b"\0" * (len(comment.encode()) % 2)
    info = b"INFO" + b"ICMT" + struct.pack("<I", len(text)) + text
    sound = b"\0" * 16000
    chunks = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    chunks += b"LIST" + struct.pack("<I", len(info)) + info + b"data" + struct.pack("<I", len(sound)) + sound
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WAVE" + chunks


def _comments(tags: dict[str, str]) -> bytes:
    rows = [f"{name}={text}".encode() for name, text in tags.items()]
    return b"\x01\0\0\0x" + struct.pack("<I", len(rows)) + b"".join(struct.pack("<I", len(row)) + row for row in rows)


def flac(tags: dict[str, str]) -> bytes:
    stream = b"\0" * 10 + ((8000 << 44) | (1 << 41) | (15 << 36) | 16000).to_bytes(8, "big") + b"\0" * 16
    comments = _comments(tags)
    return (
        b"fLaC"
        + b"\0"
        + len(stream).to_bytes(3, "big")
        + stream
        + b"\x84"
        + len(comments).to_bytes(3, "big")
        + comments
    )


def ogg(tags: dict[str, str]) -> bytes:
    """An Opus file whose comments span several pages where they are long."""
    packet = b"OpusTags" + _comments(tags)
    pages = [_page(b"OpusHead" + b"\0" * 11, [19])]
    sizes = [255] * (len(packet) // 255) + [len(packet) % 255]
    place = 0
    for at in range(0, len(sizes), 100):
        part = sizes[at : at + 100]
        pages.append(_page(packet[place : place + sum(part)], part))
        place += sum(part)
    return b"".join(pages)


def _page(body: bytes, sizes: list[int]) -> bytes:
    return b"OggS" + b"\0" * 22 + bytes([len(sizes)]) + bytes(sizes) + body


def all_samples(text: str = INFOTEXT) -> dict[str, bytes]:
    """One file of each container with the same text."""
    return {
        "png": png({"parameters": text}), "png-rgba": png({"parameters": text}, mode="RGBA"),
        "jpeg": jpeg(text), "webp": webp(text), "webp-lossless": webp(text, lossless=True), "gif": gif(text),
        "avif": avif(text), "heic": heic(text), "heif": heic(text, brand=b"mif1", inside=True),
        "mp4": mp4({"comment": text}), "mp4-keys": mp4({"comment": text}, keys=True),
        "mov": mp4({"comment": text}, brand=b"qt  "), "m4a": mp4({"comment": text}, brand=b"M4A "),
        "webm": webm({"COMMENT": text}), "webm-late": webm({"comment": text}, tags_last=True),
        "mkv": webm({"comment": text}, doc=b"matroska"), "mp3": mp3({"comment": text}),
        "mp3-utf16": mp3({"comment": text}, utf16=True), "wav": wav(text), "flac": flac({"comment": text}),
        "ogg": ogg({"COMMENT": text}), "tiff": encoded("TIFF", tiffinfo={270: text.encode()}),
    }  # fmt: skip
