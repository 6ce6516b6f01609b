"""The OpenAPI document, made of the route table and the wire's own records, and a page that lists it for people.

Served at `/api/openapi.json` and `/api/docs`. Parameters are told in `openapi_parameters.py`, endpoints in
`openapi_rest.py`, procedures in `openapi_trpc.py`, all other doors in `openapi_doors.py`, `_files.py` and `_writes.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from types import UnionType
from typing import Any, get_args

import msgspec

from pinako.web import openapi_doors, openapi_files, openapi_writes, trpc
from pinako.web.answers import HTML_TYPE, Answer
from pinako.web.ask import Ask
from pinako.web.health import VERSION
from pinako.web.openapi_page import POLICY, page
from pinako.web.openapi_rest import ENDPOINTS, LEADS, Told
from pinako.web.openapi_trpc import PROCEDURES as READING
from pinako.web.openapi_trpc import Told as Procedure
from pinako.web.openapi_trpc_writes import PROCEDURES as WRITING
from pinako.web.routes import Route
from pinako.wire import whole

Document = dict[str, Any]

PATH = "/api/openapi.json"
PAGE = "/api/docs"
TRPC = "/api/trpc/{}"
OTHER_SPELLINGS = ("/api/v1/models-versions", "/api/v1/modelVersions")
"""The same doors as `/api/v1/model-versions`, documented in 2022."""

PROCEDURES = READING | WRITING
_TEXT = (
    "A library of AI-generated media and the models that made them, wire-compatible with Civitai's REST v1 and tRPC. "
    "Intake is lenient: unknown parameters are ignored, lists may be repeated keys or commas, booleans are `true`, `1`, "
    "`yes`, `on` and their opposites in any case. What a caller may not see is answered like what does not exist. Every "
    "endpoint answers HEAD like GET, and OPTIONS with its methods. `GET /api/events` is an endless stream of server-sent events, "
    'hence not among the paths: `event: change` with `data: {"entity", "id", "counts"?, "gone"?}` for each thing that its '
    "caller may see, `event: reset` when more happened than is told one by one, `id` a place in the change log to go on from "
    "(`Last-Event-ID`, or `?since=`). `?about=model:7,8;image:5` names what a page shows: what of it is hidden from the caller "
    "meanwhile is told as gone."
)
_CUT = "The effective level mask, where the asked one was cut to what the caller may see."
_WORDS = {
    400: "A parameter that cannot be read.",
    401: "Nobody is logged in where somebody must be.",
    403: "The caller is known and may not do this.",
    404: "Unknown, or hidden from this caller.",
    405: "Another method is asked for.",
    409: "It conflicts with what is there.",
    410: "Archived.",
    413: "The body is over the limit.",
    415: "The body, or the medium, is of another type.",
    416: "The range lies outside the file.",
    422: "The medium cannot be read.",
    429: "Too many requests, or too deep by page number.",
    500: "An error that should not happen; `X-Request-Id` is its number in the log.",
    501: "This server lacks the program for it.",
    503: "Not ready or overloaded: try again shortly.",
}


class Schemas:
    """The schemas of records, each once under its name."""

    def __init__(self, kinds: Iterable[Any]) -> None:
        self._kinds = list(dict.fromkeys(kinds))
        found, self.components = msgspec.json.schema_components(
            self._kinds, schema_hook=_any, ref_template="#/components/schemas/{name}"
        )
        self._found = dict(zip(self._kinds, found, strict=True))

    def of(self, kind: Any) -> Document:
        """The schema of a record, or of several of which it is one."""
        branches = _branches(kind)
        return self._found[kind] if len(branches) == 1 else {"anyOf": [self._found[branch] for branch in branches]}


def _any(kind: type) -> Document:
    """Ready-made JSON: free-form."""
    return {}


def _branches(kind: Any) -> tuple[Any, ...]:
    """The records of a union: records without tags cannot be told apart while decoding, so msgspec has no schema of it."""
    if isinstance(kind, UnionType):
        parts = get_args(kind)
        if sum(isinstance(part, type) and issubclass(part, msgspec.Struct) for part in parts) > 1:
            return parts
    return (kind,)


def document(routes: Sequence[Route]) -> Document:
    """The whole document of these routes."""
    told = [(route, ENDPOINTS[route.path]) for route in routes if route.path in ENDPOINTS]
    schemas = Schemas(_kinds([one for _, one in told]))
    paths: Document = {}
    for route, one in told:
        paths[_named(route.path, one)] = {_method(route): _operation(one, route, schemas)}
    for route in routes:
        paths |= openapi_files.paths(route.path, lambda code, kind: _refusal(schemas, code, kind))
        paths |= openapi_doors.paths(route.path, lambda code, kind: _refusal(schemas, code, kind))
        named, methods = openapi_writes.paths(route, lambda code, kind: _refusal(schemas, code, kind))
        if methods:
            paths[named] = paths.get(named, {}) | methods
    for name, procedure in trpc.PROCEDURES.items():
        paths[f"/api/trpc/{name}"] = _procedure(name, procedure.kind, PROCEDURES.get(name), schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Pinako",
            "version": VERSION,
            "description": _TEXT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"bearer": []}, {"token": []}, {"session": []}, {"share": []}],
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": dict(sorted(schemas.components.items())), "securitySchemes": _SECURITY},
    }  # fmt: skip


_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key: `pinako key add NAME`."},
    "token": {"type": "apiKey", "in": "query", "name": "token", "description": "The same key, for tools without headers."},
    "session": {"type": "apiKey", "in": "cookie", "name": "__Secure-civ-token", "description": "A login."},
    "share": {"type": "apiKey", "in": "query", "name": "share", "description": "The token of a share link, for its collection."},
}  # fmt: skip


def _kinds(told: Iterable[Told]) -> Iterator[Any]:
    for one in told:
        for kind in (one.gives, one.bad, one.failed):
            yield from _branches(kind)
    yield from (whole.PlainError, whole.ExplainedError, whole.TrpcError)
    for procedure in PROCEDURES.values():
        yield procedure.gives


def _named(path: str, told: Told) -> str:
    for parameter in told.names:
        path = path.replace("{}", f"{{{parameter['name']}}}", 1)
    return path


def _method(route: Route) -> str:
    return "post" if route.methods == {"POST"} else "get"


def _json(schema: Document) -> Document:
    return {"application/json": {"schema": schema}}


def _operation(told: Told, route: Route, schemas: Schemas) -> Document:
    statuses = {
        400,
        429,
        500,
        503,
        *told.statuses,
        *({405} if route.methods else set()),
        *({413} if told.hashes else set()),
    }
    refusals = {
        str(code): _refusal(schemas, code, told.bad if code == 400 else _shape(code, told)) for code in sorted(statuses)
    }  # fmt: skip
    body = {"requestBody": _hashes(told.hashes)} if told.hashes else {}
    return {
        "operationId": told.name,
        "tags": [told.group],
        "summary": told.text,
        "parameters": [*told.names, *told.parameters],
        **body,
        "responses": {"200": _success(schemas.of(told.gives)) | _links(told), "304": _unchanged(), **refusals},
    }


def _links(told: Told) -> Document:
    """Where the first item of the answer leads."""
    found = {}
    for operation, parameter, place in LEADS.get(told.name, ()):
        value: Any = f"$response.body#{place}"
        found[operation.replace(".", "-")] = {
            "operationId": operation,
            "parameters": {parameter: {"json": {"id": value}} if parameter == "input" else value},
        }
    return {"links": found} if found else {}


def _shape(code: int, told: Told) -> Any:
    """Methods, rates and overload are refused in the plain shape everywhere (rest.md 5)."""
    return whole.PlainError if code in (405, 429, 503) else told.failed


def _success(schema: Document) -> Document:
    headers = {
        "ETag": {"description": "Tag of this body, for `If-None-Match`.", "schema": {"type": "string"}},
        "X-Pinako-Level": {"description": _CUT, "schema": {"type": "integer"}},
    }
    return {"description": "The answer.", "headers": headers, "content": _json(schema)}


def _unchanged() -> Document:
    return {"description": "What `If-None-Match` names is still so."}


def _refusal(schemas: Schemas, code: int, kind: Any) -> Document:
    content = _json(schemas.of(kind))
    if code in (400, 413):
        content |= {"text/plain": {"schema": {"type": "string"}}}
    if code == 413:
        content.pop("application/json")
    headers = {}
    if code in (429, 503):
        headers = {"Retry-After": {"description": "Seconds to wait.", "required": True, "schema": {"type": "integer"}}}
    if code == 405:
        headers = {"Allow": {"description": "What is answered.", "required": True, "schema": {"type": "string"}}}
    return {"description": _WORDS[code], **({"headers": headers} if headers else {}), "content": content}


def _hashes(most: int) -> Document:
    one = {"type": "string", "minLength": 64, "maxLength": 64, "pattern": "^[0-9A-Fa-f]{64}$"}
    return {"required": True, "content": _json({"type": "array", "items": one, "maxItems": most})}


# --- tRPC ---------------------------------------------------------------------------------------------------------


def _procedure(name: str, kind: str, told: Procedure | None, schemas: Schemas) -> Document:
    """A procedure's paths: GET and POST for queries, POST for mutations."""
    known = told or Procedure(text=f"`{name}`.", takes=None, gives=Any)
    takes = {"type": "object", "properties": {"json": known.takes or {}, "meta": {"type": "object"}}}
    gives = schemas.of(told.gives) if told else {}
    common = {"tags": ["tRPC"], "summary": known.text, "responses": _trpc_answers(gives, kind)}
    body = {"requestBody": {"required": bool(known.takes and known.takes.get("required")), "content": _json(takes)}}
    found: Document = {"post": {"operationId": f"{name}.post", **common, **body}}
    if kind == "query":
        needed = bool(known.takes and known.takes.get("required"))
        text = 'The input as superjson: `{"json": …}`; the wrapper may be left out.'
        given = {"name": "input", "in": "query", "required": needed, "description": text, "content": _json(takes)}
        found["get"] = {"operationId": name, **common, "parameters": [given]}
    return found


