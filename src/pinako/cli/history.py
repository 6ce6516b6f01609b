"""`pinako history`: every revision of a mirrored thing's record that was ever received, and what the journal says of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pinako.cli.options import library_options, opened_database, settings_of
from pinako.errors import NotFound
from pinako.wire.times import iso

if TYPE_CHECKING:
    from pinako.services.history import Past

ENTITIES = ("image", "post", "model", "version", "file", "collection")


@click.command()
@click.argument("entity", type=click.Choice(ENTITIES))
@click.argument("id", type=click.IntRange(1))
@library_options
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object, the records whole.")
def history(
    entity: str, id: int, as_json: bool, library: str | None, database_url: str | None, config: Path | None
) -> None:
    """Show the revisions of a mirrored thing: when each was received, from which call, and what changed in it.

    ID is the number that it has in this library, which is upstream's wherever that was free.
    """
    from pinako.services.history import past_of

    with opened_database(settings_of(library, database_url, config), make=False) as database:
        past = past_of(database.read(), entity, id)
    if past is None:
        raise NotFound(f"No {entity} {id} was ever mirrored")
    if as_json:
        click.echo(json.dumps(past.as_data(), ensure_ascii=False, indent=2))
    else:
        _show(past)


def _show(past: Past) -> None:
    if past.standing is not None:
        since = f" since {iso(past.standing.since)}" if past.standing.since else ""
        reason = f": {past.standing.reason}" if past.standing.reason else ""
        click.echo(f"{past.entity} {past.source_id} of {past.source}: {past.standing.state}{since}{reason}")
    for revision, changed in past.changes():
        words = f"  changed: {', '.join(changed)}" if changed else ""
        click.echo(f"{iso(revision.fetched_at)}  {revision.door:<16}  {revision.digest[:12]}{words}")
    for one in past.left:
        click.echo(f"{iso(one.since)}  no longer in it: {one.entity} {one.source_id} (kept here)")
