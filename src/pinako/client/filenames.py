"""Names for downloaded files: what the host proposes, made harmless."""

from __future__ import annotations

import filecmp
import re
import unicodedata
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LONGEST = 200
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_EXTENDED = re.compile(r"filename\*\s*=\s*([\w-]*)'[^']*'([^;\s]+)", re.IGNORECASE)
_QUOTED = re.compile(r'filename\s*=\s*"((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_BARE = re.compile(r"filename\s*=\s*([^;]+)", re.IGNORECASE)


def file_name_of(disposition: str, url: str = "") -> str:
    """The safe name of a `Content-Disposition`, else of the address's last part, else `download`."""
    return safe_name(_proposed(disposition)) or safe_name(unquote(urlsplit(url).path.rpartition("/")[2])) or "download"


def _proposed(disposition: str) -> str:
    if found := _EXTENDED.search(disposition):
        charset = found[1].lower() if found[1].lower() in {"utf-8", "iso-8859-1"} else "utf-8"
        return unquote(found[2], encoding=charset, errors="replace")
    if found := _QUOTED.search(disposition):
        return _mended(re.sub(r"\\(.)", r"\1", found[1]))
    return _mended(found[1].strip()) if (found := _BARE.search(disposition)) else ""


def _mended(name: str) -> str:
    """Headers are read as Latin-1; many hosts send UTF-8 there."""
    try:
        return name.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return name


def safe_name(name: str) -> str:
    """A plain file name: no folders, no control characters, nothing that a system reserves; empty where nothing is left."""
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    name = "".join("_" if c in '<>:"|?*' else c for c in name if unicodedata.category(c)[0] != "C")
    name = name.strip().lstrip(".").rstrip(". ")
    name = f"_{name}" if _RESERVED.match(name) else name
    stem, dot, ending = name.rpartition(".")
    if len(name.encode()) <= _LONGEST:
        return name
    cut = (stem if dot else name).encode()[: _LONGEST - len(ending.encode()) - 1].decode(errors="ignore")
    return f"{cut}.{ending}" if dot and len(ending) <= 20 else cut


def free_path(path: Path, fresh: Path, size: int) -> Path:
    """`path`, or the first of `NAME (2)`, `NAME (3)`… that is free or already holds the very bytes of `fresh`."""
    number, found = 1, path
    while found.exists() and not (found.stat().st_size == size and filecmp.cmp(found, fresh, shallow=False)):
        number += 1
        found = path.with_stem(f"{path.stem} ({number})")
    return found
