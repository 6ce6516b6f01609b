"""`pinako duplicates` and `pinako trash`: what is here more than once, and the trash that can be undone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pinako.cli.options import library_options, opened_database, settings_of
from pinako.cli.waiting import waiting
from pinako.wire.times import iso

if TYPE_CHECKING:
    from pinako.services.duplicates import Group, Twin
    from pinako.storage.database import Database

SHOWN = 50
"""Groups that are listed for people; `--json` lists all."""


@click.command()
@library_options
@click.option(
    "--by",
    "kinds",
    multiple=True,
    type=click.Choice(["exact", "pixels", "alike"]),
    help="Same bytes, same pixels, or look-alikes; may be repeated. Default: all three.",
)
@click.option(
    "--keep",
    "rule",
    type=click.Choice(["best", "largest", "oldest", "newest"]),
    default="best",
    show_default=True,
    help="Which one to keep; best: with metadata, most pixels, lossless, most liked, first.",
)
@click.option(
    "--distance", type=click.IntRange(0, 8), default=4, show_default=True, help="Bits by which look-alikes differ."
)
@click.option("--user", "username", metavar="NAME", help="Whose pictures; default: the library's owner.")
@click.option("--everybody", is_flag=True, help="All pictures, whosever they are.")
@click.option("--near", metavar="ID|FILE", help="Only what looks like this image of the library, or this file.")
@click.option(
    "--trash", "to_trash", is_flag=True, help="Put the others into the trash (pinako trash restore undoes it)."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON list.")
def duplicates(
    library: str | None,
    database_url: str | None,
    config: Path | None,
    kinds: tuple[str, ...],
    rule: str,
    distance: int,
    username: str | None,
    everybody: bool,
    near: str | None,
    to_trash: bool,
    as_json: bool,
) -> None:
    """List pictures that are here more than once, with the one to keep. Nothing is removed without --trash."""
    from pinako.services.duplicates import Sameness, find_duplicates

    with opened_database(settings_of(library, database_url, config), make=False) as database:
        user_id = None if everybody else _user_id(database, username)
        if near is not None:
            _show_near(database, near, user_id, distance, as_json)
            return
        with waiting("comparing"):
            groups = find_duplicates(
                database.read(),
                sameness=[Sameness(kind) for kind in kinds] or tuple(Sameness),
                rule=rule,
                user_id=user_id,
                distance=distance,
            )
        gone = _throw_away(database, groups) if to_trash else 0
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(groups)).decode())
    else:
        _show_groups(groups, gone, to_trash)


def _user_id(database: Database, username: str | None) -> int:
    from pinako.services import access

    read = database.read()
    user = access.need_user(read, username) if username else access.owner_of(read)
    assert user is not None  # noqa: S101 - opening a library makes its owner
    return user.id


def _throw_away(database: Database, groups: Sequence[Group]) -> int:
    from pinako.services.settle import Touched, settle
    from pinako.services.trash import throw_away

    ids = [twin.id for group in groups for twin in group.others]
    gone = 0
    for start in range(0, len(ids), 500):
        with database.write() as w:
            touched, now = Touched(), database.now()
            gone += throw_away(w, touched, ids[start : start + 500], now)
            settle(w, touched, now)
    return gone


def _show_groups(groups: Sequence[Group], gone: int, to_trash: bool) -> None:
    for group in groups[:SHOWN]:
        click.echo(f"{group.sameness}: keep {_line(group.keep)}")
        for twin in group.others:
            click.echo(f"{'':>{len(group.sameness)}}  and  {_line(twin)}")
    if len(groups) > SHOWN:
        click.echo(f"… and {len(groups) - SHOWN:,} groups more (--json lists all)")
    count = sum(len(group.others) for group in groups)
    size = sum(twin.size or 0 for group in groups for twin in group.others)
    done = f"; {gone:,} are in the trash now" if to_trash else "; --trash puts them into the trash"
    click.echo(f"{len(groups):,} groups, {count:,} pictures too many, {size / 1e6:,.1f} MB{done if count else ''}")


def _line(twin: Twin) -> str:
    shape = f"{twin.width} x {twin.height}" if twin.width else "?"
    how = ", with metadata" if twin.has_meta else ""
    return f"{twin.id}  {twin.name or ''}  {shape}  {(twin.size or 0) / 1e3:,.0f} kB{how}"


def _show_near(database: Database, near: str, user_id: int | None, distance: int, as_json: bool) -> None:
    from pinako.services.duplicates import load_lookalikes

    phash, id = _looks_of(database, near)
    index = load_lookalikes(database.read(), user_id=user_id)
    found = [each for each in index.near(phash, distance=distance) if each.id != id]
    if as_json:
        click.echo(json.dumps([{"id": each.id, "distance": each.distance} for each in found]))
        return
    rows = database.read().by_ids("SELECT id, name FROM images WHERE id IN (?*)", [each.id for each in found])
    names = {row[0]: row[1] for row in rows}
    for each in found:
        click.echo(f"{each.id}  {each.distance} bits apart  {names.get(each.id) or ''}".rstrip())
    click.echo(f"{len(found):,} look like it")


def _looks_of(database: Database, near: str) -> tuple[int, int | None]:
    """The perceptual hash of an image by id, or of a file."""
    from pinako.client.digits import number_of

    id = number_of(near)
    if id is not None:
        from pinako.errors import NotFound

        phash = database.read().value("SELECT phash FROM images WHERE id = ?", (id,))
        if phash is None:
            raise NotFound(f"No picture {id}")
        return int(phash), id
    from pinako.media.facts import read_facts

    return read_facts(Path(near), pixel_hash=False).perceptual_hash, None


@click.group()
def trash() -> None:
    """List, bring back, or remove for good what is in the trash."""


@trash.command("list")
@library_options
@click.option("--json", "as_json", is_flag=True, help="One JSON list.")
def list_trashed(library: str | None, database_url: str | None, config: Path | None, as_json: bool) -> None:
    """What is in the trash, the latest first."""
    from pinako.services.trash import list_trash

    with opened_database(settings_of(library, database_url, config), make=False) as database:
        found = list_trash(database.read())
    if as_json:
        import msgspec

        rows = [{**msgspec.to_builtins(each), "deletedAt": iso(each.deleted_at)} for each in found]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for each in found:
        click.echo(f"{each.id}  {each.name or ''}  {(each.size or 0) / 1e3:,.0f} kB  since {iso(each.deleted_at)}")
    click.echo(f"{len(found):,} in the trash")


@trash.command("add")
@click.argument("ids", nargs=-1, required=True, type=int, metavar="ID...")
@library_options
def add_to_trash(ids: tuple[int, ...], library: str | None, database_url: str | None, config: Path | None) -> None:
    """Put images into the trash, by their ids."""
    from pinako.services.settle import Touched, settle
    from pinako.services.trash import throw_away

    with opened_database(settings_of(library, database_url, config), make=False) as database, database.write() as w:
        touched, now = Touched(), database.now()
        gone = throw_away(w, touched, ids, now)
        settle(w, touched, now)
    click.echo(f"{gone:,} in the trash now")


@trash.command("restore")
@click.argument("ids", nargs=-1, type=int, metavar="[ID...]")
@click.option("--all", "everything", is_flag=True, help="All of it.")
@library_options
def restore(
    ids: tuple[int, ...], everything: bool, library: str | None, database_url: str | None, config: Path | None
) -> None:
    """Bring images back, with everything that they had."""
    from pinako.services.settle import Touched, settle
    from pinako.services.trash import list_trash, take_back

    with opened_database(settings_of(library, database_url, config), make=False) as database:
        wanted = _chosen(ids, everything, [each.id for each in list_trash(database.read())])
        back = 0
        for start in range(0, len(wanted), 500):
            with database.write() as w:
                touched, now = Touched(), database.now()
                back += take_back(w, touched, wanted[start : start + 500])
                settle(w, touched, now)
    click.echo(f"{back:,} back from the trash")


@trash.command("empty")
@click.argument("ids", nargs=-1, type=int, metavar="[ID...]")
@click.option("--all", "everything", is_flag=True, help="All of it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@library_options
def empty(
    ids: tuple[int, ...],
    everything: bool,
    yes: bool,
    library: str | None,
    database_url: str | None,
    config: Path | None,
) -> None:
    """Remove images of the trash for good. Files that were linked in place stay where they are."""
    from pinako.media.store import open_store
    from pinako.services.trash import empty_trash, list_trash

    settings = settings_of(library, database_url, config)
    with opened_database(settings, make=False) as database:
        wanted = _chosen(ids, everything, [each.id for each in list_trash(database.read())])
        if not yes and wanted:
            click.confirm(f"Remove {len(wanted):,} images for good?", abort=True)
        store = open_store(settings.media_address)
        try:
            with waiting("removing"):
                gone = empty_trash(database, store, settings.derivatives, wanted, database.now())
        finally:
            store.close()
    click.echo(f"{gone:,} removed for good")


def _chosen(ids: Sequence[int], everything: bool, there: Sequence[int]) -> list[int]:
    if not ids and not everything:
        raise click.UsageError("say which: ids, or --all")
    return list(there if everything else [id for id in ids if id in set(there)])
