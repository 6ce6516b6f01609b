"""How images were made, as the index holds it: seed, steps, guidance, sampler and the names of models, one code each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b

import msgspec

from pinako.catalog.queries import Sought, Used
from pinako.catalog.searching import Choice, Span
from pinako.feed.codes import code_of, prompt_codes
from pinako.feed.spec import AnyOf, Between, NoneOf, Term, pairs
from pinako.storage import text

FIELD = "made"
MOST_STEPS = 300
"""Steps beyond this are filed as this many."""
MOST_CFG = 300
"""Guidance is filed in tenths, and beyond 30 as 30."""
_LAST_SEED = 2**64


class _Named(msgspec.Struct):
    name: str | None = None


class _Made(msgspec.Struct):
    prompt: str | None = None
    negative_prompt: str | None = None
    seed: int | None = None
    steps: int | None = None
    cfg_scale: float | None = None
    sampler: str | None = None
    model: _Named | None = None
    resources: tuple[_Named, ...] = ()


_made = msgspec.json.Decoder(_Made)


@lru_cache(maxsize=1 << 16)
def made_code(kind: str, value: int | str) -> int:
    """One fact as a number of 63 bits, the same in every process and library."""
    return int.from_bytes(blake2b(f"{kind}:{value}".encode("utf-8", "replace"), digest_size=8).digest(), "big") >> 1


def made_codes(generation: str) -> Sequence[int]:
    """The facts of a stored generation record; none of one that cannot be read."""
    try:
        return tuple(dict.fromkeys(_codes(_made.decode(generation))))
    except msgspec.MsgspecError:
        return ()


def recipe_code(generation: str) -> int | None:
    """One number for everything that was asked of the model but the seed; None where no prompt is known."""
    try:
        return _recipe(_made.decode(generation))
    except msgspec.MsgspecError:
        return None


def _recipe(made: _Made) -> int | None:
    prompt = " ".join((made.prompt or "").casefold().split())
    if not prompt:
        return None
    negative = " ".join((made.negative_prompt or "").casefold().split())
    model = made.model.name if made.model else None
    return made_code("recipe", repr((prompt, negative, model, made.sampler, made.steps, made.cfg_scale)))


def _codes(made: _Made) -> Iterator[int]:
    if made.seed is not None:
        yield made_code("seed", made.seed)
    if made.steps is not None:
        yield made_code("steps", min(max(made.steps, 0), MOST_STEPS))
    if made.cfg_scale is not None:
        yield made_code("cfg", int(min(max(made.cfg_scale * 10, 0), MOST_CFG)))
    if made.sampler:
        yield made_code("sampler", text.fold(made.sampler))
    for named in (made.model, *made.resources):
        if named is not None and named.name:
            yield made_code("name", text.fold(named.name))
    recipe = _recipe(made)
    if recipe is not None:
        yield recipe


def sought_terms(sought: Sought) -> Iterator[Term]:
    """What the query language asks for, as the engine takes it."""
    codes = {code for word in sought.without_words for code in prompt_codes(word)}
    if codes:
        yield NoneOf(pairs("word", sorted(codes)))
    for used in sought.used:
        yield _used(used)
    for field, groups in (("tag", sought.tags), ("user", sought.users)):
        yield from (AnyOf(pairs(field, list(ids))) for ids in groups)
    for field, choices in (("base", sought.bases), ("kind", sought.types)):
        yield from (_one(choice, pairs(field, [code_of(name) for name in choice.names])) for choice in choices)
    for choice in sought.samplers:
        yield _one(choice, pairs(FIELD, [made_code("sampler", text.fold(name)) for name in choice.names]))
    if sought.recipe is not None:
        yield AnyOf(((FIELD, sought.recipe),))
    yield from _numbers(sought)


def _one(choice: Choice, held: tuple[tuple[str, int], ...]) -> Term:
    """A choice as a term; one of nothing is met by nothing, or by everything where it is turned round."""
    return NoneOf(held) if choice.out else AnyOf(held)


def _used(used: Used) -> Term:
    named = [made_code("name", text.fold(name)) for name in used.names]
    held = (*pairs("model", list(used.model_ids)), *pairs(FIELD, named))
    return NoneOf(held) if used.out else AnyOf(held)


def _numbers(sought: Sought) -> Iterator[Term]:
    if sought.seed is not None:
        yield _within("seed", sought.seed, _LAST_SEED, exact=True)
    if sought.steps is not None:
        yield _within("steps", sought.steps, MOST_STEPS)
    if sought.cfg is not None:
        tenths = Span(*(None if end is None else end // 10 for end in (sought.cfg.low, sought.cfg.high)))
        yield _within("cfg", tenths, MOST_CFG)
    for column, span in (("width", sought.width), ("height", sought.height), ("time", sought.date)):
        if span is not None:
            yield Between(column, low=span.low, high=None if span.high is None else span.high + 1)


def _within(kind: str, span: Span, most: int, *, exact: bool = False) -> Term:
    """Every number of a span, as codes. Of seeds only one: there are too many to count them up."""
    low, high = max(span.low or 0, 0), most if span.high is None else min(span.high, most)
    if exact:
        numbers = [low] if span.low is not None and low == high else []
    else:
        numbers = list(range(min(low, most), high + 1))
    return AnyOf(pairs(FIELD, [made_code(kind, number) for number in numbers]))
