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


class UpstreamError(PinakoError):
    """Another host failed one of our client's calls.

    `call` is the method and address without any secret, `answered` the HTTP status (0: no answer at all), `word` the
    host's own code word where it sent one, `advice` one sentence on what to do, `retry_after` seconds where waiting helps.
    """

    code = "BAD_GATEWAY"
    status = 502

    def __init__(
        self,
        message: str = "",
        *,
        call: str = "",
        answered: int = 0,
        word: str = "",
        advice: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.call = call
        self.answered = answered
        self.word = word
        self.advice = advice
        self.retry_after = retry_after

    def __str__(self) -> str:
        where = f" [{self.call}]" if self.call else ""
        return f"{self.message}{where}{' ' + self.advice if self.advice else ''}"


class UpstreamRefused(UpstreamError):
    """The host understood nothing of the question (400, 405, 413, 415, 422 and other 4xx): asking again is no use."""


class UpstreamUnauthorized(UpstreamError):
    """401: no credential, an expired one, or somebody else's thing."""


class UpstreamForbidden(UpstreamError):
    """403 or 451: known and not allowed: early access, a private thing, a missing scope, a blocked region."""


class UpstreamNotFound(UpstreamError):
    """404: unknown there, or hidden from this caller."""


class UpstreamGone(UpstreamError):
    """410: it was there and is archived."""


class UpstreamBusy(UpstreamError):
    """429 or 503, still after every retry, or with a wait longer than the client may sit through."""


class UpstreamFault(UpstreamError):
    """Any other 5xx, still after every retry."""


class UpstreamUnreachable(UpstreamError):
    """No answer: name, connection, TLS, timeout, or a connection cut in the middle, still after every retry."""


class UpstreamNonsense(UpstreamError):
    """An answer that is not what the contract promises: an HTML page for JSON or a file, a record without its id, a list
    that ignores the filter it was asked for."""


class DamagedDownload(UpstreamError):
    """The bytes that arrived are not the file: wrong length or wrong hash. Nothing is left under the final name."""


class BudgetSpent(UpstreamError):
    """The day's requests to this host are used up; the client's own rule, not the host's. `retry_after` to midnight UTC."""
