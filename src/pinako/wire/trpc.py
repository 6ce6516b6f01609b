"""The tRPC protocol: a request into calls, replies and failures into one answer (trpc.md 1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal
from urllib.parse import unquote

import msgspec

from pinako.errors import BadRequest, MethodNotAllowed, NotFound, PinakoError, UnsupportedMediaType
from pinako.wire.coerce import Pair
from pinako.wire.failures import TrpcFailure, trpc_failure
from pinako.wire.superjson import UNDEFINED, Marks, joined_marks, marks_text, unwrap

Kind = Literal["query", "mutation"]

JSON = "application/json"
VARY = "trpc-accept, accept"

MAX_CALLS = 100
"""The most calls of one batch. The original has no bound; its own clients send a handful."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a request: the procedure's path and its input, or what is wrong with the input."""

    path: str
    input: Any = UNDEFINED
    failure: PinakoError | None = None


class TrpcRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request: its calls in their order, whether it is a batch, whether it wants JSON lines."""

    calls: tuple[Call, ...]
    batch: bool = False
    stream: bool = False


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What a procedure answers: JSON, the inside of its `meta.values`, and members beside `json` in `data`."""

    json: bytes
    values: bytes = b""
    root: str = ""
    """A mark of the whole value, such as `undefined`."""
    beside: bytes = b""


NOTHING = Reply(json=b"null", root="undefined")
"""The answer of a procedure that returns nothing."""


def reply(json: bytes, marks: Marks = ()) -> Reply:
    """A reply with the marks of its dates and undefined members."""
    return Reply(json=json, values=marks_text(marks))


# --- requests -----------------------------------------------------------------------------------------------------


def read_request(
    path: str, method: str, pairs: Iterable[Pair], *, body: bytes = b"", content_type: str = "", accept: str = ""
) -> TrpcRequest:
    """The calls of a request to `/api/trpc/{path}`; `accept` is the header `trpc-accept`.

    What is wrong with one input is kept in its call. BadRequest and UnsupportedMediaType concern the whole request.
    """
    asked = dict(reversed([*pairs]))
    batch = asked.get("batch") == "1"
    stream = "jsonl" in accept
    if stream and not batch:
        raise BadRequest("Streaming requests must be batched (you can do a batch of 1)")
    paths = unquote(path).split(",") if batch else [unquote(path)]
    if len(paths) > MAX_CALLS:
        raise BadRequest(f"A batch has at most {MAX_CALLS} calls")
    # A POST without a body is let through: its input may stand in the address.
    if method != "GET" and (body or method != "POST") and not _is_json(content_type):
        raise UnsupportedMediaType(f'Unsupported content-type "{content_type}')
    text = asked.get("input", "") if method == "GET" or not body.strip() else body
    return TrpcRequest(calls=_calls(paths, text, batch=batch), batch=batch, stream=stream)


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == JSON


def _calls(paths: Sequence[str], text: str | bytes, *, batch: bool) -> tuple[Call, ...]:
    try:
        value = _decoded(text)
        if batch and not isinstance(value, dict) and value is not UNDEFINED:
            raise BadRequest('"input" needs to be an object when doing a batch call')
    except BadRequest as error:
        return tuple(Call(path=path, failure=error) for path in paths)
    if not batch:
        return (_call(paths[0], value),)
    inputs = value if isinstance(value, dict) else {}
    return tuple(_call(path, inputs.get(str(i), UNDEFINED)) for i, path in enumerate(paths))


def _call(path: str, value: Any) -> Call:
    try:
        return Call(path=path, input=unwrap(value))
    except BadRequest as error:
        return Call(path=path, failure=error)
    except RecursionError:
        return Call(path=path, failure=BadRequest("Invalid input"))


def _decoded(text: str | bytes) -> Any:
    """JSON of an input; a documented client percent-encodes it twice, so it is decoded once more where that helps."""
    if not text.strip():
        return UNDEFINED
    for attempt in (text, unquote(text) if isinstance(text, str) else None):
        if attempt is None:
            break
        try:
            return msgspec.json.decode(attempt)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            continue
    raise BadRequest("The input is not JSON")


def check_method(method: str, kind: Kind | None, path: str) -> None:
    """Whether a procedure of this kind (None: there is none) answers this method."""
    if kind is None:
        raise NotFound(f'No procedure found on path "{path}"')
    if method == "POST" or (method == "GET" and kind == "query"):
        return
    raise MethodNotAllowed(f'Unsupported {method}-request to {kind} procedure at path "{path}"')


