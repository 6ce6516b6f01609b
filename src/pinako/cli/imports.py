"""`pinako import`: folders of pictures and model files into the library, with a live display and an honest end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pinako.catalog import levels
from pinako.cli.listed import SHOWN, listed
from pinako.cli.options import library_options, one_level, opened_database, settings_of
from pinako.cli.signals import stopped_by_signals

if TYPE_CHECKING:
    from pinako.intake.folder import Options, Run
    from pinako.intake.report import Report
    from pinako.settings import Settings


@click.command("import")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(exists=True, path_type=Path))
@library_options
@click.option(
    "--level",
    type=one_level,
    metavar="L",
    help="Level of what comes in: PG, PG-13, R, X, XXX. Without it, it is unrated: only its owner sees it.",
)
@click.option("--user", "username", metavar="NAME", help="Whose it is; default: the library's owner.")
@click.option("--tag", "tags", metavar="T", multiple=True, help="A tag for everything; may be repeated.")
@click.option("--in-place", is_flag=True, help="Leave the bytes where they are and refer to them; never written to.")
@click.option("--watch", is_flag=True, help="Stay, and bring in what appears in these folders until Ctrl-C.")
@click.option("--thumbnails", is_flag=True, help="Make thumbnails now instead of when they are first asked for.")
@click.option(
    "--group",
    type=click.Choice(["folder", "day", "none"]),
    default="folder",
    show_default=True,
    help="What makes a post: a folder, a folder's day, or each picture its own. At most 20 images a post.",
)
@click.option(
    "--dates",
    type=click.Choice(["import", "file"]),
    default="import",
    show_default=True,
    help="Posting time: that of the import, or each file's last change.",
)
@click.option(
    "--rules", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="TOML rules for levels and tags."
)
@click.option("--jobs", "-j", type=click.IntRange(1, 256), help="Worker processes. Default: one more than cores.")
@click.option("--json", "as_json", is_flag=True, help="The report as one JSON object.")
def import_files(
    paths: tuple[Path, ...],
    library: str | None,
    database_url: str | None,
    config: Path | None,
    as_json: bool,
    watch: bool,
    **how: Any,
) -> int:
    """Bring in folders of pictures, videos and model files.

    What is here already is not read again; a run that was ended goes on with the next one. Exit code 1 if some files
    could not be read. Works beside a running server, which shows what comes in at once.

    What `pinako export` wrote, a takeout or pictures with JSON sidecars, is known as such: its records come in as they
    were, under their own numbers where those are free.
    """
    from pinako.cli.takeouts import bring_takeouts, is_ours, others_in, tell_takeouts

    settings = settings_of(library, database_url, config)
    takeouts = [path for path in paths if is_ours(path)]
    paths = tuple(path for path in paths if path not in takeouts) + tuple(others_in(takeouts))
    reports = bring_takeouts(settings, takeouts, how["username"], quiet=as_json)
    if takeouts:
        tell_takeouts(reports, as_json)
        if not paths or any(report.interrupted for report in reports):
            return 130 if any(report.interrupted for report in reports) else int(any(r.refused_count for r in reports))
    with _opened_run(settings, quiet=as_json, **how) as run, stopped_by_signals(run.stop):
        if watch:
            _watch(run, paths, quiet=as_json)
        else:
            run.bring(paths)
    _tell(run.report, as_json)
    if run.report.interrupted and not watch:
        if not as_json:
            click.echo("  ended early: the next run goes on from here")
        return 130
    return 1 if run.report.refused_count or any(report.refused_count for report in reports) else 0


@contextmanager
def _opened_run(settings: Settings, *, quiet: bool, **how: Any) -> Iterator[Run]:
    from pinako.intake.folder import Run
    from pinako.media.store import open_store
    from pinako.services import sweep

    with ExitStack() as closing:
        database = closing.enter_context(opened_database(settings))
        store = open_store(settings.media_address)
        closing.callback(store.close)
        sweep.sweep(database, store, settings.derivatives)
        watcher = None
        if not quiet:
            from pinako.cli.importdisplay import ImportDisplay

            watcher = closing.enter_context(ImportDisplay()).watch
        run = Run(settings, database, store, _options(database, **how), watcher)
        closing.callback(run.close)
        yield run


def _options(database: Any, **how: Any) -> Options:
    from pinako.intake.folder import Options
    from pinako.intake.rules import read_rules
    from pinako.services import access

    read = database.read()
    user = access.need_user(read, how["username"]) if how["username"] else access.owner_of(read)
    assert user is not None  # noqa: S101 - opening a library makes its owner
    return Options(
        user_id=user.id,
        rules=read_rules(how["rules"], level=how["level"] or levels.UNRATED, tags=how["tags"]),
        grouping=how["group"],
        in_place=how["in_place"],
        dated=how["dates"] == "file",
        thumbnails=how["thumbnails"],
        processes=how["jobs"] or 0,
    )


def _watch(run: Run, paths: tuple[Path, ...], *, quiet: bool) -> None:
    from pinako.intake.watch import follow

    def tell() -> None:
        if not (quiet or run.stopping.is_set()):
            click.echo(f"{run.report.sentence()}. Watching; Ctrl-C ends it.", err=True)

    follow(run, paths, tell)


def _tell(report: Report, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report.as_data(), ensure_ascii=False, indent=2))
        return
    click.echo(report.sentence())
    for line in _details(report):
        click.echo(f"  {line}")


def _details(report: Report) -> Iterator[str]:
    made = [
        (report.images, "image"),
        (report.posts, "post"),
        (report.models, "model"),
        (report.versions, "version"),
        (report.previews, "preview"),
    ]
    words = ", ".join(f"{count:,} {word}{'' if count == 1 else 's'}" for count, word in made if count)
    if words:
        rate = report.done_bytes / 1e6 / report.seconds if report.seconds else 0
        yield f"new: {words}; {report.seconds:,.1f} s, {rate:,.0f} MB/s"
    if report.rated:
        yield f"{report.rated:,} that were here unrated have a level now"
    if report.restored:
        yield f"{report.restored:,} that had lost their bytes have them back"
    if report.unrated:
        yield f"{report.unrated:,} are unrated: their owner sees them, nobody else (run again with --level to rate them)"
    from pinako.intake.walk import shown

    told = (f"{shown(refusal.path)}: {refusal.reason}" for refusal in report.refused)
    yield from listed("not read", told, report.refused_count)
    for note in report.notes[:SHOWN]:
        yield f"note: {shown(note.path)}: {note.reason}"
