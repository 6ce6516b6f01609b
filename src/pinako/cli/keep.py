"""`pinako check`, `compact` and `migrate`: looking after a library. All work beside a running server."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pinako.cli.options import library_options, opened_database, opened_library, settings_of
from pinako.cli.waiting import Show, waiting

if TYPE_CHECKING:
    from pinako.services.library import Library


@click.command()
@click.option("--repair", is_flag=True, help="Mend what can be mended.")
@click.option("--hashes", is_flag=True, help="Read every stored byte and compare it with its hash: slow.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a finding, one a line.")
@library_options
def check(
    repair: bool, hashes: bool, as_json: bool, library: str | None, database_url: str | None, config: Path | None
) -> int:
    """Compare every row of the database with every stored file, both ways, and the index with the database.

    The exit code is 1 when something is wrong that was not mended. What interrupted runs left half-done is swept first and is
    no finding.
    """
    from pinako.services import sweep

    with opened_library(settings_of(library, database_url, config)) as opened, waiting("checking") as show:
        swept = sweep.sweep(opened.database, opened.media, opened.settings.derivatives, thorough=True)
        found = list(_findings(opened, repair=repair, hashes=hashes, show=show))
    left = sum(not finding["mended"] for finding in found)
    for finding in found:
        click.echo(json.dumps(finding, ensure_ascii=False) if as_json else _line(finding))
    if not as_json:
        click.echo(_verdict(len(found), left, repair))
    if removed := swept.partial + swept.unknown:
        click.echo(
            f"removed before: {removed} file{'s' * (removed > 1)} of interrupted runs that no row names", err=True
        )
    return 1 if left else 0


Told = dict[str, "str | list[str] | list[int] | bool"]
"""A finding as it is printed; with `--json` exactly so."""


def _findings(library: Library, *, repair: bool, hashes: bool, show: Show) -> Iterator[Told]:
    from pinako.services import check as checks

    database, media = library.database, library.media
    # Collected first: mending changes the rows that are being walked.
    for finding in list(checks.check_contents(database, media, hashes=hashes, progress=show)):
        done = checks.repair(database, media, finding) if repair else ""
        yield {
            "kind": finding.trouble.name.lower(),
            "about": finding.sha256,
            "usedBy": list(finding.used_by),
            "text": finding.text() + (f": {done}" if done else ""),
            "mended": bool(done),
        }
    differences = [*checks.check_lists(library.feeds), *checks.check_documents(database)]
    if differences and repair:
        checks.repair_lists(library.feeds, database, differences)
    for difference in differences:
        yield {
            "kind": "list",
            "about": difference.entity,
            "ids": list(difference.ids),
            "text": difference.text() + (": made anew" if repair else ""),
            "mended": repair,
        }


def _line(finding: Told) -> str:
    return f"{finding['kind']}  {finding['text']}"


def _verdict(found: int, left: int, repair: bool) -> str:
    if not found:
        return "all is well"
    if not left:
        return f"{found} found, all mended"
    hint = "" if repair else "; --repair mends what can be mended"
    return f"{left} of {found} {'is' if left == 1 else 'are'} left{hint}"


@click.command()
@library_options
def compact(library: str | None, database_url: str | None, config: Path | None) -> None:
    """Give the space of what is gone back, and refresh the database's statistics.

    A server may run meanwhile; its writes wait for as long as this takes.
    """
    from pinako.services import upkeep

    with opened_library(settings_of(library, database_url, config)) as opened, waiting("compacting"):
        before, after = upkeep.compact(opened)
    click.echo(f"database: {_size(before)} before, {_size(after)} now")


@click.command()
@library_options
def migrate(library: str | None, database_url: str | None, config: Path | None) -> None:
    """Bring a library to this version's format. Every verb does so when it opens one; a copy is kept aside first.

    Where there is no library yet, one is made.
    """
    with opened_database(settings_of(library, database_url, config)) as database:
        click.echo(f"the library is of format {database.library.schema_version}, which this version uses")


def _size(count: int) -> str:
    """Bytes for people."""
    size = float(count)
    for unit in _units():
        if size < 1024 or unit == "TiB":
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{count} bytes"


def _units() -> Iterable[str]:
    return ("bytes", "KiB", "MiB", "GiB", "TiB")
