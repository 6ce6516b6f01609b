"""Downloads and media in the OpenAPI document: answers that are files, or lead to one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pinako.web.openapi_parameters import DOWNLOAD, ID, TEXT, VERSION_ID, asked, in_path
from pinako.wire import whole
from pinako.wire.delivery import DEFAULT_ACCOUNT

Document = dict[str, Any]
Refusal = Callable[[int, Any], Document]

MODELS = "/api/download/models/{}"
TRAINING = "/api/download/training-data/{}"
FILES = "/api/download/files/{}/{}"
MEDIA = f"/{DEFAULT_ACCOUNT}/{{*}}"
KNOWN = (MODELS, TRAINING, FILES, MEDIA)

_FILE: Document = {"schema": {"type": "string", "format": "binary"}}
_LOCATION: Document = {"Location": {"description": "Where to go.", "required": True, "schema": {"type": "string"}}}
_RANGES: Document = {
    "ETag": {"description": "Strong tag of the file.", "required": True, "schema": {"type": "string"}},
    "Accept-Ranges": {"description": "`bytes`.", "required": True, "schema": {"type": "string"}},
}


def paths(path: str, refusal: Refusal) -> Document:
    """The entry of one route of this room, if it is one."""
    if path == MODELS:
        return {path.replace("{}", "{id}"): {"get": _download(refusal)}}
    if path == TRAINING:
        return {path.replace("{}", "{id}"): {"get": _training(refusal)}}
    if path == FILES:
        return {"/api/download/files/{id}/{name}": {"get": _signed(refusal)}}
    if path == MEDIA:
        return {f"/{DEFAULT_ACCOUNT}/{{key}}/{{params}}/{{name}}": {"get": _media(refusal)}}
    return {}


def _refusals(refusal: Refusal, *codes: int, kind: Any = whole.PlainError) -> Document:
    return {str(code): refusal(code, kind) for code in codes}


def _bytes(kinds: tuple[str, ...]) -> Document:
    content = dict.fromkeys(kinds, _FILE)
    part = {"Content-Range": {"description": "Which part.", "required": True, "schema": {"type": "string"}}}
    return {
        "200": {"description": "The file.", "headers": _RANGES, "content": content},
        "206": {"description": "The asked part.", "headers": _RANGES | part, "content": content},
        "304": {"description": "What `If-None-Match` names is still so."},
    }


def _download(refusal: Refusal) -> Document:
    browsers = {"text/plain": {"schema": {"type": "string"}}}
    told = _refusals(refusal, 401, 403, 404, 410, kind=whole.ExplainedError)
    for one in told.values():
        one["content"] |= browsers
    redirect = {"description": "To a signed address that holds for a while.", "headers": _LOCATION, "content": browsers}
    return {
        "operationId": "download",
        "tags": ["Downloads"],
        "summary": "A file of a version: a redirect to its bytes, or by setting the bytes.",
        "parameters": [VERSION_ID, *DOWNLOAD],
        "responses": {
            **_bytes(("application/octet-stream",)),
            "307": redirect,
            **_refusals(refusal, 400, 416, 429, 500, 503),
            **told,
        },
    }


def _training(refusal: Refusal) -> Document:
    redirect = {"description": "To the download.", "headers": _LOCATION, "content": {"text/plain": {"schema": TEXT}}}
    return {
        "operationId": "downloadTrainingData",
        "tags": ["Downloads"],
        "summary": "The older address of a version's training data.",
        "parameters": [VERSION_ID],
        "responses": {"308": redirect, **_refusals(refusal, 400, 429, 500, 503)},
    }


def _signed(refusal: Refusal) -> Document:
    return {
        "operationId": "signedFile",
        "tags": ["Downloads"],
        "summary": "Where a download's redirect leads. It needs no header, and takes ranges.",
        "parameters": [
            in_path("id", ID, "Id of the file."),
            in_path("name", TEXT | {"minLength": 1}, "The name that it is saved under."),
            asked("expires", TEXT, "When the address ends, in seconds since 1970."),
            asked("signature", TEXT, "Proof that this server made the address."),
            asked("response-content-disposition", TEXT, "As the answer's header says it."),
        ],
        "responses": {
            **_bytes(("application/octet-stream",)),
            **_refusals(refusal, 400, 403, 404, 405, 416, 429, 500, 503),
        },
    }


def _media(refusal: Refusal) -> Document:
    kinds = ("image/*", "video/*", "audio/*", "application/octet-stream")
    uuid = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
    return {
        "operationId": "media",
        "tags": ["Media"],
        "summary": "A medium: as it came in, or rendered anew. Params and name may be left out.",
        "parameters": [
            in_path("key", {"type": "string", "pattern": uuid}, "Key of the medium, as tRPC's `url` has it."),
            in_path(
                "params",
                {"type": "string", "pattern": "^[a-z]+=[a-z0-9]+(,[a-z]+=[a-z0-9]+)*$"},
                "`original=true`, or wishes such as `width=450,anim=false`.",
            ),
            in_path("name", {"type": "string", "pattern": r"^[A-Za-z0-9_-]+\.(jpeg|mp4|webm|mp3)$"}, "Any name."),
        ],
        "responses": {
            **_bytes(kinds),
            **_refusals(refusal, 400, 403, 404, 405, 413, 415, 416, 422, 429, 500, 501, 503),
        },
    }
