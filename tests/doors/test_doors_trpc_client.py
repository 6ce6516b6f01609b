"""The real tRPC client, from npm, reads every procedure: one by one, in batches, streamed, by GET and by POST."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acting import picture
from asking import Doors, opened

import demo_library
import npm
import real_server
from pinako.web import trpc

HERE = Path(__file__).with_name("trpc_client")
INSTALLED = Path(__file__).parents[2] / ".bench" / "trpc_client"
LINKS = ("get", "post", "batch", "batchPost", "stream")


def missing() -> str | None:
    """Why the client cannot be run here, or None."""
    lacking = [name for name in ("node", "npm") if shutil.which(name) is None]
    return f"the real tRPC client: {' and '.join(lacking)} not installed" if lacking else None


@pytest.fixture(scope="session")
def client(shared: Path) -> Path:
    """The folder in which the client is installed; it is kept between runs."""
    reason = missing()
    if reason is not None:
        if os.environ.get("TESTS_NEVER_SKIP"):
            pytest.fail(reason)
        pytest.skip(reason)
    with demo_library.alone(shared):
        wanted = (HERE / "package.json").read_text()
        done = INSTALLED / "installed.json"
        if not done.exists() or done.read_text() != wanted:
            shutil.rmtree(INSTALLED, ignore_errors=True)
            INSTALLED.mkdir(parents=True)
            (INSTALLED / "package.json").write_text(wanted)
            npm.install(INSTALLED)
            done.write_text(wanted)
        for program in HERE.glob("*.mjs"):
            copy = INSTALLED / program.name
            if not copy.exists() or copy.read_bytes() != program.read_bytes():  # another process may be running it
                shutil.copy(program, copy)
    return INSTALLED


@pytest.fixture(scope="module")
def served(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[real_server.Server, str, Doors]]:
    """A server of this module's own, its owner's key, and the same library in process."""
    original = demo_library.pristine(shared)
    folder = demo_library.copy_of(original, tmp_path_factory.mktemp("trpc") / "library")
    key = demo_library.info_of(original).owner_key
    with real_server.serving(folder) as server, opened(folder, key) as doors:
        yield server, key, doors


def test_the_real_client_reads_every_procedure(client: Path, served: tuple[real_server.Server, str, Doors]) -> None:
    server, key, doors = served
    asked = questions(doors)
    assert {name for name, one in trpc.PROCEDURES.items() if one.kind == "query"} <= {name for name, _ in asked}
    run = subprocess.run(
        ["node", "read_all.mjs", server.address, key, json.dumps(asked)],
        cwd=client, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    answers = json.loads(run.stdout)
    for place, (name, value) in enumerate(asked):
        plain = doors.get(f"/api/trpc/{name}", params={"input": json.dumps({"json": value})}, headers=shown(key)).json()
        for link in LINKS:
            found = answers[link][place]
            if "error" in plain:
                assert found["error"]["message"] == plain["error"]["json"]["message"], (link, name)
                assert found["error"]["data"] == plain["error"]["json"]["data"]
                continue
            data = plain["result"]["data"]
            assert "error" not in found, (link, name, found)
            marks = {path: mark[0] for path, mark in data.get("meta", {}).get("values", {}).items()}
            assert found["marks"] == marks, (link, name)
            assert without(found["value"]) == without(data["json"]), (link, name)
    assert answers["mutation"] == [{"following": True}, {"following": False}]


def test_the_real_client_writes(client: Path, served: tuple[real_server.Server, str, Doors]) -> None:
    server, key, _ = served
    run = subprocess.run(
        ["node", "write_all.mjs", server.address, key, base64.b64encode(picture()).decode()],
        cwd=client, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    for link, told in json.loads(run.stdout).items():
        assert told == {
            "put": 200, "createdIsDate": True, "published": True, "publishedNow": True, "title": link,
            "reacted": True, "saved": {"status": "added", "isOwner": True}, "hearts": 1, "collected": 1, "gone": "NOT_FOUND",
            "back": True, "refused": 404,
        }  # fmt: skip


def questions(doors: Doors) -> list[tuple[str, Any]]:
    """One question for each procedure, and some that fail."""
    image = doors.call("image.getInfinite", {"limit": 1})["items"][0]
    model = doors.json("/api/v1/models?limit=1")["items"][0]
    collection = doors.one("SELECT id FROM collections WHERE read = 'Public' ORDER BY id")
    return [
        ("image.get", {"id": image["id"]}),
        ("image.get", {"id": 999_999_999}),
        ("image.getInfinite", {"limit": 3, "sort": "Newest", "include": ["tags", "metaSelect"]}),
        ("image.getInfinite", {"limit": 200}),
        ("image.getInfinite", {"limit": 201}),
        ("image.getGenerationData", {"id": image["id"]}),
        ("image.getImagesAsPostsInfinite", {"limit": 2}),
        ("post.get", {"id": image["postId"]}),
        ("post.getInfinite", {"limit": 2}),
        ("collection.getAllUser", {}),
        ("collection.getById", {"id": collection}),
        ("collection.getInfinite", {"limit": 2}),
        ("collection.getAllCollectionItems", {"collectionId": collection, "limit": 2}),
        ("tag.getVotableTags", {"id": image["id"], "type": "image"}),
        ("tag.getVotableTags", {"id": model["id"], "type": "model"}),
        ("tag.getById", {"id": image["tagIds"][0]}),
        ("tag.getById", {"id": 999_999_999}),
        ("tag.getAll", {"limit": 3}),
        ("model.getById", {"id": model["id"]}),
        ("model.getAll", {"limit": 2}),
        ("modelVersion.getById", {"id": model["modelVersions"][0]["id"]}),
        ("user.getCreator", {"username": image["user"]["username"]}),
        ("user.getById", {"id": image["userId"]}),
        ("user.getSettings", {}),
        ("hiddenPreferences.getHidden", {}),
        ("collection.getUserCollectionItemsByItem", {"imageId": image["id"], "type": "Image"}),
        ("image.getTrash", {"limit": 2}),
        ("image.getWithheld", {"limit": 2}),
        ("image.nope", {}),
    ]


def shown(key: str) -> dict[str, str]:
    """The header of a key."""
    return {"Authorization": f"Bearer {key}"}


def without(value: Any) -> Any:
    """A value without nulls: what was undefined is lost when the client's result is printed as JSON."""
    if isinstance(value, dict):
        return {key: without(inner) for key, inner in value.items() if inner is not None}
    return [without(inner) for inner in value] if isinstance(value, list) else value
