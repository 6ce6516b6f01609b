"""Each generator's own form, in every place it is written to, with the same nine facts coming out."""

from __future__ import annotations

import json
from typing import Any

import metadata_samples as samples
import pytest

from pinako.catalog.generation import Generation, UsedModel
from pinako.metadata import read_bytes, recognise

HASH = "ab" * 32

SWARM = {
    "sui_image_params": {
        "prompt": "a lighthouse", "negativeprompt": "blurry", "model": "sub/harbour_v1", "seed": 42, "steps": 20,
        "cfgscale": 7.0, "width": 640, "height": 480, "sampler": "euler_ancestral", "scheduler": "karras",
        "loras": ["ink.safetensors", "fog"], "loraweights": ["0.5", "1"], "swarm_version": "0.9.7",
    },
    "sui_models": [
        {"name": "harbour_v1.safetensors", "param": "model", "hash": "0x" + HASH},
        {"name": "ink.safetensors", "param": "loras", "hash": "0x" + "cd" * 32},
    ],
}  # fmt: skip
RUINED = {
    "Prompt": "a lighthouse", "Negative": "blurry", "steps": 20, "cfg": 7, "width": 640, "height": 480, "seed": 42,
    "sampler_name": "euler_ancestral", "scheduler": "karras", "base_model_name": "harbour_v1.safetensors",
    "base_model_hash": HASH, "loras": [["cdcdcdcdcd", "0.5 - ink.safetensors"], ["", "fog: 1"]],
    "software": "RuinedFooocus",
}  # fmt: skip
FOOOCUS = {
    "prompt": "a lighthouse", "negative_prompt": "blurry", "steps": 20, "guidance_scale": 7, "resolution": "(640, 480)",
    "seed": "42", "sampler": "euler_ancestral", "scheduler": "karras", "base_model": "harbour_v1", "base_model_hash": HASH,
    "sharpness": 2, "loras": [["ink", 0.5, "cdcdcdcdcd"], ["fog", 1, None]], "version": "Fooocus v2.5.5",
}  # fmt: skip
FOOOCUS_LOG = {
    "Prompt": "a lighthouse", "Negative Prompt": "blurry", "Performance": "Speed", "Steps": 20, "Guidance Scale": 7,
    "Resolution": "(640, 480)", "Seed": "42", "Sampler": "euler_ancestral", "Scheduler": "karras",
    "Base Model": "harbour_v1.safetensors", "Base Model Hash": HASH, "Sharpness": 2, "LoRA 1": "ink.safetensors : 0.5",
    "LoRA 2": "fog : 1", "Version": "v2.1",
}  # fmt: skip
INVOKE_3 = {
    "generation_mode": "txt2img", "positive_prompt": "a lighthouse", "negative_prompt": "blurry", "width": 640,
    "height": 480, "seed": 42, "cfg_scale": 7.0, "steps": 20, "scheduler": "euler_a_k",
    "model": {"name": "harbour_v1", "hash": f"blake3:{HASH}"}, "app_version": "6.1",
    "loras": [{"model": {"name": "ink", "hash": "random:1"}, "weight": 0.5}, {"lora": {"model_name": "fog"}, "weight": 1}],
}  # fmt: skip
INVOKE_2 = {
    "model": "stable diffusion", "model_weights": "harbour_v1", "model_hash": HASH, "app_version": "2.3",
    "image": {"prompt": [{"prompt": "a lighthouse [blurry]", "weight": 1}], "steps": 20, "cfg_scale": 7, "width": 640,
              "height": 480, "seed": 42, "sampler": "k_euler_a", "type": "txt2img"},
}  # fmt: skip
DREAM = '"a lighthouse [blurry]" -s 20 -S 42 -W 640 -H 480 -C 7.0 -A k_euler_a'
NOVEL = {
    "prompt": "a lighthouse", "uc": "blurry", "steps": 20, "scale": 7.0, "seed": 42, "width": 640, "height": 480,
    "sampler": "k_euler_ancestral", "noise_schedule": "karras",
}  # fmt: skip
DRAW_THINGS = {
    "c": "a lighthouse", "uc": "blurry", "model": "harbour_v1.ckpt", "sampler": "Euler A Karras", "scale": 7, "seed": 42,
    "steps": 20, "size": "640x480", "strength": 1, "lora": [{"model": "ink.ckpt", "weight": 0.5}, {"model": "fog"}],
}  # fmt: skip
EASY = {
    "prompt": "a lighthouse", "negative_prompt": "blurry", "seed": 42, "use_stable_diffusion_model": "sd/harbour_v1",
    "sampler_name": "euler_a", "scheduler_name": "karras", "num_inference_steps": 20, "guidance_scale": 7, "width": 640,
    "height": 480, "use_lora_model": ["ink", "fog"], "lora_alpha": [0.5, 1],
}  # fmt: skip
EASY_TITLES = {
    "Prompt": "a lighthouse", "Negative Prompt": "blurry", "Seed": "42", "Stable Diffusion model": "harbour_v1",
    "Sampler": "euler_a", "Steps": "20", "Guidance Scale": "7", "Width": "640", "Height": "480",
    "LoRA model": "['ink', 'fog']", "LoRA Strength": "['0.5', '1']",
}  # fmt: skip
TENSOR = {
    "prompt": "a lighthouse", "negativePrompt": "blurry", "width": 640, "height": 480, "steps": 20, "cfgScale": 7,
    "seed": "42", "ksamplerName": "euler_ancestral", "schedule": "karras",
    "baseModel": {"modelFileName": "harbour_v1", "hash": HASH, "modelId": "9437"},
    "models": [{"type": "LORA", "modelFileName": "ink", "weight": 0.5}, {"type": "LORA", "label": "fog", "weight": 1}],
}  # fmt: skip
SPACE = {
    "prompt": "a lighthouse", "negative_prompt": "blurry", "resolution": "640 x 480", "guidance_scale": 7.0,
    "num_inference_steps": 20, "seed": 42, "sampler": "Euler a Karras", "Model": "harbour_v1", "Model hash": HASH,
    "use_upscaler": None,
}  # fmt: skip

