"""The one family of errors. Each owns the code word and status that the wire answers with (trpc.md 1.9, rest.md 5)."""

from __future__ import annotations

from typing import ClassVar


class PinakoError(Exception):
    """Anything that a door turns into an answer. `code` is tRPC's word, `status` the HTTP status of both doors."""

    code: ClassVar[str] = "INTERNAL_SERVER_ERROR"
    status: ClassVar[int] = 500

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message


class BadRequest(PinakoError):
    """A parameter that cannot be read, or a rule of the wire that was broken."""

    code = "BAD_REQUEST"
    status = 400


class Unauthorized(PinakoError):
    """Nobody is logged in where somebody must be, or the caller is not the owner."""

    code = "UNAUTHORIZED"
    status = 401


class Forbidden(PinakoError):
    """The caller is known and may not do this."""

    code = "FORBIDDEN"
    status = 403


class NotFound(PinakoError):
    """Unknown, or hidden from this caller: the two are never told apart."""

    code = "NOT_FOUND"
    status = 404


class MethodNotAllowed(PinakoError):
    """The path exists, the method does not."""

    code = "METHOD_NOT_SUPPORTED"
    status = 405


class Conflict(PinakoError):
    """A unique name is taken, or the thing changed underneath."""

    code = "CONFLICT"
    status = 409


class Gone(PinakoError):
    """It was here and is archived (downloads of archived models)."""

    code = "GONE"
    status = 410


class TooLarge(PinakoError):
    """A body over the limit of its door."""

    code = "PAYLOAD_TOO_LARGE"
    status = 413


class UnsupportedMediaType(PinakoError):
    """A request or upload of a type that this door does not read."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415


class RangeNotSatisfiable(PinakoError):
    """A byte range outside the file."""

    code = "RANGE_NOT_SATISFIABLE"
    status = 416


class TooManyRequests(PinakoError):
    """Over a rate, or too deep by page number. `retry_after` in seconds, where waiting helps."""

    code = "TOO_MANY_REQUESTS"
    status = 429

    def __init__(self, message: str = "", *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotImplementedHere(PinakoError):
    """This instance lacks the program that would do it (video without ffmpeg)."""

    code = "NOT_IMPLEMENTED"
    status = 501


class Unavailable(PinakoError):
    """Overloaded or not ready: try again shortly."""

    code = "SERVICE_UNAVAILABLE"
    status = 503


class UnreadableFile(PinakoError):
    """A file that is not what it claims, is cut short, or would cost too much to open. Never fatal to a run."""

    code = "UNREADABLE_FILE"
    status = 422


class StorageError(PinakoError):
    """The database or disk refused: full, read-only, damaged, or of a newer version. Nothing acknowledged is lost."""

    code = "STORAGE_ERROR"
    status = 500


class SettingsError(PinakoError):
    """A setting that cannot be read; the message names it."""

    code = "SETTINGS_ERROR"
    status = 500
