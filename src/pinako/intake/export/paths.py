"""Where an exported file lies: a template of the record's fields, made safe for every disk. Pure."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from pinako.catalog import levels
from pinako.errors import BadRequest
from pinako.services.exporting import Leaving

DEFAULT = "{user}/{postedAt:%Y-%m}/{id}.{ext}"
MOST_BYTES = 180
"""Of one part of a path: file systems hold 255, and a sidecar's ending and a number must fit behind it."""
MOST_PARTS = 16

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BAD = re.compile(r'[<>:"|?*/\\]')
_RESERVED = re.compile(r"^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", re.IGNORECASE)
_NUMBER_FORM = re.compile(r"0?[0-9]{0,2}d?")
_TEXT_FORM = re.compile(r"(?:\.[0-9]{1,3})?")

_EXTENSIONS = {
    "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/gif": "gif", "image/avif": "avif",
    "image/heic": "heic", "image/heif": "heic", "image/jxl": "jxl", "image/tiff": "tif", "image/bmp": "bmp",
    "image/apng": "png", "video/mp4": "mp4", "video/webm": "webm", "video/quicktime": "mov",
    "video/x-matroska": "mkv", "audio/mpeg": "mp3", "audio/wav": "wav", "audio/x-wav": "wav", "audio/flac": "flac",
    "audio/ogg": "ogg", "audio/mp4": "m4a", "audio/opus": "opus",
}  # fmt: skip
_KINDS = {"image": "jpg", "video": "mp4", "audio": "mp3"}


def extension_of(mime: str | None, kind: str = "image") -> str:
    """The ending of a medium's file, by what its bytes are; without a dot."""
    return _EXTENSIONS.get(mime or "", _KINDS.get(kind, "bin"))


def _when(ms: int | None) -> datetime | None:
    return None if ms is None else _EPOCH + timedelta(milliseconds=ms)


def _stem(name: str) -> str:
    """A file's name without its ending; nothing of one that is only dots and blanks."""
    return (name.rpartition(".")[0] or name).strip(" .")


FIELDS: Mapping[str, Callable[[Leaving], Any]] = {
    "id": lambda one: one.image.id,
    "ext": lambda one: extension_of(one.image.mime, one.image.type),
    "name": lambda one: _stem(one.image.name or "") or str(one.image.id),
    "user": lambda one: one.user.username or str(one.image.user_id),
    "userId": lambda one: one.image.user_id,
    "postId": lambda one: one.image.post_id or 0,
    "post": lambda one: (one.post.title if one.post is not None else None) or str(one.image.post_id or 0),
    "index": lambda one: one.image.idx,
    "postedAt": lambda one: _when(one.image.sort_at),
    "createdAt": lambda one: _when(one.image.created_at),
    "level": lambda one: levels.NAMES.get(one.image.level, "?").replace("?", "unrated"),
    "type": lambda one: one.image.type,
    "width": lambda one: one.image.width or 0,
    "height": lambda one: one.image.height or 0,
    "baseModel": lambda one: one.image.base_model or "unknown",
    "generator": lambda one: one.image.generator or "unknown",
    "sha256": lambda one: one.image.blob or "",
    "tag": lambda one: one.tags[0] if one.tags else "untagged",
}
"""Every field of a template. Numbers take a width (`{id:08}`), times strftime's letters, texts a length (`{name:.40}`)."""

_NUMBERS = frozenset({"id", "userId", "postId", "index", "width", "height"})
_TIMES = frozenset({"postedAt", "createdAt"})


class Piece(NamedTuple):
    """A text as it stands, then a field with its form; no field: text alone."""

    text: str
    field: str = ""
    form: str = ""


class Template:
    """A path template that was read: `path(record)` is relative, has safe parts only, and cannot leave its folder."""

    def __init__(self, parts: tuple[tuple[Piece, ...], ...]) -> None:
        self._parts = parts
        last = {piece.field for piece in parts[-1]}
        self.is_unique = "id" in last and not last & {"name", "post", "user", "tag", "baseModel", "generator"}
        """Whether no two images can have the same path, so that nobody needs to remember which were given."""

    def path(self, one: Leaving) -> str:
        """The path of one image, parts joined by `/`."""
        parts = [safe_part("".join(_filled(piece, one) for piece in part)) for part in self._parts]
        return "/".join(parts)


