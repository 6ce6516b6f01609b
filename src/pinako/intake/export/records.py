"""Records of an export in one file: JSON lines as the API sends them, or a table for spreadsheets."""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from pinako.errors import StorageError
from pinako.intake.export.embedding import generation_of
from pinako.services.exporting import Leaving

STDOUT = Path("-")

COLUMNS = (
    "id", "url", "file", "type", "width", "height", "nsfwLevel", "browsingLevel", "createdAt", "postId", "username",
    "baseModel", "modelVersionIds", "likeCount", "dislikeCount", "heartCount", "laughCount", "cryCount", "commentCount",
    "prompt", "negativePrompt", "seed", "steps", "sampler", "scheduler", "cfgScale", "model", "tags", "size", "sha256",
)  # fmt: skip
"""Columns of the table; the first ones are the API's own words."""


class _Item(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    id: int
    url: str
    type: str
    nsfw_level: str
    browsing_level: int
    created_at: str
    width: int | None = None
    height: int | None = None
    post_id: int | None = None
    username: str | None = None
    base_model: str | None = None
    model_version_ids: tuple[int, ...] = ()
    stats: dict[str, int] = {}


class RecordFile:
    """Writes one record after another. Without `keep` at the end the file does not appear."""

    def __init__(self, form: str, out: BinaryIO) -> None:
        self._table = form == "csv"
        self._out = out
        self.keep = True
        if self._table:
            self._row(COLUMNS)

    def write(self, one: Leaving, file: str) -> None:
        """One image; `file` is its path in the exported folder."""
        if self._table:
            self._row(_cells(one, file))
        else:
            self._out.write(one.item + b"\n")

    def _row(self, cells: Any) -> None:
        line = io.StringIO()
        csv.writer(line).writerow(cells)
        self._out.write(line.getvalue().encode("utf-8", "replace"))


def _cells(one: Leaving, file: str) -> list[object]:
    item = msgspec.json.decode(one.item, type=_Item)
    said = generation_of(one)
    values: dict[str, object] = {
        name: getattr(item, field)
        for name, field in zip(_Item.__struct_encode_fields__, _Item.__struct_fields__, strict=True)
    }
    values |= item.stats
    values |= {
        "file": file,
        "modelVersionIds": " ".join(map(str, item.model_version_ids)),
        "tags": ", ".join(one.tags),
        "size": one.image.size,
        "sha256": one.image.blob,
    }
    if said is not None:
        values |= {
            "prompt": said.prompt,
            "negativePrompt": said.negative_prompt,
            "seed": said.seed,
            "steps": said.steps,
            "sampler": said.sampler,
            "scheduler": said.scheduler,
            "cfgScale": said.cfg_scale,
            "model": said.model.name if said.model is not None else None,
        }
    return ["" if values.get(name) is None else values[name] for name in COLUMNS]


@contextmanager
def open_records(form: str, place: Path) -> Iterator[RecordFile]:
    """A file of records, which appears whole at the end or not at all; `-` is standard output."""
    if place == STDOUT:
        yield RecordFile(form, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    aside = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as out:
            file = RecordFile(form, out)
            yield file
        if file.keep:
            os.replace(aside, place)
    except OSError as error:
        raise StorageError(f"{place}: {error.strerror or error}") from error
    finally:
        with suppress(FileNotFoundError):
            aside.unlink()
