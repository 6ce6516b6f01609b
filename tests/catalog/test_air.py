"""AIR urns: what is built reads back, every documented form is read, nothing crashes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinako.catalog import air
from pinako.catalog.basemodels import BASE_MODELS
from pinako.catalog.enums import MODEL_TYPES


def test_built_as_the_wire_sends_it() -> None:
    urn = air.build(base_model="SDXL 1.0", model_type="LORA", model_id=7, version_id=9)
    assert urn == "urn:air:sdxl:lora:civitai:7@9"


def test_a_file_type_overrides_the_model_type() -> None:
    urn = air.build(
        base_model="Flux.1 D", model_type="Checkpoint", model_id=7, version_id=9, file_type="Diffusion Model", file_id=3
    )
    assert urn == "urn:air:flux1:diffusionmodel:civitai:7@9+3"


@given(
    st.sampled_from(BASE_MODELS),
    st.sampled_from(MODEL_TYPES),
    st.integers(1, 2**31 - 1),
    st.integers(1, 2**31 - 1),
    st.none() | st.integers(1, 2**31 - 1),
)
def test_what_is_built_reads_back(base: str, kind: str, model: int, version: int, file_id: int | None) -> None:
    parsed = air.parse(air.build(base_model=base, model_type=kind, model_id=model, version_id=version, file_id=file_id))
    assert parsed is not None
    assert (parsed.model_id, parsed.model_version_id, parsed.file_id) == (model, version, file_id)
    if air.air_type(kind) != "unknown":
        assert parsed.model_type == kind


@pytest.mark.parametrize(
    "text",
    [
        "urn:air:sdxl:lora:civitai:12@34",
        "air:sdxl:lora:civitai:12@34",
        "sdxl:lora:civitai:12@34",
        "civitai:12@34",
        "URN:AIR:SDXL:LORA:CIVITAI:12@34",
        "urn:air:sdxl:lora:civitai:12@34.safetensors",
        "urn:air:sdxl:lora:civitai:12@34+56.safetensors",
        " civitai:12@34 ",
    ],
)
def test_every_form_names_the_same_version(text: str) -> None:
    parsed = air.parse(text)
    assert parsed is not None
    assert (parsed.source, parsed.model_id, parsed.model_version_id) == ("civitai", 12, 34)


def test_foreign_versions_never_become_ids() -> None:
    parsed = air.parse("urn:air:flux1:checkpoint:huggingface:some-org/some.model@12345")
    assert parsed is not None
    assert (parsed.id, parsed.version, parsed.model_id, parsed.model_version_id) == (
        "some-org/some.model",
        "12345",
        None,
        None,
    )


def test_a_format_is_only_a_known_word_at_the_end() -> None:
    parsed = air.parse("urn:air:sd1:embedding:huggingface:org/model.v2@main.safetensors")
    assert parsed is not None
    assert (parsed.id, parsed.version, parsed.format) == ("org/model.v2", "main", "safetensors")


@pytest.mark.parametrize(
    "text", ["", "civitai", "12@34", "urn:air:", "civitai:", "civitai:99999999999@1", "civitai:x@-1"]
)
def test_what_is_no_version_has_no_id(text: str) -> None:
    parsed = air.parse(text)
    assert parsed is None or parsed.model_id is None


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    parsed = air.parse(text)
    assert parsed is None or air.parse(parsed.text()) is not None