MODELS: dict[str, UsedModel | None] = {
    "invokeai 1": None,
    "fooocus log": UsedModel(name="harbour_v1", hash=HASH),
    "novelai": UsedModel(name="NovelAI Diffusion V4.5", hash="4BDE2A90"),
    "novelai exif": UsedModel(name="NovelAI Diffusion V4.5", hash="4BDE2A90"),
    "novelai hidden": UsedModel(name="NovelAI Diffusion V4.5", hash="4BDE2A90"),
    "drawthings": UsedModel(name="harbour_v1"),
    "easydiffusion": UsedModel(name="harbour_v1"),
    "easydiffusion chunks": UsedModel(name="harbour_v1"),
    "easydiffusion titles": UsedModel(name="harbour_v1"),
}


def _text(value: Any) -> str:
    return json.dumps(value)


def _novel(place: str) -> dict[str, str]:
    said = {"Software": "NovelAI", "Description": "a lighthouse", "Source": "NovelAI Diffusion V4.5 4BDE2A90",
            "Comment": _text(NOVEL)}  # fmt: skip
    return said if place == "png" else {place: _text(said)}


CASES: dict[str, tuple[str, dict[str, str]]] = {
    "swarmui png": ("swarmui", {"parameters": _text(SWARM)}),
    "swarmui exif": ("swarmui", {"UserComment": _text(SWARM)}),
    "swarmui old": ("swarmui", {"Model": _text(SWARM)}),
    "ruinedfooocus": ("ruinedfooocus", {"parameters": _text(RUINED)}),
    "ruinedfooocus spaced": ("ruinedfooocus", {"parameters": json.dumps(RUINED, separators=(" , ", " : "))}),
    "fooocus": ("fooocus", {"parameters": _text(FOOOCUS), "fooocus_scheme": "fooocus"}),
    "fooocus comment": ("fooocus", {"Comment": _text(FOOOCUS)}),
    "fooocus log": ("fooocus", {"UserComment": _text(FOOOCUS_LOG)}),
    "invokeai 3": ("invokeai", {"invokeai_metadata": _text(INVOKE_3), "invokeai_graph": "{}"}),
    "invokeai 2": ("invokeai", {"sd-metadata": _text(INVOKE_2), "Dream": DREAM}),
    "invokeai 1": ("invokeai", {"Dream": DREAM}),
    "novelai": ("novelai", _novel("png")),
    "novelai exif": ("novelai", _novel("UserComment")),
    "novelai hidden": ("novelai", _novel("stealth")),
    "drawthings": ("drawthings", {"xmp:UserComment": _text(DRAW_THINGS), "XML:com.adobe.xmp": "<x/>"}),
    "easydiffusion": ("easydiffusion", {"UserComment": _text(EASY)}),
    "easydiffusion chunks": ("easydiffusion", {key: value if isinstance(value, str) else json.dumps(value)
                                               for key, value in EASY.items()}),
    "easydiffusion titles": ("easydiffusion", dict(EASY_TITLES)),
    "tensorart": ("tensorart", {"generation_data": _text(TENSOR) + "\0"}),
    "huggingface": ("huggingface", {"parameters": _text(SPACE)}),
}  # fmt: skip


