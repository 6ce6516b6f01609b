"""Painting the demo's pictures: real files with the texts that a generator would have left in them. Runs in any process."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random

import msgspec

from pinako import metadata
from pinako.intake.demo import words
from pinako.intake.demo.plan import PlannedImage
from pinako.media.facts import measure, read_facts
from pinako.media.paint import encode, paint, scene_of
from pinako.media.store import MediaStore, open_store
from pinako.services.prepare import PreparedImage, assemble, digest_of, prepare_bytes


class Ingredient(msgspec.Struct, frozen=True, kw_only=True):
    """A model version as a picture's text names it."""

    type: str
    stem: str
    autov2: str
    autov3: str
    version_id: int


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One picture to paint."""

    image: PlannedImage
    made_with: tuple[Ingredient, ...]
    video: bool = False


def get_ready() -> int:
    """Nothing: a new process that is asked this has imported all it needs."""
    return 0


def work(jobs: Sequence[Job], media_url: str) -> list[PreparedImage]:
    """Paint, write the generators' texts into the files, keep the bytes at `media_url`, and say what the files hold."""
    store = open_store(media_url)
    try:
        return [_film(job, store) if job.video else _picture(job, store) for job in jobs]
    finally:
        store.close()


def _picture(job: Job, store: MediaStore) -> PreparedImage:
    plan = job.image
    image = paint(plan.seed, plan.width, plan.height)
    data = encode(image, plan.format)  # type: ignore[arg-type]
    facts = measure(image, "image/png") if plan.format == "png" else read_facts(data)
    data = _with_text(plan, data, job.made_with)
    prepared = prepare_bytes(data, facts)
    store.put_bytes(data, sha256=prepared.sha256)
    return prepared


def _film(job: Job, store: MediaStore) -> PreparedImage:
    from pinako.media.film import paint_video

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        comment = json.dumps({"prompt": json.loads(_graph(job.image, job.made_with))})
        first = paint_video(path, job.image.seed, comment=comment)
        shown = measure(first, "image/png", pixel_hash=False)
        prepared = assemble(metadata.read_file(path), shown, *digest_of(path))
        store.put_file(path, sha256=prepared.sha256)
    return prepared


def _with_text(plan: PlannedImage, data: bytes, made_with: tuple[Ingredient, ...]) -> bytes:
    if plan.writer == "comfyui":
        return metadata.embed_png(data, {"prompt": _graph(plan, made_with)})
    text = _a1111(plan, made_with, onsite=plan.writer == "onsite")
    if plan.format == "png":
        return metadata.embed_png(data, {"parameters": text})
    return metadata.embed_jpeg(data, text) if plan.format == "jpeg" else metadata.embed_webp(data, text)


def prompt_for(plan: PlannedImage) -> str:
    """The prompt of a picture: what it shows, in words that its seed chooses."""
    return words.prompt_of(Random(plan.seed), scene_of(plan.seed))  # noqa: S311 - words, not secrets


def _a1111(plan: PlannedImage, made_with: tuple[Ingredient, ...], *, onsite: bool) -> str:
    sampler, scheduler, _, _ = words.SAMPLERS[plan.sampler]
    base, *extra = made_with
    settings: dict[str, object] = {"Steps": plan.steps, "Sampler": sampler}
    if scheduler:
        settings["Schedule type"] = scheduler
    settings |= {"CFG scale": plan.cfg, "Seed": plan.seed, "Size": f"{plan.width}x{plan.height}"}
    prompt = prompt_for(plan)
    if onsite:
        settings |= {"Clip skip": 2, "Civitai resources": json.dumps([_credit(plan, one) for one in made_with])}
        settings["Civitai metadata"] = "{}"
        return words.a1111_text(settings, prompt, plan.negative)
    settings |= {"Model hash": base.autov2, "Model": base.stem}
    if plan.seed % 4 == 0:
        half = f"{plan.width // 2}x{plan.height // 2}"
        settings |= {"Size": half, "Clip skip": 2, "Denoising strength": 0.4, **words.HIRES}
    loras = [one for one in extra if one.type != "TextualInversion"]
    prompt += "".join(f", <lora:{one.stem}:{plan.weight}>" for one in loras)
    prompt += "".join(f", {one.stem}" for one in extra if one.type == "TextualInversion")
    if loras:
        settings["Lora hashes"] = '"' + ", ".join(f"{one.stem}: {one.autov3.lower()}" for one in loras) + '"'
    embeddings = [one for one in extra if one.type == "TextualInversion"]
    if embeddings:
        settings["TI hashes"] = '"' + ", ".join(f"{one.stem}: {one.autov3.lower()}" for one in embeddings) + '"'
    return words.a1111_text({**settings, "Version": "v1.10.1"}, prompt, plan.negative)


def _credit(plan: PlannedImage, one: Ingredient) -> dict[str, object]:
    credit: dict[str, object] = {"type": one.type.lower(), "modelVersionId": one.version_id}
    return credit if one.type == "Checkpoint" else {**credit, "weight": plan.weight}


def _graph(plan: PlannedImage, made_with: tuple[Ingredient, ...]) -> str:
    base, *extra = made_with
    lora = next((one for one in extra if one.type != "TextualInversion"), None)
    _, _, sampler, scheduler = words.SAMPLERS[plan.sampler]
    return words.comfy_graph(
        checkpoint=f"{base.stem}.safetensors",
        lora=f"{lora.stem}.safetensors" if lora else None,
        weight=plan.weight,
        prompt=prompt_for(plan),
        negative=plan.negative,
        seed=plan.seed,
        steps=plan.steps,
        cfg=plan.cfg,
        sampler=sampler,
        scheduler=scheduler,
        width=plan.width,
        height=plan.height,
    )
