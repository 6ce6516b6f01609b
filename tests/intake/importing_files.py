"""Real files as generators and trainers leave them, small enough to make many."""

from __future__ import annotations

import io
import random
from pathlib import Path

from PIL import Image

from pinako import metadata
from pinako.metadata.modelfiles.writing import kohya_metadata, tiny_model, write_safetensors


def picture_bytes(
    seed: int, *, prompt: str | None = None, model: tuple[str, str] | None = None, form: str = "PNG"
) -> bytes:
    """A small picture, different for each seed. With a prompt it carries A1111 text; `model` is (name, hash) in it."""
    chance = random.Random(seed)
    image = Image.new("RGB", (96, 64))
    image.putdata([(chance.randrange(256), y, x % 256) for y in range(64) for x in range(96)])
    out = io.BytesIO()
    image.save(out, form)
    data = out.getvalue()
    if prompt is None:
        return data
    made_with = f", Model hash: {model[1]}, Model: {model[0]}" if model else ""
    text = f"{prompt}\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: {seed}, Size: 96x64{made_with}"
    if form == "PNG":
        return metadata.embed_png(data, {"parameters": text})
    return metadata.embed_jpeg(data, text) if form == "JPEG" else metadata.embed_webp(data, text)


def write_pictures(folder: Path, count: int, *, first: int = 1) -> list[Path]:
    """Pictures with prompts, named as A1111 names them."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for seed in range(first, first + count):
        path = folder / f"{seed:05d}-{seed * 7919}.png"
        path.write_bytes(picture_bytes(seed, prompt=f"a quiet harbor at dawn, view {seed}"))
        paths.append(path)
    return paths


def write_lora(
    path: Path, *, seed: int = 1, words: tuple[str, ...] = ("harborlight",), base_model: str = "SDXL 1.0"
) -> Path:
    """A valid LoRA with a trainer's header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = kohya_metadata(output_name=path.stem, base_model=base_model, trained_words=words)
    write_safetensors(path, tiny_model("LORA", base_model, seed=seed, dtype="F16", minimum_bytes=0), header)
    return path


def write_checkpoint(path: Path, *, seed: int = 1, base_model: str = "SDXL 1.0") -> Path:
    """A valid checkpoint, tiny."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = tiny_model("Checkpoint", base_model, seed=seed, dtype="F16", minimum_bytes=0)
    write_safetensors(path, tensors, {"format": "pt"})
    return path