def read(fields: dict[str, str]) -> Generation:
    found = recognise(fields)
    assert found is not None
    return found


@pytest.mark.parametrize("case", CASES)
def test_the_same_facts_come_out_of_every_form(case: str) -> None:
    generator, fields = CASES[case]
    found = read(fields)
    assert found.generator == generator
    assert (found.prompt, found.negative_prompt) == ("a lighthouse", "blurry")
    assert (found.steps, found.cfg_scale, found.seed) == (20, 7.0, 42)
    assert (found.width, found.height) == (640, 480)
    assert found.sampler == "Euler a"
    assert found.model == MODELS.get(case, UsedModel(name="harbour_v1", hash=HASH))


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.split()[0] not in ("invokeai", "novelai", "huggingface")]
)
def test_loras_come_with_their_weights(case: str) -> None:
    found = read(CASES[case][1])
    loras = [(one.name, one.weight) for one in found.resources if one.kind == "lora"]
    assert loras == [("ink", 0.5), ("fog", 1.0)]


def test_invokeai_loras_of_both_spellings() -> None:
    found = read(CASES["invokeai 3"][1])
    assert [(one.kind, one.name, one.weight, one.hash) for one in found.resources] == [
        ("checkpoint", "harbour_v1", None, HASH),
        ("lora", "ink", 0.5, None),
        ("lora", "fog", 1.0, None),
    ]


@pytest.mark.parametrize(
    ("case", "scheduler"), [("swarmui png", "Karras"), ("invokeai 3", "Karras"), ("novelai", "Karras"), ("huggingface", "Karras"),
                            ("drawthings", "Karras"), ("easydiffusion titles", None), ("invokeai 2", None)],
)  # fmt: skip
def test_schedulers_are_told_from_samplers(case: str, scheduler: str | None) -> None:
    assert read(CASES[case][1]).scheduler == scheduler


def test_swarm_hashes_are_kept_whole_and_matched_by_their_start() -> None:
    found = read(CASES["swarmui png"][1])
    assert found.model is not None
    assert found.model.hash == HASH
    assert found.meta["hashes"] == {"model": HASH[:12], "lora:ink": "cd" * 6}
    assert found.meta["originalSampler"] == "euler_ancestral"


def test_spaces_that_nest_their_model() -> None:
    nested = SPACE | {"Model": {"Model": "harbour_v1", "Model hash": HASH}}
    assert read({"parameters": _text(nested)}).model == UsedModel(name="harbour_v1", hash=HASH)


@pytest.mark.parametrize(
    "loras",
    [
        "Loras:<ink.safetensors:0.5>",
        "ink.safetensors - 0.5",
        "0.5 - ink.safetensors",
        "ink: 0.5",
        "[['abcdef01', '0.5 - ink']]",
        [["abcdef01", "0.5 - ink"]],
    ],
)
def test_ruined_networks_are_read_in_every_spelling(loras: object) -> None:
    found = read({"parameters": _text(RUINED | {"loras": loras})})
    assert [(one.name, one.weight) for one in found.resources if one.kind == "lora"] == [("ink", 0.5)]


def test_swarm_keeps_the_guidance_of_flux_beside_the_scale() -> None:
    params = {
        "prompt": "a lighthouse",
        "model": "flux",
        "cfgscale": 1,
        "fluxguidancescale": 3.5,
        "swarm_version": "0.9.7",
    }
    found = read({"parameters": _text({"sui_image_params": params})})
    assert (found.cfg_scale, found.meta["Distilled CFG Scale"]) == (1, 3.5)


def test_ruined_simple_is_no_scheduler() -> None:
    assert read({"parameters": _text(RUINED | {"scheduler": "simple"})}).scheduler is None


def test_novelai_requests_say_the_process() -> None:
    settings = NOVEL | {"request_type": "NativeInfillingRequest", "strength": 0.7}
    found = read({"Software": "NovelAI", "Comment": _text(settings)})
    assert (found.process, found.denoise) == ("inpainting", 0.7)


