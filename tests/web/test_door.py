"""The door: methods, paths, headers, errors, callers and rates, whatever the endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient
from web_library import add_key, add_user

from pinako.catalog.people import Scope
from pinako.errors import Conflict
from pinako.services import access
from pinako.services.library import Library
from pinako.web.answers import Answer, json_answer
from pinako.web.asgi import Door, make_app
from pinako.web.ask import Ask
from pinako.web.routes import ANY, Route, rest_errors
from pinako.wire import failures

ClientOf = Callable[[Library], TestClient]


def door_of(client: TestClient) -> Door:
    assert isinstance(client.app, Door)
    return client.app


def say_who(ask: Ask) -> Answer:
    """Who is asking, from where, and what."""
    viewer = ask.viewer
    return json_answer(
        {
            "user": viewer.username,
            "cap": viewer.cap,
            "scope": str(viewer.scope),
            "origin": ask.origin,
            "client": ask.client,
            "pairs": list(ask.pairs),
            "args": list(ask.args),
        }
    )


async def echo(ask: Ask) -> Answer:
    """The body again."""
    return json_answer({"length": len(await ask.body())})


def fail(ask: Ask) -> Answer:
    """An accident, with a secret in it."""
    raise RuntimeError("hunter2")


def clash(ask: Ask) -> Answer:
    raise Conflict("taken")


EXTRA = (
    Route(path="/api/test/who", handler=say_who),
    Route(path="/api/test/things/{}/of/{}", handler=say_who),
    Route(path="/api/test/any", handler=say_who, methods=ANY),
    Route(path="/api/test/echo", handler=echo, methods=frozenset({"POST"}), body_limit=1000),
    Route(path="/api/test/fail", handler=fail, errors=rest_errors(failures.IMAGES)),
    Route(path="/api/test/clash", handler=clash, errors=rest_errors(failures.MODELS)),
)


@pytest.fixture
def client_of(client_of: ClientOf) -> ClientOf:
    """Doors with a few endpoints that show what they get."""

    def make(library: Library) -> TestClient:
        client = client_of(library)
        door_of(client).add(EXTRA)
        return client

    return make


@pytest.fixture
def client(library: Library, client_of: ClientOf) -> TestClient:
    return client_of(library)


def who(client: TestClient, query: str = "", **options: Any) -> dict[str, Any]:
    answer = client.get(f"/api/test/who{query}", **options)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


# Paths and methods


@pytest.mark.parametrize(
    "path", ["/api/test/who", "/api/test/who/", "/api//test/who", "//api/test///who//", "/api/test/who?"]
)
def test_slashes_and_a_bare_question_mark_make_no_difference(client: TestClient, path: str) -> None:
    assert client.get(f"http://pics.example:8765{path}").status_code == 200


def test_variable_parts_reach_the_handler_decoded(client: TestClient) -> None:
    assert client.get("/api/test/things/a%20b/of/%C3%A4").json()["args"] == ["a b", "ä"]


def test_unknown_paths_under_api_are_404_in_json(client: TestClient) -> None:
    for path in ("/api", "/api/", "/api/v1/nothing", "//api//v1/nothing", "/api/test/who/more"):
        answer = client.get(f"http://pics.example:8765{path}")
        assert (answer.status_code, answer.json()) == (404, {"error": "Not found"})
    assert client.get("/nothing").status_code == 404


def test_a_wrong_method_is_405_and_says_which_are_right(client: TestClient) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE"):
        answer = client.request(method, "/api/test/who")
        assert (answer.status_code, answer.json()) == (405, {"error": "Method not allowed"})
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    assert client.put("/api/test/any").status_code == 200


ENDLESS = "/api/events"
"""A stream: whoever reads it to its end reads for ever. tests/doors/test_doors_events.py has it."""


def every_path(door: Door) -> list[str]:
    """Each route's path with something in its variable parts."""
    return [path_in(route) for route in door.routes if route.path != ENDLESS]


def path_in(route: Route) -> str:
    """A route's path with something in its variable parts."""
    return route.path.replace("{*}", "x/y").replace("{}", "5")


def test_options_is_204_with_cross_origin_headers_everywhere(client: TestClient) -> None:
    asked = {"access-control-request-method": "GET"}
    plain = {path_in(route) for route in door_of(client).routes if not route.plain_options}
    for path in [*every_path(door_of(client)), "/api/v1/nothing"]:
        # What procedures answer to an OPTIONS that no browser sends is theirs (trpc.md 1).
        answer = client.options(path, headers=asked if path not in plain and path != "/api/v1/nothing" else {})
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "Authorization" in answer.headers["access-control-allow-headers"]


