"""`pinako mirror`: what a page of another host shows, into the library; with a live display and an honest end."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pinako.catalog import levels
from pinako.cli.listed import listed as listed_lines
from pinako.cli.options import level_mask, library_options, opened_database, settings_of
from pinako.cli.signals import stopped_by_signals
from pinako.errors import BadRequest, PinakoError, StorageError, Unavailable

if TYPE_CHECKING:
    from pinako.client.hosts import Target
    from pinako.intake.mirror.options import Options
    from pinako.intake.mirror.report import Missing, Report
    from pinako.intake.mirror.run import Run
    from pinako.settings import Settings


def a_day(text: str) -> int:
    """An option's type: a day or time in ISO form, as milliseconds."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no day such as 2026-01-31") from error
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return int(aware.timestamp() * 1000)


def a_size(text: str) -> int:
    """An option's type: a size such as `500MB` or `2GiB`, in bytes."""
    plain = text.strip().lower().replace("ib", "b").removesuffix("b")
    unit = {"k": 10, "m": 20, "g": 30, "t": 40}.get(plain[-1:], 0)
    number = plain[:-1] if unit else plain
    try:
        return int(float(number) * 2**unit)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no size such as 500MB or 2GB") from error


@click.command()
@click.argument("urls", nargs=-1, metavar="URL...")
@library_options
@click.option(
    "--with",
    "parts",
    metavar="PARTS",
    help="What to fetch: media, models, previews, gallery, tags, generation; by commas. Default: all of it.",
)
@click.option("--level", type=level_mask, metavar="L", default="all", show_default=True, help="Levels up to this one.")
@click.option(
    "--type", "types", metavar="T", multiple=True, help="Only this kind: image, video, LORA, …; may be repeated."
)
@click.option("--base-model", "base_models", metavar="B", multiple=True, help="Only this base model; may be repeated.")
@click.option("--since", type=a_day, metavar="DAY", help="Only what was published since.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="The most things of each address.")
@click.option("--max-file", "file_limit", type=a_size, metavar="SIZE", help="Leave model files over this size out.")
@click.option(
    "--list", "listed", type=click.File(), metavar="FILE", help="Addresses from a file, one a line; - is stdin."
)
@click.option("--all", "everything", is_flag=True, help="Refresh everything that was ever mirrored.")
@click.option(
    "--host", metavar="HOST", default="civitai.com", show_default=True, help="Whose 'my collections' is meant."
)
@click.option("--dry-run", is_flag=True, help="Only count what would come.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line: each thing, then the report.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing where nothing is missing: for cron.")
def mirror(
    urls: tuple[str, ...],
    library: str | None,
    database_url: str | None,
    config: Path | None,
    parts: str | None,
    listed: Any,
    everything: bool,
    host: str,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    **how: Any,
) -> int:
    """Archive from another host: Civitai, its sisters, or another Pinako.

    URL is any page that shows an image, post, user, collection, model, version, tag or search; or 'my collections', 'my
    reactions', 'my bookmarks'. Upstream ids are kept. Run it again and it goes on where it was, or brings what is new.
    Exit code 1 when something is missing; the report says what and why.
    """
    from pinako.client.hosts import read_address

    settings = settings_of(library, database_url, config)
    origin = host if "//" in host else f"https://{host}"
    addresses = [*urls, *_lines(listed)]
    if not addresses and not everything:
        raise click.UsageError("say what to mirror: an address, --list FILE or --all")
    options = _options(parts, **how)
    unread: list[BadRequest] = []
    targets: list[tuple[Target, Options]] = []
    for address in addresses:
        try:
            targets.append((read_address(address, default_origin=origin), options))
        except BadRequest as error:
            unread.append(error)
    if unread and not targets and not everything:
        raise unread[0]
    with _opened_run(settings, as_json=as_json, quiet=quiet, dry_run=dry_run) as run, stopped_by_signals(run.stop):
        for unreadable in unread:
            run.report.miss(_unread(unreadable))
        known = run.kept_targets() if everything else []
        for target, each in targets:
            _mirror(run, target, each)
        for kept in known:
            _mirror(run, kept.target, kept.options, again=True)
    code = _code_of(run.report)
    if code or not quiet:
        _tell(run.report, as_json, dry_run)
    return code


def _unread(error: BadRequest) -> Missing:
    from pinako.intake.mirror.report import Missing

    return Missing(source="", entity="address", id=None, state="failed", reason=error.message)


def _code_of(report: Report) -> int:
    if report.interrupted:
        return 130
    return 0 if report.whole and not report.missing_count else 1


def _lines(listed: Any) -> list[str]:
    lines = [line.strip() for line in listed] if listed is not None else []
    return [line for line in lines if line and not line.startswith("#")]


def _options(
    parts: str | None, *, level: int, types: tuple[str, ...], base_models: tuple[str, ...], **rest: Any
) -> Options:
    from pinako.catalog.basemodels import BASE_MODELS
    from pinako.catalog.enums import MODEL_TYPES
    from pinako.intake.mirror.options import EVERYTHING, Options, read_parts, spelled

    try:
        chosen = read_parts(parts) if parts is not None else EVERYTHING
    except BadRequest as error:
        raise click.BadParameter(error.message) from error
    types, base_models = spelled(types, MODEL_TYPES), spelled(base_models, BASE_MODELS)
    return Options(parts=chosen, levels=level & levels.ALL, types=types, base_models=base_models, **rest)


def _mirror(run: Run, target: Target, options: Options, *, again: bool = False) -> None:
    """One address, unless the run is to end; what is wrong with it does not keep the others back."""
    if run.stopping.is_set():
        return
    try:
        run.mirror(target, options, again=again)
    except (StorageError, Unavailable):  # this machine's own trouble: the next address would fare no better
        raise
    except PinakoError as error:
        run.failed(target, error)


@contextmanager
def _opened_run(settings: Settings, *, as_json: bool, quiet: bool, dry_run: bool) -> Iterator[Run]:
    from pinako.cli.login import store_of
    from pinako.intake.mirror.run import Run
    from pinako.media.store import open_store
    from pinako.services import sweep

    with ExitStack() as closing:
        database = closing.enter_context(opened_database(settings))
        store = open_store(settings.media_address)
        closing.callback(store.close)
        sweep.sweep(database, store, settings.derivatives)
        watcher = None
        if not as_json and not quiet and sys.stderr.isatty():
            from pinako.cli.mirrordisplay import MirrorDisplay

            watcher = closing.enter_context(MirrorDisplay()).watch
        tell = _tell_event if as_json and not quiet else None
        run = Run(settings, database, store, credential_of=store_of().find, watcher=watcher, tell=tell, dry=dry_run)
        closing.callback(run.close)
        yield run


def _tell_event(event: dict[str, object]) -> None:
    click.echo(json.dumps(event, ensure_ascii=False))


def _tell(report: Report, as_json: bool, dry_run: bool) -> None:
    if as_json:
        click.echo(json.dumps({"event": "report", **report.as_data()}, ensure_ascii=False))
        return
    if dry_run:
        click.echo(f"would bring {report.expected_bytes / 1e6:,.1f} MB: {report.sentence()}")
    else:
        click.echo(f"{report.sentence()}; {report.bytes / 1e6:,.1f} MB in {report.seconds:,.1f} s")
    told = (f"{_called(each)}: {each.state}: {each.reason}" for each in report.missing)
    for line in listed_lines("missing", told, report.missing_count):
        click.echo(f"  {line}")


def _called(missing: Missing) -> str:
    """A missing thing by its name."""
    name = f"{missing.entity} {missing.id}" if missing.id is not None else missing.entity
    return f"{name} of {missing.source}" if missing.source else name
