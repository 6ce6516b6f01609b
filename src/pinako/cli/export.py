"""`pinako export`: images, their records and models to a folder for any tool; with `--takeout` all that somebody owns."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from pinako.catalog import enums
from pinako.catalog.queries import ImageSort, Period
from pinako.cli.listed import listed
from pinako.cli.mirror import a_day
from pinako.cli.options import level_mask, library_options, opened_library, settings_of
from pinako.cli.signals import stopped_by_signals
from pinako.cli.waiting import waiting

if TYPE_CHECKING:
    from pinako.catalog.people import User, Viewer
    from pinako.intake.export.options import Options
    from pinako.intake.export.report import Report
    from pinako.intake.export.run import Run
    from pinako.services.exporting import Selection
    from pinako.services.library import Library

DEFAULT_PATH = "{user}/{postedAt:%Y-%m}/{id}.{ext}"

_COLLECTION = re.compile(r"(?:https?://\S+)?/?collections/([0-9]{1,10})(?:[/?#]\S*)?")


@click.command()
@click.argument("queries", nargs=-1, metavar="[QUERY_OR_COLLECTION]...")
@library_options
@click.option("--to", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="The folder to write to.")
@click.option(
    "--path",
    default=DEFAULT_PATH,
    show_default=True,
    metavar="TEMPLATE",
    help="Where each image lies below it. Fields: id, ext, name, user, userId, postId, post, index, postedAt, createdAt, "
    "level, type, width, height, baseModel, generator, sha256, tag.",
)
@click.option("--sidecar", type=click.Choice(["json"]), help="Beside each image its record as the API sends it.")
@click.option(
    "--embed",
    type=click.Choice(["a1111", "xmp"]),
    help="Write copies that say how they were made; originals and pixels are not touched.",
)
@click.option("--link", is_flag=True, help="Hard links instead of copies, where the disk can.")
@click.option("--models", is_flag=True, help="Also the model files, with previews and .civitai.info.")
@click.option(
    "--records",
    type=(click.Choice(["csv", "jsonl"]), click.Path(dir_okay=False, path_type=Path, allow_dash=True)),
    metavar="FORM FILE",
    help="csv or jsonl, and a file: all records in one; - is standard output.",
)
@click.option(
    "--takeout",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Everything that the owner, or --user, owns, in an open form that `pinako import` brings in again.",
)
@click.option("--everyone", is_flag=True, help="With --takeout: what everybody in the library owns.")
@click.option("--as", "as_name", metavar="NAME", help="Whose eyes decide what goes out; default: the owner's.")
@click.option("--user", "username", metavar="NAME", help="Only of this user; with --takeout: whose it is.")
@click.option("--model", "model_id", type=int, metavar="ID", help="Only made with this model.")
@click.option("--version", "version_id", type=int, metavar="ID", help="Only made with this model version.")
@click.option("--collection", "collection_id", type=int, metavar="ID", help="Only in this collection.")
@click.option("--tag", "tags", metavar="T", multiple=True, help="Only with this tag; more than one: with all of them.")
@click.option(
    "--level", type=level_mask, metavar="L", help="Levels up to this one; default: all that the viewer may see."
)
@click.option("--type", "types", type=click.Choice(enums.MEDIA_TYPES), multiple=True, help="Only this kind.")
@click.option("--base-model", "base_models", metavar="B", multiple=True, help="Only this base model; may be repeated.")
@click.option(
    "--period", type=click.Choice([one.value for one in Period]), default="AllTime", help="Only what was posted in it."
)
@click.option("--since", type=a_day, metavar="DAY", help="Only what was posted since.")
@click.option(
    "--sort",
    type=click.Choice([one.value for one in ImageSort]),
    help="Order; default: as posted, a collection in its own.",
)
@click.option("--limit", type=click.IntRange(1), default=None, metavar="N", help="The most images.")
@click.option("--drafts", is_flag=True, help="Also what the viewer has not published.")
@click.option("--dry-run", is_flag=True, help="Only count what would be written.")
@click.option("--force", is_flag=True, help="Write into a folder that holds other files.")
@click.option("--json", "as_json", is_flag=True, help="The report as one JSON object.")
def export(
    queries: tuple[str, ...],
    library: str | None,
    database_url: str | None,
    config: Path | None,
    as_json: bool,
    as_name: str | None,
    takeout: Path | None,
    everyone: bool,
    **how: Any,
) -> int:
    """Write images that a QUERY or collection names to a folder.

    A QUERY is what the gallery's search box takes: 'tag:sea -night model:"Glass Atlas" collection:12'; or a collection's
    address. Several are taken one after the other, each image once; none is everything. Run it again and it writes only
    what is missing or changed. Exit code 1 when something could not be written; the report says what and why.
    """
    settings = settings_of(library, database_url, config)
    if takeout is not None:
        from pinako.cli.takeouts import take_out

        _refuse_filters(queries, as_name, how)
        return take_out(settings, takeout, everyone=everyone, as_json=as_json, **how)
    if everyone:
        raise click.UsageError("--everyone goes with --takeout DIR")
    options = _options(as_json=as_json, **how)
    with opened_library(settings) as opened:
        viewer = _viewer(opened, as_name)
        wanted = [_selection(opened, query, **how) for query in queries or ("",)]
        with _run(opened, viewer, options, quiet=_says_records(options)) as run, stopped_by_signals(run.stop):
            report = run.export(wanted)
    _tell(report, as_json=as_json, dry=options.dry, quiet=_says_records(options))
    if report.interrupted:
        return 130
    return 1 if report.left_count else 0


_OF_TAKEOUTS = frozenset({"username", "link", "dry_run", "force"})


def _refuse_filters(queries: tuple[str, ...], as_name: str | None, how: dict[str, Any]) -> None:
    """A takeout is whole: what narrows an export has no place in it."""
    ctx = click.get_current_context()
    given = [name for name in how if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if queries or as_name or set(given) - _OF_TAKEOUTS:
        raise click.UsageError(
            "--takeout takes everything: only --user, --everyone, --link, --dry-run and --force go with it"
        )


def _options(*, as_json: bool, **how: Any) -> Options:
    from pinako.intake.export.options import Options

    records = how["records"]
    if how["to"] is None and records is None:
        raise click.UsageError("say where to: --to DIR, --records csv|jsonl FILE, or --takeout DIR")
    if how["to"] is None and (how["sidecar"] or how["embed"] or how["link"] or how["models"]):
        raise click.UsageError("--sidecar, --embed, --link and --models need --to DIR")
    if how["link"] and how["embed"]:
        raise click.UsageError("--embed writes changed copies, --link none: choose one")
    if as_json and records is not None and str(records[1]) == "-":
        raise click.UsageError("--json and records to - would be one stream")
    return Options(
        to=how["to"],
        path=how["path"],
        sidecars=how["sidecar"] is not None,
        embed=how["embed"] or "",
        link=how["link"],
        models=how["models"],
        records=records,
        limit=how["limit"] or 0,
        dry=how["dry_run"],
        force=how["force"],
    )


def _viewer(library: Library, name: str | None) -> Viewer:
    from pinako.services.exporting import viewer_as

    return viewer_as(_account(library, name), library.caps)


def _account(library: Library, name: str | None) -> User:
    from pinako.services import access

    read = library.database.read()
    user = access.need_user(read, name) if name else access.owner_of(read)
    assert user is not None  # noqa: S101 - opening a library makes its owner
    return user


def _selection(library: Library, query: str, **how: Any) -> Selection:
    from pinako.services.exporting import Selection

    address = _COLLECTION.fullmatch(query.strip())
    given = {
        name: how[name] for name in ("username", "model_id", "version_id", "tags", "level", "types", "base_models")
    }
    return Selection(
        text="" if address else query,
        collection_id=int(address[1]) if address else how["collection_id"],
        period=Period(how["period"]),
        since=how["since"],
        sort=ImageSort(how["sort"]) if how["sort"] else None,
        drafts=how["drafts"],
        **given,
    )


@contextmanager
def _run(library: Library, viewer: Viewer, options: Options, *, quiet: bool) -> Iterator[Run]:
    from pinako.intake.export.run import Run

    with waiting("export", quiet=quiet) as show:

        def watch(run: Run) -> None:
            done = run.report.images + run.report.models
            show(done, max(run.total + run.report.models, done))

        yield Run(library, viewer, options, watch)


def _says_records(options: Options) -> bool:
    return options.records is not None and str(options.records[1]) == "-"


def _tell(report: Report, *, as_json: bool, dry: bool, quiet: bool) -> None:
    if as_json:
        click.echo(json.dumps({**report.as_data(), "dryRun": dry}, ensure_ascii=False, indent=2))
        return
    for line in _lines(report, dry=dry):
        click.echo(line, err=quiet)


def _lines(report: Report, *, dry: bool) -> Iterator[str]:
    from pinako.intake.export.report import counted

    size = f"{report.bytes / 1e6:,.1f} MB"
    if dry:
        yield f"would write {report.new + report.changed:,} files, {size}, of {report.images:,} images; {report.same:,} are there"
    else:
        yield f"{report.sentence()}; {size} in {report.seconds:,.1f} s"
    if report.sidecars:
        yield f"  {counted(report.sidecars, 'sidecar')}"
    if report.embedded:
        yield f"  {report.embedded:,} copies say how they were made"
    if report.records:
        yield f"  {counted(report.records, 'record')}"
    for word, found, count in (
        ("left out", report.left, report.left_count),
        ("note", report.notes, report.note_count),
    ):
        told = (f"{one.kind} {one.id}: {one.reason}" for one in found)
        yield from (f"  {line}" for line in listed(word, told, count))
