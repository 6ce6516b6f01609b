"""The base-model list, its families, and the reading of other programs' words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinako.catalog import basemodels
from pinako.catalog.enums import FILE_TYPES, HASH_LENGTHS, HASH_TYPES, MODEL_TYPES, QUANT_TYPES, file_type_word


def test_the_lists_have_the_documented_lengths() -> None:
    assert len(basemodels.BASE_MODELS) == len(set(basemodels.BASE_MODELS)) == 99
    assert len(basemodels.ACTIVE_BASE_MODELS) == 69
    assert set(basemodels.BASE_MODELS) >= basemodels.VIDEO_BASE_MODELS | basemodels.AUDIO_BASE_MODELS
    assert (len(MODEL_TYPES), len(FILE_TYPES), len(QUANT_TYPES)) == (23, 17, 34)
    assert tuple(HASH_LENGTHS) == HASH_TYPES


@pytest.mark.parametrize(
    ("base_model", "expected"),
    [
        ("SD 1.5", "sd1"),
        ("SD 2.1 768", "sd2"),
        ("SD 3.5 Large Turbo", "sd3"),
        ("SD 3.5 Medium", "sd3_5m"),
        ("Illustrious", "sdxl"),
        ("Pony", "sdxl"),
        ("Pony V7", "auraflow"),
        ("SDXL Distilled", "sdxldistilled"),
        ("Flux.1 D", "flux1"),
        ("Flux.1 Krea", "fluxkrea"),
        ("Flux.2 Klein 9B-base", "flux2"),
        ("Hunyuan Video", "hyv1"),
        ("Wan Video 2.2 I2V-A14B", "wanvideo-22-i2v-a14b"),
        ("HiDream-O1", "hidream-o1"),
        ("LTXV2", "ltxv2"),
        ("Nano Banana", "nanobanana"),
        ("Upscaler", "other"),
        ("Brand New 9.0", "brand new 9.0"),
    ],
)
def test_ecosystems(base_model: str, expected: str) -> None:
    assert basemodels.ecosystem(base_model) == expected


def test_media_of_a_base_model() -> None:
    assert basemodels.media_type("Wan Video 2.7") == "video"
    assert basemodels.media_type("ACE Audio") == "audio"
    assert basemodels.media_type("SDXL 1.0") == basemodels.media_type("unheard of") == "image"


@pytest.mark.parametrize("name", basemodels.BASE_MODELS)
def test_every_name_is_recognised_in_any_case(name: str) -> None:
    assert basemodels.recognise_base_model(name) == name
    assert basemodels.recognise_base_model(name.upper().replace(" ", "_")) == name


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        ("sdxl_base_v1-0", "SDXL 1.0"),
        ("stable-diffusion-xl-v1-base", "SDXL 1.0"),
        ("sd_v1", "SD 1.5"),
        ("stable-diffusion-v1", "SD 1.5"),
        ("v1-5-pruned-emaonly.safetensors", "SD 1.5"),
        ("sd_v2_v", "SD 2.1"),
        ("stable-diffusion-v2-768-v", "SD 2.1 768"),
        ("sd_2.0", "SD 2.0"),
        ("ponyDiffusionV6XL_v6", "Pony"),
        ("waiIllustriousSDXL_v160", "Illustrious"),
        ("NoobAI-XL-Vpred", "NoobAI"),
        ("flux1-dev-fp8", "Flux.1 D"),
        ("flux-1-dev", "Flux.1 D"),
        ("flux1-schnell", "Flux.1 S"),
        ("FLUX.1-Kontext-dev", "Flux.1 Kontext"),
        ("stable-diffusion-v3-medium", "SD 3"),
        ("sd3.5_large", "SD 3.5 Large"),
        ("Wan2.2-I2V-A14B", "Wan Video 2.2 I2V-A14B"),
        ("hunyuan_video", "Hunyuan Video"),
        ("calmSeaFlux_v1", "Flux.1 D"),
        ("juggernautXL_v9", "SDXL 1.0"),
        ("ponytail_hairstyle_v1", None),
        ("style_pony_v2", "Pony"),
        ("swan_lake_v2.7", None),
        ("luminance_fix", None),
        ("harbour_v1.5", None),
        ("mochi_the_cat", None),
        ("a painting of a harbour", None),
        ("", None),
    ],
)
def test_hints_of_other_programs(hint: str, expected: str | None) -> None:
    assert basemodels.recognise_base_model(hint) == expected


@given(st.text())
def test_any_text_is_a_hint_or_none(text: str) -> None:
    found = basemodels.recognise_base_model(text)
    assert found is None or found in basemodels.BASE_MODELS


def test_legacy_file_types() -> None:
    assert file_type_word("PrunedModel") == "Pruned Model"
    assert file_type_word("TrainingData") == "Training Data"
    assert file_type_word("Something New") == "Something New"