def test_head_is_get_without_a_body_everywhere(client: TestClient) -> None:
    for route in door_of(client).routes:
        if not route.allows("GET") or route.path == ENDLESS or route.plain_options:
            continue  # procedures answer an empty 204 (trpc.md 1)
        path = path_in(route)
        got, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (got.status_code, b"")
        assert head.headers["content-length"] == got.headers["content-length"]
        assert head.headers["content-type"] == got.headers["content-type"]


def test_every_answer_is_safe_and_readable_from_anywhere(client: TestClient) -> None:
    for path in [*every_path(door_of(client)), "/api/v1/nothing", "/nothing"]:
        headers = client.get(path).headers
        assert headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in headers
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"]


def test_named_origins_alone_may_read(open_with: Any, client_of: ClientOf) -> None:
    client = client_of(open_with(cors_origins=["https://a.example"]))
    friend = client.get("/api/test/who", headers={"origin": "https://a.example"})
    assert friend.headers["access-control-allow-origin"] == "https://a.example"
    assert "Origin" in friend.headers["vary"]
    stranger = client.get("/api/test/who", headers={"origin": "https://b.example"})
    assert "access-control-allow-origin" not in stranger.headers
    preflight = client.options("/api/test/who", headers={"origin": "https://b.example"})
    assert "access-control-allow-origin" not in preflight.headers


# Caching


def test_json_has_a_tag_that_answers_304(client: TestClient) -> None:
    first = client.get("/api/test/who")
    etag = first.headers["etag"]
    for held in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = client.get("/api/test/who", headers={"if-none-match": held})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        assert "content-length" not in again.headers
    assert client.get("/api/test/who?x=1", headers={"if-none-match": etag}).status_code == 200
    assert client.head("/api/test/who", headers={"if-none-match": etag}).status_code == 304


def test_only_answers_to_nobody_in_particular_are_public(client: TestClient, library: Library) -> None:
    add_user(library, "inkharbor")
    key = add_key(library, "inkharbor")
    public = client.get("/api/test/who").headers
    assert public["cache-control"].startswith("public")
    assert public["vary"] == "Authorization, Cookie"
    shown: list[dict[str, Any]] = [
        {"headers": {"authorization": f"Bearer {key}"}},
        {"headers": {"authorization": "Bearer wrong"}},
        {"params": {"token": key}},
        {"headers": {"cookie": "civitai-token=x"}},
    ]
    for options in shown:
        assert client.get("/api/test/who", **options).headers["cache-control"] == "max-age=0, private, no-cache"


# Errors


