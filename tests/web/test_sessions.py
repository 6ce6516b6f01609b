"""Logging in and out, the page's word on writes, and one's own logins and keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from pinako.catalog.people import Scope
from pinako.services import access
from pinako.services.library import Library
from pinako.web import csrf
from pinako.web.asgi import make_app
from pinako.web.sessions import safe_return

PASSWORD = "a long quiet phrase"


@pytest.fixture
def fox(library: Library) -> int:
    """An account with a password."""
    with library.database.write() as w:
        return access.add_user(w, "fox", library.now(), password=PASSWORD).id


def login(client: TestClient, password: str = PASSWORD, **options: Any) -> Any:
    """What a program gets that logs in."""
    return client.post("/login", json={"username": "Fox", "password": password}, **options)


def test_a_login_is_a_cookie_that_no_script_reads(client: TestClient, fox: int) -> None:
    answer = login(client)
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("civ-token=")
    for word in ("HttpOnly", "SameSite=Lax", "Path=/"):
        assert word in cookie
    assert "Secure" not in cookie
    me = client.get("/api/v1/me")
    assert me.status_code == 200
    assert me.json()["username"] == "fox"
    assert answer.json()["csrfToken"] == csrf.word_of(client.cookies["civ-token"])
    assert PASSWORD not in answer.text


def test_over_tls_the_cookie_stays_there(open_with: Any, client_of: Any) -> None:
    library = open_with(public_url="https://pics.example")
    with library.database.write() as w:
        access.add_user(w, "fox", library.now(), password=PASSWORD)
    cookie = login(client_of(library)).headers["set-cookie"]
    assert cookie.startswith("__Secure-civ-token=")
    assert cookie.endswith("; Secure")


def test_a_form_goes_on_to_a_page_of_ours_and_back_to_the_form(client: TestClient, fox: int) -> None:
    given = {"username": "fox", "password": PASSWORD}
    onward = client.post("/login", data={**given, "returnUrl": "/images?sort=Newest"})
    assert (onward.status_code, onward.headers["location"]) == (303, "/images?sort=Newest")
    assert client.post("/login", data={**given, "returnUrl": "//evil.example"}).headers["location"] == "/"
    back = client.post("/login", data={**given, "password": "no", "returnUrl": "/images"})
    assert (back.status_code, back.headers["location"]) == (303, "/login?failed=wrong&returnUrl=%2Fimages")
    shown = client.get(back.headers["location"])
    assert shown.status_code == 401
    assert 'value="/images"' in shown.text


@pytest.mark.parametrize(
    "address", ["https://evil.example/", "//evil.example", "/\\evil.example", "/x\r\nset-cookie: a=b", "", "images"]
)
def test_no_other_host_is_gone_on_to(address: str) -> None:
    assert safe_return(address) == "/"
    assert safe_return("/images?a=b") == "/images?a=b"


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"username":"fox"}', b'{"username":1,"password":2}', b"\xff"],
)
def test_nonsense_is_refused(client: TestClient, fox: int, body: bytes) -> None:
    assert client.post("/login", content=body, headers={"content-type": "application/json"}).status_code == 400


def test_wrong_names_and_wrong_passwords_are_told_apart_by_nobody(client: TestClient, fox: int) -> None:
    wrong = login(client, "no")
    unknown = client.post("/login", json={"username": "nobody", "password": "no"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert "set-cookie" not in wrong.headers


def test_wrong_tries_are_counted_by_name_and_by_address(open_with: Any) -> None:
    library = open_with(login_attempts_per_minute=2)
    with library.database.write() as w:
        access.add_user(w, "fox", library.now(), password=PASSWORD)
    now = [1_000_000.0]
    door = make_app(library, clock=lambda: now[0])
    client = TestClient(door, base_url="http://pics.example")
    try:
        tries = [login(client, "no").status_code for _ in range(3)]
        assert tries == [401] * 2 + [429]
        late = login(client)
        assert late.status_code == 429
        assert 0 < int(late.headers["retry-after"]) <= 60
        other = TestClient(door, base_url="http://pics.example", client=("198.51.100.7", 1))
        assert login(other).status_code == 429
        assert other.post("/login", json={"username": "owl", "password": "x"}).status_code == 401
        now[0] += 60
        assert [login(client).status_code for _ in range(5)] == [200] * 5  # only those that fail count
        assert [login(client, "no").status_code for _ in range(3)] == [401] * 2 + [429]
    finally:
        door.close()


def test_another_site_cannot_log_a_browser_in(client: TestClient, fox: int) -> None:
    assert login(client, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert login(client, headers={"origin": "https://evil.example"}).status_code == 403
    assert login(client, headers={"origin": "http://pics.example:8765"}).status_code == 200


def test_logging_out_ends_every_copy_of_the_cookie(
    client: TestClient, client_of: Callable[[Library], TestClient], library: Library, fox: int
) -> None:
    word = login(client).json()["csrfToken"]
    token = client.cookies["civ-token"]
    copy = client_of(library)
    copy.cookies.set("civ-token", token)
    assert copy.get("/api/v1/me").status_code == 200
    assert client.post("/logout").status_code == 403
    assert client.post("/logout", data={"csrf": "0" * 64}).status_code == 403
    out = client.post("/logout", data={"csrf": word, "returnUrl": "/images"})
    assert (out.status_code, out.headers["location"]) == (303, "/images")
    assert client.get("/api/v1/me").status_code == 401
    fresh = client_of(library)
    fresh.cookies.set("civ-token", token)
    assert fresh.get("/api/v1/me").status_code == 401


def test_ones_logins_are_listed_and_ended(
    client: TestClient, client_of: Callable[[Library], TestClient], library: Library, fox: int
) -> None:
    login(client, headers={"user-agent": "first"})
    other = client_of(library)
    word = login(other, headers={"user-agent": "second"}).json()["csrfToken"]
    listed = other.get("/api/v1/pinako/sessions").json()["items"]
    assert {one["agent"]: one["current"] for one in listed} == {"first": False, "second": True}
    assert client.cookies["civ-token"] not in str(listed)
    first = next(one["id"] for one in listed if not one["current"])
    path = f"/api/v1/pinako/sessions/{first}"
    assert other.delete(path).status_code == 403
    assert other.delete("/api/v1/pinako/sessions/%25", headers={"x-csrf-token": word}).status_code == 404
    assert other.delete(path, headers={"x-csrf-token": word}).status_code == 200
    assert len(other.get("/api/v1/pinako/sessions").json()["items"]) == 1
    gone = client_of(library)
    gone.cookies.set("civ-token", client.cookies["civ-token"])
    assert gone.get("/api/v1/pinako/sessions").status_code == 401


def test_ones_keys_are_made_shown_once_and_revoked(client: TestClient, library: Library, fox: int) -> None:
    word = {"x-csrf-token": login(client).json()["csrfToken"]}
    assert client.post("/api/v1/pinako/keys", json={"name": "phone"}).status_code == 403
    assert client.post("/api/v1/pinako/keys", json={"name": " "}, headers=word).status_code == 400
    assert client.post("/api/v1/pinako/keys", json={"name": "a", "scope": "all"}, headers=word).status_code == 400
    made = client.post("/api/v1/pinako/keys", json={"name": "phone", "scope": "write"}, headers=word)
    assert made.status_code == 201
    key = made.json()["key"]
    listed = client.get("/api/v1/pinako/keys").json()["items"]
    assert [(one["name"], one["scope"]) for one in listed] == [("phone", "write")]
    assert key not in str(listed)
    program = {"authorization": f"Bearer {key}"}
    client.cookies.clear()
    assert client.get("/api/v1/me", headers=program).json()["username"] == "fox"
    assert client.delete(f"/api/v1/pinako/keys/{listed[0]['id']}", headers=program).status_code == 200
    assert client.get("/api/v1/me", headers=program).status_code == 401


def test_a_reading_key_makes_no_keys_and_nobody_ends_anothers(client: TestClient, library: Library, fox: int) -> None:
    with library.database.write() as w:
        reader = access.add_key(w, fox, "reads", Scope.READ, library.now())
        owl = access.add_user(w, "owl", library.now()).id
        writer = access.add_key(w, owl, "writes", Scope.WRITE, library.now())
    key_id = access.list_keys(library.database.read(), fox)[0].id
    refused = client.post("/api/v1/pinako/keys", json={"name": "a"}, headers={"authorization": f"Bearer {reader}"})
    assert refused.status_code == 403
    foreign = client.delete(f"/api/v1/pinako/keys/{key_id}", headers={"authorization": f"Bearer {writer}"})
    assert foreign.status_code == 404
    assert client.get("/api/v1/pinako/keys").status_code == 401


READS_BY_POST = {"/api/v1/model-versions", "/api/v1/models-versions", "/api/v1/modelVersions"}
"""Doors whose POST is a question; their first part."""


def test_every_door_that_changes_something_asks_for_the_word(client: TestClient) -> None:
    door: Any = client.app
    own = {"/login", "/logout", "/api/trpc/{}"}  # these look at it themselves, or at where the request comes from
    signed = {"/api/v1/image-upload/{}"}  # the address is the leave; no cookie counts
    for route in door.routes:
        changing = route.methods - {"GET", "HEAD"} - ({"PUT"} if route.path in signed else set())
        if changing and route.path not in own and not any(route.path.startswith(path) for path in READS_BY_POST):
            assert route.writes, route.path
