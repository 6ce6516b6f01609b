"""`pinako demo`: a library of real files with made-up content, decided by a seed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from pinako.cli.options import library_options, settings_of
from pinako.cli.waiting import waiting
from pinako.errors import Conflict

if TYPE_CHECKING:
    from pinako.intake.demo import DemoInfo


@click.command()
@library_options
@click.option(
    "--images", type=click.IntRange(1, 1_000_000), default=500, show_default=True, help="How many pictures and films."
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Same seed, same ids and bytes.")
@click.option("--json", "as_json", is_flag=True, help="What was made, as one JSON object.")
@click.pass_context
def demo(
    context: click.Context,
    images: int,
    seed: int,
    as_json: bool,
    library: str | None,
    database_url: str | None,
    config: Path | None,
) -> None:
    """Make a demo library: pictures, models, people, collections. Its folder must be empty, or a demo library already."""
    from pinako.intake.demo import ensure_demo

    settings = settings_of(library, database_url, config)
    if not settings.library:
        raise click.UsageError("say where with --library DIR: a demo does not belong into your own library")
    with waiting("painting") as show:
        info = ensure_demo(settings.folder, images=images, seed=seed, settings=settings, progress=show)
    _check_it_is_the_one_asked_for(context, info)
    if as_json:
        import msgspec

        text = msgspec.json.encode({"library": str(settings.folder), **msgspec.to_builtins(info)}).decode()
        sys.stdout.write(text + "\n")
        return
    click.echo(f"{info.images:,} images, seed {info.seed}, in {settings.folder}")
    click.echo(f"owner key  {info.owner_key}")
    click.echo(f"next       pinako serve --library {settings.folder}")


def _check_it_is_the_one_asked_for(context: click.Context, info: DemoInfo) -> None:
    """A demo is made once: who names another number or seed must not take the older one for it."""
    for name, value in (("images", info.images), ("seed", info.seed)):
        said = context.get_parameter_source(name) is not ParameterSource.DEFAULT
        if said and context.params[name] != value:
            raise Conflict(
                f"this demo library was made with --images {info.images} --seed {info.seed}: choose another folder"
            )
