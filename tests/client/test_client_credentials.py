"""Secrets: read from what people paste, kept in a keyring or a private file, shown nowhere."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pinako.cli.main import run
from pinako.client import Client, Credential, CredentialStore, read_credential
from pinako.client.credentials import check_credential
from pinako.errors import BadRequest, StorageError, UpstreamUnauthorized
from scripted_upstream import Upstream, as_json, superjson, trpc_error

KEY = "0123456789abcdef0123456789abcdef"


class Ring(types.ModuleType):
    """A keyring in memory with the library's three functions, or one that refuses."""

    def __init__(self, refuses: bool = False) -> None:
        super().__init__("ring")
        self.kept: dict[tuple[str, str], str] = {}
        self.refuses = refuses
        self.errors = types.SimpleNamespace(KeyringError=type("KeyringError", (Exception,), {}))

    def _check(self) -> None:
        if self.refuses:
            raise self.errors.KeyringError("locked")

    def set_password(self, service: str, name: str, text: str) -> None:
        self._check()
        self.kept[service, name] = text

    def get_password(self, service: str, name: str) -> str | None:
        self._check()
        return self.kept.get((service, name))

    def delete_password(self, service: str, name: str) -> None:
        self._check()
        if self.kept.pop((service, name), None) is None:
            raise self.errors.KeyringError("absent")


@pytest.mark.parametrize(
    ("pasted", "expected"),
    [
        (f" {KEY}\n", Credential(kind="key", secret=KEY)),
        (f"Bearer {KEY}", Credential(kind="key", secret=KEY)),
        ("eyJhbGciOi.x.y", Credential(kind="cookie", secret="eyJhbGciOi.x.y")),
        ("__Secure-civ-token=eyJ.a", Credential(kind="cookie", secret="eyJ.a", cookie_name="__Secure-civ-token")),
        ("Cookie: theme=dark; __Secure-civitai-token=eyJ.b; x=y", Credential(kind="cookie", secret="eyJ.b")),
    ],
)
def test_what_people_paste_is_understood(pasted: str, expected: Credential) -> None:
    assert read_credential(pasted) == expected


@pytest.mark.parametrize(
    "pasted", ["", "   ", "two words", "line\nbreak", "ключ", "__Secure-civitai-token=", "a;b\r\nx: y"]
)
def test_what_cannot_be_a_credential_is_refused_unnamed(pasted: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_credential(pasted)
    assert not pasted.strip() or pasted not in str(caught.value)


@pytest.mark.parametrize("ring", [Ring(), Ring(refuses=True), False])
def test_kept_found_and_forgotten(tmp_path: Path, ring: Any) -> None:
    store = CredentialStore(tmp_path / "private" / "credentials.json", keyring=ring)
    credential = read_credential(KEY)
    where = store.keep("https://www.civitai.com", credential)
    assert where == ("keyring" if ring and not ring.refuses else "file")
    assert store.find("civitai.com") == credential
    assert store.find("https://civitai.red") is None
    assert store.find("http://civitai.com:8080") is None
    assert store.forget("CIVITAI.com")
    assert not store.forget("civitai.com")
    assert store.find("civitai.com") is None


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        file = tmp_path / "private" / "credentials.json"
        store = CredentialStore(file, keyring=False)
        store.keep("a.example", read_credential(KEY))
        store.keep("b.example:8765", read_credential("eyJ.x"))
    finally:
        os.umask(old)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert sorted(path.name for path in file.parent.iterdir()) == ["credentials.json"]
    assert {name: store.find(name) is not None for name in ("a.example", "b.example:8765")} == {
        "a.example": True,
        "b.example:8765": True,
    }


def test_a_secret_moves_from_the_file_to_the_keyring(tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    CredentialStore(file, keyring=False).keep("a.example", read_credential(KEY))
    CredentialStore(file, keyring=Ring()).keep("a.example", read_credential("eyJ.new"))
    assert KEY not in file.read_text()


def test_a_keyring_that_is_named_and_not_there_is_none(tmp_path: Path) -> None:
    told = (
        "import sys; from pathlib import Path; from pinako.client.credentials import *\n"
        "print(CredentialStore(Path(sys.argv[1])).keep('a.example', read_credential(sys.argv[2])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", told, str(tmp_path / "credentials.json"), KEY],
        env={**os.environ, "PYTHON_KEYRING_BACKEND": "nowhere.Ring"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("file\n", "")


def test_a_damaged_file_is_said_and_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    file.write_text("{not json")
    store = CredentialStore(file, keyring=False)
    with pytest.raises(StorageError, match="credentials"):
        store.find("a.example")
    with pytest.raises(StorageError):
        store.keep("a.example", read_credential(KEY))
    assert file.read_text() == "{not json"


def test_a_credential_is_never_shown() -> None:
    credential = read_credential(KEY)
    assert KEY not in f"{credential!r} {credential!s} {[credential]} {credential}"


def test_a_credential_is_checked_with_a_call(open_client: Callable[..., Client], upstream: Upstream) -> None:
    upstream.on("/api/v1/me", as_json({"id": 77, "username": "inkharbor"}))
    assert check_credential(open_client(api_key=KEY)) == "inkharbor"
    upstream.on("/api/v1/me", as_json({"error": "Unauthorized"}, 401))
    with pytest.raises(UpstreamUnauthorized):
        check_credential(open_client(api_key=KEY))


def test_a_host_without_me_is_asked_something_else(open_client: Callable[..., Client], upstream: Upstream) -> None:
    upstream.on("/api/v1/me", as_json({"error": "x"}, 404))
    upstream.on("/api/trpc/user.getSettings", superjson({}))
    assert check_credential(open_client(session="eyJ.x")) is None
    upstream.on("/api/trpc/user.getSettings", trpc_error(401, "UNAUTHORIZED"))
    with pytest.raises(UpstreamUnauthorized):
        check_credential(open_client(session="eyJ.x"))


@pytest.mark.parametrize("words", [["civitai.com", KEY], [KEY], [f"eyJ{KEY}.x.y"]])
def test_a_credential_on_the_command_line_is_refused_and_not_shown(
    words: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["login", *words]) == 2
    told = capfd.readouterr()
    assert "read from a pipe" in told.err
    assert KEY not in told.out + told.err
