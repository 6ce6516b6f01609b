"""Doors that are neither lists nor data, in the OpenAPI document: signing in and out, share links, decisions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pinako.services.review import Deed
from pinako.web import events, sharing
from pinako.web.openapi_parameters import ID, TEXT, in_path
from pinako.wire import whole

Document = dict[str, Any]
Refusal = Callable[[int, Any], Document]

REVIEW, LOGIN, LOGOUT, LINK = "/review/{}", "/login", "/logout", f"{sharing.LINK}/{{}}"
KNOWN = frozenset({(LINK, "GET"), (REVIEW, "POST"), (LOGIN, "POST"), (LOGOUT, "POST")})
ENDLESS = frozenset({(events.PATH, "GET")})
"""Told of in words alone: a program that reads every answer of the document to its end would wait for ever."""

_WORD = {
    "name": "X-CSRF-Token",
    "in": "header",
    "schema": TEXT,
    "description": "The word of the page, where the caller is known by a login's cookie. Keys need none.",
}
_COOKIE: Document = {"Set-Cookie": {"description": "The login.", "schema": TEXT}}


def paths(path: str, refusal: Refusal) -> Document:
    """The entry of one route of this room, if it is one."""
    told = {
        LINK: _link,
        REVIEW: _review,
        LOGIN: _login,
        LOGOUT: _logout,
    }.get(path)
    return told(refusal) if told else {}


def _refusals(refusal: Refusal, *codes: int) -> Document:
    return {str(code): refusal(code, whole.PlainError) for code in codes}


def _link(refusal: Refusal) -> Document:
    to = {"Location": {"description": "The collection's page.", "required": True, "schema": TEXT}}
    plain = {"text/plain": {"schema": TEXT}}
    return {
        LINK.replace("{}", "{token}"): {
            "get": {
                "operationId": "openShareLink",
                "tags": ["Collections"],
                "summary": "Remember a share link in a cookie, and go on to its collection.",
                "parameters": [in_path("token", TEXT | {"minLength": 1}, "As `url` of the link has it.")],
                "responses": {
                    "303": {"description": "On to the collection.", "headers": to | _COOKIE, "content": plain},
                    **_refusals(refusal, 400, 404, 405, 429, 500, 503),
                },
            }
        }
    }


def _review(refusal: Refusal) -> Document:
    deed = {"type": "object", "required": ["deed"], "properties": {"deed": {"enum": [deed.value for deed in Deed]}}}
    return {
        REVIEW.replace("{}", "{id}"): {
            "post": {
                "operationId": "decide",
                "tags": ["Images"],
                "summary": "For moderators: let an image that is held back be seen, block it, or remove it for good.",
                "parameters": [in_path("id", ID, "Id of the image."), _WORD],
                "requestBody": _json(deed),
                "responses": {
                    "200": {"description": "Done.", "content": {"application/json": {"schema": {"type": "object"}}}},
                    **_refusals(refusal, 400, 401, 403, 404, 405, 413, 429, 500, 503),
                },
            }
        }
    }


def _login(refusal: Refusal) -> Document:
    credentials = {
        "type": "object",
        "required": ["username", "password"],
        "properties": {"username": TEXT, "password": TEXT, "returnUrl": TEXT},
    }
    return _form(
        LOGIN, "login", "Sign in with name and password; scripts send JSON, the page a form.", credentials, refusal
    )


def _logout(refusal: Refusal) -> Document:
    word = {"type": "object", "properties": {"csrf": TEXT, "returnUrl": TEXT}}
    return _form(LOGOUT, "logout", "End this login.", word, refusal)


def _form(path: str, name: str, text: str, takes: Document, refusal: Refusal) -> Document:
    """A door that takes a page's form, which it answers by going on to a page, or JSON, which it answers in kind."""
    form = {"application/x-www-form-urlencoded": {"schema": takes}}
    onward = {"Location": {"description": "The page to go on to.", "required": True, "schema": TEXT}}
    done = {"application/json": {"schema": {"type": "object"}}}
    return {
        path: {
            "post": {
                "operationId": name,
                "tags": ["Account"],
                "summary": text,
                "parameters": [_WORD] if path == LOGOUT else [],
                "requestBody": {"required": path == LOGIN, "content": {"application/json": {"schema": takes}} | form},
                "responses": {
                    "200": {"description": "Done.", "headers": _COOKIE, "content": done},
                    "303": {"description": "Done, for a form.", "headers": _COOKIE | onward, "content": _plain()},
                    **_refusals(refusal, 400, 401, 403, 405, 413, 429, 500, 503),
                },
            }
        }
    }


def _plain() -> Document:
    return {"text/plain": {"schema": TEXT}}


def _json(schema: Document) -> Document:
    return {"required": True, "content": {"application/json": {"schema": schema}}}