def check_kinds(kinds: Iterable[Kind | None]) -> None:
    """A batch is all queries or all mutations."""
    found = {kind for kind in kinds if kind is not None}
    if len(found) > 1:
        raise BadRequest("Cannot mix procedure types in call: query, mutation")


# --- answers ------------------------------------------------------------------------------------------------------

Outcome = Reply | TrpcFailure


class TrpcAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Status and body; `failed` decides about caching."""

    status: int
    body: bytes
    failed: bool = False


def answer(request: TrpcRequest, outcomes: Sequence[Outcome]) -> TrpcAnswer:
    """One answer of all outcomes, in the order of the calls."""
    failed = any(isinstance(outcome, TrpcFailure) for outcome in outcomes)
    if request.stream:
        return TrpcAnswer(status=200, body=_json_line(outcomes), failed=failed)
    texts = [envelope(outcome) for outcome in outcomes]
    body = b"[" + b",".join(texts) + b"]" if request.batch else texts[0]
    return TrpcAnswer(status=_status(outcomes), body=body, failed=failed)


def refusal(error: PinakoError, path: str | None = None) -> TrpcAnswer:
    """The answer to a request that failed as a whole."""
    failure = trpc_failure(error, path)
    return TrpcAnswer(status=failure.status, body=envelope(failure), failed=True)


def _status(outcomes: Sequence[Outcome]) -> int:
    found = {outcome.status if isinstance(outcome, TrpcFailure) else 200 for outcome in outcomes}
    return found.pop() if len(found) == 1 else 207


def envelope(outcome: Outcome) -> bytes:
    """`{"result":{"data":{"json":…}}}` or `{"error":{"json":…}}`."""
    if isinstance(outcome, TrpcFailure):
        return b'{"error":{"json":' + msgspec.json.encode(outcome.value()) + b"}}"
    return b"".join((b'{"result":{"data":{"json":', outcome.json, _meta(outcome), outcome.beside, b"}}}"))


def _meta(outcome: Reply) -> bytes:
    if outcome.root:
        return b',"meta":{"values":["%s"],"v":1}' % outcome.root.encode()
    return b',"meta":{"values":{' + outcome.values + b'},"v":1}' if outcome.values else b""


def _json_line(outcomes: Sequence[Outcome]) -> bytes:
    """The shortest legal stream: one line with everything in it (trpc.md 1.8)."""
    parts, marks = [], []
    for i, outcome in enumerate(outcomes):
        if isinstance(outcome, TrpcFailure):
            inner = b'{"error":' + msgspec.json.encode(outcome.value()) + b"}"
        else:
            inner = b'{"result":{"data":' + outcome.json + b"}}"
            marks.append(_stream_marks(outcome, f"{i}.0.0.result.data"))
        parts.append(b'"%d":[[%s]]' % (i, inner))
    values = joined_marks(marks)
    meta = b',"meta":{"values":{' + values + b'},"v":1}' if values else b""
    return b'{"json":{' + b",".join(parts) + b"}" + meta + b"}\n"


def _stream_marks(outcome: Reply, prefix: str) -> bytes:
    if outcome.root:
        return b'"%s":["%s"]' % (prefix.encode(), outcome.root.encode())
    found = msgspec.json.decode(b"{" + outcome.values + b"}")
    return msgspec.json.encode({f"{prefix}.{path}": mark for path, mark in found.items()})[1:-1]


# --- lists --------------------------------------------------------------------------------------------------------

Item = tuple[bytes, Marks]
"""An item of a list, with the paths of its dates."""


def join_list(items: Sequence[Item], next_cursor: str | int | None, *, name: str = "items", more: bytes = b"") -> Reply:
    """`{"nextCursor", NAME}` of ready-made items. `more`: further members of the object, each with its comma."""
    texts = [marks_text(marks, f"{name}.{i}.") for i, (_, marks) in enumerate(items)]
    if next_cursor is None:
        texts.append(b'"nextCursor":["undefined"]')
    cursor = msgspec.json.encode(next_cursor)
    body = b",".join([body for body, _ in items])
    return Reply(
        json=b"".join((b'{"nextCursor":', cursor, b',"%s":[' % name.encode(), body, b"]", more, b"}")),
        values=joined_marks(texts),
    )


def join_array(items: Sequence[Item]) -> Reply:
    """A bare list."""
    texts = [marks_text(marks, f"{i}.") for i, (_, marks) in enumerate(items)]
    return Reply(json=b"[" + b",".join([body for body, _ in items]) + b"]", values=joined_marks(texts))
