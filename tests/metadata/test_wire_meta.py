"""The wire's `meta` of a record, what is looked up from one, and the words derived from it."""

from __future__ import annotations

from typing import Any

import metadata_samples as samples
import msgspec
import pytest

from pinako.catalog.generation import Generation, Resource, UsedModel, UsedTool
from pinako.metadata import (
    Candidate,
    from_meta,
    generation_process,
    on_site,
    read_bytes,
    recognise,
    resource_candidates,
    shown_process,
    to_meta,
)

MADE = Generation(
    generator="a1111", prompt="a lighthouse", negative_prompt="blurry", steps=20, cfg_scale=7.0, seed=2**60, clip_skip=2,
    denoise=0.5, width=640, height=480, sampler="Euler a", scheduler="Karras", model=UsedModel(name="harbour", hash="aabbccddee"),
    tool=UsedTool(name="AUTOMATIC1111", version="v1"),
    resources=(
        Resource(kind="checkpoint", name="harbour", hash="aabbccddee"),
        Resource(kind="lora", name="ink", hash="112233445566", weight=0.5),
        Resource(kind="lora", weight=0.7, model_version_id=22),
    ),
)  # fmt: skip


def test_a_record_becomes_the_sites_keys() -> None:
    assert to_meta(MADE) == {
        "prompt": "a lighthouse", "negativePrompt": "blurry", "steps": 20, "sampler": "Euler a", "scheduler": "Karras",
        "cfgScale": 7, "seed": 2**60, "clipSkip": 2, "denoise": 0.5, "width": 640, "height": 480, "Size": "640x480",
        "Model": "harbour", "Model hash": "aabbccddee", "Version": "v1",
        "hashes": {"model": "aabbccddee", "lora:ink": "112233445566"},
        "resources": [{"type": "model", "name": "harbour", "hash": "aabbccddee"},
                      {"type": "lora", "name": "ink", "weight": 0.5, "hash": "112233445566"}],
        "civitaiResources": [{"type": "lora", "weight": 0.7, "modelVersionId": 22}],
    }  # fmt: skip


def test_the_sites_keys_become_the_record_again() -> None:
    found = from_meta(to_meta(MADE), generator="a1111", tool=MADE.tool)
    for name in ("prompt", "negative_prompt", "steps", "cfg_scale", "seed", "clip_skip", "denoise", "width", "height", "sampler",
                 "scheduler", "model", "tool"):  # fmt: skip
        assert getattr(found, name) == getattr(MADE, name)
    assert {(one.kind, one.name, one.hash, one.weight, one.model_version_id) for one in found.resources} == {
        (one.kind, one.name, one.hash, one.weight, one.model_version_id) for one in MADE.resources
    }


def test_what_a_file_said_stays_as_it_said_it() -> None:
    found = read_bytes(samples.png({"parameters": samples.INFOTEXT})).generation
    assert found is not None
    meta = to_meta(found)
    assert meta.items() >= found.meta.items()
    assert "scheduler" not in meta  # said as `Schedule type`
    assert "denoise" not in meta


def test_records_travel_as_json() -> None:
    found = recognise({"parameters": samples.INFOTEXT})
    assert found is not None
    assert msgspec.json.decode(msgspec.json.encode(found), type=Generation) == found


def test_meta_of_the_site_itself_is_read_field_by_field() -> None:
    found = from_meta(
        {"prompt": "a", "seed": "12", "steps": "x", "cfgScale": "7.5", "Size": "512x768", "sampler": "DPM++ 2M Karras",
         "Clip skip": "2", "civitaiResources": [{"type": "checkpoint", "modelVersionId": 5}], "hashes": None, "resources": "?"},
        generator="site",
    )  # fmt: skip
    assert (found.seed, found.steps, found.cfg_scale, found.clip_skip) == (12, None, 7.5, 2)
    assert (found.width, found.height, found.sampler, found.scheduler) == (512, 768, "DPM++ 2M", "Karras")
    assert found.model == UsedModel(model_version_id=5)


