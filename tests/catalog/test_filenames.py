"""The file-name rule against its documented examples, and the promise that no name leaves its folder."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinako.catalog.enums import FILE_TYPES, MODEL_TYPES
from pinako.catalog.filenames import ascii_name, file_name, safe_name, slug


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Harbor Lights XL", "harborLightsXl"),
        ("v1.0", "v10"),
        ("v2.0 fp16", "v20Fp16"),
        ("WAI-illustrious-SDXL", "waiIllustriousSDXL"),
        ("v16.0", "v160"),
        ("水彩画", ""),
        ("Painter's Dream", "paintersDream"),
        ("A long name of many quiet little harbours", "aLongNameOfManyQuiet"),
    ],
)
def test_slug_follows_the_documented_examples(text: str, expected: str) -> None:
    assert slug(text) == expected


def _name(**changes: object) -> str:
    facts: dict[str, object] = {
        "stored_name": "original.safetensors",
        "file_type": "Model",
        "model_name": "Harbor Lights",
        "model_type": "Checkpoint",
        "version_name": "v1.0",
    }
    return file_name(**(facts | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "harborLights_v10.safetensors"),
        ({"override_name": "mine.ckpt"}, "mine.ckpt"),
        ({"model_name": "水彩画"}, "original.safetensors"),
        ({"model_type": "LORA"}, "original.safetensors"),
        ({"model_type": "LoCon"}, "original.safetensors"),
        ({"model_type": "LORA", "as_of_2022": True}, "harborLights_v10.safetensors"),
        ({"file_type": "Unheard Of"}, "original.safetensors"),
        ({"file_type": "Training Data"}, "harborLights_v10_trainingData.zip"),
        ({"file_type": "VAE"}, "original.safetensors"),
        ({"file_type": "Text Encoder"}, "harborLights_v10_txt.safetensors"),
        ({"version_name": "harborLights v1.0"}, "harborLights_V10.safetensors"),
        ({"stored_name": "x-inpainting.ckpt", "version_name": "v1 inpainting"}, "harborLights_v1-inpainting.ckpt"),
        ({"stored_name": "x.instruct-pix2pix.ckpt"}, "harborLights_v10.instruct-pix2pix.ckpt"),
        ({"model_type": "TextualInversion", "stored_name": "e.pt"}, "e.pt"),
        ({"model_type": "TextualInversion", "first_trained_word": "calm-sea"}, "calm-sea.safetensors"),
        (
            {"model_type": "TextualInversion", "first_trained_word": "calm-sea", "file_type": "Negative"},
            "calm-sea-neg.safetensors",
        ),
        ({"model_type": "TextualInversion", "first_trained_word": "calm-sea", "as_of_2022": True}, "calm-sea.pt"),
        ({"model_type": "LORA", "stored_name": "my%20file.safetensors"}, "my file.safetensors"),
        ({"model_type": "LORA", "stored_name": "100%.safetensors"}, "100%.safetensors"),
        ({"model_type": "LORA", "stored_name": "%2e%2e%2f%2e%2e%2fetc%2fpasswd"}, "passwd"),
    ],
)
def test_each_line_of_the_rule(changes: dict[str, object], expected: str) -> None:
    assert _name(**changes) == expected


@given(
    st.text(max_size=80),
    st.sampled_from(FILE_TYPES),
    st.text(max_size=60),
    st.sampled_from(MODEL_TYPES),
    st.text(max_size=60),
    st.none() | st.text(max_size=40),
    st.none() | st.text(max_size=40),
)
def test_no_name_leaves_its_folder(
    stored: str, file_type: str, model: str, model_type: str, version: str, override: str | None, word: str | None
) -> None:
    name = file_name(
        stored_name=stored,
        file_type=file_type,
        model_name=model,
        model_type=model_type,
        version_name=version,
        override_name=override,
        first_trained_word=word,
    )
    for spelled in (name, ascii_name(name)):
        assert spelled
        assert len(spelled) <= 220
        assert not set(spelled) & set('/\\\0\r\n"')
        assert not spelled.startswith(".")
    assert ascii_name(name).isascii()


@pytest.mark.parametrize(
    "hostile", ["../../x", "..", ".", "", "/", "C:\\x\\..", "a/../..", "\0", "..%2f..", "con", "nul.txt"]
)
def test_hostile_names_become_plain_ones(hostile: str) -> None:
    name = safe_name(hostile)
    assert name not in ("", ".", "..")
    assert "/" not in name
    assert "\\" not in name
    assert name.lower().split(".")[0] not in ("con", "nul")


def test_ascii_name_folds_accents_and_keeps_the_extension() -> None:
    assert ascii_name("Café au lait.safetensors") == "Cafe au lait.safetensors"
    assert ascii_name("水彩画.safetensors") == "_.safetensors"
