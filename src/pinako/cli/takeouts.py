"""Takeouts on the command line: `pinako export --takeout` and the import of one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pinako.cli.listed import listed
from pinako.cli.options import opened_database, opened_library
from pinako.cli.signals import stopped_by_signals
from pinako.cli.waiting import Show, waiting

if TYPE_CHECKING:
    from pinako.intake.export.report import Report
    from pinako.intake.takeout.report import TakeoutReport
    from pinako.settings import Settings


def take_out(
    settings: Settings,
    folder: Path,
    *,
    username: str | None,
    everyone: bool,
    link: bool,
    dry_run: bool,
    force: bool,
    as_json: bool,
    **_: Any,
) -> int:
    """Write a takeout of the owner, of one account or of the whole library; the exit code."""
    from pinako.intake.takeout.write import TakeoutRun
    from pinako.services import access
    from pinako.services.exporting import viewer_as

    if everyone and username is not None:
        raise click.UsageError("--everyone and --user: choose one")
    with opened_library(settings) as library, waiting("takeout") as show:
        read = library.database.read()
        user = access.need_user(read, username) if username else access.owner_of(read)
        assert user is not None  # noqa: S101 - opening a library makes its owner

        def watch(run: TakeoutRun) -> None:
            done = run.report.images + run.report.models
            show(done, max(run.total, done))

        run = TakeoutRun(
            library,
            viewer_as(user, library.caps),
            None if everyone else user.id,
            folder,
            link=link,
            force=force,
            watcher=watch,
        )
        with stopped_by_signals(run.stop):
            report = run.dry() if dry_run else run.write()
    _tell_export(report, as_json=as_json, dry=dry_run)
    if report.interrupted:
        return 130
    return 1 if report.left_count else 0


def _tell_export(report: Report, *, as_json: bool, dry: bool) -> None:
    if as_json:
        click.echo(json.dumps({**report.as_data(), "dryRun": dry}, ensure_ascii=False, indent=2))
        return
    size = f"{report.bytes / 1e6:,.1f} MB"
    if dry:
        click.echo(f"would write {report.new + report.changed:,} media files, {size}; {report.same:,} are there")
        return
    click.echo(f"{report.sentence()}; {report.records:,} records; {size} in {report.seconds:,.1f} s")
    if report.interrupted:
        click.echo("  not whole yet: the next run goes on")
    told = (f"{one.kind} {one.id}: {one.reason}" for one in report.left)
    for line in listed("left out", told, report.left_count):
        click.echo(f"  {line}")


def is_ours(path: Path) -> bool:
    """Whether a folder is a takeout, whole or not, or an export with sidecars."""
    from pinako.intake.takeout.sidecars import is_export
    from pinako.intake.takeout.write import read_head

    return path.is_dir() and (read_head(path) is not None or is_export(path))


def others_in(folders: Sequence[Path]) -> list[Path]:
    """What lies in exports beside pictures with sidecars: for the ordinary import."""
    from pinako.intake.takeout import sidecars
    from pinako.intake.takeout.write import read_head

    return [path for folder in folders if read_head(folder) is None for path in sidecars.others_in(folder)]


def bring_takeouts(
    settings: Settings, folders: Sequence[Path], username: str | None, *, quiet: bool
) -> list[TakeoutReport]:
    """Bring takeouts and exports in, one after the other. `username`: whose they become; without it, whose they were."""
    from pinako.intake.takeout.bring import Bringing
    from pinako.intake.takeout.sidecars import Sidecars
    from pinako.intake.takeout.write import read_head
    from pinako.media.store import open_store
    from pinako.services import access, sweep

    reports: list[TakeoutReport] = []
    if not folders:
        return reports
    with ExitStack() as closing:
        database = closing.enter_context(opened_database(settings))
        store = open_store(settings.media_address)
        closing.callback(store.close)
        sweep.sweep(database, store, settings.derivatives)
        whose = access.need_user(database.read(), username).id if username else None
        for folder in folders:
            with waiting(folder.name, quiet=quiet) as show:

                def watch(run: Bringing | Sidecars, show: Show = show) -> None:
                    show(run.report.done, max(run.report.found, run.report.done))

                kind = Sidecars if read_head(folder) is None else Bringing
                run: Bringing | Sidecars = kind(database, store, folder, whose=whose, watcher=watch)
                with stopped_by_signals(run.stop):
                    reports.append(run.bring())
            if run.report.interrupted:
                break
    return reports


def tell_takeouts(reports: Sequence[TakeoutReport], as_json: bool) -> None:
    """What became of them."""
    for report in reports:
        if as_json:
            click.echo(json.dumps(report.as_data(), ensure_ascii=False, indent=2))
            continue
        click.echo(f"{report.path.name}: {report.sentence()}; {report.bytes / 1e6:,.1f} MB in {report.seconds:,.1f} s")
        told = (f"{what}: {reason}" for what, reason in report.refused)
        for line in listed("not brought in", told, report.refused_count):
            click.echo(f"  {line}")
