"""Documents as they were received: which parts of one may change without its thing having changed, and their revisions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from pinako.services.history import VOLATILE
from pinako.storage.engine import Value
from pinako.storage.scopes import Write


class Doc(msgspec.Struct, frozen=True, kw_only=True):
    """One document of one thing. `door` says which call gave it: `trpc`, `trpc.generation`, `rest`, …"""

    door: str
    body: bytes
    digest: str


def doc_of(door: str, body: Any, digest: str = "") -> Doc:
    """A decoded body as a document; its digest, where it is not known yet, leaves out what moves by itself."""
    return Doc(door=door, body=msgspec.json.encode(body), digest=digest or digest_of(body))


def digest_of(*bodies: Any) -> str:
    """What tells one revision of a body from another."""
    text = msgspec.json.encode([_steady(body) for body in bodies], order="sorted")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


_NESTED = (dict, list)


def _steady(value: Any) -> Any:
    """A body without its volatile members. Most of what is in one is no object itself and needs no call."""
    if isinstance(value, dict):
        return {
            name: _steady(inner) if isinstance(inner, _NESTED) else inner
            for name, inner in value.items()
            if name not in VOLATILE
        }
    if isinstance(value, list):
        return [_steady(inner) if isinstance(inner, _NESTED) else inner for inner in value]
    return value


def keep_documents(w: Write, entity: str, id: int, source: str, docs: Iterable[Doc], now: int) -> bool:
    """Keep a thing's documents; whether any differs from what was received before. `id` is the local id."""
    kept = [keep_document(w, entity, id, source, doc, now) for doc in docs]
    return any(kept)


def keep_document(w: Write, entity: str, id: int, source: str, doc: Doc, now: int) -> bool:
    """Keep a document where it differs from the newest of its door; whether it was kept. `id` is the local id."""
    newest = w.row(
        "SELECT digest, fetched_at FROM received WHERE entity_type = ? AND entity_id = ? AND door = ? "
        "ORDER BY fetched_at DESC LIMIT 1",
        (entity, id, doc.door),
    )
    if newest is not None and newest[0] == doc.digest:
        return False
    row: dict[str, Value] = {
        "entity_type": entity,
        "entity_id": id,
        "door": doc.door,
        "fetched_at": now if newest is None else max(now, int(newest[1]) + 1),
        "source": source,
        "digest": doc.digest,
        "body": doc.body,
    }
    w.insert("received", row)
    return True
