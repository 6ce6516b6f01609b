"""One tRPC call as a procedure sees it, and what a procedure is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from pinako.catalog.images import GenerationData
from pinako.services.browse import Listed
from pinako.web.ask import Ask
from pinako.wire import trpc
from pinako.wire.trpc import Reply


class Calling:
    """One call. A list whose mask was cut says so in `cut`, which becomes a header."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.library = ask.library
        self.viewer = ask.viewer
        self.cut: int | None = None
        self.made: dict[int, GenerationData] = {}
        """Generation data that several calls of one request ask for, read together."""

    def listed(self, page: Listed) -> Listed:
        """Pass a page on, remembering what was cut."""
        self.cut = page.cut if page.cut is not None else self.cut
        return page


Run = Callable[[Calling, Any], Reply]


class Procedure(msgspec.Struct, frozen=True, kw_only=True):
    """One procedure. Mutations are for callers who may write."""

    kind: trpc.Kind
    run: Run
