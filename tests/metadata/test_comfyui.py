"""ComfyUI graphs followed from the sampler back: what the graph feeds to it is what the record says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pinako.catalog.generation import Generation
from pinako.metadata import recognise

Nodes = dict[str, Any]


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def enc(text: Any, **inputs: Any) -> dict[str, Any]:
    return node("CLIPTextEncode", text=text, **inputs)


def base(**changes: Any) -> Nodes:
    """A plain text-to-image graph; `changes` replace or add nodes by id (`n6=...`)."""
    nodes = {
        "3": node("KSampler", seed=42, steps=20, cfg=7.5, sampler_name="dpmpp_2m", scheduler="karras", denoise=1.0,
                  model=["4", 0], positive=["6", 0], negative=["7", 0], latent_image=["5", 0]),
        "4": node("CheckpointLoaderSimple", ckpt_name="sub/harbour.safetensors"),
        "5": node("EmptyLatentImage", width=640, height=480, batch_size=1),
        "6": enc(text="a lighthouse", clip=["4", 1]),
        "7": enc(text="blurry", clip=["4", 1]),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": node("SaveImage", images=["8", 0]),
    }  # fmt: skip
    return nodes | {key[1:]: value for key, value in changes.items()}


def sampler(**inputs: Any) -> dict[str, Any]:
    """The base sampler with other inputs; None takes one away."""
    merged = base()["3"]["inputs"] | inputs
    return node("KSampler", **{key: value for key, value in merged.items() if value is not None})


def read(nodes: Nodes, **fields: str) -> Generation:
    found = recognise({"prompt": json.dumps(nodes), **fields})
    assert found is not None
    assert found.generator == "comfyui"
    return found


def loras(found: Generation) -> list[tuple[str | None, float | None]]:
    return [(one.name, one.weight) for one in found.resources if one.kind == "lora"]


def test_a_plain_graph() -> None:
    found = read(base())
    assert (found.prompt, found.negative_prompt) == ("a lighthouse", "blurry")
    assert (found.seed, found.steps, found.cfg_scale, found.denoise) == (42, 20, 7.5, 1.0)
    assert (found.sampler, found.scheduler, found.native_sampler) == ("DPM++ 2M", "Karras", "dpmpp_2m")
    assert (found.width, found.height) == (640, 480)
    assert found.model is not None
    assert found.model.name == "harbour"
    assert found.process == "txt2img"


def test_the_meta_has_the_sites_keys() -> None:
    meta = read(base(), workflow='{"nodes": []}').meta
    assert (meta["sampler"], meta["scheduler"], meta["models"]) == (
        "DPM++ 2M Karras",
        "karras",
        ["sub/harbour.safetensors"],
    )
    assert json.loads(meta["comfy"])["prompt"] == base()
    assert json.loads(meta["comfy"])["workflow"] == {"nodes": []}


ENCODERS: dict[str, tuple[Nodes, str | None]] = {
    "link to a string": (base(n6=enc(text=["20", 0]), n20=node("PrimitiveString", value="from afar")), "from afar"),
    "concatenation": (
        base(n6=enc(text=["20", 0]), n20=node("StringConcatenate", string_a=["21", 0], string_b="b", delimiter=", "),
             n21=node("PrimitiveStringMultiline", value="a")), "a, b"),
    "was concatenation": (
        base(n6=enc(text=["20", 0]),
             n20=node("Text Concatenate", delimiter="\\n", text_c="c", text_a="a", text_b=["21", 0]),
             n21=node("Text Multiline", text="b")),
        "a\nb\nc"),
    "replace": (
        base(n6=enc(text=["20", 0]),
             n20=node("StringFunction|pysssss", action="replace", text_a="a red cat", text_b="red", text_c="blue")),
        "a blue cat"),
    "wildcards": (
        base(n6=enc(text=["20", 0]),
             n20=node("ImpactWildcardProcessor", wildcard_text="{a|b}", populated_text="b", mode="populate")), "b"),
    "shown text": (
        base(n6=enc(text=["20", 0]), n20=node("ShowText|pysssss", text=["21", 0], text_0="what was drawn"),
             n21=node("DPRandomGenerator", text="{a|b}")), "what was drawn"),
    "sdxl": (base(n6=node("CLIPTextEncodeSDXL", text_g="wide", text_l="near", width=1024)), "wide\nnear"),
    "text switch": (
        base(n6=enc(text=["20", 0]), n20=node("CR Text Input Switch", Input=2, text1="this", text2=["21", 0]),
             n21=node("Text Multiline", text="that")), "that"),
    "switched conditioning": (
        base(n6=node("CR Conditioning Input Switch", Input=1, conditioning1=["20", 0], conditioning2=["21", 0]),
             n20=enc(text="this"), n21=enc(text="that")), "this"),
    "sdxl twice the same": (base(n6=node("CLIPTextEncodeSDXL", text_g="same", text_l="same")), "same"),
    "flux": (base(n6=node("CLIPTextEncodeFlux", clip_l="tags", t5xxl="a sentence", guidance=3.5)), "a sentence\ntags"),
    "styler": (base(n6=enc(text=["20", 0]), n20=node("SDXLPromptStyler", text_positive="yes", text_negative="no")), "yes"),
    "qwen": (base(n6=node("TextEncodeQwenImageEdit", prompt="edit this", clip=["4", 1])), "edit this"),
    "combined": (
        base(n6=node("ConditioningCombine", conditioning_1=["20", 0], conditioning_2=["21", 0]),
             n20=enc(text="one"), n21=enc(text="two")), "one\ntwo"),
    "area": (
        base(n6=node("ConditioningSetArea", conditioning=["20", 0], width=64, strength=1), n20=enc(text="one")), "one"),
    "gligen": (
        base(n6=node("GLIGENTextBoxApply", text="a box", conditioning_to=["20", 0]), n20=enc(text="main")), "main"),
    "guidance": (base(n6=node("FluxGuidance", guidance=3.5, conditioning=["20", 0]), n20=enc(text="main")), "main"),
    "zeroed": (base(n6=node("ConditioningZeroOut", conditioning=["7", 0])), None),
    "reroute": (base(n6=node("Reroute (rgthree)", **{"": ["20", 0]}), n20=enc(text="main")), "main"),
    "switch": (
        base(n6=node("ImpactSwitch", select=2, input1=["7", 0], input2=["20", 0]), n20=enc(text="second")), "second"),
    "any switch": (base(n6=node("Any Switch (rgthree)", any_01=["20", 0], any_02=["7", 0]), n20=enc(text="first")), "first"),
    "unknown encoder": (base(n6=node("MyOwnEncoder", my_prompt_text="mine", strength="strong")), "mine"),
    "empty": (base(n6=enc(text="")), None),
    "to nowhere": (base(n6=enc(text=["99", 0])), None),
    "circle": (base(n6=enc(text=["20", 0]), n20=node("Reroute", a=["20", 0])), None),
}  # fmt: skip


@pytest.mark.parametrize("case", ENCODERS)
def test_the_prompt_is_followed_through(case: str) -> None:
    nodes, prompt = ENCODERS[case]
    found = read(nodes)
    assert found.prompt == prompt
    assert found.negative_prompt == "blurry"
    assert found.seed == 42


def test_control_nets_hand_both_sides_on() -> None:
    apply = node("ControlNetApplyAdvanced", positive=["6", 0], negative=["7", 0], control_net=["21", 0], strength=0.5)
    found = read(base(n3=sampler(positive=["20", 0], negative=["20", 1]), n20=apply,
                      n21=node("ControlNetLoader", control_net_name="depth.safetensors")))  # fmt: skip
    assert (found.prompt, found.negative_prompt) == ("a lighthouse", "blurry")
    assert found.meta["controlNets"] == ["depth.safetensors"]
    assert {one.name for one in found.resources if one.kind == "controlnet"} == {"depth"}


def test_pipes_and_contexts_are_unpacked_by_side() -> None:
    pipe = node("ToBasicPipe", model=["4", 0], positive=["6", 0], negative=["7", 0])
    taken = node("FromBasicPipe_v2", basic_pipe=["20", 0])
    found = read(base(n3=sampler(positive=["21", 4], negative=["21", 5], model=["21", 1]), n20=pipe, n21=taken))
    assert (found.prompt, found.negative_prompt) == ("a lighthouse", "blurry")
    context = node("Context Big (rgthree)", model=["4", 0], positive=["6", 0], negative=["7", 0], latent=["5", 0], seed=7,
                   steps=9, sampler="euler", scheduler="karras")  # fmt: skip
    taken = sampler(positive=["20", 4], negative=["20", 5], model=["20", 1], latent_image=["20", 6], seed=["20", 8],
                    sampler_name=["20", 13])  # fmt: skip
    found = read(base(n3=taken, n20=context))
    assert (found.prompt, found.negative_prompt, found.sampler, found.seed) == ("a lighthouse", "blurry", "Euler", 7)
    assert (found.width, found.height, found.denoise) == (640, 480, 1.0)
    assert found.model is not None
    assert found.model.name == "harbour"


def test_efficient_loader() -> None:
    loader = node("Efficient Loader", ckpt_name="eff.safetensors", positive="yes", negative="no", lora_name="None",
                  empty_latent_width=832, empty_latent_height=1216, vae_name="Baked VAE", clip_skip=-2,
                  lora_stack=["21", 0])  # fmt: skip
    stack = node("LoRA Stacker", lora_count=2, lora_name_1="a.safetensors", lora_wt_1=0.5, lora_name_2="b", lora_wt_2=1,
                 lora_name_3="c", lora_wt_3=1)  # fmt: skip
    drawn = node("KSampler (Efficient)", seed=5, steps=9, cfg=4, sampler_name="euler", scheduler="normal", denoise=1,
                 model=["20", 0], positive=["20", 1], negative=["20", 2], latent_image=["20", 3])  # fmt: skip
    found = read({"3": drawn, "20": loader, "21": stack, "9": node("SaveImage", images=["3", 5])})
    assert (found.prompt, found.negative_prompt, found.width, found.height) == ("yes", "no", 832, 1216)
    assert (loras(found), found.clip_skip) == ([("a", 0.5), ("b", 1.0)], 2)
    assert not [one for one in found.resources if one.kind == "vae"]


def test_flux_custom_sampling() -> None:
    nodes = {
        "1": node("SamplerCustomAdvanced", noise=["2", 0], guider=["3", 0], sampler=["4", 0],
                  sigmas=["5", 0], latent_image=["6", 0]),
        "2": node("RandomNoise", noise_seed=["12", 0]), "12": node("PrimitiveInt", value=2**60 + 1),
        "3": node("BasicGuider", model=["7", 0], conditioning=["8", 0]),
        "4": node("KSamplerSelect", sampler_name="euler"), "5": node("BasicScheduler", scheduler="beta", steps=4, denoise=1.0),
        "6": node("EmptySD3LatentImage", width=["13", 0], height=["13", 1]),
        "13": node("SizePicker", width=1152, height=896),
        "7": node("LoraLoaderModelOnly", lora_name="x.safetensors", strength_model=0.25, model=["11", 0]),
        "8": node("FluxGuidance", guidance=3.5, conditioning=["9", 0]), "9": enc(text="a lighthouse"),
        "10": node("SaveImage", images=["1", 0]), "11": node("UnetLoaderGGUF", unet_name="flux-Q4.gguf"),
    }  # fmt: skip
    found = read(nodes)
    assert (found.prompt, found.negative_prompt) == ("a lighthouse", None)
    assert (found.seed, found.steps, found.cfg_scale) == (2**60 + 1, 4, 3.5)
    assert (found.sampler, found.scheduler) == ("Euler", "Beta")
    assert (found.width, found.height) == (1152, 896)
    assert found.meta["Distilled CFG Scale"] == 3.5
    assert found.model is not None
    assert (found.model.name, loras(found)) == ("flux-Q4", [("x", 0.25)])


def test_samplers_that_take_the_guidance_themselves() -> None:
    drawn = node("FluxSamplerParams+", seed="5", sampler="euler", scheduler="simple", steps="20", guidance="3.5",
                 model=["4", 0], conditioning=["6", 0], latent_image=["5", 0])  # fmt: skip
    found = read(base(n3=drawn))
    assert (found.sampler, found.scheduler, found.steps, found.cfg_scale) == ("Euler", "Simple", 20, 3.5)


def test_a_sampler_whose_seed_is_gone() -> None:
    nodes = base()
    del nodes["3"]["inputs"]["seed"]
    found = read(nodes)
    assert (found.prompt, found.seed, found.steps, found.width) == ("a lighthouse", None, 20, 640)


def test_the_size_that_a_loader_lets_choose() -> None:
    loader = node("easy fullLoader", ckpt_name="a.safetensors", positive="yes", negative="no", resolution="832 x 1216",
                  empty_latent_width=512, empty_latent_height=512)  # fmt: skip
    drawn = node("easy fullkSampler", seed=5, steps=9, cfg=4, sampler_name="euler", scheduler="normal", pipe=["20", 0])
    found = read({"3": drawn, "20": loader})
    assert (found.width, found.height) == (832, 1216)
    loader["inputs"]["resolution"] = "width x height (custom)"
    found = read({"3": drawn, "20": loader})
    assert (found.width, found.height) == (512, 512)


def test_the_first_pass_is_told_and_the_second_noted() -> None:
    nodes = base(
        n8=node("VAEDecode", samples=["21", 0]),
        n20=node("LatentUpscale", samples=["3", 0], width=1280, height=960),
        n21=sampler(seed=7, steps=5, denoise=0.4, latent_image=["20", 0], sampler_name="euler"),
    )
    found = read(nodes)
    assert (found.seed, found.steps, found.width, found.process) == (42, 20, 640, "txt2imgHiRes")


def test_a_refiner_is_no_second_pass() -> None:
    first = node("KSamplerAdvanced", noise_seed=9, steps=25, cfg=8, sampler_name="euler", scheduler="normal", end_at_step=20,
                 model=["4", 0], positive=["6", 0], negative=["7", 0], latent_image=["5", 0])  # fmt: skip
    second = node("KSamplerAdvanced", noise_seed=0, steps=25, cfg=8, sampler_name="euler", scheduler="normal",
                  start_at_step=20, model=["22", 0], positive=["6", 0], negative=["7", 0], latent_image=["3", 0])  # fmt: skip
    found = read(base(n3=first, n21=second, n22=node("CheckpointLoaderSimple", ckpt_name="refiner.safetensors"),
                      n8=node("VAEDecode", samples=["21", 0])))  # fmt: skip
    assert (found.seed, found.process) == (9, "txt2img")
    assert found.model is not None
    assert found.model.name == "harbour"
    assert [one.name for one in found.resources if one.kind == "checkpoint"] == ["harbour", "refiner"]


def test_unused_branches_say_nothing() -> None:
    found = read(base(
        n30=sampler(seed=1, positive=["31", 0]), n31=enc(text="never drawn"),
        n32=node("LoraLoader", lora_name="never.safetensors", strength_model=1, strength_clip=1),
    ))  # fmt: skip
    assert (found.prompt, found.seed, loras(found)) == ("a lighthouse", 42, [])


@pytest.mark.parametrize(
    ("latent", "process"),
    [
        ({"n5": node("VAEEncode", pixels=["20", 0])}, "img2img"),
        ({"n5": node("VAEEncodeForInpaint", pixels=["20", 0], mask=["20", 1])}, "inpainting"),
        (
            {
                "n5": node("SetLatentNoiseMask", samples=["21", 0], mask=["20", 1]),
                "n21": node("VAEEncode", pixels=["20", 0]),
            },
            "inpainting",
        ),
    ],
)
def test_how_the_picture_began(latent: Nodes, process: str) -> None:
    found = read(base(n20=node("LoadImage", image="x.png"), **latent))
    assert (found.process, found.width) == (process, None)


def test_films_from_a_picture() -> None:
    start = node(
        "WanImageToVideo", positive=["6", 0], negative=["7", 0], start_image=["21", 0], width=832, height=480, length=33
    )
    found = read(base(n3=sampler(positive=["20", 0], negative=["20", 1], latent_image=["20", 2]), n20=start,
                      n21=node("LoadImage", image="x.png")))  # fmt: skip
    assert (found.prompt, found.negative_prompt, found.width, found.process) == (
        "a lighthouse",
        "blurry",
        832,
        "img2img",
    )


def test_a_film_sampler_with_both_texts_in_one_input() -> None:
    texts = node("WanVideoTextEncode", positive_prompt="a lighthouse", negative_prompt="blurry")
    drawn_by = node("WanVideoSampler", seed=5, steps=9, cfg=6, scheduler="unipc", text_embeds=["2", 0], model=["3", 0])
    found = read({"1": drawn_by, "2": texts, "3": node("WanVideoModelLoader", model="wan.safetensors"),
                  "4": node("VHS_VideoCombine", images=["1", 0])})  # fmt: skip
    assert (found.prompt, found.negative_prompt, found.seed) == ("a lighthouse", "blurry", 5)
    assert found.model is not None
    assert found.model.name == "wan"


STACKS: dict[str, dict[str, Any]] = {
    "loader": node("LoraLoader", lora_name="x/a.safetensors", strength_model=0.5, strength_clip=1, model=["4", 0], clip=["4", 1]),
    "power loader": node("Power Lora Loader (rgthree)", lora_1={"on": True, "lora": "a.safetensors", "strength": 0.5},
                         lora_2={"on": False, "lora": "b", "strength": 1}, model=["4", 0]),
    "manager": node("Lora Loader (LoraManager)", text="<lora:a:0.5> <lora:b:1>", loras={"__value__": [
        {"name": "a", "strength": "0.5", "active": True}, {"name": "b", "strength": 1, "active": False}]}, model=["4", 0]),
    "manager list": node("LoraManagerLoader", loras=[{"name": "a", "strength": 0.5}], model=["4", 0]),
    "cr stack": node("CR LoRA Stack", switch_1="On", lora_name_1="a.safetensors", model_weight_1=0.5, clip_weight_1=1,
                     switch_2="Off", lora_name_2="b", model_weight_2=1, model=["4", 0]),
    "rgthree stack": node("Lora Loader Stack (rgthree)", lora_01="a.safetensors", strength_01=0.5, lora_02="None",
                          strength_02=1, model=["4", 0]),
    "easy stack": node("easy loraStack", toggle=True, num_loras=1, lora_1_name="a.safetensors", lora_1_strength=0.5,
                       lora_2_name="b", lora_2_strength=1, model=["4", 0]),
    "advanced stack": node("LoRA Stacker", input_mode="advanced", lora_count=1, lora_name_1="a.safetensors", lora_wt_1=1,
                           model_str_1=0.5, clip_str_1=1, model=["4", 0]),
    "pipe": node("ttN pipeLoRA", lora1_name="a.safetensors", lora1_model_strength=0.5, lora1_clip_strength=1, model=["4", 0]),
    "wan": node("WanVideoLoraSelect", lora="a.safetensors", strength=0.5, model=["4", 0]),
    "tags": node("LoraTagLoader", text="<lora:a:0.5>", model=["4", 0]),
    "nearly off": node("LoraLoader", lora_name="b", strength_model=0.0, strength_clip=0, model=["20", 0]),
}  # fmt: skip


@pytest.mark.parametrize("case", STACKS)
def test_loras_of_every_loader(case: str) -> None:
    more = {"n20": STACKS["loader"]} if case == "nearly off" else {}
    found = read(base(n3=sampler(model=["10", 0]), n10=STACKS[case], **more))
    assert loras(found) == [("a", 0.5)]
    assert found.model is not None
    assert found.model.name == "harbour"


def test_names_may_be_airs_or_come_from_a_selector() -> None:
    found = read(base(n4=node("CheckpointLoaderSimple", ckpt_name="urn:air:sdxl:checkpoint:civitai:5@77")))
    assert found.model is not None
    assert (found.model.name, found.model.model_version_id) == (None, 77)
    slots = json.dumps({"bySlot": {"1": "urn:air:sdxl:checkpoint:civitai:5@88"}})
    chosen = node("CivitaiModelSelector", air="urn:air:sdxl:checkpoint:civitai:5@77", resources_json=slots)
    for slot, version in ((0, 77), (1, 88)):
        found = read(base(n4=node("CheckpointLoaderSimple", ckpt_name=["20", slot]), n20=chosen))
        assert found.model is not None
        assert found.model.model_version_id == version


def test_merges_count_all_their_models() -> None:
    found = read(base(n3=sampler(model=["20", 0]), n20=node("ModelMergeSimple", model1=["4", 0], model2=["21", 0], ratio=0.5),
                      n21=node("CheckpointLoaderSimple", ckpt_name="other.ckpt")))  # fmt: skip
    assert [one.name for one in found.resources if one.kind == "checkpoint"] == ["harbour", "other"]


def test_other_files_and_embeddings() -> None:
    found = read(base(
        n6=enc(text="in the style of (embedding:old-map:1.2), fog", clip=["10", 0]),
        n8=node("VAEDecode", samples=["3", 0], vae=["20", 0]), n20=node("VAELoader", vae_name="fine.vae.pt"),
        n9=node("SaveImage", images=["21", 0]), n21=node("ImageUpscaleWithModel", upscale_model=["22", 0], image=["8", 0]),
        n22=node("UpscaleModelLoader", model_name="4x.pth"), n10=node("CLIPSetLastLayer", stop_at_clip_layer=-2, clip=["4", 1]),
        n3=sampler(model=["23", 0]), n23=node("HypernetworkLoader", hypernetwork_name="h.pt", strength=0.7, model=["4", 0]),
    ))  # fmt: skip
    assert {(one.kind, one.name) for one in found.resources} == {
        ("checkpoint", "harbour"), ("embedding", "old-map"), ("vae", "fine.vae"), ("upscaler", "4x"), ("hypernetwork", "h"),
    }  # fmt: skip
    assert found.clip_skip == 2


def test_numbers_may_be_texts_and_one_bad_value_loses_nothing() -> None:
    found = read(base(n3=sampler(seed="42", steps="twenty", cfg=["99", 0], denoise=None)))
    assert (found.seed, found.steps, found.cfg_scale, found.prompt) == (42, None, None, "a lighthouse")


def test_graphs_with_literal_nan_and_undefined() -> None:
    text = json.dumps(base()).replace('"denoise": 1.0', '"denoise": NaN, "extra": undefined, "is_changed": [Infinity]')
    found = recognise({"prompt": text})
    assert found is not None
    assert (found.seed, found.denoise) == (42, None)


def test_both_graphs_in_one_object_as_film_savers_write_them() -> None:
    for text in (json.dumps({"prompt": base(), "workflow": {"nodes": []}}), json.dumps({"prompt": json.dumps(base())})):
        found = recognise({"comment": text})
        assert found is not None
        assert (found.seed, json.loads(found.meta["comfy"])["prompt"]) == (42, base())


def test_a_graph_without_a_sampler_still_names_its_files() -> None:
    found = read({"1": node("UpscaleModelLoader", model_name="4x.pth"), "2": node("SaveImage", images=["1", 0])})
    assert (found.seed, [one.name for one in found.resources]) == (None, ["4x"])


def test_saver_text_goes_first_and_the_graph_fills_its_gaps() -> None:
    text = "a lighthouse\nSteps: 20, Sampler: Euler a, Seed: 42, Size: 640x480, Model: other"
    nodes = base(n3=sampler(model=["10", 0]), n10=STACKS["loader"])
    found = recognise({"parameters": text, "prompt": json.dumps(nodes), "workflow": "{}"})
    assert found is not None
    assert (found.generator, found.sampler, found.cfg_scale, found.negative_prompt) == (
        "a1111",
        "Euler a",
        7.5,
        "blurry",
    )
    assert found.model is not None
    assert (found.model.name, loras(found)) == ("other", [("a", 0.5)])
    assert json.loads(found.meta["comfy"])["prompt"] == nodes
