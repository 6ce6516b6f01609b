"""`pinako login`: a credential for another host, checked with a call and kept where no log or process list shows it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pinako.errors import UpstreamUnauthorized

if TYPE_CHECKING:
    from pinako.client.credentials import Credential, CredentialStore

FILE = "credentials.json"
_KEY_LENGTH = 32


def store_of() -> CredentialStore:
    """Where credentials are kept: the system's keyring, or a private file in the user's configuration folder."""
    from platformdirs import user_config_path

    from pinako.client.credentials import CredentialStore

    return CredentialStore(Path(user_config_path("pinako", appauthor=False)) / FILE)


@click.command()
@click.argument("words", nargs=-1, metavar="[HOST]")
@click.option("--check", is_flag=True, help="Only say whether what is kept still works.")
@click.option("--forget", is_flag=True, help="Take it out of the keyring and the file.")
def login(words: tuple[str, ...], check: bool, forget: bool) -> int:
    """Keep an API key or session cookie for HOST (civitai.com unless named).

    Paste the key, the cookie's value or the whole `Cookie:` line; it is not shown while it is typed, and from a pipe it is
    read as one line. It lies in the system's keyring, or in a file that only you can read where there is none.
    """
    store, host = store_of(), _home_of(_host_of(words))
    if forget:
        known = store.forget(host)
        click.echo(f"forgotten: {host}" if known else f"nothing was kept for {host}")
        return 0 if known else 1
    if check:
        credential = store.find(host)
        if credential is None:
            click.echo(f"nothing is kept for {host}: pinako login {host}")
            return 1
        return _ask_whose(host, credential)
    return _keep(host, store)


def _host_of(words: tuple[str, ...]) -> str:
    """The host, Civitai where none is named. Raises UsageError, unnamed, for what may be the credential itself."""
    host, *more = words or ("civitai.com",)
    if more or host.startswith("eyJ") or (len(host) >= _KEY_LENGTH and not {".", ":", "/"} & set(host)):
        raise click.UsageError(
            "the credential is asked for, or read from a pipe: on the command line everybody here could see it"
        )
    return host


def _home_of(host: str) -> str:
    """The host whose login counts: Civitai's sister hosts share its accounts, and are asked there."""
    from pinako.client.hosts import home_of

    home = home_of(host)
    if home != host:
        click.echo(f"{host} shares its accounts with {home}")
    return home


def _keep(host: str, store: CredentialStore) -> int:
    from pinako.client.credentials import read_credential

    credential = read_credential(_pasted(host))
    code = _ask_whose(host, credential)
    if code == 0:
        place = store.keep(host, credential)
        click.echo(f"kept in the {'system keyring' if place == 'keyring' else 'private credentials file'}")
    return code


def _pasted(host: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(f"API key or session cookie for {host}", hide_input=True))
    return sys.stdin.readline()


def _ask_whose(host: str, credential: Credential) -> int:
    """Ask the host whose it is; what came of it as an exit code."""
    from pinako.client import Client
    from pinako.client.credentials import check_credential
    from pinako.client.sending import is_loopback

    scheme = "http" if is_loopback(f"http://{host}") else "https"
    address = host if "//" in host else f"{scheme}://{host}"
    with Client(address, credential=credential) as client:
        try:
            name = check_credential(client)
        except UpstreamUnauthorized:
            click.echo(f"{host} does not know this credential", err=True)
            return 1
    click.echo(f"logged in at {host} as {name}" if name else f"{host} accepts it")
    return 0
