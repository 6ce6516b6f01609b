"""`pinako serve`: the server, on this machine only unless it is told otherwise."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pinako.catalog import levels
from pinako.cli.options import OPENING, library_options, settings_of
from pinako.cli.waiting import waiting
from pinako.settings import FILE_NAME, Settings, default_library

if TYPE_CHECKING:
    import socket

DEMO_IMAGES = 500


@click.command()
@library_options
@click.option(
    "--host", metavar="ADDRESS", help="Address to listen on. Default: 127.0.0.1, which only this machine reaches."
)
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 picks a free one. Default: 8765.")
@click.option("--workers", type=click.IntRange(1, 256), help="Server processes. Default: 1.")
@click.option("--demo", is_flag=True, help=f"Serve a demo library of {DEMO_IMAGES} images; it is made once and reused.")
@click.option("--allow-remote", is_flag=True, default=None, help="Permit an address that other machines can reach.")
def serve(
    library: str | None,
    database_url: str | None,
    config: Path | None,
    host: str | None,
    port: int | None,
    workers: int | None,
    demo: bool,
    allow_remote: bool | None,
) -> int:
    """Start the server; SIGTERM or Ctrl-C ends it once the requests in flight are answered."""
    from pinako.web import serving

    asked = {"host": host, "port": port, "workers": workers, "allow_remote": allow_remote}
    settings = settings_of(library, database_url, config, **asked)
    if demo and not settings.library:
        settings = settings_of(str(default_library().with_name("pinako-demo")), database_url, config, **asked)
    if not settings.allow_remote and not serving.is_loopback(settings.host):
        raise click.UsageError(
            f"other machines can reach {settings.host}: add --allow-remote if that is what you want "
            "(anonymous callers then see the instance's public level)"
        )
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    bound = serving.bind(settings.host, settings.port)
    owner_key = _ensure_demo(settings) if demo else None
    return _run(settings, bound, owner_key)


def _ensure_demo(settings: Settings) -> str:
    """The demo library's owner key, the library made if it is not there yet."""
    from pinako.intake.demo import NOTE, ensure_demo

    if (settings.folder / NOTE).exists():
        return ensure_demo(settings.folder).owner_key
    with waiting("painting a demo library") as show:
        return ensure_demo(settings.folder, images=DEMO_IMAGES, settings=settings, progress=show).owner_key


def _run(settings: Settings, bound: socket.socket, owner_key: str | None) -> int:
    from pinako.app import open_library
    from pinako.services.upkeep import Upkeep
    from pinako.web import serving
    from pinako.web.asgi import Door, make_app

    address = serving.address_of(bound, settings.host)
    with ExitStack() as closing:
        with waiting(OPENING):
            library = closing.enter_context(open_library(settings))

        def begin(door: Door, first: bool) -> None:
            library.feeds.follow(settings.follow_milliseconds)
            if first:
                upkeep = Upkeep(library)
                upkeep.start()
                door.at_close(upkeep.stop)

        return serving.serve(
            make_app(library),
            bound,
            settings.workers,
            begin,
            lambda: click.echo(welcome(settings, address, owner_key)),
        )


def welcome(settings: Settings, address: str, owner_key: str | None) -> str:
    """What a person needs to know once the server answers."""
    lines = [
        f"Pinako is listening on {address}",
        f"  library    {settings.folder}",
        f"  levels     anonymous callers see {_words(settings.public_level)}, signed-in ones {_words(settings.account_level)}",
        f"             to widen: public_level and account_level in {settings.folder / FILE_NAME},",
        "             or PINAKO_PUBLIC_LEVEL=31 (1 PG, 2 PG-13, 4 R, 8 X, 16 XXX, added up)",
    ]
    if owner_key is not None:
        lines.append(f"  owner key  {owner_key}")
        lines.append(f"  try        curl -H 'Authorization: Bearer {owner_key}' '{address}/api/v1/images?limit=3'")
    else:
        lines.append(f"  API keys   pinako key add NAME{f' --library {settings.folder}' if settings.library else ''}")
    return "\n".join(lines)


def _words(mask: int) -> str:
    names = [levels.NAMES[bit] for bit in levels.BITS if mask & bit]
    return ", ".join(names) or "nothing"
