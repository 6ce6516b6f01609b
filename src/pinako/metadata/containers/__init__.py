"""From a file's bytes to quick facts and named texts. The content decides what it is, never its name."""

from __future__ import annotations

from pinako import errors
from pinako.metadata.containers.jpeg import read_jpeg
from pinako.metadata.containers.png import SIGNATURE, read_png
from pinako.metadata.containers.source import Notes, Source
from pinako.metadata.containers.webp import read_webp
from pinako.metadata.reading import Facts

__all__ = ["Notes", "Source", "read_container"]


def read_container(source: Source, notes: Notes) -> Facts:
    """Facts of the file, its texts added to `notes`. Content of no known kind: kind `unknown`. Empty: UnreadableFile."""
    head = source.head
    if head.startswith(SIGNATURE):
        return read_png(source, notes)
    if head.startswith(b"\xff\xd8\xff"):
        return read_jpeg(source, notes)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return read_webp(source, notes)
    if not head:
        raise errors.UnreadableFile("an empty file")
    return Facts()
