"""Real files of real generators, which lie beside the checkout and are never committed: what each file says of itself is the
measure. TESTS_CORPUS names the folder where it is elsewhere; without it this file is left out (tests/conftest.py)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pinako.catalog.generation import Generation
from pinako.metadata import Reading, read_bytes, read_file, recognise, write_a1111
from pinako.metadata.samplers import split_sampler
from pinako.metadata.values import stem_of

CORPUS = Path(os.environ.get("TESTS_CORPUS") or Path(__file__).parents[3] / "shared" / "corpus")

PROMPT = "general, masterpiece, best quality, amazing quality, \n1girl, solo, hatsune miku"
NEGATIVE = "bad quality, worst quality, worst detail, sketch, censor"
MODEL = "waiIllustriousSDXL_v160"

# generator, end of the prompt, steps, sampler, scheduler, cfg, seed, model
WRITTEN: dict[str, tuple[str, str, int, str, str | None, float, int, str]] = {
    "civitai.jpeg": ("civitai", ", #テスト", 25, "Euler a", None, 5, 1311178179, "WAI-illustrious-SDXL"),
    "comfyui-save-image-extended.webp": ("comfyui", "", 20, "Euler a", "Karras", 5, 602057552457611, MODEL),
    "comfyui-saveimage-plus.jpg": ("comfyui", "", 20, "Euler a", "Karras", 5, 577723948579568, MODEL),
    "comfyui-saveimagewithmetadata.png": ("a1111", "", 20, "Euler a", "Karras", 5, 38802053347333, MODEL),
    "forge.png": ("a1111", ", テスト", 25, "Euler", "Karras", 5, 747066619, MODEL),
    "huggingface-space.png": ("huggingface", ", テスト", 24, "DPM++ 2M", "Karras", 5.5, 443800072,
                              "WAI NSFW illustrious SDXL v16"),
    "invokeai.png": ("invokeai", ", #テスト", 24, "Euler a", None, 6, 3951921344, MODEL),
    "ruined-fooocus.png": ("ruinedfooocus", ", #テスト", 30, "DPM++ 2M SDE", "Karras", 8, 2020047614, "waiNSFWIllustrious_v150"),
    "sd-next.jpg": ("a1111", ", #テスト", 20, "Euler a", "Karras", 6, 899700607, MODEL),
    "sd-webui.jpg": ("a1111", ", テスト", 20, "DPM++ 2M", "Karras", 5.5, 3623174757, MODEL),
    "stability-matrix.png": ("a1111", ", #テスト", 20, "Euler a", "Karras", 5, 395309383, MODEL),
    "swarmui.png": ("swarmui", ", #テスト", 20, "Euler a", "Karras", 7, 2083100758, MODEL),
    "swarmui.webp": ("swarmui", ", #テスト", 20, "Euler a", "Karras", 7, 830680752, MODEL),
    "tensorart.png": ("tensorart", ", #テスト", 25, "Euler a", "Karras", 7, 3036459311, "WAI-Nsfw-Illustrious-16"),
}  # fmt: skip

# For graphs: the nodes that draw first, encode the two prompts, load the model and size the picture, looked up by eye.
DRAWN: dict[str, tuple[str, list[str], str | None, str, str | None]] = {
    "aura_flow_0.2_example.png": ("3", ["6"], "7", "21", "5"),
    "depth_controlnet.png": ("3", ["24"], "7", "34", "5"),
    "embedding_example.png": ("3", ["6"], "7", "4", "5"),
    "esrgan_example.png": ("3", ["6"], "7", "4", "5"),
    "flux_controlnet_example.png": ("3", ["23"], "7", "20", "28"),
    "flux_depth_lora_example.png": ("3", ["23"], "7", "31", None),
    "flux_schnell_example.png": ("13", ["6"], None, "12", "5"),
    "gligen_textbox_example.png": ("3", ["24"], "7", "4", "5"),
    "hidream_e1_example.png": ("37:8", ["6"], "7", "41", "44"),
    "hiresfix_latent_workflow.png": ("3", ["6"], "7", "16", "5"),
    "hunyuan_dit_1.2_example.png": ("3", ["6"], "7", "4", "5"),
    "hypernetwork_example.png": ("3", ["6"], "7", "4", "5"),
    "img2img_workflow.png": ("3", ["6"], "7", "14", None),
    "inpain_model_cat.png": ("3", ["6"], "7", "29", None),
    "lcm_basic_example.png": ("3", ["6"], "7", "4", "5"),
    "lora.png": ("3", ["6"], "7", "4", "5"),
    "lora_multiple.png": ("3", ["6"], "7", "4", "5"),
    "mochi_simple_checkpoint.webp": ("3", ["6"], "7", "40", "21"),
    "model_merging_basic.png": ("3", ["6"], "7", "4", "5"),
    "omnigen2_example.png": ("28", ["6"], "7", "12", None),
    "qwen_image_edit_basic_example.png": ("65", ["60"], "63", "12", "66"),
    "sd3_simple_example.png": ("3", ["16"], "40", "4", "53"),
    "sdxl_refiner_prompt_example.png": ("10", ["6"], "7", "4", "5"),
    "sdxl_simple_example.png": ("10", ["6"], "7", "4", "5"),
    "sdxlturbo_example.png": ("13", ["6"], "7", "20", "5"),
    "stable_cascade__image_to_image.png": ("3", ["6"], "7", "41", None),
    "stable_zero123_example.png": ("3", [], None, "15", "26"),
    "text_to_video_wan.webp": ("3", ["6"], "7", "37", "40"),
    "workflow_night_evening_day_morning.png": ("3", ["14", "13", "17", "33", "6"], "7", "45", "5"),
}  # fmt: skip
_SETTINGS = {
    "hidream_e1_example.png": ("37:1", "37:3", "37:0", "37:7"),
    "omnigen2_example.png": ("21", "23", "20", "27"),
    "flux_schnell_example.png": ("25", "17", "16", "13"),
    "sdxlturbo_example.png": ("13", "22", "14", "13"),
}
"""For custom samplers: the nodes of the seed, the steps, the sampler and the guidance."""


def _read(path: Path) -> tuple[Reading, Generation]:
    reading = read_file(path)
    assert reading.generation is not None
    assert reading.facts.complete
    return reading, reading.generation


@pytest.mark.parametrize("name", WRITTEN)
def test_generators_files(name: str) -> None:
    reading, found = _read(CORPUS / "generators" / name)
    generator, end, steps, sampler, scheduler, cfg, seed, model = WRITTEN[name]
    assert found.generator == generator
    assert (found.prompt, found.negative_prompt) == (PROMPT + end, NEGATIVE)
    assert (found.steps, found.sampler, found.scheduler, found.cfg_scale, found.seed) == (
        steps,
        sampler,
        scheduler,
        cfg,
        seed,
    )
    assert found.model is not None
    assert found.model.name == model
    assert (found.width, found.height) == (1024, 1024) == (reading.facts.width, reading.facts.height)


def test_novelai_said_and_hidden() -> None:
    _reading, found = _read(CORPUS / "generators" / "novelai-full.png")
    assert found.prompt == "1girl, solo, hatsune miku, #テスト, very aesthetic, masterpiece, no text"
    assert (found.steps, found.cfg_scale, found.seed, found.sampler) == (28, 5, 2043807047, "Euler a")
    assert (found.width, found.height) == (832, 1216)
    data = (CORPUS / "generators" / "novelai-full.png").read_bytes()
    bare = read_bytes(_without_texts(data))
    assert list(bare.fields) == ["stealth"]
    assert bare.generation is not None
    assert (bare.generation.prompt, bare.generation.seed) == (found.prompt, found.seed)


@pytest.mark.parametrize("name", ["generators/empty.png", "generators/gimp.png", "comfyui/sunset.png"])
def test_files_without_generation_data_are_left_alone(name: str) -> None:
    reading = read_file(CORPUS / name)
    assert not reading.recognised
    assert bool(reading.raw) == ("empty" not in name)


@pytest.mark.parametrize("name", DRAWN)
def test_graphs_say_what_they_feed_to_their_sampler(name: str) -> None:
    reading, found = _read(CORPUS / "comfyui" / name)
    nodes = json.loads(reading.fields["prompt"])
    _check_graph(found, name, {key: node["inputs"] for key, node in nodes.items()})


@pytest.mark.parametrize("name", DRAWN)
def test_canvases_alone_say_the_same(name: str) -> None:
    fields = read_file(CORPUS / "comfyui" / name).fields
    found = recognise({"workflow": fields["workflow"]})
    assert found is not None
    nodes = json.loads(fields["prompt"])
    _check_graph(found, name, {key: node["inputs"] for key, node in nodes.items()})


def _check_graph(found: Generation, name: str, nodes: dict[str, dict[str, Any]]) -> None:
    drawer, positive, negative, loader, sized = DRAWN[name]
    seed_node, steps_node, sampler_node, cfg_node = _SETTINGS.get(name, (drawer,) * 4)
    seeds = nodes[seed_node]
    assert found.seed == seeds.get("seed", seeds.get("noise_seed"))
    assert found.steps == nodes[steps_node]["steps"]
    assert found.native_sampler == nodes[sampler_node]["sampler_name"]
    assert found.sampler == split_sampler(nodes[sampler_node]["sampler_name"])[0]
    assert found.cfg_scale == nodes[cfg_node].get("cfg", nodes[cfg_node].get("cfg_conds"))
    texts = [nodes[key].get("text", nodes[key].get("prompt", "")).strip() for key in positive]
    assert (found.meta.get("prompt") or "") == "\n".join(text for text in texts if text)
    refused = nodes[negative] if negative else {}
    assert (found.meta.get("negativePrompt") or "") == refused.get("text", refused.get("prompt", "")).strip()
    assert found.model is not None
    assert found.model.name == stem_of(nodes[loader].get("ckpt_name", nodes[loader].get("unet_name", "")))
    size = (nodes[sized]["width"], nodes[sized]["height"]) if sized else (None, None)
    assert (found.width, found.height) == size


def test_all_files_are_here_and_read() -> None:
    files = [
        path for folder in ("comfyui", "generators") for path in (CORPUS / folder).iterdir() if path.name != "LICENSE"
    ]
    named = {*WRITTEN, *DRAWN, "novelai-full.png", "empty.png", "gimp.png", "sunset.png"}
    assert named <= {path.name for path in files}
    for path in files:
        reading = read_file(path)
        if reading.generation is not None:
            written = recognise({"parameters": write_a1111(reading.generation)})
            assert written is not None
            assert (written.prompt, written.seed) == (reading.generation.prompt, reading.generation.seed)


def _without_texts(data: bytes) -> bytes:
    kept, position = data[:8], 8
    while position < len(data):
        length = int.from_bytes(data[position : position + 4], "big") + 12
        if data[position + 4 : position + 8] not in (b"tEXt", b"iTXt", b"zTXt", b"eXIf"):
            kept += data[position : position + length]
        position += length
    return kept
