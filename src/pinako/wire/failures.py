"""Error bodies: each endpoint has its documented shape (rest.md 5), tRPC its envelope (trpc.md 1.9)."""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple

import msgspec

from pinako.errors import (
    MethodNotAllowed,
    NotImplementedHere,
    PinakoError,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from pinako.wire.issues import ValidationError, issue_dicts


class Shape(Enum):
    """One form of an error body; the letters are those of rest.md 5."""

    P = "plain"
    Z = "wrapped validation"
    ZU = "bare validation"
    A = "issue array"
    M = "message"
    C = "coded"
    PATH = "plain, with the two-line text of a path id"


class Shapes(msgspec.Struct, frozen=True, kw_only=True):
    """How one endpoint says that its input is bad, and how it says everything else."""

    invalid: Shape = Shape.PATH
    failed: Shape = Shape.P


PLAIN = Shapes()
CREATORS = Shapes(invalid=Shape.A, failed=Shape.M)
TAGS = Shapes(invalid=Shape.A, failed=Shape.M)
MODELS = Shapes(invalid=Shape.Z, failed=Shape.M)
MODEL = Shapes(invalid=Shape.PATH, failed=Shape.P)
VERSION = Shapes(invalid=Shape.PATH, failed=Shape.P)
USERS = Shapes(invalid=Shape.ZU, failed=Shape.C)
IMAGES = Shapes(invalid=Shape.Z, failed=Shape.C)
COLLECTIONS = Shapes(invalid=Shape.Z, failed=Shape.M)
COLLECTION = Shapes(invalid=Shape.PATH, failed=Shape.P)
DOWNLOAD = Shapes(invalid=Shape.PATH, failed=Shape.P)


class ErrorAnswer(NamedTuple):
    """What goes out for an error."""

    status: int
    body: bytes
    content_type: str = "application/json; charset=utf-8"


class TextRefusal(PinakoError):
    """A refusal that the original answers as bare text: a JSON body that is none."""

    code = "BAD_REQUEST"
    status = 400


class PlainRefusal(PinakoError):
    """A refusal that is plain whatever the endpoint's shape: `page` with `query`, cursors that a sort has not."""

    code = "BAD_REQUEST"
    status = 400


_FOR_CALLERS = (NotImplementedHere, Unavailable)


def is_internal(error: PinakoError) -> bool:
    """Whether this is the library's own trouble: its message (paths, statements) is for the log and not for callers."""
    return error.status >= 500 and not isinstance(error, _FOR_CALLERS)


_ALWAYS_PLAIN = (PlainRefusal, TooManyRequests, MethodNotAllowed, Unavailable)
_BARE_UNAUTHORIZED = ("", "Unauthorized")


def error_answer(error: PinakoError, shapes: Shapes = PLAIN) -> ErrorAnswer:
    """Status and body of an error at an endpoint with these shapes."""
    if isinstance(error, TextRefusal):
        return ErrorAnswer(error.status, error.message.encode(), "text/plain; charset=utf-8")
    return ErrorAnswer(error.status, msgspec.json.encode(_error_value(error, shapes)))


def _error_value(error: PinakoError, shapes: Shapes) -> Any:
    if isinstance(error, ValidationError):
        return _invalid_value(error, shapes.invalid)
    if isinstance(error, _ALWAYS_PLAIN) or shapes.failed is Shape.P:
        return {"error": _text(error)}
    if isinstance(error, Unauthorized) and error.message in _BARE_UNAUTHORIZED:
        return {"error": "Unauthorized"}
    if shapes.failed is Shape.C:
        typed = not is_internal(error)
        return {"error": _text(error), **({"code": error.code} if typed else {})}
    if is_internal(error):
        return {"message": "An unexpected error occurred", "error": _text(error)}
    return {"message": _text(error)}


def _invalid_value(error: ValidationError, shape: Shape) -> Any:
    if shape is Shape.A:
        return issue_dicts(error.issues)
    if shape is Shape.ZU:
        return {"name": "ZodError", "message": error.message}
    if shape is Shape.Z:
        return {"error": {"name": "ZodError", "message": error.message, **_issues_of_2023(error)}}
    return {"error": error.pretty}


def _issues_of_2023(error: ValidationError) -> dict[str, Any]:
    """The older form beside today's, where programs read a word list out of it (`baseModels=GetModels`)."""
    if not any(isinstance(issue.errors, tuple) for issue in error.issues):
        return {}
    return {"issues": [_issue_of_2023(issue) for issue in issue_dicts(error.issues)]}


def _issue_of_2023(issue: dict[str, Any]) -> dict[str, Any]:
    if "errors" in issue:
        branches = issue.pop("errors")
        issue["unionErrors"] = [
            {"issues": [_issue_of_2023(inner) for inner in branch], "name": "ZodError"} for branch in branches
        ]
    if "values" in issue:
        issue |= {"code": "invalid_enum_value", "options": issue.pop("values")}
    return issue


def _text(error: PinakoError) -> str:
    if is_internal(error):
        return _DEFAULTS[PinakoError.code]
    return error.message or _DEFAULTS.get(error.code, error.code)


_DEFAULTS = {
    "UNAUTHORIZED": "Unauthorized",
    "FORBIDDEN": "Forbidden",
    "NOT_FOUND": "Not found",
    "METHOD_NOT_SUPPORTED": "Method not allowed",
    "INTERNAL_SERVER_ERROR": "Internal Server Error",
}

# --- tRPC ---------------------------------------------------------------------------------------------------------

_TRPC = {
    "PARSE_ERROR": (-32700, 400), "BAD_REQUEST": (-32600, 400), "UNAUTHORIZED": (-32001, 401),
    "FORBIDDEN": (-32003, 403), "NOT_FOUND": (-32004, 404), "METHOD_NOT_SUPPORTED": (-32005, 405),
    "TIMEOUT": (-32008, 408), "CONFLICT": (-32009, 409), "PRECONDITION_FAILED": (-32012, 412),
    "PAYLOAD_TOO_LARGE": (-32013, 413), "UNSUPPORTED_MEDIA_TYPE": (-32015, 415), "TOO_MANY_REQUESTS": (-32029, 429),
    "CLIENT_CLOSED_REQUEST": (-32099, 499), "INTERNAL_SERVER_ERROR": (-32603, 500), "NOT_IMPLEMENTED": (-32603, 501),
    "SERVICE_UNAVAILABLE": (-32603, 503),
}  # fmt: skip
_TRPC_WORDS = {
    "GONE": "NOT_FOUND", "RANGE_NOT_SATISFIABLE": "BAD_REQUEST", "UNREADABLE_FILE": "BAD_REQUEST",
}  # fmt: skip
"""Our words that tRPC has not."""

_TRPC_DEFAULTS = {"NOT_FOUND": "Could not find entity", "INTERNAL_SERVER_ERROR": "Internal Server Error"}


class TrpcFailure(msgspec.Struct, frozen=True, kw_only=True):
    """What tRPC says about one failed call."""

    message: str
    code: int
    word: str
    status: int
    path: str | None = None

    def value(self) -> dict[str, Any]:
        """The plain error object; the envelope wraps it in `json`."""
        data: dict[str, Any] = {"code": self.word, "httpStatus": self.status}
        if self.path is not None:
            data["path"] = self.path
        return {"message": self.message, "code": self.code, "data": data}


def trpc_failure(error: PinakoError, path: str | None = None) -> TrpcFailure:
    """The failure of a call to `path` (None: it failed before a procedure was known)."""
    word = _TRPC_WORDS.get(error.code, error.code)
    word = word if word in _TRPC else "INTERNAL_SERVER_ERROR"
    code, status = _TRPC[word]
    message = ("" if is_internal(error) else error.message) or _TRPC_DEFAULTS.get(word, word)
    return TrpcFailure(message=message, code=code, word=word, status=status, path=path)