@pytest.mark.parametrize(
    ("meta", "process", "shown"),
    [
        ({}, "txt2img", "txt2img"),
        ({"Mask blur": "4", "Denoising strength": "0.7"}, "inpainting", "inpainting"),
        ({"Denoising strength": "0.7"}, "img2img", "img2img"),
        ({"Denoising strength": "0.7", "Hires upscale": "2"}, "txt2imgHiRes", "txt2img + Hi-Res"),
        ({"Denoise strength": 0.5, "First pass strength": 0.7}, "txt2imgHiRes", "txt2img + Hi-Res"),
        ({"denoise": 1, "comfy": "{}"}, "txt2img", "comfy"),
        ({"denoise": 0.6, "comfy": "{}", "controlNets": ["x"]}, "img2img", "comfy + ControlNet"),
        ({"ControlNet 0": "x"}, "txt2img", "txt2img + ControlNet"),
        ({"engine": "kling", "type": "txt2vid"}, "txt2img", "txt2vid"),
        ({"engine": "kling", "process": "img2vid", "type": "x"}, "txt2img", "img2vid"),
    ],
)
def test_processes(meta: dict[str, Any], process: str, shown: str) -> None:
    assert (generation_process(meta), shown_process(meta)) == (process, shown)


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ({"civitaiResources": [{"modelVersionId": 1}]}, True),
        ({"civitaiResources": [{"modelVersionId": 1}], "Model": "urn:air:sdxl:checkpoint:civitai:1@2"}, True),
        ({"civitaiResources": [{"modelVersionId": 1}], "Model": "local"}, False),
        ({"civitaiResources": [{"modelVersionId": 1}], "Version": "v1"}, False),
        ({"civitaiResources": []}, False),
        ({}, False),
    ],
)
def test_on_site(meta: dict[str, Any], expected: bool) -> None:
    assert on_site(meta) is expected


def test_candidates_in_the_real_order() -> None:
    meta = {
        "resources": [
            {"type": "model", "name": "harbour", "hash": "AABBCCDDEE"},
            {"type": "lora", "name": "ink", "weight": 0.55},
        ],
        "hashes": {"model": "aabbccddee", "lora:ink": "112233445566", "vae": "deadbeef", "lora:bad": "e3b0c44298fc"},
        "Model hash": "ffffffffff",
        "civitaiResources": [
            {"type": "lora", "modelVersionId": 22, "weight": 1.2},
            {"type": "lora", "modelVersionId": 22},
        ],
        "additionalResources": [{"name": "urn:air:sdxl:lora:civitai:3@33", "type": "lora", "strength": 0.4}],
        "versionIds": [44, "x"],
    }
    found = resource_candidates(meta)
    assert [(one.kind, one.name, one.hash, one.version_id, one.strength) for one in found] == [
        ("checkpoint", "harbour", "aabbccddee", None, 100),
        ("lora", "ink", "112233445566", None, None),
        ("lora", "bad", None, None, None),
        ("lora", None, None, 22, 120),
        ("lora", None, None, 33, 40),
        ("other", None, None, 44, None),
    ]


def test_the_empty_hash_and_plain_vae_are_dropped() -> None:
    found = resource_candidates(
        {"hashes": {"lora:x": "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855", "vae": "abcdef12"}}
    )
    assert found == [Candidate(kind="lora", name="x")]


def test_the_model_hash_counts_only_without_a_hash_list() -> None:
    assert [one.hash for one in resource_candidates({"Model hash": "AABBCCDD"})] == ["aabbccdd"]
    assert resource_candidates({"Model hash": "aabbccdd", "hashes": {}}) == []


def test_names_alone_are_kept_for_the_list_of_missing_files() -> None:
    found = resource_candidates(
        {"models": ["sub/harbour.safetensors"], "additionalResources": [{"name": "ink.pt", "type": "lora"}]}
    )
    assert [(one.kind, one.name, one.hash, one.version_id) for one in found] == [
        ("lora", "ink", None, None),
        ("checkpoint", "harbour", None, None),
    ]


def test_swarm_tensor_hashes_are_looked_up_by_their_first_twelve() -> None:
    fields = {"parameters": '{"sui_image_params": {"prompt": "a", "model": "m"}, "sui_models": [{"name": "m.safetensors", '
                            '"param": "model", "hash": "0x' + "ab" * 32 + '"}]}'}  # fmt: skip
    found = recognise(fields)
    assert found is not None
    assert [one.hash for one in resource_candidates(found.meta)] == ["ab" * 6]


@pytest.mark.parametrize(
    "meta", [{}, {"resources": 5, "hashes": [], "civitaiResources": {}, "models": "x", "VAE": 3, "versionIds": 9}]
)
def test_candidates_of_nothing(meta: dict[str, Any]) -> None:
    assert resource_candidates(meta) == []
