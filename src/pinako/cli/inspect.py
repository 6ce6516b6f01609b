"""`pinako inspect`: what files hold, nothing stored."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pinako.cli.waiting import waiting

if TYPE_CHECKING:
    from pinako.intake.inspection import Inspection, ModelFileSeen

RAW_SHOWN = 1500
"""Characters of raw text that are shown to people; `--json` and `--raw` give all."""
NAMES_WIDTH = 14


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for every file, also unreadable ones.")
@click.option("--quick", is_flag=True, help="Do not hash: headers only, milliseconds for a file of any size.")
@click.option("--raw", is_flag=True, help="Show the raw text whole.")
def inspect(files: tuple[Path, ...], as_json: bool, quick: bool, raw: bool) -> int:
    """Show what files hold: size, how a picture was made, what a model file says of itself, its hashes.

    Nothing is stored. Exit code 1 if some file could not be read.
    """
    failed = False
    for path in files:
        found = _look_into(path, hashes=not quick)
        failed |= found.error is not None
        if as_json:
            import msgspec

            click.echo(msgspec.json.encode(found).decode())
        else:
            _show(found, raw)
    return 1 if failed else 0


def _look_into(path: Path, *, hashes: bool) -> Inspection:
    from pinako.intake.inspection import inspect_file

    with waiting(path.name, in_bytes=True) as show:
        size = path.stat().st_size if path.is_file() else None
        return inspect_file(path, hashes=hashes, progress=lambda done: show(done, size))


def _show(found: Inspection, raw: bool) -> None:
    click.echo(click.style(found.file, bold=True))
    if sys.stdout.isatty():
        _show_table(found)
    else:
        for name, value in _lines(found):
            click.echo(f"{name:>{NAMES_WIDTH}}  {value}")
    if found.raw and found.kind != "model":
        text = found.raw if raw or len(found.raw) <= RAW_SHOWN else f"{found.raw[:RAW_SHOWN]} … (--raw shows all)"
        click.echo(click.style("raw", dim=True))
        click.echo(text)
    click.echo()


def _show_table(found: Inspection) -> None:
    """The same folded to a terminal's width, which would cut a hash or prompt in two for the reader of a pipe."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", justify="right")
    table.add_column(overflow="fold")
    for name, value in _lines(found):
        table.add_row(name, Text(value))
    Console(highlight=False).print(table)


def _lines(found: Inspection) -> Iterator[tuple[str, str]]:
    if found.error is not None:
        yield "error", found.error
        return
    size = f"{found.bytes:,} bytes" if found.bytes is not None else ""
    shape = f", {found.file_width} x {found.file_height}" if found.file_width else ""
    length = f", {found.duration:.1f} s" if found.duration else ""
    yield "kind", f"{found.mime if found.kind != 'model' else 'model file'}{shape}{length}, {size}"
    if not found.complete:
        yield "warning", "the file is cut short"
    if found.model_file is not None:
        yield from _model_lines(found.model_file)
        return
    yield from _making_lines(found)
    if found.c2pa:
        yield "C2PA", "a provenance manifest is present"
    if found.sha256:
        yield "sha256", found.sha256


def _making_lines(found: Inspection) -> Iterator[tuple[str, str]]:
    from pinako.intake.inspection import NamedModel

    if not found.recognised:
        yield "generator", "not recognised" + (f" (texts: {', '.join(found.fields)})" if found.fields else "")
        return
    tool = f" ({found.tool.name} {found.tool.version or ''})".replace(" )", ")") if found.tool else ""
    yield "generator", f"{found.generator}{tool}"
    for name, value in (
        ("prompt", found.prompt),
        ("negative", found.negative_prompt),
        ("steps", found.steps),
        ("sampler", " / ".join(word for word in (found.sampler, found.scheduler) if word) or None),
        ("cfg scale", found.cfg_scale),
        ("seed", found.seed),
        ("size", f"{found.width} x {found.height}" if found.width and found.height else None),
        ("clip skip", found.clip_skip),
        ("denoise", found.denoise),
        ("process", found.process),
        ("model", _named(found.model.name, found.model.hash) if found.model != NamedModel() else None),
    ):
        if value is not None:
            yield name, str(value)
    for one in found.resources:
        weight = f" × {one.weight:g}" if one.weight is not None else ""
        version = f", version {one.model_version_id}" if one.model_version_id else ""
        yield one.kind, f"{_named(one.name, one.hash)}{weight}{version}"


def _named(name: str | None, hash: str | None) -> str:
    return " ".join(part for part in (name, f"[{hash}]" if hash else None) if part) or "?"


def _model_lines(seen: ModelFileSeen) -> Iterator[tuple[str, str]]:
    for name, value in (
        ("title", seen.title),
        ("model", seen.model_name),
        ("version", seen.version_name),
        ("type", seen.type),
        ("base model", " ".join(part for part in (seen.base_model, seen.base_model_type) if part) or None),
        ("format", " ".join(part for part in (seen.format, seen.size, seen.fp, seen.quant_type) if part)),
        ("file type", seen.file_type),
        ("trained words", ", ".join(seen.trained_words) or None),
        ("tags", ", ".join(seen.tags) or None),
        ("author", seen.author),
        ("license", seen.license),
        ("description", seen.description),
        ("tensors", f"{seen.tensors:,}" if seen.tensors else None),
        ("AIR", seen.air),
        ("pickle scan", ": ".join(part for part in (seen.pickle_scan.result, seen.pickle_scan.message) if part)),
        ("sidecars", ", ".join(seen.sidecars) or None),
        ("preview", "yes" if seen.has_preview else None),
    ):
        if value:
            yield name, value
    yield from seen.hashes.items()
    for name, value in seen.header.items():
        yield name, value if len(value) <= 200 else f"{value[:200]} …"
    for problem in seen.problems:
        yield "problem", problem
