"""Many images into a folder, each with its record beside it: details are asked many at once while files are on their way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from pinako.client.asks import Call
from pinako.client.calls import flow
from pinako.client.records.images import Image, ImageDetails
from pinako.client.wanted import Wanted
from pinako.errors import BadRequest


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of images: the folder, where their media lie, and which details are asked for beside the list's rows."""

    folder: Path
    media_base: str
    generation: bool = True
    tags: bool = False

    @property
    def together(self) -> int:
        """Images whose details share one request."""
        return flow.MOST_TOGETHER // max(1, self.generation + self.tags)

    def details(self, images: list[Image]) -> Call[list[ImageDetails]]:
        """The call that completes some rows of a list."""
        return flow.complete_images(images, media_base=self.media_base, generation=self.generation, tags=self.tags)

    def wanted(self, image: ImageDetails) -> Wanted:
        """The file to fetch, `ID.EXT`, with `ID.EXT.json`: the row, `generation`, `tags` and what was `missing`."""
        record = {"basic": image.raw["basic"]}
        record |= {"generation": image.raw["generation"]} if self.generation else {}
        record |= {"tags": image.raw["tags"]} if self.tags else {}
        record |= {"missing": image.missing} if image.missing else {}
        if not image.image_url:
            raise BadRequest(f"Image {image.id} has no address.")
        path = self.folder / f"{image.id}{image.extension}"
        return Wanted(url=image.image_url, to=path, sidecar=msgspec.json.encode(record))


def wanted_with_details(
    run: Callable[[Call[Any]], list[ImageDetails]], images: Iterable[Image], saved: Saved, at_once: int
) -> Generator[Wanted, None, None]:
    """Each image's file in the list's order, its details asked on `at_once` threads. Raises what list and details raise."""
    source = iter(images)
    waiting: deque[Future[list[ImageDetails]]] = deque()
    with ThreadPoolExecutor(at_once, thread_name_prefix="pinako-details") as pool:
        try:
            more = True
            while more or waiting:
                if more and len(waiting) < at_once:
                    part = list(islice(source, saved.together))
                    more = len(part) == saved.together
                    if part:
                        waiting.append(pool.submit(run, saved.details(part)))
                while waiting and (waiting[0].done() or not more or len(waiting) >= at_once):
                    yield from map(saved.wanted, waiting.popleft().result())
        finally:
            for future in waiting:
                future.cancel()
