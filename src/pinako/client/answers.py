"""Turns answers into values or typed errors: both tRPC formats, every error shape of both doors, HTML in between."""

from __future__ import annotations

import email.utils
import re
import time
from typing import Any

import msgspec

from pinako.client.asks import Answer
from pinako.client.devalue import read_devalue
from pinako.errors import (
    UpstreamBusy,
    UpstreamError,
    UpstreamFault,
    UpstreamForbidden,
    UpstreamGone,
    UpstreamNonsense,
    UpstreamNotFound,
    UpstreamRefused,
    UpstreamUnauthorized,
)

_KINDS: dict[int, tuple[type[UpstreamError], str]] = {
    400: (UpstreamRefused, "Check the parameters; the same question will be refused again."),
    401: (UpstreamUnauthorized, "Log in, or renew the key or cookie: an expired one counts as none."),
    403: (UpstreamForbidden, "The account may not do this; early access and private things open only to some."),
    404: (UpstreamNotFound, "It is unknown there or hidden from this account; a public 404 may be a few minutes old."),
    410: (UpstreamGone, "It is archived upstream and not handed out any more."),
    429: (UpstreamBusy, "Wait, then ask again more slowly."),
    451: (UpstreamForbidden, "The host does not serve this region."),
    503: (UpstreamBusy, "The host is overloaded: try again in a little while."),
}
_STATUS_OF_WORD = {
    "BAD_REQUEST": 400,
    "PARSE_ERROR": 400,
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "METHOD_NOT_SUPPORTED": 405,
    "TIMEOUT": 408,
    "CONFLICT": 409,
    "PRECONDITION_FAILED": 412,
    "PAYLOAD_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "TOO_MANY_REQUESTS": 429,
    "INTERNAL_SERVER_ERROR": 500,
    "SERVICE_UNAVAILABLE": 503,
}
_MARKUP = re.compile(rb"\s*<(?:!doctype|html|head|body|\?xml|!--)", re.IGNORECASE)
_LONGEST_MESSAGE = 500


def error_for(
    status: int, message: str, *, call: str = "", word: str = "", retry_after: float | None = None
) -> UpstreamError:
    """The typed error for an HTTP status, with its advice. Statuses without a class of their own go by hundreds."""
    fallback: tuple[type[UpstreamError], str] = (
        (UpstreamFault, "The host failed; try again later.")
        if status >= 500
        else (UpstreamRefused, "The same question will be refused again.")
    )
    kind, advice = _KINDS.get(status, fallback)
    text = f"{status}: {message or 'no message'}"[:_LONGEST_MESSAGE]
    return kind(text, call=call, answered=status, word=word, advice=advice, retry_after=retry_after)


def retry_after(answer: Answer, now: float | None = None) -> float | None:
    """Seconds that the host asks to wait, from either form of `Retry-After`; None where it does not say."""
    text = answer.headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        return max(0.0, float(text)) if re.fullmatch(r"\d+(\.\d+)?", text) else _until(text, now)
    except (TypeError, ValueError, OverflowError):
        return None


def _until(text: str, now: float | None) -> float:
    moment = email.utils.parsedate_to_datetime(text).timestamp()
    return max(0.0, moment - (time.time() if now is None else now))


def is_markup(body: bytes, content_type: str) -> bool:
    """Whether a body is a web page (a proxy's error, a login form) and not what was asked for."""
    return content_type.startswith(("text/html", "application/xhtml")) or _MARKUP.match(body) is not None


def read_json(answer: Answer) -> Any:
    """The value of a JSON body. Raises the typed error of an error status, UpstreamNonsense for a page or broken JSON."""
    if answer.status >= 400:
        raise read_error(answer)
    try:
        return msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        what = "a web page" if is_markup(answer.body, _content_type(answer)) else "no JSON"
        raise UpstreamNonsense(
            f"The host answered {answer.status} with {what}.",
            call=answer.call,
            answered=answer.status,
            advice="A proxy, a login page or another service may stand in between.",
        ) from error


def read_error(answer: Answer) -> UpstreamError:
    """The typed error of an answer whose status is 400 or more, whatever the shape of its body (rest.md 5, trpc.md 1.9)."""
    wait = retry_after(answer)
    try:
        body = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return error_for(answer.status, _plain_message(answer), call=answer.call, retry_after=wait)
    if isinstance(body, dict) and isinstance(body.get("error"), str) and body["error"].startswith("["):
        body = _unpacked_error(body)
    message, word = _message(body)
    return error_for(answer.status, message, call=answer.call, word=word, retry_after=wait)


