"""Downloads: who gets which file, and the bytes themselves, by the conditions of rest.md 19 in their order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from web_library import MODEL_BYTES, Made, add_key, add_model, add_user

from pinako.services.library import Library

BROWSER = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}
DAY = 86_400_000


@pytest.fixture
def made(library: Library) -> Made:
    """A downloadable model of `inkharbor`."""
    return add_model(library, add_user(library, "inkharbor"), 4411)


def ask(client: TestClient, made: Made, query: str = "", **options: Any) -> Any:
    return client.get(f"/api/download/models/{made.version}{query}", **options)


def key(library: Library, name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {add_key(library, name)}"}


def test_a_download_redirects_to_a_signed_address_that_has_the_bytes(client: TestClient, made: Made) -> None:
    answer = ask(client, made)
    assert answer.status_code == 307
    address = answer.headers["location"]
    assert answer.text == address
    assert answer.headers["cache-control"] == "no-store, max-age=0"
    parts = urlsplit(address)
    assert (parts.scheme, parts.netloc) == ("http", "pics.example:8765")
    shown = parse_qs(parts.query)["response-content-disposition"]
    assert shown == ['attachment; filename="harborLightsXl_v10.safetensors"']
    got = client.get(address, headers={"authorization": "Bearer whatever"})
    assert got.status_code == 200
    assert got.content == MODEL_BYTES
    assert got.headers["content-disposition"] == shown[0]
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["content-length"] == str(len(MODEL_BYTES))
    assert got.headers["accept-ranges"] == "bytes"


def test_head_answers_like_get_without_a_body(client: TestClient, made: Made) -> None:
    answer = client.head(f"/api/download/models/{made.version}")
    assert answer.status_code == 307
    got = client.head(answer.headers["location"])
    assert (got.status_code, got.content, got.headers["content-length"]) == (200, b"", str(len(MODEL_BYTES)))


def test_by_setting_the_bytes_come_at_once(open_with: Any, client_of: Callable[[Library], TestClient]) -> None:
    library = open_with(download_redirect=False)
    made = add_model(library, add_user(library, "inkharbor"), 4411)
    answer = ask(client_of(library), made, headers={"range": "bytes=10-19"})
    assert (answer.status_code, answer.content) == (206, MODEL_BYTES[10:20])
    assert answer.headers["content-disposition"] == 'attachment; filename="harborLightsXl_v10.safetensors"'


def test_a_link_is_of_one_file_one_name_and_one_day(client: TestClient, made: Made, clock: Any) -> None:
    address = ask(client, made).headers["location"]
    assert client.get(address.replace(f"/{made.file}/", f"/{made.file + 1}/")).status_code == 403
    assert client.get(address.replace("harborLights", "harbourLights", 1)).status_code == 403
    assert client.get(address.replace("expires=1", "expires=2")).status_code == 403
    assert client.get(address.split("?")[0]).status_code == 403
    clock.advance(days=1, seconds=1)
    over = client.get(address)
    assert (over.status_code, over.json()) == (403, {"error": "This download link has expired"})


def test_what_is_deleted_does_not_leave_through_an_older_link(client: TestClient, library: Library, made: Made) -> None:
    address = ask(client, made).headers["location"]
    with library.database.write() as w:
        w.update("models", made.model, {"status": "Deleted"})
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("model", "version", "level", "status", "body"),
    [
        ({}, {}, 4, 404, {"error": "File not found"}),
        ({}, {}, 0, 404, {"error": "File not found"}),
        ({"poi": True}, {}, 1, 404, {"error": "File not found"}),
        ({"status": "Deleted"}, {}, 1, 404, {"error": "File not found"}),
        ({"status": "Draft"}, {}, 1, 404, {"error": "File not found"}),
        ({"availability": "Private"}, {}, 1, 404, {"error": "File not found"}),
        ({}, {"status": "Unpublished"}, 1, 404, {"error": "File not found"}),
        ({"mode": "Archived"}, {}, 1, 410, {"error": "Model archived, not available for download"}),
        (
            {},
            {"usage_control": "Generation"},
            1,
            401,
            {"error": "Unauthorized", "message": "The creator of this asset has disabled downloads on this file"},
        ),
        (
            {},
            {"require_auth": True},
            1,
            401,
            {
                "error": "Unauthorized",
                "message": "The creator of this asset requires you to be logged in to download it",
            },
        ),
        (
            {},
            {"gate_permanent": True},
            1,
            403,
            {"error": "Early Access", "message": "This asset is in Early Access. You can use Buzz access it now!"},
        ),
        (
            {},
            {"availability": "Private"},
            1,
            401,
            {
                "error": "Unauthorized",
                "message": "The creator of this asset requires you to be logged in to download it",
            },
        ),
    ],
)
def test_a_program_is_refused_in_json(
    client: TestClient,
    library: Library,
    model: dict[str, Any],
    version: dict[str, Any],
    level: int,
    status: int,
    body: dict[str, str],
) -> None:
    made = add_model(library, add_user(library, "inkharbor"), 4411, model=model, version=version, level=level)
    answer = ask(client, made)
    assert (answer.status_code, answer.json()) == (status, body)


def test_a_timed_gate_says_when_it_opens_and_then_it_does(client: TestClient, library: Library, clock: Any) -> None:
    gate = {"gate_ends_at": library.now() + DAY}
    made = add_model(library, add_user(library, "inkharbor"), 4411, version=gate)
    assert ask(client, made).json()["deadline"] == "2026-03-02T12:00:00.000Z"
    clock.advance(days=1)
    assert ask(client, made).status_code == 307


@pytest.mark.parametrize(
    ("version", "status", "where"),
    [
        ({"require_auth": True}, 307, "/login?returnUrl=%2Fmodel-versions%2F4412&reason=download-auth"),
        ({"gate_permanent": True}, 307, "/model-versions/4412"),
    ],
)
def test_a_browser_is_led_on(
    client: TestClient, library: Library, version: dict[str, Any], status: int, where: str
) -> None:
    made = add_model(library, add_user(library, "inkharbor"), 4411, version=version)
    answer = ask(client, made, headers=BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (status, where)


def test_a_browser_reads_plain_text(client: TestClient, library: Library) -> None:
    made = add_model(library, add_user(library, "inkharbor"), 4411, model={"mode": "Archived"})
    answer = ask(client, made, headers=BROWSER)
    assert (answer.status_code, answer.text) == (410, "Model archived, not available for download")
    assert answer.headers["content-type"].startswith("text/plain")
    unknown = client.get("/api/download/models/77", headers=BROWSER)
    assert (unknown.status_code, unknown.text) == (404, "File not found")


def test_the_owner_gets_what_is_closed_to_others_but_not_what_is_deleted(client: TestClient, library: Library) -> None:
    owner = add_user(library, "inkharbor")
    closed = {"status": "Draft", "usage_control": "Generation", "gate_permanent": True, "availability": "Private"}
    made = add_model(library, owner, 4411, version=closed, level=0)
    deleted = add_model(library, owner, 5511, model={"status": "Deleted"})
    assert ask(client, made, headers=key(library, "inkharbor")).status_code == 307
    assert ask(client, deleted, headers=key(library, "inkharbor")).status_code == 404


def test_a_signed_in_stranger_meets_the_private_version_and_levels_of_the_account(
    client: TestClient, library: Library
) -> None:
    owner = add_user(library, "inkharbor")
    add_user(library, "papercrane")
    add_user(library, "kid", max_level=3)
    private = add_model(library, owner, 4411, version={"availability": "Private"})
    mature = add_model(library, owner, 5511, level=8)
    headers = key(library, "papercrane")
    answer = ask(client, private, headers=headers)
    assert (answer.status_code, answer.json()) == (403, {"error": "You do not have access to download this file"})
    assert ask(client, mature, headers=headers).status_code == 307
    token = headers["authorization"].split()[1]
    assert ask(client, mature, f"?token={token}").status_code == 307
    assert ask(client, mature, headers=key(library, "kid")).status_code == 404


def test_login_for_every_download_is_a_setting(open_with: Any, client_of: Callable[[Library], TestClient]) -> None:
    library = open_with(download_needs_login=True)
    made = add_model(library, add_user(library, "inkharbor"), 4411)
    assert ask(client_of(library), made).status_code == 401
    assert ask(client_of(library), made, headers=key(library, "inkharbor")).status_code == 307


def add_file(library: Library, made: Made, id: int, data: bytes, **values: Any) -> None:
    """One more file of the version."""
    from web_library import keep_bytes

    from pinako.catalog.resources import ModelFile
    from pinako.services import publish
    from pinako.services.settle import Touched

    blob = keep_bytes(library, data, "application/octet-stream")
    with library.database.write() as w:
        file = ModelFile(id=id, version_id=made.version, created_at=library.now(), blob=blob, **values)
        publish.keep_file(w, Touched(), file, {})


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", MODEL_BYTES),
        ("?format=SafeTensor&fp=&quantType=", MODEL_BYTES),
        ("?format=PickleTensor", b"pickle"),
        ("?fileId=9001", b"pickle"),
        ("?fileId=9001&format=SafeTensor", b"pickle"),
        ("?fileId=0", MODEL_BYTES),
        ("?type=Config", b"config"),
        ("?type=Config&size=full", b"config"),
        ("?format=PickleTensor&size=full", b"pickle"),
        ("?size=full", None),
        ("?format=SafeTensor&size=full", None),
        ("?fp=fp32", None),
        ("?type=VAE", None),
        ("?fileId=9003", None),
        ("?fileId=12345", None),
    ],
)
def test_the_file_asked_for(client: TestClient, library: Library, query: str, wanted: bytes | None) -> None:
    owner = add_user(library, "inkharbor")
    made = add_model(library, owner, 4411, file={"size_word": "pruned", "fp": "fp16"})
    traits = {"format": "PickleTensor", "size_word": "full", "fp": "fp16"}
    add_file(library, made, 9001, b"pickle", name="harbor.ckpt", **traits)
    add_file(library, made, 9002, b"config", name="harbor.yaml", type="Config")
    add_file(library, made, 9003, b"secret", name="hidden.safetensors", visibility="Private")
    answer = ask(client, made, query)
    if wanted is None:
        assert (answer.status_code, answer.json()) == (404, {"error": "File not found"})
    else:
        assert client.get(answer.headers["location"]).content == wanted


def test_a_linked_vae_comes_through_the_version_that_names_it(client: TestClient, library: Library) -> None:
    owner = add_user(library, "inkharbor")
    vae = add_model(library, owner, 5511, model={"type": "VAE", "name": "Clear"}, file={"type": "VAE"}, data=b"vae")
    made = add_model(library, owner, 4411, version={"vae_id": vae.version})
    assert client.get(ask(client, made, "?type=VAE").headers["location"]).content == b"vae"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("abc", {"error": "✖ Invalid input: expected number, received NaN\n  → at id"}),
        ("0", {"error": "Missing modelVersionId"}),
        ("99999999999", {"error": "✖ Too big: expected number to be <=2147483647\n  → at id"}),
    ],
)
def test_a_bad_id_is_told_as_the_original_does(client: TestClient, path: str, body: dict[str, str]) -> None:
    answer = client.get(f"/api/download/models/{path}", headers=BROWSER)
    assert (answer.status_code, answer.json()) == (400, body)


def test_a_bad_word_is_told_with_its_place(client: TestClient, made: Made) -> None:
    answer = ask(client, made, "?type=Nonsense")
    assert answer.status_code == 400
    assert answer.json()["error"].endswith("→ at type")


def test_training_data_has_moved(client: TestClient) -> None:
    answer = client.get("/api/download/training-data/9001")
    assert (answer.status_code, answer.headers["location"]) == (
        308,
        "/api/download/models/9001?type=Training%20Data",
    )


def test_bytes_that_are_gone_are_a_404_and_not_a_link(client: TestClient, library: Library, made: Made) -> None:
    library.media.delete(made.sha256)
    assert ask(client, made).json() == {"error": "File not found"}


def test_a_download_is_counted_once_and_looking_is_not(client: TestClient, library: Library, made: Made) -> None:
    client.head(f"/api/download/models/{made.version}")
    client.get(ask(client, made).headers["location"])
    client.app.close()  # type: ignore[attr-defined]  # waits for what is written beside
    read = library.database.read()
    assert read.value("SELECT download_count FROM model_versions WHERE id = ?", (made.version,)) == 1
    assert read.value("SELECT download_count FROM models WHERE id = ?", (made.model,)) == 1


def test_a_name_of_any_script_leaves_as_ascii(client: TestClient, library: Library) -> None:
    file = {"override_name": 'Häfen "am" Meer; 港.safetensors'}
    made = add_model(library, add_user(library, "inkharbor"), 4411, file=file)
    got = client.get(ask(client, made).headers["location"])
    shown = got.headers["content-disposition"]
    assert shown.isascii()
    assert shown.startswith('attachment; filename="Hafen')
    assert shown.count('"') == 2
    assert shown.endswith('.safetensors"')


SIZE = len(MODEL_BYTES)
EDGE = st.sampled_from([0, 1, SIZE - 1, SIZE, SIZE + 1]) | st.integers(0, 2 * SIZE)


class Link:
    """A signed address, for properties that ask it many times."""

    client: TestClient
    address: str


@pytest.fixture
def link(client: TestClient, made: Made) -> Link:
    found = Link()
    found.client, found.address = client, ask(client, made).headers["location"]
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=EDGE | st.none(), last=EDGE | st.none())
def test_any_range_is_exactly_those_bytes(link: Link, first: int | None, last: int | None) -> None:
    asked = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    answer = link.client.get(link.address, headers={"range": asked})
    if first is None:
        wanted = MODEL_BYTES[-last:] if last else None
    else:
        wanted = MODEL_BYTES[first : None if last is None else last + 1]
    unreadable = (first is None and last is None) or (first is not None and last is not None and last < first)
    if unreadable:
        assert (answer.status_code, answer.content) == (200, MODEL_BYTES)
    elif not wanted:
        assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{SIZE}")
    else:
        assert (answer.status_code, answer.content) == (206, wanted)
        start = SIZE - len(wanted) if first is None else first
        assert answer.headers["content-range"] == f"bytes {start}-{start + len(wanted) - 1}/{SIZE}"
        assert answer.headers["content-length"] == str(len(wanted))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40))
def test_no_range_header_does_harm(link: Link, asked: str) -> None:
    answer = link.client.get(link.address, headers={"range": asked})
    assert answer.status_code in {200, 206, 416}


def test_resuming_needs_the_same_file(link: Link) -> None:
    etag = link.client.get(link.address).headers["etag"]
    same = link.client.get(link.address, headers={"range": "bytes=5-", "if-range": etag})
    assert (same.status_code, same.content) == (206, MODEL_BYTES[5:])
    other = link.client.get(link.address, headers={"range": "bytes=5-", "if-range": '"other"'})
    assert (other.status_code, other.content) == (200, MODEL_BYTES)
    assert link.client.get(link.address, headers={"if-none-match": etag}).status_code == 304


def test_the_database_folder_is_not_reached(client: TestClient, tmp_path: Path) -> None:
    for path in ("../library.db", "..%2flibrary.db", "%2e%2e/library.db", "1/../../library.db"):
        assert client.get(f"/api/download/files/{path}").status_code in {400, 403, 404}


def test_a_range_means_nothing_to_head(link: Link) -> None:
    answer = link.client.head(link.address, headers={"range": "bytes=1-2"})
    assert (answer.status_code, answer.headers["content-length"]) == (200, str(SIZE))
