"""The program's own server over a bench library, in a process of its own; with a switch that the program does not have.

    python -m speed.server FOLDER [--core N]

A request to `/api/v1/images` with the header `x-same-bytes: N` is answered with N constant bytes, after the same routing, the
same look at the caller and the same reading of parameters: what is left is what pages cost. Prints its address when ready.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from pinako.app import open_library
from pinako.services import browse
from pinako.web import rest, serving
from pinako.web.answers import Answer
from pinako.web.asgi import Door, make_app
from pinako.web.ask import Ask
from pinako.wire.params_images import read_images
from speed.library import settings_of

BODIES: dict[bytes, bytes] = {}
PAGE = rest.images


def images(ask: Ask) -> Answer:
    """The program's page, or constant bytes of the asked size."""
    size = ask.headers.get(b"x-same-bytes")
    if size is None:
        return PAGE(ask)
    given = read_images(ask.pairs, lambda: rest.names_here(ask.library))
    if given.query.level is None:
        browse.default_images_level(ask.library, ask.viewer)
    body = BODIES.get(size)
    if body is None:
        body = BODIES[size] = b"x" * int(size)
    return Answer(body)


def pin(core: int | None) -> None:
    """Keep this process on one core, where the system can and there are two."""
    if core is not None and hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {core})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--core", type=int)
    args = parser.parse_args()
    pin(args.core)
    with open_library(settings_of(args.folder)) as library:
        rest.images = images  # the route is made of what bears this name
        door = make_app(library)
        bound = serving.bind("127.0.0.1", 0)

        def begin(door: Door, first: bool) -> None:
            library.feeds.follow()

        sys.exit(
            serving.serve(door, bound, 1, begin, lambda: print(serving.address_of(bound, "127.0.0.1"), flush=True))
        )


if __name__ == "__main__":
    main()
