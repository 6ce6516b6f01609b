"""`pinako key` and `pinako user`: who may come in, and as whom. They work beside a running server and count at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from pinako.catalog.people import Scope
from pinako.cli.options import level_mask, library_options, opened_database, settings_of
from pinako.wire.times import iso


@click.group()
def key() -> None:
    """Add, list and revoke API keys."""


@key.command("add")
@click.argument("name")
@click.option("--user", "username", metavar="U", help="Whose key; default: the library's owner.")
@click.option(
    "--scope", type=click.Choice(["read", "write"]), default="write", show_default=True, help="What it may do."
)
@library_options
def add_key(
    name: str, username: str | None, scope: str, library: str | None, database_url: str | None, config: Path | None
) -> None:
    """Make a key and print it, alone: it can never be read again.

    Where there is no library yet, one is made, with its owner.
    """
    from pinako.services import access

    with opened_database(settings_of(library, database_url, config)) as database, database.write() as w:
        user = access.need_user(w, username) if username else access.owner_of(w)
        assert user is not None  # noqa: S101 - opening a library makes its owner
        made = access.add_key(w, user.id, name, Scope(scope), database.now())
    click.echo(made)


@key.command("list")
@click.option("--user", "username", metavar="U", help="Only this account's keys.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list.")
@library_options
def list_keys(
    username: str | None, as_json: bool, library: str | None, database_url: str | None, config: Path | None
) -> None:
    """The keys: id, name, account, scope, last use. Never the keys themselves."""
    from pinako.services import access

    with opened_database(settings_of(library, database_url, config), make=False) as database:
        read = database.read()
        keys = access.list_keys(read, access.need_user(read, username).id if username else None)
    rows = [
        {
            "id": each.id, "name": each.name, "user": each.username, "scope": str(each.scope),
            "createdAt": iso(each.created_at), "lastUsedAt": iso(each.last_used_at), "revokedAt": iso(each.revoked_at),
        }
        for each in keys
    ]  # fmt: skip
    _show(rows, as_json, "There are no keys yet: pinako key add NAME")


@key.command("revoke")
@click.argument("which", metavar="ID|NAME")
@click.option("--user", "username", metavar="U", help="Only among this account's keys.")
@library_options
def revoke_key(
    which: str, username: str | None, library: str | None, database_url: str | None, config: Path | None
) -> None:
    """Make a key worthless, by its id or name. A running server refuses it at once."""
    from pinako.services import access

    with opened_database(settings_of(library, database_url, config), make=False) as database, database.write() as w:
        owner = access.need_user(w, username).id if username else None
        count = access.revoke_key(w, which, database.now(), owner)
    click.echo(f"revoked {count} {'key' if count == 1 else 'keys'}")


@click.group()
def user() -> None:
    """Add and list accounts."""


@user.command("add")
@click.argument("name")
@click.option(
    "--level",
    type=level_mask,
    default="all",
    show_default=True,
    help="Most that this account may see: R (and all below), all, or a sum of 1, 2, 4, 8, 16.",
)
@click.option("--moderator", is_flag=True, help="May see and settle what is held for review.")
@click.option("--password-stdin", is_flag=True, help="Read a password for the login page from standard input.")
@library_options
def add_user(
    name: str,
    level: int,
    moderator: bool,
    password_stdin: bool,
    library: str | None,
    database_url: str | None,
    config: Path | None,
) -> None:
    """Make an account. Where there is no library yet, one is made, with its owner."""
    from pinako.services import access

    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    if password is not None and not password:
        raise click.UsageError("the password on standard input is empty")
    with opened_database(settings_of(library, database_url, config)) as database, database.write() as w:
        made = access.add_user(w, name, database.now(), moderator=moderator, max_level=level, password=password)
    click.echo(f"added {made.username} ({made.id})")


@user.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON list.")
@library_options
def list_users(as_json: bool, library: str | None, database_url: str | None, config: Path | None) -> None:
    """The accounts that can log in or hold keys, and those that came with mirrored things."""
    from pinako.catalog.people import User
    from pinako.storage.records import select

    with opened_database(settings_of(library, database_url, config), make=False) as database:
        users = select(database.read(), User, "deleted_at IS NULL ORDER BY id")
    rows = [
        {
            "id": each.id, "name": each.username, "role": _role(each.is_owner, each.is_moderator),
            "level": each.max_level, "source": each.source or None, "createdAt": iso(each.created_at),
        }
        for each in users
    ]  # fmt: skip
    _show(rows, as_json, "There are no accounts")


def _role(owner: bool, moderator: bool) -> str:
    if owner:
        return "owner"
    return "moderator" if moderator else "member"


def _show(rows: Sequence[Mapping[str, object]], as_json: bool, nothing: str) -> None:
    """A list as one JSON text, or as a table for people."""
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    if not rows:
        click.echo(nothing)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*rows[0], box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(table)
