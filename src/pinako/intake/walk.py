"""What lies in a folder tree: files in the order that people see them, and what could not be looked at, with the reason."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

INODE_BITS = (1 << 63) - 1
"""Some systems have 64-bit inode numbers without a sign; the database has one."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A file as the walk met it: size in bytes, modification time in nanoseconds, the system's number of the file."""

    path: Path
    size: int
    mtime_ns: int
    inode: int


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was not brought in, and why: one sentence without a path."""

    path: Path
    reason: str


class Folder(msgspec.Struct, frozen=True, kw_only=True):
    """One folder's own files, subfolders apart. `hidden` counts names that begin with a dot; they are left alone.

    `names` is everything that lies there, for the question which files are sidecars of others; `notes` is what to say
    of it that is no fault.
    """

    path: Path
    files: tuple[Source, ...]
    names: tuple[str, ...]
    hidden: int = 0
    refused: tuple[Refusal, ...] = ()
    notes: tuple[Refusal, ...] = ()


def key_of(path: Path) -> str:
    """A path as text that any database holds, the same for the same path.

    Names need not be UTF-8: bytes that are not are spelled as U+FFFD and two hexadecimal digits.
    """
    text = os.path.abspath(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        return re.sub("[\udc80-\udcff]", lambda found: f"\ufffd{ord(found[0]) & 0xFF:02x}", text)
    return text


def shown(path: Path | str) -> str:
    """A path as people read it: valid text on any terminal and in JSON."""
    return os.fsencode(path).decode("utf-8", "replace")


def look_at(path: Path) -> Source | Refusal:
    """One file, named by somebody or met by the walk. Symbolic links are followed."""
    try:
        status = path.stat()
    except OSError as error:
        return Refusal(path=path, reason=_why(path, error))
    except ValueError:
        return Refusal(path=path, reason="the name cannot belong to a file")
    if not stat.S_ISREG(status.st_mode):
        return Refusal(path=path, reason="it is not a regular file")
    return source_of(path, status)


def source_of(path: Path, status: os.stat_result) -> Source:
    """A file by its status."""
    return Source(path=path, size=status.st_size, mtime_ns=status.st_mtime_ns, inode=status.st_ino & INODE_BITS)


LEADS_BACK = "the link leads to a folder that is read by another name, or around it"
MEDIA_ENDINGS = frozenset({
    ".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif", ".jxl", ".heic", ".tif", ".tiff", ".bmp", ".apng", ".mp4", ".m4v",
    ".mov", ".webm", ".mkv", ".mp3", ".wav", ".flac", ".ogg", ".opus", ".m4a",
})  # fmt: skip
_TEXT_BYTES = bytes(range(32, 256)) + b"\t\n\r\f\x1b"


def is_plain_text(source: Source) -> bool:
    """Whether a file without a medium's name begins as text does: captions and notes need no worker to turn them down."""
    if source.path.suffix.lower() in MEDIA_ENDINGS or source.size == 0:
        return False
    try:
        with source.path.open("rb", buffering=0) as file:
            start = file.read(256) or b""
    except OSError:
        return False
    return bool(start) and not start.translate(None, _TEXT_BYTES) and _is_utf8(start)


def _is_utf8(start: bytes) -> bool:
    try:
        start.decode()
    except UnicodeDecodeError as error:
        return error.start > len(start) - 4  # a character that was cut in two
    return True


def _why(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError) and path.is_symlink():
        return "the link leads nowhere"
    return (error.strerror or str(error)).lower()


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key by which `img2` comes before `img10`."""
    parts = re.split(r"(\d{1,18})", name.casefold())
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part)


def walk(paths: Iterable[Path], *, leave_out: Iterable[Path] = ()) -> Iterator[Folder]:
    """Every folder below these paths, each once, however links lead back; then files that were named themselves.

    Folders in `leave_out` (the library's own) are passed by. Nothing here raises for what lies there.
    """
    seen: set[tuple[int, int]] = set()
    for path in leave_out:
        _first_visit(path, seen)
    named: dict[Path, list[Path]] = {}
    for path in paths:
        if path.is_dir():
            yield from _tree(path, seen)
        else:
            named.setdefault(path.parent, []).append(path)
    for parent, files in named.items():
        yield _named(parent, files)


def _named(parent: Path, files: list[Path]) -> Folder:
    looked = [look_at(path) for path in dict.fromkeys(files)]
    return Folder(
        path=parent,
        files=tuple(one for one in looked if isinstance(one, Source)),
        names=_names(parent),
        refused=tuple(one for one in looked if isinstance(one, Refusal)),
    )


def _names(folder: Path) -> tuple[str, ...]:
    try:
        return tuple(os.listdir(folder))
    except OSError:
        return ()


def _tree(root: Path, seen: set[tuple[int, int]]) -> Iterator[Folder]:
    waiting = [root]
    while waiting:
        path = waiting.pop()
        linked = path.is_symlink()
        if (linked and path != root and _leads_up(path)) or not _first_visit(path, seen):
            if linked:
                yield Folder(path=path, files=(), names=(), notes=(Refusal(path=path, reason=LEADS_BACK),))
            continue
        folder, below = _list(path)
        yield folder
        waiting.extend(reversed(below))


def _leads_up(link: Path) -> bool:
    """Whether a link leads to a folder that it lies in itself: nobody who names a folder means those around it."""
    target, home = Path(os.path.realpath(link)), Path(os.path.realpath(link.parent))
    return target == home or target in home.parents


def _first_visit(path: Path, seen: set[tuple[int, int]]) -> bool:
    """Whether a folder was not met yet, by whatever name: this ends loops of links."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return True  # listing it will say why
    mark = (status.st_dev, status.st_ino)
    known = mark in seen
    seen.add(mark)
    return not known


def _list(path: Path) -> tuple[Folder, list[Path]]:
    """A folder's files and its subfolders, in natural order."""
    try:
        with os.scandir(path) as found:
            entries = sorted(found, key=lambda entry: natural(entry.name))
    except OSError as error:
        refusal = Refusal(path=path, reason=f"the folder cannot be read: {_why(path, error)}")
        return Folder(path=path, files=(), names=(), refused=(refusal,)), []
    visible = [entry for entry in entries if not entry.name.startswith(".")]
    below = [entry for entry in visible if _is_folder(entry)]
    inner = {entry.name for entry in below}
    looked = [_look(entry) for entry in visible if entry.name not in inner]
    folder = Folder(
        path=path,
        files=tuple(one for one in looked if isinstance(one, Source)),
        names=tuple(entry.name for entry in entries),
        hidden=len(entries) - len(visible),
        refused=tuple(one for one in looked if isinstance(one, Refusal)),
    )
    return folder, [Path(entry.path) for entry in below]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _look(entry: os.DirEntry[str]) -> Source | Refusal:
    try:
        status = entry.stat()
    except OSError as error:
        path = Path(entry.path)
        return Refusal(path=path, reason=_why(path, error))
    if not stat.S_ISREG(status.st_mode):
        return Refusal(path=Path(entry.path), reason="it is not a regular file")
    return source_of(Path(entry.path), status)
