"""Damaged files and texts in endless supply, the same ones for the same seed: what the fuzz test and the soak script read."""

from __future__ import annotations

import json
import random
import struct
from typing import Any

import metadata_samples as samples

_EXTREMES = (0, 1, 7, 8, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFFFE, 0x80000000)
_PIECES = ("Steps: 1", "Negative prompt:", '"', "\\", "{", "[", "}", "]", ",", ":", "\n", "Template:", "<lora:a:1>", "<lora:",
           'Hashes: {"', "Civitai resources: [{", "Lora hashes: \"", "\0", "NaN", "undefined", "\ud83d", "Size: 9x9",
           "ControlNet 0: \"Module: x\"", "AddNet Enabled: True", "1e999", "-1", "99999999999999999999999999")  # fmt: skip
_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 2**70, 1.5, float("nan"), "", "x", "embedding:a", [], {}, ["3", 0], ["9", 1], [["3", 0]],
    {"lora": "x", "on": True}, "urn:air:sdxl:lora:civitai:1@2", "positive", [1, 2, 3], {"__value__": [{"name": "y"}]},
)  # fmt: skip

GRAPH: dict[str, Any] = {
    "3": {"class_type": "KSampler", "inputs": {
        "seed": 5, "steps": 20, "cfg": 7.0, "sampler_name": "euler", "scheduler": "karras", "denoise": 1.0,
        "model": ["10", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": ["20", 0], "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["21", 0], "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["4", 1]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}},
    "10": {"class_type": "LoraLoader", "inputs": {
        "lora_name": "b.safetensors", "strength_model": 0.5, "strength_clip": 1, "model": ["4", 0], "clip": ["4", 1]}},
    "20": {"class_type": "PrimitiveInt", "inputs": {"value": 768}},
    "21": {"class_type": "StringConcatenate", "inputs": {"string_a": "a", "string_b": ["22", 0], "delimiter": ", "}},
    "22": {"class_type": "PrimitiveString", "inputs": {"value": "b"}},
}  # fmt: skip

CANVAS: dict[str, Any] = {
    "nodes": [
        {"id": 3, "type": "KSampler", "widgets_values": [5, "fixed", 20, 7, "euler", "normal", 1],
         "inputs": [{"name": "model", "type": "MODEL", "link": 1}, {"name": "positive", "type": "CONDITIONING", "link": 2}],
         "outputs": [{"name": "LATENT", "type": "LATENT", "links": [3]}]},
        {"id": 4, "type": "CheckpointLoaderSimple", "widgets_values": ["a.ckpt"], "outputs": [{"type": "MODEL"}]},
        {"id": 6, "type": "sub", "inputs": [], "outputs": [{"type": "CONDITIONING"}]},
        {"id": 9, "type": "SaveImage", "inputs": [{"name": "images", "link": 3}]},
    ],
    "links": [[1, 4, 0, 3, 0, "MODEL"], [2, 6, 0, 3, 1, "CONDITIONING"], [3, 3, 0, 9, 0, "IMAGE"]],
    "definitions": {"subgraphs": [{
        "id": "sub", "inputs": [], "outputs": [{"name": "c"}],
        "nodes": [{"id": 1, "type": "CLIPTextEncode", "widgets_values": ["a cat"], "outputs": [{"type": "CONDITIONING"}]}],
        "links": [{"id": 1, "origin_id": 1, "origin_slot": 0, "target_id": -20, "target_slot": 0, "type": "C"}]}]},
    "extra": {"groupNodes": {"g": {"nodes": [{"type": "KSampler", "inputs": [], "outputs": []}], "links": []}}},
}  # fmt: skip

OBJECTS: tuple[dict[str, Any], ...] = (
    {"sui_image_params": {"prompt": "a", "seed": 1, "loras": ["x"], "loraweights": ["1"], "model": "m"},
     "sui_models": [{"name": "m.safetensors", "param": "model", "hash": "0x" + "ab" * 32}]},
    {"Prompt": "a", "steps": 3, "seed": 1, "software": "RuinedFooocus", "loras": [["abcdef12", "0.5 - x"]]},
    {"prompt": "a", "base_model": "m", "sharpness": 2, "loras": [["x", 0.5, "abcdef1234"]], "resolution": "(8, 8)"},
    {"positive_prompt": "a", "seed": 1, "model": {"name": "m", "hash": "blake3:abcdef12"}, "loras": [{"model": {"name": "x"}}]},
    {"image": {"prompt": [{"prompt": "a [b]"}], "seed": 1}, "model_weights": "m"},
    {"c": "a", "uc": "b", "model": "m.ckpt", "sampler": "Euler A", "scale": 7, "steps": 3, "size": "8x8",
     "lora": [{"model": "x"}]},
    {"use_stable_diffusion_model": "m", "prompt": "a", "seed": 1, "use_lora_model": ["x"], "lora_alpha": [1]},
    {"prompt": "a", "num_inference_steps": 3, "guidance_scale": 2, "resolution": "8 x 8", "Model": "m"},
    {"Software": "NovelAI", "Comment": '{"prompt": "a", "steps": 3}', "Source": "NovelAI Diffusion V4 ABCDEF12"},
    {**GRAPH, "extra": {"airs": ["urn:air:sd1:lora:civitai:1@2"]}, "extraMetadata": '{"prompt": "a", "steps": 3}'},
    {"prompt": GRAPH, "workflow": CANVAS}, GRAPH, CANVAS,
    {"prompt": "a", "baseModel": {"modelFileName": "m"}, "seed": "-1", "models": [{"label": "x"}]},
)  # fmt: skip
NAMES = ("parameters", "UserComment", "prompt", "workflow", "Comment", "invokeai_metadata", "sd-metadata", "generation_data",
         "stealth", "xmp:UserComment", "Dream", "comment", "Software")  # fmt: skip


def damaged_file(seed: int) -> bytes:
    """A file of some container with some damage."""
    chance = random.Random(seed)
    files = _files()
    data = bytearray(chance.choice(files))
    for _ in range(chance.choice((1, 1, 2, 4, 12))):
        _damage(data, chance, files)
    return bytes(data)


def damaged_fields(seed: int) -> dict[str, str]:
    """Named texts of some generator with some damage: in the text, or in the object it was made of."""
    chance = random.Random(seed)
    fields = {}
    for _ in range(chance.choice((1, 1, 2, 3))):
        if chance.random() < 0.4:
            text = _damage_text(samples.INFOTEXT, chance)
        else:
            value = _damage_value(chance.choice(OBJECTS), chance, 0)
            text = json.dumps(value)
            if chance.random() < 0.3:
                text = _damage_text(text, chance)
        fields[chance.choice(NAMES)] = text
    return fields


_cache: list[bytes] = []


def _files() -> list[bytes]:
    if not _cache:
        _cache.extend(samples.all_samples().values())
        _cache.append(samples.png({"prompt": json.dumps(GRAPH), "workflow": json.dumps(CANVAS)}))
    return _cache


def _damage(data: bytearray, chance: random.Random, files: list[bytes]) -> None:
    place = chance.randrange(max(1, len(data)))
    match chance.randrange(7):
        case 0:
            data[place : place + 1] = bytes([chance.randrange(256)])
        case 1:
            order = chance.choice("<>")
            data[place : place + 4] = struct.pack(order + "I", chance.choice(_EXTREMES))
        case 2:
            del data[place:]
        case 3:
            del data[place : place + chance.randrange(1, 40)]
        case 4:
            length = chance.randrange(1, 200)
            data[place:place] = data[place : place + length] * chance.choice((1, 2, 30))
        case 5:
            other = chance.choice(files)
            data[place:] = other[chance.randrange(len(other)) :]
        case _:
            data[place:place] = chance.randbytes(chance.randrange(1, 60))


def _damage_text(text: str, chance: random.Random) -> str:
    for _ in range(chance.choice((1, 2, 5, 20))):
        place = chance.randrange(len(text) + 1)
        if chance.random() < 0.6:
            text = text[:place] + chance.choice(_PIECES) * chance.choice((1, 1, 3)) + text[place:]
        else:
            text = text[:place] + text[place + chance.randrange(30) :]
    return text.encode("utf-8", "replace").decode()


def _damage_value(value: Any, chance: random.Random, depth: int) -> Any:
    if chance.random() < 0.04:
        return chance.choice(_VALUES)
    if isinstance(value, dict):
        kept = {key: _damage_value(inner, chance, depth + 1) for key, inner in value.items() if chance.random() > 0.02}
        if chance.random() < 0.1:
            kept[chance.choice(("text", "positive", "model", "seed", "inputs", "nodes", "links"))] = chance.choice(
                _VALUES
            )
        return kept
    if isinstance(value, list):
        return [_damage_value(inner, chance, depth + 1) for inner in value]
    return value
