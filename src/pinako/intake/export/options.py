"""What an export is asked for: where to, which files and texts beside the pictures, and how much."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from pinako.intake.export.paths import DEFAULT

Embed = Literal["", "a1111", "xmp"]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How an export is done. `to` None: records only. `limit` is over all selections; 0 is none."""

    to: Path | None = None
    path: str = DEFAULT
    sidecars: bool = False
    embed: Embed = ""
    link: bool = False
    models: bool = False
    records: tuple[str, Path] | None = None
    """`csv` or `jsonl`, and the file."""
    limit: int = 0
    dry: bool = False
    force: bool = False