def read_trpc(answer: Answer) -> Any:
    """The value of a single tRPC answer. Raises its typed error."""
    if answer.status >= 400:
        raise read_error(answer)
    return read_element(read_json(answer), answer)


def read_element(body: Any, answer: Answer) -> Any:
    """The value of one `{"result": …}` or `{"error": …}`; an error element's own status counts, not the answer's."""
    if not isinstance(body, dict):
        raise _nonsense("The answer has no tRPC envelope.", answer)
    if "error" in body:
        inside = _unpacked_error(body)
        message, word = _message(inside)
        raise error_for(_status_of(inside, word), message, call=answer.call, word=word, retry_after=retry_after(answer))
    result = body.get("result")
    if not isinstance(result, dict):
        raise _nonsense("The answer has no tRPC envelope.", answer)
    return _unwrap(result.get("data"), answer)


def _unwrap(data: Any, answer: Answer) -> Any:
    """Superjson is an object with `json`, devalue a text; anything else is taken as it is (trpc.md 12.1, rule 5)."""
    if isinstance(data, str):
        try:
            return read_devalue(data)
        except UpstreamNonsense as error:
            raise _nonsense(error.message, answer) from error
    return data["json"] if isinstance(data, dict) and "json" in data else data


def _unpacked_error(body: dict[str, Any]) -> dict[str, Any]:
    inside = body["error"]
    if isinstance(inside, str) and inside.startswith("["):
        try:
            inside = read_devalue(inside)
        except UpstreamNonsense:
            return body  # a plain text that merely begins with a bracket
    if isinstance(inside, dict) and isinstance(inside.get("json"), dict):
        inside = inside["json"]
    return {"error": inside}


def _message(body: Any) -> tuple[str, str]:
    """Message and code word out of any of the error shapes."""
    if isinstance(body, list):
        return _issues(body), ""
    if not isinstance(body, dict):
        return str(body), ""
    inside = body.get("error")
    if isinstance(inside, dict) and isinstance(inside.get("json"), dict):
        inside = inside["json"]
    word = _word(body) or _word(inside)
    if isinstance(inside, dict) and inside:
        return _text(inside.get("message")) or _issues(inside.get("issues")), word
    message = _text(body.get("message"))
    return (f"{inside}: {message}" if inside and message else _text(inside) or message), word


def _word(body: Any) -> str:
    if not isinstance(body, dict):
        return ""
    data = body.get("data")
    for place in (data if isinstance(data, dict) else {}, body):
        if isinstance(place.get("code"), str):
            return str(place["code"])
    return ""


def _status_of(body: dict[str, Any], word: str) -> int:
    inside = body.get("error")
    data = inside.get("data") if isinstance(inside, dict) else None
    status = data.get("httpStatus") if isinstance(data, dict) else None
    return status if isinstance(status, int) else _STATUS_OF_WORD.get(word, 500)


def _text(value: Any) -> str:
    """A message that is itself the JSON of an issue list becomes one readable line."""
    if not isinstance(value, str):
        return ""
    if value.lstrip().startswith("["):
        try:
            return _issues(msgspec.json.decode(value)) or value
        except (msgspec.DecodeError, RecursionError):
            return value
    return value


def _issues(issues: Any) -> str:
    if not isinstance(issues, list):
        return ""
    lines = []
    for issue in issues:
        if isinstance(issue, dict):
            path = issue.get("path")
            where = ".".join(str(part) for part in path) if isinstance(path, list) else ""
            lines.append(f"{where}: {issue.get('message', issue.get('code', ''))}".removeprefix(": "))
    return "; ".join(lines)


def _plain_message(answer: Answer) -> str:
    if is_markup(answer.body, _content_type(answer)):
        return "a web page instead of an answer"
    return " ".join(answer.body[:200].decode("utf-8", "replace").split())


def _content_type(answer: Answer) -> str:
    return answer.headers.get("content-type", "").lower()


def _nonsense(message: str, answer: Answer) -> UpstreamNonsense:
    return UpstreamNonsense(
        message,
        call=answer.call,
        answered=answer.status,
        advice="This host may not speak the interface that was asked.",
    )
