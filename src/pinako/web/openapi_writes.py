"""Doors of REST that change something, in the OpenAPI document: uploads, and one's own logins, keys and share links."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from pinako.web.openapi_parameters import ID, TEXT, asked, in_path
from pinako.web.routes import Route
from pinako.wire import whole

Document = dict[str, Any]
Refusal = Callable[[int, Any], Document]

UPLOAD = "/api/v1/image-upload"
OWN = "/api/v1/pinako"

_TIME: Document = {"type": "integer", "description": "Milliseconds since 1970."}
_NULL_TIME: Document = {"type": ["integer", "null"]}
_UUID: Document = {"type": "string", "format": "uuid"}


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path."""

    name: str
    text: str
    takes: Document | None = None
    gives: Document
    status: int = 200
    refusals: tuple[int, ...] = (401, 403)
    names: tuple[Document, ...] = ()
    asks: tuple[Document, ...] = ()
    more: dict[int, Document] = {}
    """Further successes."""
    binary: bool = False


def thing(*needed: str, **members: Document) -> Document:
    """The schema of an object."""
    return {"type": "object", "properties": members, "required": [*needed]}


def items(one: Document) -> Document:
    """A list of all there are."""
    return thing("items", items={"type": "array", "items": one})


_NOTHING = thing()
_STATE = thing(
    "id", "received", "complete", id=_UUID, received={"type": "integer"}, complete={"type": "boolean"}, type=TEXT,
    mimeType=TEXT, width={"type": ["integer", "null"]}, height={"type": ["integer", "null"]},
)  # fmt: skip
_SIGNED = (
    asked("expires", TEXT, "When the address ends, in seconds since 1970."),
    asked("signature", TEXT, "Proof that this server made the address."),
)
_KEY = in_path("key", _UUID, "The upload's id.")
_SESSION = thing(
    "id", "createdAt", "expiresAt", "current", id=TEXT, createdAt=_TIME, expiresAt=_TIME,
    agent={"type": ["string", "null"]}, current={"type": "boolean"},
)  # fmt: skip
_API_KEY = thing(
    "id", "name", "scope", "createdAt", id=ID, name=TEXT, scope=TEXT, createdAt=_TIME, lastUsedAt=_NULL_TIME
)

_SHARE = thing(
    "id", "collectionId", "level", "url", "token", "createdAt", "expiresAt", id=ID, collectionId=ID, url=TEXT, token=TEXT,
    level={"type": "integer"}, createdAt=_TIME, expiresAt=_TIME,
)  # fmt: skip

DOORS: dict[tuple[str, str], Door] = {
    (UPLOAD, "post"): Door(
        name="beginUpload",
        text="A place for one file. PUT its bytes to `uploadURL`, then give `id` to `post.addImage` as `url`.",
        takes=thing(filename=TEXT),
        gives=thing("id", "uploadURL", id=_UUID, uploadURL=TEXT),
        refusals=(401, 403, 413),
    ),
    (f"{UPLOAD}/{{}}", "get"): Door(
        name="uploadState", text="How much of an upload is here.", gives=_STATE, refusals=(403, 404),
        names=(_KEY,), asks=_SIGNED,
    ),
    (f"{UPLOAD}/{{}}", "put"): Door(
        name="upload",
        text="The bytes, all of them, or the part that `Content-Range` names. No key is needed.",
        gives=_STATE, refusals=(403, 404, 409, 413, 415, 416, 422, 501), names=(_KEY,), asks=_SIGNED, binary=True,
        more={202: {"description": "A part is here, more is to come.", "content": {"application/json": {"schema": _STATE}}}},
    ),
    (f"{OWN}/sessions", "get"): Door(name="listLogins", text="One's own logins.", gives=items(_SESSION), refusals=(401,)),
    (f"{OWN}/sessions/{{}}", "delete"): Door(
        name="endLogin", text="End one of one's own logins.", gives=_NOTHING, refusals=(401, 403, 404),
        names=(in_path("id", TEXT | {"minLength": 1}, "As the list has it."),),
    ),
    (f"{OWN}/keys", "get"): Door(name="listKeys", text="One's own keys.", gives=items(_API_KEY), refusals=(401,)),
    (f"{OWN}/keys", "post"): Door(
        name="makeKey", text="A new key. It can be read here and never again.", status=201,
        takes=thing("name", name=TEXT | {"minLength": 1, "maxLength": 100}, scope={"enum": ["read", "write"]}),
        gives=thing("name", "scope", "key", name=TEXT, scope=TEXT, key=TEXT), refusals=(401, 403, 413),
    ),
    (f"{OWN}/keys/{{}}", "delete"): Door(
        name="endKey", text="Revoke one of one's own keys.", gives=_NOTHING, refusals=(401, 403, 404),
        names=(in_path("id", TEXT | {"minLength": 1}, "Its id."),),
    ),
    (f"{OWN}/shares", "post"): Door(
        name="makeShareLink", text="A link that shows a collection to whoever has it, within levels and for a while.",
        takes=thing("collectionId", collectionId=ID, level={"type": "integer", "minimum": 1, "maximum": 31},
                    days={"type": "integer", "minimum": 1, "maximum": 3650}),
        gives=_SHARE, status=201, refusals=(401, 403, 413),
    ),
    (f"{OWN}/shares", "get"): Door(
        name="listShareLinks", text="The links of a collection that one manages.", gives=items(_SHARE), refusals=(401,),
        asks=(asked("collectionId", ID, "Id of the collection.") | {"required": True},),
    ),
    (f"{OWN}/shares/{{}}", "delete"): Door(
        name="endShareLink", text="End a link.", gives=_NOTHING, refusals=(401, 403, 404), names=(in_path("id", ID, "Its id."),),
    ),
}  # fmt: skip


def paths(route: Route, refusal: Refusal) -> tuple[str, Document]:
    """The entry of one route of this room: its path with named segments, and its methods."""
    found: Document = {}
    named = route.path
    for method in sorted(route.methods):
        door = DOORS.get((route.path, method.lower()))
        if door is not None:
            found[method.lower()] = _operation(door, refusal)
            for one in door.names:
                named = named.replace("{}", f"{{{one['name']}}}", 1)
    return named, found


def _operation(door: Door, refusal: Refusal) -> Document:
    body: Document = {}
    if door.takes is not None:
        body = {"requestBody": {"required": bool(door.takes["required"]), "content": _json(door.takes)}}
    elif door.binary:
        content = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
        body = {"requestBody": {"required": True, "content": content}}
    codes = {400, 405, 429, 500, 503, *door.refusals}
    return {
        "operationId": door.name,
        "tags": ["Uploads" if "pload" in door.name else "Account"],
        "summary": door.text,
        "parameters": [*door.names, *door.asks],
        **body,
        "responses": {
            str(door.status): {"description": "Done.", "content": _json(door.gives)},
            **({"304": {"description": "Still so."}} if door.status == 200 and not body else {}),
            **{str(code): told for code, told in door.more.items()},
            **{str(code): refusal(code, whole.PlainError) for code in sorted(codes)},
        },
    }


def _json(schema: Document) -> Document:
    return {"application/json": {"schema": schema}}