def test_an_accident_tells_nothing_but_a_number(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    answer = client.get("/api/test/fail")
    assert answer.status_code == 500
    assert answer.json() == {"error": "Internal Server Error"}
    assert "hunter2" not in answer.text
    assert answer.headers["x-request-id"] in caplog.text
    assert "hunter2" in caplog.text


def test_an_error_has_the_shape_of_its_endpoint(client: TestClient) -> None:
    answer = client.get("/api/test/clash")
    assert (answer.status_code, answer.json()) == (409, {"message": "taken"})


def test_a_body_over_the_limit_is_refused_in_the_originals_words(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # This client holds back the end of a body until it is answered, which a socket does not.
    monkeypatch.setattr("pinako.web.ask.DRAINED_S", 0.2)
    assert client.post("/api/test/echo", content=b"x" * 1000).json() == {"length": 1000}
    for content in (b"x" * 1001, iter([b"x" * 600, b"x" * 600])):
        answer = client.post("/api/test/echo", content=content)
        assert (answer.status_code, answer.text) == (413, "Body exceeded 1mb limit")
        assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("query", ["q=%ff", "%c3=1", "a=1&b=%ed%a0%80", "q=\xff"])
def test_a_query_that_is_no_utf8_is_a_400(client: TestClient, query: str) -> None:
    answer = client.get(f"/api/test/who?{query}") if query.isascii() else raw_query(client, query.encode("latin-1"))
    assert (answer.status_code, answer.json()) == (400, {"error": "The query is not valid UTF-8"})


def raw_query(client: TestClient, query: bytes) -> httpx2.Response:
    """A request whose query was never encoded, as only a server's parser may hand it over."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    return asyncio.run(ask_door(door_of(client), "GET", "/api/test/who", query, receive))


async def ask_door(
    door: Door, method: str, path: str, query: bytes, receive: Callable[[], Awaitable[dict[str, Any]]]
) -> httpx2.Response:
    """One request as a server brings it to the application."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": method, "path": path, "query_string": query, "headers": [],
        "scheme": "http", "client": None, "server": None,
    }  # fmt: skip
    await door(scope, receive, send)
    return httpx2.Response(sent[0]["status"], headers=sent[0]["headers"], content=sent[1]["body"])


def test_who_is_still_sending_when_the_server_must_end_is_told_to_try_again(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def end() -> httpx2.Response:
        waiting = asyncio.Event()

        async def receive() -> dict[str, Any]:
            waiting.set()
            await asyncio.Event().wait()
            raise AssertionError

        asked = asyncio.create_task(ask_door(door_of(client), "POST", "/api/test/echo", b"", receive))
        await waiting.wait()
        asked.cancel()
        return await asked

    answer = asyncio.run(end())
    assert (answer.status_code, answer.json()) == (503, {"error": "The server had to end, please retry shortly."})
    assert answer.headers["retry-after"]
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        ("", []),
        ("a=1&b=2&a=3", [["a", "1"], ["b", "2"], ["a", "3"]]),
        ("a=&b&=c&&", [["a", ""], ["b", ""], ["", "c"]]),
        ("a=x+y%2Bz&b=%E6%B8%AF", [["a", "x y+z"], ["b", "港"]]),
        ("a=1=2;b=3", [["a", "1=2;b=3"]]),
        ("a=%zz%4", [["a", "%zz%4"]]),
    ],
)
def test_pairs_are_read_as_the_original_reads_them(client: TestClient, query: str, pairs: list[list[str]]) -> None:
    assert who(client, f"?{query}")["pairs"] == pairs


# Where the request was sent


def test_links_say_the_host_that_was_asked(client: TestClient) -> None:
    assert who(client)["origin"] == "http://pics.example:8765"
    assert who(client, headers={"host": "[::1]:9"})["origin"] == "http://[::1]:9"


@pytest.mark.parametrize("host", ["evil.example/path", "a b", "a@b", 'x"><script>', "a:99999999", "a\\b", ""])
def test_a_host_that_is_none_gives_the_servers_own_address(client: TestClient, host: str) -> None:
    assert who(client, headers={"host": host})["origin"] == "http://pics.example:8765"


def test_forwarded_headers_count_from_trusted_proxies_only(open_with: Any, client_of: ClientOf) -> None:
    forwarded = {
        "x-forwarded-proto": "https",
        "x-forwarded-host": "pics.example.org",
        "x-forwarded-for": "203.0.113.9, 198.51.100.7, 127.0.0.1",
    }
    untrusting = client_of(open_with())
    assert who(untrusting, headers=forwarded)["origin"] == "http://pics.example:8765"
    library = open_with(trusted_proxies=["127.0.0.0/8"])
    door = make_app(library)
    door.add(EXTRA)
    trusting = TestClient(door, base_url="http://inner:80", client=("127.0.0.1", 5))
    found = who(trusting, headers=forwarded)
    assert (found["origin"], found["client"]) == ("https://pics.example.org", "198.51.100.7")
    stranger = TestClient(door, base_url="http://inner", client=("192.0.2.1", 5))
    found = who(stranger, headers=forwarded)
    assert (found["origin"], found["client"]) == ("http://inner", "192.0.2.1")
    door.close()


def test_the_public_address_wins(open_with: Any, client_of: ClientOf) -> None:
    client = client_of(open_with(public_url="https://pics.example.org/"))
    assert who(client)["origin"] == "https://pics.example.org"


# Who is asking