def test_novelai_characters_are_kept_beside_the_prompt() -> None:
    caption = {"caption": {"base_caption": "a lighthouse", "char_captions": [{"char_caption": "a gull"}]}}
    found = read({"Software": "NovelAI", "Comment": _text(NOVEL | {"v4_prompt": caption})})
    assert found.meta["characterPrompts"] == ["a gull"]


def test_a_random_tensorart_seed_is_told_by_the_graph_beside_it() -> None:
    graph = {"1": {"class_type": "KSampler", "inputs": {"seed": 77, "steps": 20, "sampler_name": "euler", "cfg": 7}}}
    found = read({"generation_data": _text(TENSOR | {"seed": "-1"}), "prompt": _text(graph)})
    assert (found.generator, found.seed) == ("tensorart", 77)


def test_tensorarts_own_list_completes_the_text_beside_it() -> None:
    text = "a lighthouse\nSteps: 20, Sampler: Euler a, CFG scale: 5, Seed: 9, Size: 64x48, Model: harbour_v1"
    found = read({"parameters": text, "generation_data": _text(TENSOR)})
    assert (found.generator, found.cfg_scale, found.seed, found.negative_prompt) == ("tensorart", 5, 9, "blurry")
    assert [(one.kind, one.name, one.weight) for one in found.resources] == [
        ("checkpoint", "harbour_v1", None), ("lora", "ink", 0.5), ("lora", "fog", 1.0),
    ]  # fmt: skip


SITE_GRAPH: dict[str, Any] = {
    "3": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 2, "cfg": 3, "sampler_name": "euler", "scheduler": "normal"}},
    "extra": {"airs": ["urn:air:sdxl:checkpoint:civitai:10@11", "urn:air:sdxl:lora:civitai:20@22"]},
    "extraMetadata": _text({"prompt": "a lighthouse", "negativePrompt": "blurry", "steps": 20, "cfgScale": 7, "seed": 42,
                            "sampler": "Euler a", "workflowId": "img2img-upscale", "remixOfId": 5,
                            "resources": [{"modelVersionId": 22, "strength": 0.8}]}),
}  # fmt: skip


def test_the_site_in_its_graph_days() -> None:
    found = read({"UserComment": _text(SITE_GRAPH)})
    assert (found.generator, found.prompt, found.steps, found.seed) == ("civitai", "a lighthouse", 20, 42)
    assert found.meta["civitaiResources"] == [
        {"type": "lora", "weight": 0.8, "modelVersionId": 22},
        {"type": "checkpoint", "modelVersionId": 11},
    ]
    assert (found.meta["workflow"], found.meta["extra"], found.meta["engine"]) == (
        "img2img:upscale",
        {"remixOfId": 5},
        "Civitai",
    )
    assert found.model == UsedModel(model_version_id=11)


def test_the_site_with_the_oldest_lists() -> None:
    extra = {"ckpt_airs": ["10@11"], "lora_airs": ["20@22"]}
    found = read({"parameters": _text(SITE_GRAPH | {"extra": extra})})
    assert {one["modelVersionId"]: one["type"] for one in found.meta["civitaiResources"]} == {
        11: "checkpoint",
        22: "lora",
    }


def test_the_order_of_the_readers_is_the_real_one() -> None:
    infotext = "b\nSteps: 3, Seed: 4"
    assert read({"parameters": infotext, "prompt": _text(SITE_GRAPH)}).generator == "a1111"
    assert read({"parameters": _text(SWARM), "prompt": _text(SITE_GRAPH)}).generator == "swarmui"


def test_prompts_in_json_that_quote_settings_are_not_a1111() -> None:
    swarm = {"sui_image_params": SWARM["sui_image_params"] | {"prompt": "x\nSteps: 9, Seed: 9"}}  # type: ignore[operator]
    assert read({"parameters": _text(swarm)}).generator == "swarmui"


def test_whole_files_are_recognised_too() -> None:
    for case, (generator, fields) in CASES.items():
        if case.split()[0] in ("drawthings",):
            continue
        texts = {name: text for name, text in fields.items() if name not in ("stealth", "UserComment", "Model")}
        if texts == fields:
            found = read_bytes(samples.png(fields)).generation
            assert found is not None
            assert found.generator == generator


def test_nothing_is_recognised_in_other_peoples_json() -> None:
    for text in ('{"prompt": "a"}', '{"seed": 1}', "{}", "[]", '{"nodes": []}', '{"model": "x", "c": 1}', "null"):
        assert recognise({"parameters": text, "UserComment": text, "Comment": text}) is None