def _trpc_answers(gives: Document, kind: str) -> Document:
    data = {"type": "object", "properties": {"json": gives, "meta": {"type": "object"}}, "required": ["json"]}
    result = {"type": "object", "properties": {"data": data}, "required": ["data"]}
    answer = {"type": "object", "properties": {"result": result}, "required": ["result"]}
    error = _json({"$ref": "#/components/schemas/TrpcError"})
    refused = {400, 401, 403, 404, 409, 413, 415, 429, 500, 501, 503}
    told = {str(code): {"description": _WORDS[code], "content": error} for code in sorted(refused)}
    answers = {"200": _success(answer), **told}
    return answers if kind == "mutation" else {**answers, "304": _unchanged()}


# --- doors --------------------------------------------------------------------------------------------------------


def routes(every: Callable[[], Sequence[Route]]) -> tuple[Route, ...]:
    """The two doors; `every` gives the routes of the whole application when they are first asked for."""

    @cache
    def made() -> bytes:
        return msgspec.json.encode(document(every()))

    @cache
    def shown() -> bytes:
        return page(document(every())).encode()

    def tell(ask: Ask) -> Answer:
        return Answer(made())

    def show(ask: Ask) -> Answer:
        return Answer(shown(), content_type=HTML_TYPE, headers=[(b"content-security-policy", POLICY.encode())])

    return (Route(path=PATH, handler=tell), Route(path=PAGE, handler=show))


def untold(every: Sequence[Route]) -> list[str]:
    """Doors that the document does not know, as `METHOD path`: all of the API, and whatever writes. None, as a test says."""
    whole_paths = {*ENDPOINTS, PATH, PAGE, TRPC, *openapi_files.KNOWN}
    known = (
        openapi_doors.KNOWN | openapi_doors.ENDLESS | {(path, method.upper()) for path, method in openapi_writes.DOORS}
    )
    older = tuple(f"{spelling}/" for spelling in OTHER_SPELLINGS)
    return [
        f"{method} {route.path}"
        for route in every
        if route.path not in whole_paths and not route.path.startswith(older)
        for method in route.methods or {"GET"}
        if (route.path.startswith("/api/") or method != "GET") and (route.path, method) not in known
    ]
