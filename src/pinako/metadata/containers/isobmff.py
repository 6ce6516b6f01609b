"""The box family: MP4, MOV, M4A and their tags; AVIF, HEIF and JPEG XL with EXIF and XMP as items or boxes."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pinako.metadata.containers.exif import read_exif
from pinako.metadata.containers.heif import read_items
from pinako.metadata.containers.mp4tags import read_tags
from pinako.metadata.containers.source import MAX_PIECE, Notes, Source
from pinako.metadata.containers.text import decode_loose
from pinako.metadata.containers.xmp import read_xmp
from pinako.metadata.reading import Facts

_PICTURES = {b"avif": "image/avif", b"avis": "image/avif", b"heic": "image/heic", b"heix": "image/heic",
             b"hevc": "image/heic-sequence", b"heim": "image/heic", b"mif1": "image/heif",
             b"msf1": "image/heif-sequence"}  # fmt: skip
_MIMES = {b"qt  ": "video/quicktime", b"M4V ": "video/x-m4v", b"M4A ": "audio/mp4", b"M4B ": "audio/mp4"}
_C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_MAX_BOXES = 10_000
_MAX_BODY = 1 << 25


class Box(msgspec.Struct, frozen=True):
    """One box: its kind, where its body begins, where it ends."""

    kind: bytes
    start: int
    end: int


def walk_boxes(source: Source, start: int, end: int) -> Iterator[Box]:
    """Boxes one after the other; a size that cannot be ends the walk."""
    for _ in range(_MAX_BOXES):
        head = source.at(start, 16)
        if start + 8 > end or len(head) < 8:
            return
        size, kind, body = int.from_bytes(head[:4], "big"), head[4:8], start + 8
        if size == 1:
            size, body = int.from_bytes(head[8:16], "big"), start + 16
        elif size == 0:
            size = end - start
        if size < body - start:
            return
        yield Box(kind, body, start + size if end == source.size else min(start + size, end))
        start += size


def read_boxes(source: Source, notes: Notes) -> Facts:
    """Facts and texts; the media data is stepped over."""
    brand = source.at(8, 4)
    movie = _Movie()
    c2pa, complete, sides = False, True, None
    for box in walk_boxes(source, 0, source.size):
        complete = box.end <= source.size
        if box.kind == b"ftyp":
            brand = _brand(source.at(box.start, min(box.end - box.start, 400)))
        elif box.kind == b"moov":
            _read_movie(source, box, movie, notes)
        elif box.kind == b"meta":
            sides = read_items(source, box.start, box.end, notes) or sides
            read_tags(_body(source, box), notes)
        elif box.kind == b"Exif":
            read_exif(_body(source, box)[4:], notes)
        elif box.kind == b"xml ":
            read_xmp(decode_loose(_body(source, box)), notes)
        elif box.kind == b"jumb":
            c2pa = True
        elif box.kind == b"uuid":
            c2pa = _read_uuid(source, box, notes) or c2pa
    return _facts(brand, movie, sides, c2pa, complete)


class _Movie(msgspec.Struct):
    """What the movie box says."""

    width: int | None = None
    height: int | None = None
    duration: float | None = None
    tracks: int = 0


def _facts(brand: bytes, movie: _Movie, sides: tuple[int, int] | None, c2pa: bool, complete: bool) -> Facts:
    if brand == b"jxl ":
        return Facts(kind="image", mime="image/jxl", c2pa=c2pa, complete=complete)
    if brand in _PICTURES:
        width, height = sides or (movie.width, movie.height)
        return Facts(
            kind="image", mime=_PICTURES[brand], width=width, height=height, animated=brand in (b"avis", b"hevc", b"msf1"),
            duration=movie.duration, c2pa=c2pa, complete=complete,
        )  # fmt: skip
    mime = _MIMES.get(brand, "video/mp4")
    if movie.tracks and movie.width is None and mime == "video/mp4":
        mime = "audio/mp4"  # the brand of a film around sound alone
    kind = "audio" if mime == "audio/mp4" else "video"
    return Facts(
        kind=kind, mime=mime, width=movie.width, height=movie.height, animated=kind == "video",
        duration=movie.duration, c2pa=c2pa, complete=complete,
    )  # fmt: skip


def _brand(body: bytes) -> bytes:
    """The brand that says most: `mif1` in front is any picture, a compatible brand says which."""
    main, others = body[:4], [body[at : at + 4] for at in range(8, len(body) - 3, 4)]
    if main in (b"mif1", b"msf1"):
        return next((other for other in others if other in (b"avif", b"avis", b"heic", b"heix")), main)
    return main


def _body(source: Source, box: Box) -> bytes:
    return source.at(box.start, min(box.end - box.start, _MAX_BODY, MAX_PIECE))


def _read_movie(source: Source, movie_box: Box, movie: _Movie, notes: Notes) -> None:
    for box in walk_boxes(source, movie_box.start, movie_box.end):
        if box.kind == b"mvhd":
            movie.duration = _duration(source.at(box.start, 32))
        elif box.kind == b"trak":
            _read_track(source, box, movie)
        elif box.kind == b"udta":
            read_tags(_body(source, box), notes)
        elif box.kind == b"meta":
            read_tags(source.at(box.start - 8, min(box.end - box.start + 8, _MAX_BODY)), notes)


def _read_track(source: Source, track: Box, movie: _Movie) -> None:
    movie.tracks += 1
    for box in walk_boxes(source, track.start, track.end):
        if box.kind == b"tkhd":
            head = source.at(box.start, 96)
            place = 88 if head[:1] == b"\1" else 76
            width, height = (int.from_bytes(head[at : at + 4], "big") >> 16 for at in (place, place + 4))
            if width and height and movie.width is None:
                movie.width, movie.height = width, height


def _duration(head: bytes) -> float | None:
    long = head[:1] == b"\1"
    scale = int.from_bytes(head[20:24] if long else head[12:16], "big")
    units = int.from_bytes(head[24:32] if long else head[16:20], "big")
    unknown = units in (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
    return units / scale if scale and not unknown else None


def _read_uuid(source: Source, box: Box, notes: Notes) -> bool:
    """Whether it holds a C2PA manifest; XMP in one is read."""
    name = source.at(box.start, 16)
    if name == _XMP:
        text = decode_loose(source.at(box.start + 16, min(box.end - box.start - 16, _MAX_BODY)))
        read_xmp(text, notes)
        notes.add("XMP", text)
    return name == _C2PA
