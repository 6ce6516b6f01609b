"""Media addresses: `/{account}/{key}[/{params}][/{name}]` read into a `Derivative`, and written for answers (domain.md f)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, get_args
from urllib.parse import quote

import msgspec

from pinako.catalog.derivative import Container, Derivative, Fit, Gravity, Retention
from pinako.errors import BadRequest, NotFound

DEFAULT_ACCOUNT = "xG1nkqKTMzGDvpLrqFT7WA"
"""The segment that every published address carries. Ours is a setting; the doors know both (web/files.py)."""

ORIGINAL = "original=true"
AVATAR = "width=96"
COVER = "width=450"

KEY_PATTERN: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
"""Keys of 2022-23 only look like UUIDs: their version and variant digits are arbitrary, so nothing else is asked."""

_OBJECT_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_MAX_PATH = 2048
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")

_EXTENSIONS: Mapping[str, Container] = {
    "jpeg": "jpeg",
    "jpg": "jpeg",
    "png": "jpeg",
    "webp": "webp",
    "mp4": "mp4",
    "webm": "webm",
    "mp3": "mp3",
}
_SUFFIXES = {"image": ".jpeg", "video": ".mp4", "audio": ".mp3"}


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One media request: which thing, which rendering of it, and the name that the address ends in (cosmetic)."""

    key: str
    derivative: Derivative
    name: str = ""


def is_key(text: str) -> bool:
    """Whether `text` is a media key of the usual form. Rare older keys are free-form and answer False."""
    return KEY_PATTERN.fullmatch(text) is not None


def parse_delivery(path: str) -> Delivery:
    """Read the decoded path that follows the host.

    The first segment that is a key counts, whatever stands before it; the next one is parameters if it has `=`;
    the last is a name. Raises BadRequest for a path that tries to climb or hide something, NotFound where no key is.
    """
    segments = _segments(path)
    at = next((i for i, segment in enumerate(segments) if is_key(segment)), None)
    if at is None:
        at = _object_key_at(segments)
    key, rest = segments[at], segments[at + 1 :]
    params = rest.pop(0) if rest and "=" in rest[0] else ""
    name = rest[-1] if rest else ""
    derivative = parse_params(params, container=_container(name))
    return Delivery(key=key.lower() if is_key(key) else key, derivative=derivative, name=name)


@lru_cache(maxsize=512)
def parse_params(params: str, *, container: Container = "") -> Derivative:
    """Read `width=450,anim=false`. Any order, the last of a repeated name wins, and what cannot be read is left out.

    Leniency is the upstream's: unknown names are ignored, and a delivery address never fails for its parameters.
    """
    found: dict[str, Any] = {"container": container}
    for part in params.split(","):
        name, _, text = part.partition("=")
        reader = _READERS.get(name.strip())
        value = reader(text.strip()) if reader else None
        if value is not None:
            found[name.strip()] = value
    return Derivative(**found).snapped()


def write_params(derivative: Derivative) -> str:
    """The parameter segment of a derivative in the real client's order, empty where nothing is asked."""
    return msgspec.structs.replace(derivative, container="").cache_key()


def media_url(base: str, key: str, options: str = ORIGINAL, name: str = "", media_type: str = "image") -> str:
    """The address of one medium: `{base}/{key}/{options}/{name}{ext}`; `base` includes the account segment.

    A key that already is an address (a sign-in provider's avatar) passes through. The extension follows the media
    type, never the bytes; the name loses `%`, and everything from its last dot is replaced. No name: the key.
    """
    if key.startswith("http"):
        return key
    stem = (name or key).replace("%", "")
    stem = stem.rpartition(".")[0] or stem.lstrip(".")
    middle = f"/{options}" if options else ""
    return f"{base}/{key}{middle}/{quote(stem, safe='')}{_SUFFIXES.get(media_type, '.jpeg')}"


def preview_url(base: str, key: str, image_id: int, media_type: str = "image") -> str:
    """A version's preview: the original, named after the image's id (rest.md 8.3)."""
    return media_url(base, key, ORIGINAL, str(image_id), media_type)


def item_url(base: str, key: str, media_type: str = "image") -> str:
    """An item of `/api/v1/images`: the original, named after the key."""
    return media_url(base, key, ORIGINAL, key, media_type)


def avatar_url(base: str, key: str, username: str) -> str:
    """A creator's picture, 96 wide, named after the user; an absolute address passes through."""
    return media_url(base, key, AVATAR, username)


def cover_url(base: str, key: str, media_type: str = "image") -> str:
    """A collection's cover, 450 wide, named after the key."""
    return media_url(base, key, COVER, key, media_type)


def _segments(path: str) -> list[str]:
    if len(path) > _MAX_PATH or _CONTROL.search(path):
        raise BadRequest("This is not a media address")
    segments = [segment for segment in path.split("/") if segment]
    if any(segment in {".", ".."} for segment in segments):
        raise BadRequest("A media address cannot climb")
    return segments


def _object_key_at(segments: list[str]) -> int:
    """Some media have a key that is no UUID: it can only be the segment after the account."""
    if len(segments) < 2 or not _OBJECT_KEY.fullmatch(segments[1]):
        raise NotFound("Not found")
    return 1


def _container(name: str) -> Container:
    return _EXTENSIONS.get(name.rpartition(".")[2].lower(), "") if "." in name else ""


def _read_flag(text: str) -> bool | None:
    return {"true": True, "1": True, "false": False, "0": False}.get(text.lower())


def _read_size(text: str) -> int | None:
    number = _read_number(text)
    return int(number) if number is not None and 1 <= number <= 1_000_000 else None


def _read_number(text: str) -> float | None:
    try:
        number = float(text) if text.isascii() else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _read_within(low: float, high: float) -> Callable[[str], float | None]:
    def read(text: str) -> float | None:
        number = _read_number(text)
        return None if number is None else min(max(number, low), high)

    return read


def _read_whole(high: int) -> Callable[[str], int | None]:
    within = _read_within(0, high)

    def read(text: str) -> int | None:
        number = within(text)
        return None if number is None else int(number)

    return read


def _read_word(words: tuple[str, ...]) -> Callable[[str], str | None]:
    return lambda text: text if text in words else None


def _read_colour(text: str) -> str | None:
    """`#rgb`, `#rrggbb`, the same without the mark, or a plain colour word: nothing else reaches the painter."""
    text = text.lower()
    if re.fullmatch(r"#?(?:[0-9a-f]{3}|[0-9a-f]{6})", text):
        return "#" + text.lstrip("#")
    return text if re.fullmatch(r"[a-z]{3,24}", text) else None


_READERS: Mapping[str, Callable[[str], object]] = {
    "anim": _read_flag,
    "transcode": _read_flag,
    "width": _read_size,
    "height": _read_size,
    "original": _read_flag,
    "fit": _read_word(get_args(Fit)),
    "blur": _read_whole(250),
    "quality": _read_whole(100),
    "gravity": _read_word(get_args(Gravity)),
    "metadata": _read_word(get_args(Retention)),
    "background": _read_colour,
    "gamma": _read_within(0.1, 10.0),
    "optimized": _read_flag,
    "skip": _read_within(0.0, 86400.0),
}
