"""The asking side for an image's details: how it was made, how it is tagged, and the versions that it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from pinako.client.calls import entities
from pinako.client.reading import read_record
from pinako.client.records.images import GenerationData
from pinako.client.records.people import VotableTag
from pinako.errors import UpstreamError, UpstreamNotFound
from pinako.intake.journal import FAULTS, State
from pinako.intake.mirror.asking import Asking
from pinako.intake.mirror.findings import ImageFound, Page, VersionFound
from pinako.intake.mirror.ids import local_ids
from pinako.intake.mirror.nouns import credited_versions
from pinako.intake.mirror.options import Part
from pinako.intake.mirror.terms import is_fault, reason_of, state_of
from pinako.intake.mirror.upstream import WholeVersion

VERSIONS_TOGETHER = 30


def give_detailed(asker: Asking, parts: Sequence[Sequence[ImageFound]]) -> None:
    """Ask how images were made and tagged, and give them in their order, after the versions that they name.

    Several requests are on their way together, as many as the host's pace allows: each waits for the network most of all.
    """
    at_once = asker.client.pace.politeness.api_at_once
    with ThreadPoolExecutor(min(at_once, max(len(parts), 1)), thread_name_prefix="pinako-detail") as pool:
        for found, answers in zip(parts, pool.map(lambda found: _asked(asker, found), parts), strict=True):
            _give(asker, found, *answers)


def _give(
    asker: Asking,
    found: Sequence[ImageFound],
    made: Sequence[GenerationData | UpstreamError | None],
    tagged: Sequence[list[VotableTag] | UpstreamError | None],
) -> None:
    whole = []
    for one, generation, tags in zip(found, made, tagged, strict=True):
        parts, failed = {*one.parts}, [*one.failed]
        changes: dict[str, Any] = {}
        for part, answer in ((Part.GENERATION, generation), (Part.TAGS, tags)):
            if isinstance(answer, UpstreamError):
                failed.append(f"its {part}: {reason_of(answer)}")
            elif answer is not None:
                parts.add(str(part))
                changes[str(part)] = answer
        changes |= {"parts": tuple(sorted(parts)), "failed": tuple(failed)}
        whole.append(msgspec.structs.replace(one, **changes))
    lost = _give_credited(asker, whole, found[0].page) if asker.options.wants(Part.GENERATION) else {}
    for one in whole:
        asker.give(_without(one, lost))


def _without(found: ImageFound, lost: Mapping[int, str]) -> ImageFound:
    """An image whose versions could not all be asked about: it is asked again how it was made, and what it names with it."""
    reasons = tuple(f"version {id}, which it names: {lost[id]}" for id in credited_versions(found) if id in lost)
    if not reasons:
        return found
    parts = tuple(part for part in found.parts if part != Part.GENERATION)
    return msgspec.structs.replace(found, parts=parts, failed=(*found.failed, *reasons))


def _give_credited(asker: Asking, found: Sequence[ImageFound], page: Page) -> dict[int, str]:
    """Give the bare records of versions that images name and that are not here; those that the host failed to give, and why."""
    lost: dict[int, str] = {}
    wanted = {id for one in found for id in credited_versions(one)}
    here = local_ids(asker.read(), "model_versions", asker.terms.source, wanted)
    asked = asker.known("version", wanted - here.keys())
    unknown = sorted(id for id in wanted - here.keys() if id not in asked or asked[id].state in FAULTS)
    unknown = [id for id in unknown if asker.launch("version", id, page)]
    for start in range(0, len(unknown), VERSIONS_TOGETHER):
        part = unknown[start : start + VERSIONS_TOGETHER]
        answers = asker.batch([entities.get_version_details(id, with_files=False) for id in part])
        for id, answer in zip(part, answers, strict=True):
            if isinstance(answer, UpstreamError):
                _no_version(asker, page, id, answer)
                lost |= {id: reason_of(answer)} if is_fault(answer) else {}
            else:
                asker.give(VersionFound(page=page, version=read_record(WholeVersion, answer.raw)))
    return lost


def _no_version(asker: Asking, page: Page, id: int, error: UpstreamError) -> None:
    """A version that images name and nobody may see is nothing missing; it is only not asked for again."""
    if isinstance(error, UpstreamNotFound):
        asker.note(page, "version", id, State.NEVER, "")
    else:
        asker.note(page, "version", id, state_of(error), reason_of(error))
    asker.landed("version", id)


def _asked(asker: Asking, found: Sequence[ImageFound]) -> tuple[list[Any], list[Any]]:
    """How each was made, and its tags: the answer, the error in its place, None where it was not asked."""
    open_parts = [
        [part for part in (Part.GENERATION, Part.TAGS) if asker.options.wants(part) and part not in one.parts]
        for one in found
    ]
    pairs = list(zip(found, open_parts, strict=True))
    generation = [entities.get_generation_data(one.row.id) for one, parts in pairs if Part.GENERATION in parts]
    tags = [entities.get_votable_tags(one.row.id) for one, parts in pairs if Part.TAGS in parts]
    answers = iter(asker.batch([*generation, *tags]))
    made = [next(answers) if Part.GENERATION in parts else None for parts in open_parts]
    return made, [next(answers) if Part.TAGS in parts else None for parts in open_parts]
