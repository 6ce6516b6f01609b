"""What a worker process is asked and answers, and the framing of both. Plain data: nothing a reader would run."""

from __future__ import annotations

from typing import BinaryIO, Final, TypeAlias

import msgspec

from pinako.catalog.derivative import Derivative
from pinako.media.facts import PictureFacts
from pinako.media.pictures import PIXEL_LIMIT
from pinako.media.render import Rendered

_LONGEST: Final = 1 << 30


class Measure(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Read a picture's facts, and make thumbnails from the same decode. `path` in the file system's own bytes."""

    path: bytes
    pixel_hash: bool = True
    pixel_limit: int = PIXEL_LIMIT
    thumbnails: tuple[Derivative, ...] = ()


class Render(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Make one derivative of a picture, from a file or, where `path` is empty, from bytes."""

    path: bytes = b""
    data: bytes = b""
    derivative: Derivative
    pixel_limit: int = PIXEL_LIMIT


class Measured(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The answer to `Measure`; thumbnails in the order asked."""

    facts: PictureFacts
    thumbnails: tuple[Rendered, ...] = ()


class Made(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The answer to `Render`."""

    rendered: Rendered


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The file cannot be read; `exhausted` where memory ran out, after which the worker is not to be trusted."""

    message: str
    exhausted: bool = False


Job: TypeAlias = Measure | Render
Answer: TypeAlias = Measured | Made | Refused

_encoder: Final = msgspec.msgpack.Encoder()
_jobs: Final = msgspec.msgpack.Decoder(Job)
_answers: Final = msgspec.msgpack.Decoder(Answer)


def send(stream: BinaryIO, message: Job | Answer) -> None:
    """Write one message: four bytes of length, then its body."""
    body = _encoder.encode(message)
    stream.write(len(body).to_bytes(4, "little"))
    stream.write(body)
    stream.flush()


def receive_job(stream: BinaryIO) -> Job | None:
    """The next job, or None once the other side has closed."""
    body = _receive(stream)
    return None if body is None else _jobs.decode(body)


def receive_answer(stream: BinaryIO) -> Answer | None:
    """The answer, or None where the worker ended without one. ValidationError where it sent something else."""
    body = _receive(stream)
    return None if body is None else _answers.decode(body)


def _receive(stream: BinaryIO) -> bytes | None:
    head = stream.read(4)
    length = int.from_bytes(head, "little")
    if len(head) < 4 or length > _LONGEST:
        return None
    body = stream.read(length)
    return body if len(body) == length else None
