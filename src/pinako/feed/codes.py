"""Words as numbers, for the engine's fields: the same in every process and every library."""

from __future__ import annotations

import re
import zlib
from functools import lru_cache
from hashlib import blake2b

_WORD = re.compile(r"\w+")


@lru_cache(maxsize=4096)
def code_of(word: str) -> int:
    """One of few words: a base model, a media type, a status. 31 bits, which keep a build small."""
    return zlib.crc32(word.encode()) & 0x7FFF_FFFF


@lru_cache(maxsize=1 << 18)
def _prompt_code(word: str) -> int:
    return int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "big") >> 1


def prompt_codes(text: str) -> tuple[int, ...]:
    """The different words of a prompt, case apart: 63 bits each, so that millions of words do not meet."""
    return tuple({_prompt_code(word) for word in _WORD.findall(text.casefold())})