def read_template(text: str) -> Template:
    """Read a template. BadRequest in words for people: an unknown field, a bad form, an absolute or climbing path."""
    pieces = [[Piece("")][:0]]
    try:
        parsed = list(string.Formatter().parse(text))
    except ValueError as error:
        raise BadRequest(f"The path {text!r} cannot be read: {error}") from error
    for literal, field, form, conversion in parsed:
        first, *rest = literal.replace("\\", "/").split("/")
        pieces[-1].append(Piece(first))
        pieces += [[Piece(part)] for part in rest]
        if field is not None:
            pieces[-1].append(_checked(Piece("", field, form or ""), conversion))
    _refuse_climbing(text, ["".join(f"{p.text}{p.field}" for p in part) for part in pieces])
    return Template(tuple(tuple(part) for part in pieces))


def _refuse_climbing(text: str, parts: list[str]) -> None:
    if not parts[-1]:
        raise BadRequest(f"The path {text!r} names no file: it ends in /")
    if any(part in {"", ".", ".."} for part in parts) or re.match(r"[A-Za-z]:", text):
        raise BadRequest(f"The path {text!r} must stay inside the folder: no leading /, no // and no ..")
    if len(parts) > MOST_PARTS:
        raise BadRequest(f"A path has at most {MOST_PARTS} parts")


def _checked(piece: Piece, conversion: str | None) -> Piece:
    if piece.field not in FIELDS:
        raise BadRequest(f"The path knows no field {{{piece.field}}}; known: {', '.join(FIELDS)}")
    if piece.field in _TIMES:
        fits = "{" not in piece.form
    else:
        fits = bool((_NUMBER_FORM if piece.field in _NUMBERS else _TEXT_FORM).fullmatch(piece.form))
    if not fits or conversion:
        raise BadRequest(
            f"The path's {{{piece.field}:{piece.form}}} cannot be read: "
            "numbers take a width ({id:08}), times strftime's letters ({postedAt:%Y-%m}), texts a length ({name:.40})"
        )
    return piece


def _filled(piece: Piece, one: Leaving) -> str:
    if not piece.field:
        return piece.text
    value = FIELDS[piece.field](one)
    if isinstance(value, datetime):
        value = value.strftime(piece.form or "%Y-%m-%d")
    elif value is None:
        value = "undated"
    elif piece.form:
        value = format(value, piece.form)
    # What would be stripped from a part must not take the letters beside it along: `..` and `.png` are no `png`.
    return _visible(str(value)).strip(" .") or "_"


def _visible(text: str) -> str:
    kept = (c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    return _BAD.sub("_", "".join(kept))


def safe_part(text: str, most: int = MOST_BYTES) -> str:
    """One part of a path on any disk: no separators or control characters, no leading or trailing dots and blanks, no
    device's name, bounded in bytes; an ending of up to 16 letters is kept when it is cut."""
    plain = _visible(text).strip(" .")
    if not plain or _RESERVED.match(plain):
        plain = f"_{plain}"
    return _shortened(plain, most)


def _shortened(name: str, most: int) -> str:
    if len(name.encode()) <= most:
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or not stem or len(ending.encode()) > 16:
        stem, ending = name, ""
    room = most - len(ending.encode()) - bool(ending)
    cut = stem.encode()[:room].decode("utf-8", "ignore").rstrip(" .")
    return f"{cut}.{ending}" if ending else cut


def numbered(path: str, id: int) -> str:
    """The same path with the image's id behind its stem: what the second of two equal paths becomes."""
    folder, slash, name = path.rpartition("/")
    stem, dot, ending = name.rpartition(".")
    if not dot:
        stem, ending = name, ""
    return f"{folder}{slash}{stem} ({id}){dot}{ending}"
