"""The tRPC plumbing: one question, one mutation, several questions in one request (trpc.md 1.2, 1.7, 12.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from pinako.client.answers import read_error, read_trpc
from pinako.client.asks import Answer, Ask, Call
from pinako.client.exchange import is_retryable
from pinako.errors import BadRequest, BudgetSpent, UpstreamError, UpstreamNonsense

T = TypeVar("T")
TRPC = "/api/trpc"
LONGEST_URL = 4000
"""Longer inputs go as POST, which hosts before June 2026 refuse; then GET is tried after all."""

_JSON = (("content-type", "application/json"),)
_MIXED = 207
"""Some of a batch is there and some is not. Where all failed alike the status says so, and the whole was tried again."""


def query(procedure: str, values: Mapping[str, Any]) -> Call[Any]:
    """Ask one query and return its plain value. Values that are None are left out: null is a 400 on many fields."""
    envelope = _envelope(values)
    ask = _query_ask(procedure, envelope)
    answer = yield ask
    if ask.method == "POST" and answer.status in {404, 405}:
        answer = yield _get(procedure, envelope)
    return read_trpc(answer)


def mutate(procedure: str, values: Mapping[str, Any], *, repeatable: bool = False) -> Call[Any]:
    """Run one mutation and return its plain value, often None. `repeatable`: doing it twice leaves the same state."""
    body = msgspec.json.encode(_envelope(values))
    answer = yield Ask(
        method="POST",
        path=f"{TRPC}/{procedure}",
        body=body,
        headers=_JSON,
        repeatable=repeatable,
        procedure=procedure,
        mutation=True,
    )
    return read_trpc(answer)


def batch(calls: Sequence[Call[T]]) -> Call[list[T | UpstreamError]]:
    """Run several tRPC queries in one request; results and errors in order, like `gather` with exceptions returned.

    A host that knows no batches is asked one by one, and so is again what failed only for now beside others that did not:
    alone it has the retries of any request. Raises BadRequest for a call that is no tRPC query.
    """
    if not calls:
        return []
    asks = [next(call) for call in calls]
    if any(not ask.procedure or ask.mutation for ask in asks):
        raise BadRequest("Only tRPC queries can share one request.")
    answer = yield _folded(asks)
    pieces = _pieces(answer, len(asks))
    outcomes: list[T | UpstreamError] = []
    for call, ask, piece in zip(calls, asks, pieces, strict=True):
        try:
            found = piece or (yield ask)
        except BudgetSpent:
            raise  # no question after this one has an answer either
        except UpstreamError as error:
            outcomes.append(error)
            continue
        outcomes.append((yield from _finished(call, found)))
    return outcomes


def _finished(call: Call[T], answer: Answer) -> Call[T | UpstreamError]:
    try:
        while True:
            answer = yield call.send(answer)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    except UpstreamError as error:
        return error


def _envelope(values: Mapping[str, Any]) -> dict[str, Any]:
    """Superjson's wrapper: dates are marked, nothing else needs a mark because what is undefined is left out."""
    given = {name: value for name, value in values.items() if value is not None}
    dates = {name: ["Date"] for name, value in given.items() if isinstance(value, datetime)}
    plain = {name: _iso(value) if isinstance(value, datetime) else value for name, value in given.items()}
    return {"json": plain, "meta": {"values": dates}} if dates else {"json": plain}


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _query_ask(procedure: str, envelope: Any) -> Ask:
    ask = _get(procedure, envelope)
    if len(ask.target()) <= LONGEST_URL:
        return ask
    body = msgspec.json.encode(envelope)
    return Ask(method="POST", path=f"{TRPC}/{procedure}", body=body, headers=_JSON, procedure=procedure, input=envelope)


def _get(procedure: str, envelope: Any) -> Ask:
    text = msgspec.json.encode(envelope).decode()
    return Ask(path=f"{TRPC}/{procedure}", params=(("input", text),), procedure=procedure, input=envelope)


def _folded(asks: Sequence[Ask]) -> Ask:
    path = f"{TRPC}/{','.join(ask.procedure for ask in asks)}"
    inputs = {str(index): ask.input for index, ask in enumerate(asks)}
    text = msgspec.json.encode(inputs).decode()
    get = Ask(path=path, params=(("batch", "1"), ("input", text)))
    if len(get.target()) <= LONGEST_URL:
        return get
    return Ask(method="POST", path=path, params=(("batch", "1"),), body=text.encode(), headers=_JSON)


def _pieces(answer: Answer, count: int) -> list[Answer | None]:
    """Each element as an answer of its own; None for what is asked alone, all where the host did not take it for a batch."""
    try:
        body = msgspec.json.decode(answer.body, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        body = []
    if len(body) == count:
        pieces = [_piece(element, answer) for element in body]
        return [None if answer.status == _MIXED and _failed_for_now(piece) else piece for piece in pieces]
    if answer.status in {404, 405, 414}:
        return [None] * count
    if answer.status >= 400:
        raise read_error(answer)
    raise UpstreamNonsense("The host answered a batch with something else.", call=answer.call, answered=answer.status)


def _failed_for_now(piece: Answer) -> bool:
    try:
        read_trpc(piece)
    except UpstreamError as error:
        return is_retryable(error.answered)
    return False


def _piece(element: msgspec.Raw, answer: Answer) -> Answer:
    return Answer(status=200, headers=answer.headers, body=bytes(element), call=answer.call)