def test_credentials_in_their_order(client: TestClient, library: Library) -> None:
    keys = {}
    for name in ("ann", "ben", "eve"):
        add_user(library, name)
        keys[name] = add_key(library, name, Scope.READ)
    with library.database.write() as w:
        ben = access.need_user(w, "ben").id
        session = access.open_session(w, ben, library.now(), 30)
    everything = {"authorization": f"Bearer {keys['ann']}", "cookie": f"__Secure-civ-token={session}"}
    assert who(client, f"?token={keys['eve']}", headers=everything)["user"] == "ann"
    assert who(client, headers={"authorization": f"Whatever {keys['ann']}"})["scope"] == "read"
    assert who(client, f"?token={keys['eve']}", headers={"cookie": everything["cookie"]})["user"] == "eve"
    for name in ("__Secure-civ-token", "civ-token", "__Secure-civitai-token", "civitai-token"):
        found = who(client, headers={"cookie": f"theme=dark; {name}={session}; x=y"})
        assert (found["user"], found["scope"], found["cap"]) == ("ben", "write", 31)
    older = {"cookie": f"civitai-token=old; __Secure-civ-token={session}"}
    assert who(client, headers=older)["user"] == "ben"
    for name in ("__Secure-civ-token", "__Secure-civitai-token"):
        found = who(client, headers={"cookie": f"{name}={keys['ann']}"})
        assert (found["user"], found["scope"]) == ("ann", "read"), "scripts carry a key in the cookie"


@pytest.mark.parametrize(
    "shown", ["Bearer None", "Bearer null", "Bearer undefined", "Bearer", "Bearer ", "", "Bearer wrong"]
)
def test_a_bad_key_is_an_anonymous_caller_and_cookies_do_not_help(
    client: TestClient, library: Library, shown: str
) -> None:
    user = add_user(library, "ben")
    with library.database.write() as w:
        session = access.open_session(w, user, library.now(), 30)
    found = who(client, headers={"authorization": shown, "cookie": f"civitai-token={session}"})
    assert (found["user"], found["cap"]) == (None, 1)


def test_revoked_banned_and_expired_count_at_once(client: TestClient, library: Library, clock: Any) -> None:
    user = add_user(library, "ann")
    key = {"authorization": f"Bearer {add_key(library, 'ann')}"}
    with library.database.write() as w:
        session = {"cookie": f"civ-token={access.open_session(w, user, library.now(), 30)}"}
    ticks = [0.0]
    door_of(client).identities._clock = lambda: ticks[0]

    def users() -> tuple[Any, Any]:
        ticks[0] += 1
        return who(client, headers=key)["user"], who(client, headers=session)["user"]

    assert users() == ("ann", "ann")
    with library.database.write() as w:
        w.update("users", user, {"banned_at": 1})
    assert users() == (None, None)
    with library.database.write() as w:
        w.update("users", user, {"banned_at": None, "max_level": 3})
        access.revoke_key(w, "test", library.now())
    assert users() == (None, "ann")
    assert who(client, headers=session)["cap"] == 3
    clock.advance(days=31)
    assert users() == (None, None)


def test_a_use_is_noted_once_a_minute_and_not_in_between(client: TestClient, library: Library, clock: Any) -> None:
    add_user(library, "ann")
    key = {"authorization": f"Bearer {add_key(library, 'ann')}"}
    ticks = [0.0]
    door_of(client).identities._clock = lambda: ticks[0]

    def used() -> int | None:
        ticks[0] += 1
        who(client, headers=key)
        door_of(client).threads.close()
        return access.list_keys(library.database.read())[0].last_used_at

    first = used()
    assert first == library.now()
    clock.advance(seconds=59)
    assert used() == first
    clock.advance(seconds=1)
    assert used() == library.now()


def test_the_levels_of_the_instance_cap_everybody(open_with: Any, client_of: ClientOf) -> None:
    library = open_with(public_level=3, account_level=7)
    add_user(library, "ann")
    client = client_of(library)
    assert who(client)["cap"] == 3
    assert who(client, headers={"authorization": f"Bearer {add_key(library, 'ann')}"})["cap"] == 7


# Rates


def test_one_caller_too_many_times_is_429_with_the_time_to_wait(open_with: Any) -> None:
    library = open_with(rate_limit_per_minute=3)
    add_user(library, "ann")
    now = [1_000_020.0]
    door = make_app(library, lambda: now[0])
    client = TestClient(door)
    key = {"authorization": f"Bearer {add_key(library, 'ann')}"}
    assert [client.get("/api/v1/enums").status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = client.get("/api/v1/enums")
    assert refused.json() == {"error": "Rate limit exceeded, please retry shortly."}
    assert refused.headers["retry-after"] == str(60 - 1_000_020 % 60)
    assert "no-store" in refused.headers["cache-control"]
    assert client.get("/api/health").status_code == 200
    assert client.get("/api/v1/enums", headers=key).status_code == 200, "somebody else has a count of their own"
    now[0] += 60
    assert client.get("/api/v1/enums").status_code == 200
    door.close()
