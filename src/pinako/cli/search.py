"""`pinako search`: the pictures that a text of the query language finds, as a table or as the API's own records."""

from __future__ import annotations

import json
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pinako.catalog.queries import ImageSort
from pinako.cli.options import library_options, opened_library, settings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinako.services.exporting import Leaving

SHOWN = 20
PROMPT_LENGTH = 60


class QueryCommand(click.Command):
    """A command whose words may begin with a minus: `-night` leaves out the night, it is no bundle of short options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Options are those that are spelled in full; what else begins with one minus is a word."""
        options = {spelling for parameter in self.get_params(ctx) for spelling in parameter.opts}
        end = args.index("--") if "--" in args else len(args)
        minus = [arg for arg in args[:end] if arg.startswith("-") and arg[1:2] != "-" and arg not in options]
        others = [arg for arg in args[:end] if arg not in minus]
        return super().parse_args(ctx, [*others, "--", *minus, *args[end + 1 :]])


@click.command(cls=QueryCommand)
@click.argument("query", nargs=-1, metavar="[QUERY]...")
@library_options
@click.option("--as", "as_name", metavar="NAME", help="Whose eyes look; default: the owner's.")
@click.option(
    "--sort", type=click.Choice([one.value for one in ImageSort]), default=ImageSort.NEWEST.value, show_default=True
)
@click.option(
    "--limit", type=click.IntRange(1), default=SHOWN, show_default=True, metavar="N", help="The most that are listed."
)
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object: total and items, as GET /api/v1/images has them."
)
def search(
    query: tuple[str, ...],
    library: str | None,
    database_url: str | None,
    config: Path | None,
    as_name: str | None,
    sort: str,
    limit: int,
    as_json: bool,
) -> int:
    """List the pictures that a QUERY finds, in the words of the gallery's search box.

    'misty harbour -night model:"Glass Atlas" steps>30 date:2025-03 level:pg,pg13'. No QUERY finds everything. What is
    found is what its viewer would find in the gallery with all their levels on. Exit code 1 when nothing is found.
    """
    from pinako.services import access, exporting

    with opened_library(settings_of(library, database_url, config)) as opened:
        read = opened.database.read()
        user = access.need_user(read, as_name) if as_name else access.owner_of(read)
        assert user is not None  # noqa: S101 - opening a library makes its owner
        viewer = exporting.viewer_as(user, opened.caps)
        wanted = exporting.Selection(text=" ".join(query), sort=ImageSort(sort))
        asked = exporting.image_query(opened, viewer, wanted)
        total = exporting.count(opened, viewer, asked)
        ids = list(islice(chain.from_iterable(exporting.pages(opened, viewer, asked)), limit))
        found = exporting.leaving(opened, viewer, ids, exporting.bases_of(opened))
    if as_json:
        items = [json.loads(one.item) for one in found if one.item]
        click.echo(json.dumps({"total": total, "items": items}, ensure_ascii=False, indent=2))
    else:
        _show(found, total)
    return 0 if found else 1


def _show(found: Sequence[Leaving], total: int) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from pinako.catalog import levels

    table = Table("id", "level", "size", "by", "posted", "prompt", box=None, pad_edge=False, header_style="bold")
    for one in found:
        image = one.image
        size = f"{image.width}×{image.height}" if image.width and image.height else image.type
        posted = _day(image.sort_at)
        cells = (str(image.id), levels.NAMES.get(image.level, "?"), size, one.user.username or "", posted, _prompt(one))
        table.add_row(*(Text(cell) for cell in cells))  # a prompt's brackets are no marks of ours
    if found:
        Console().print(table)
    click.echo(f"{total:,} found" + (f"; the first {len(found):,} are shown (--limit)" if total > len(found) else ""))


def _day(milliseconds: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d")


def _prompt(one: Leaving) -> str:
    """The beginning of the prompt on one line."""
    told = json.loads(one.meta or "{}").get("prompt")
    text = " ".join(told.split()) if isinstance(told, str) else ""
    return text if len(text) <= PROMPT_LENGTH else text[: PROMPT_LENGTH - 1].rstrip() + "…"
