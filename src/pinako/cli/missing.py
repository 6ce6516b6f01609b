"""`pinako missing` and `pinako regroup`: what images want and is not here, and models put together by hand."""

from __future__ import annotations

from pathlib import Path

import click

from pinako.cli.options import library_options, opened_database, settings_of
from pinako.cli.waiting import waiting

SHOWN = 100
"""Rows that are shown to people; `--json` lists all."""


@click.command()
@library_options
@click.option("--json", "as_json", is_flag=True, help="One JSON list: kind, name, hash, versionId, images.")
def missing(library: str | None, database_url: str | None, config: Path | None, as_json: bool) -> None:
    """List the models that images say they were made with and that are not here, the most wanted first."""
    from pinako.services.missing import list_missing

    with opened_database(settings_of(library, database_url, config), make=False) as database, waiting("looking"):
        found = list_missing(database.read())
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("images", "kind", "name", "hash", box=None, pad_edge=False, header_style="bold")
    for each in found[:SHOWN]:
        known_by = each.hash or (f"version {each.version_id}" if each.version_id else "")
        table.add_row(f"{each.images:,}", each.kind, each.name or "", known_by)
    if found:
        Console().print(table)
    more = f"; {len(found) - SHOWN:,} not shown (--json)" if len(found) > SHOWN else ""
    click.echo(f"{len(found):,} missing{more}")


@click.group()
def regroup() -> None:
    """Show which files make which model, and change it."""


@regroup.command("list")
@library_options
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON list: a file a row, with the ids of its version and model."
)
def list_groups(library: str | None, database_url: str | None, config: Path | None, as_json: bool) -> None:
    """Models with their versions and files, and the ids of all of them."""
    from pinako.services.regroup import list_places

    with opened_database(settings_of(library, database_url, config), make=False) as database:
        found = list_places(database.read())
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
        return
    model = version = 0
    for place in found:
        if place.model_id != model:
            click.echo(f"model {place.model_id}  {place.model} ({place.type})")
        if place.version_id != version:
            click.echo(f"  version {place.version_id}  {place.version} ({place.base_model})")
        click.echo(f"    file {place.file_id}  {place.file}")
        model, version = place.model_id, place.version_id
    if not found:
        click.echo("no models are here")


@regroup.command("version")
@click.argument("version_id", type=int, metavar="VERSION")
@click.option("--into", "model_id", type=int, metavar="MODEL", help="Make it a version of this model.")
@click.option("--split", is_flag=True, help="Make it a model of its own.")
@click.option("--name", help="The name of that model.")
@library_options
def regroup_version(
    version_id: int,
    model_id: int | None,
    split: bool,
    name: str | None,
    library: str | None,
    database_url: str | None,
    config: Path | None,
) -> None:
    """Move a version to another model, or make it one of its own."""
    from pinako.services.regroup import move_version, split_version
    from pinako.services.settle import Touched, settle

    if (model_id is None) is not split:
        raise click.UsageError("say either --into MODEL or --split")
    with opened_database(settings_of(library, database_url, config), make=False) as database, database.write() as w:
        touched, now = Touched(), database.now()
        if model_id is not None:
            move_version(w, touched, version_id, model_id, now)
        else:
            model_id = split_version(w, touched, version_id, name, now)
        settle(w, touched, now)
    click.echo(f"version {version_id} is one of model {model_id} now")


@regroup.command("file")
@click.argument("file_id", type=int, metavar="FILE")
@click.option(
    "--into", "version_id", type=int, required=True, metavar="VERSION", help="The version that it belongs to."
)
@library_options
def regroup_file(
    file_id: int, version_id: int, library: str | None, database_url: str | None, config: Path | None
) -> None:
    """Make a file one of another version's."""
    from pinako.services.regroup import move_file
    from pinako.services.settle import Touched, settle

    with opened_database(settings_of(library, database_url, config), make=False) as database, database.write() as w:
        touched, now = Touched(), database.now()
        move_file(w, touched, file_id, version_id, now)
        settle(w, touched, now)
    click.echo(f"file {file_id} is one of version {version_id} now")
