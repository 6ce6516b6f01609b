"""What the mirror's tests share: a host to mirror, a library to mirror into, and questions to both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from pinako.app import open_catalogue
from pinako.client import Credential
from pinako.client.hosts import read_address
from pinako.intake.mirror.options import Options
from pinako.intake.mirror.report import Report
from pinako.intake.mirror.run import Run
from pinako.media.store import open_store
from pinako.services.history import past_of
from pinako.services.settle import Touched, settle
from pinako.settings import Settings
from pinako.storage.database import Clock, Database, utc_now
from pinako.storage.engine import Value

PATIENCE_S = 120.0


@dataclass(frozen=True)
class Host:
    """A server: its address and its owner's key."""

    address: str
    key: str = ""

    def ask(self, path: str, *, key: str = "") -> Any:
        """The decoded answer to a GET, the server's own address written as HOST."""
        request = Request(self.address + path, headers={"authorization": f"Bearer {key}"} if key else {})
        with urlopen(request, timeout=PATIENCE_S) as answer:
            text = answer.read().decode()
        return json.loads(text.replace(self.address, "HOST"))

    def status(self, path: str) -> int:
        """The status of a GET."""
        try:
            with urlopen(self.address + path, timeout=PATIENCE_S) as answer:
                return int(answer.status)
        except HTTPError as error:
            error.close()
            return error.code

    def command(self, procedure: str, values: Any, *, key: str = "") -> None:
        """A tRPC mutation, with the owner's key."""
        headers = {"authorization": f"Bearer {key or self.key}", "content-type": "application/json"}
        body = json.dumps({"json": values}).encode()
        with urlopen(Request(f"{self.address}/api/trpc/{procedure}", data=body, headers=headers), timeout=PATIENCE_S):
            pass

    def bytes(self, path: str) -> bytes:
        """The body of a GET as it is."""
        with urlopen(self.address + path, timeout=PATIENCE_S) as answer:
            return bytes(answer.read())

    def query(self, procedure: str, values: Any, *, key: str = "") -> Any:
        """The plain value of a tRPC query."""
        text = quote(json.dumps({"json": values}))
        return self.ask(f"/api/trpc/{procedure}?input={text}", key=key)["result"]["data"]["json"]


class Changing:
    """An upstream of a test's own, whose library is changed between runs."""

    def __init__(self, folder: Path, host: Host) -> None:
        self.folder, self.host = folder, host

    def change(self, sql: str, *params: Value, image: int = 0, model: int = 0, user: int = 0) -> None:
        """Run a statement in the upstream's database, as its own program would; its server tells of it when this returns."""
        before = self._body(image, model)
        database = open_catalogue(Settings(library=str(self.folder)))
        with database.write() as w:
            w.run(sql, params)
            touched = Touched()
            touched.images.update({image} - {0})
            touched.models.update({model} - {0})
            touched.users.update({user} - {0})
            settle(w, touched, database.now())
        database.close()
        until = time.monotonic() + PATIENCE_S
        while self._body(image, model) == before:
            assert time.monotonic() < until
            time.sleep(0.02)

    def _body(self, image: int, model: int) -> str:
        """What its lists say of a thing: they follow other programs' writes a moment later."""
        if model:
            return str(self.host.query("model.getById", {"id": model}, key=self.host.key))
        return str(self.host.query("image.getInfinite", {"ids": [image], "browsingLevel": 31}, key=self.host.key))

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """What its database has."""
        return Home(self.folder).rows(sql, *params)

    def an_image(self) -> int:
        return int(self.host.ask("/api/v1/images?limit=1")["items"][0]["id"])


@dataclass
class Home:
    """A library to mirror into."""

    folder: Path
    clock: Clock = utc_now
    given: dict[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        return Settings(library=str(self.folder), **self.given)

    @contextmanager
    def opened(self) -> Iterator[Database]:
        database = open_catalogue(self.settings, clock=self.clock)
        try:
            yield database
        finally:
            database.close()

    def mirror(self, *addresses: str, key: str = "", dry: bool = False, again: bool = False, **options: Any) -> Report:
        """Mirror these pages as one run; its report."""
        credential = Credential(kind="key", secret=key) if key else None
        with self.opened() as database:
            store = open_store(self.settings.media_address)
            run = Run(
                self.settings,
                database,
                store,
                credential_of=lambda host: credential,
                processes=1,
                dry=dry,
                sleep=lambda seconds: None,
            )
            try:
                for address in addresses:
                    run.mirror(read_address(address), Options(**options), again=again)
            finally:
                run.close()
                store.close()
            return run.report

    @property
    def options(self) -> list[str]:
        """Which library it is, as a verb is told."""
        words = ["--library", str(self.folder)]
        return [*words, "--database-url", self.settings.database_url] if self.settings.database_url else words

    def program(self, verb: str, *words: str, said: str = "", **environment: str) -> tuple[int, list[Any], str]:
        """The program itself, `--json` where it is the mirror: exit code, what it told a line each, and its complaints."""
        library = [*self.options, "--json"] if verb == "mirror" else []
        done = subprocess.run(
            [sys.executable, "-m", "pinako", verb, *library, *words],
            input=said,
            capture_output=True,
            text=True,
            env={**os.environ, **self.private, **environment},
            check=False,
        )
        lines = done.stdout.splitlines()
        return done.returncode, [json.loads(line) if library else line for line in lines], done.stderr

    @property
    def private(self) -> dict[str, str]:
        """Surroundings without a keyring and with a configuration folder of its own."""
        return {
            "XDG_CONFIG_HOME": str(self.folder.with_name(f"{self.folder.name}.config")),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        with self.opened() as database:
            return [tuple(row) for row in database.read().rows(sql, params)]


def differences(one: Any, other: Any, place: str = "") -> Iterator[str]:
    """Where two decoded bodies differ, a line each."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted({*one, *other}):
            yield from differences(one.get(name, "absent"), other.get(name, "absent"), f"{place}.{name}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{place}[{index}]")
    elif one != other:
        yield f"{place}: {str(one)[:600]} / {str(other)[:600]}"


def read_history(home: Home, entity: str, id: int) -> list[dict[str, Any]]:
    """The revisions of a thing in a library, the oldest first."""
    with home.opened() as database:
        found = past_of(database.read(), entity, id)
    assert found is not None
    return list(found.as_data()["revisions"])
