"""The OpenAPI document says what the doors do: schemathesis reads it, asks a real server, and finds nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from acting import actor
from asking import Doors, opened
from hypothesis import HealthCheck, Phase, given, settings

import demo_library
import real_server
from pinako.web import openapi
from pinako.web.openapi_rest import ENDPOINTS
from pinako.web.routes import Route, Table
from pinako.wire import params, params_images, params_models
from pinako.wire.coerce import Fields
from pinako.wire.trpc_input import Input

PATIENCE_S = 60
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
"""Lenient intake is by design, so those of negative data, unsupported methods and ignored auth are not among them."""
READERS = {
    "/api/v1/creators": params.read_creators,
    "/api/v1/tags": params.read_tags,
    "/api/v1/users": params.read_users,
    "/api/v1/collections": params.read_collections,
    "/api/v1/images": params_images.read_images,
    "/api/v1/models": lambda pairs: params_models.read_models(pairs, known=True),
    "/api/v1/model-versions/mini/{}": params.read_mini,
}
REFUSED = {"model.getAll": {"page"}}
"""Members of inputs that are refused with any value."""
NEVER = {
    "modelId",
    "excludedTagIds",
    "unlisted",
    "nsfwLevel",
    "moderation",
    "email",
    "excludedUserIds",
    "contestBanned",
}
"""Declared upstream, and refused with any value (rest.md 10, 14): not documented."""


@pytest.fixture(scope="module")
def patient(shared: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[real_server.Server]:
    """A server of this module's own: one address asks it thousands of times, which the limiter of collections notices."""
    folder = demo_library.copy_of(demo_library.pristine(shared), tmp_path_factory.mktemp("openapi") / "library")
    with real_server.serving(folder) as running:
        yield running


def test_every_door_of_the_api_and_every_one_that_writes_is_told_of(demo: Doors) -> None:
    door: Any = demo.client.app
    assert openapi.untold(door.routes) == []
    secret = Route(path="/api/v1/secret/{}", handler=door.routes[0].handler, methods=frozenset({"GET", "PUT"}))
    assert sorted(openapi.untold([*door.routes, secret])) == ["GET /api/v1/secret/{}", "PUT /api/v1/secret/{}"]


def test_every_answer_that_is_told_of_ends(demo: Doors) -> None:
    """Programs read each to its end; the stream of events is told of in words."""
    document = demo.json("/api/openapi.json")
    assert "/api/events" not in document["paths"]
    assert "/api/events" in document["info"]["description"]


def test_every_door_that_is_told_of_is_there(demo: Doors) -> None:
    door: Any = demo.client.app
    table = Table(door.routes)
    for path, methods in demo.json("/api/openapi.json")["paths"].items():
        for method in methods:
            found = table.find(path, method.upper())
            assert found is not None, path
            assert found[0].allows(method.upper()), f"{method} {path}"


class Looked(dict[str, Any]):
    """The members of an input, and which of them were looked for."""

    def __init__(self, members: dict[str, Any]) -> None:
        super().__init__(members)
        self.keys_looked_for: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.keys_looked_for.add(key)
        return super().get(key, default)


def test_the_members_told_of_procedures_are_those_that_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is asked with next to nothing: what its reader looks for is what the document has."""
    read: list[Looked] = []
    begin = Input.__init__

    def beginning(self: Input, *given: Any, **named: Any) -> None:
        begin(self, *given, **named)
        self.members = Looked(self.members)
        read.append(self.members)

    monkeypatch.setattr(Input, "__init__", beginning)
    wrong = {}
    with opened(tmp_path / "library") as doors:
        who = actor(doors, "keeper", moderator=True)
        for name, procedure in openapi.PROCEDURES.items():
            read.clear()
            doors.client.post(f"/api/trpc/{name}", json={"json": {"pending": True}}, headers=who.headers)
            found: set[str] = set().union(*(one.keys_looked_for for one in read))
            told = set((procedure.takes or {}).get("properties", ()))
            if told != found - REFUSED.get(name, set()):
                wrong[name] = {"untold": found - told, "unread": told - found}
    assert wrong == {}


BESIDE = {"/api/v1/images": {"q"}}
"""Read by the door itself, beside the original's parameters: the query language."""


@pytest.mark.parametrize("path", READERS)
def test_the_parameters_told_of_are_those_that_are_read(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read: set[str] = set()
    take = Fields.take

    def noting(self: Fields, key: str, *rest: Any) -> Any:
        read.add(key)
        return take(self, key, *rest)

    monkeypatch.setattr(Fields, "take", noting)
    READERS[path]([("allowCommercialUse", "Sell")])
    told = {parameter["name"] for parameter in ENDPOINTS[path].parameters}
    read |= BESIDE.get(path, set())
    assert told == read - (NEVER if path in ("/api/v1/tags", "/api/v1/users") else set())


def test_every_reference_leads_somewhere(demo: Doors) -> None:
    document = demo.json("/api/openapi.json")
    schemas = set(document["components"]["schemas"])
    for reference in _references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas
    names = [one["operationId"] for methods in document["paths"].values() for one in methods.values()]
    assert len(names) == len(set(names))


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def test_what_may_be_missing_is_not_told_as_required(demo: Doors) -> None:
    """`image.get` with `withoutPost` has no `publishedAt` (trpc.md 4.1); items of lists always do."""
    schemas = demo.json("/api/openapi.json")["components"]["schemas"]
    assert "publishedAt" in schemas["ImageEntry"]["required"]
    assert "publishedAt" not in schemas["SingleImage"]["required"]


def test_the_page_needs_nothing_from_elsewhere(demo: Doors) -> None:
    answer = demo.get("/api/docs")
    assert answer.headers["content-type"].startswith("text/html")
    for path in demo.json("/api/openapi.json")["paths"]:
        assert f"<code>{path}</code>" in answer.text
    for word in ("<script", "http://", "https://", "@import", "url("):
        assert word not in answer.text
    policy = answer.headers["content-security-policy"]
    style = sha256(answer.text.partition("<style>")[2].partition("</style>")[0].encode()).digest()
    assert f"style-src 'sha256-{b64encode(style).decode()}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy


def test_schemathesis_finds_nothing_quickly(patient: real_server.Server) -> None:
    schema: Any = schemathesis.openapi.from_url(patient.url("/api/openapi.json"))
    for operation in schema.get_all_operations():
        _attack(operation.ok())


def _attack(operation: Any) -> None:
    @given(case=operation.as_strategy())
    @settings(
        max_examples=4,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    def ask(case: Any) -> None:
        case.call_and_validate(checks=[getattr(schemathesis.checks, name) for name in CHECKS], timeout=PATIENCE_S)

    ask()


@pytest.mark.slow
@pytest.mark.parametrize("who", ["anonymous", "owner"])
def test_schemathesis_finds_nothing(patient: real_server.Server, pristine: Any, who: str, tmp_path: Any) -> None:
    key = demo_library.info_of(pristine).owner_key
    shown = ["-H", f"Authorization: Bearer {key}"] if who == "owner" else []
    program = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"]
    options = [
        "--checks",
        ",".join(CHECKS),
        "--phases",
        "examples,coverage,fuzzing,stateful",
        "--max-examples",
        "30",
        "--request-timeout",
        str(PATIENCE_S),
    ]
    run = subprocess.run(
        [*program, "run", patient.url("/api/openapi.json"), *options, "--workers", "1", "--seed", "7", *shown],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"NO_COLOR": "1", "COLUMNS": "200"},
    )
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
