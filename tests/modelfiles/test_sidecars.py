"""What the files of other tools beside a model say, field by field, whoever wrote them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinako.metadata.modelfiles.sidecardocuments import read_document
from pinako.metadata.modelfiles.sidecars import file_in, is_about, read_sidecars, sidecar_names

_SHA256 = "AB" * 32
_VERSION: dict[str, Any] = {
    "id": 34,
    "modelId": 12,
    "name": "v2.0",
    "baseModel": "SDXL 1.0",
    "description": "<p>second</p>",
    "trainedWords": ["calm harbour", "quiet sea"],
    "model": {"name": "Calm Harbour", "type": "LORA", "nsfw": False, "poi": False, "tags": ["sea"]},
    "files": [{"id": 1, "hashes": {"SHA256": _SHA256.lower(), "AutoV3": "abcdefabcdef"}}],
    "creator": {"username": "somebody"},
}


def _model(tmp_path: Path, **beside: object) -> Path:
    path = tmp_path / "calm.safetensors"
    path.write_bytes(b"x")
    for name, content in beside.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / ("calm" + name.replace("__", "."))).write_text(text, encoding="utf-8")
    return path


def test_nothing_beside_is_nothing(tmp_path: Path) -> None:
    assert read_sidecars(_model(tmp_path)) is None


def test_civitai_info(tmp_path: Path) -> None:
    sidecar = read_sidecars(_model(tmp_path, __civitai__info=_VERSION))
    assert sidecar is not None
    assert (sidecar.model_id, sidecar.model_name, sidecar.model_type) == (12, "Calm Harbour", "LORA")
    assert (sidecar.version_id, sidecar.version_name, sidecar.base_model) == (34, "v2.0", "SDXL 1.0")
    assert sidecar.trained_words == ("calm harbour", "quiet sea")
    assert sidecar.hashes == {}
    assert sidecar.files[0].hashes == {"SHA256": _SHA256, "AutoV3": "ABCDEFABCDEF"}
    assert (sidecar.nsfw, sidecar.tags, sidecar.creator) == (False, ("sea",), "somebody")
    assert json.loads(sidecar.documents[0].text) == _VERSION


def test_lora_manager(tmp_path: Path) -> None:
    document = {
        "file_name": "calm",
        "model_name": "My calm harbour",
        "sha256": _SHA256.lower(),
        "base_model": "SDXL",
        "tags": ["sea", "harbour"],
        "modelDescription": "about",
        "notes": "mine",
        "civitai": {**_VERSION, "files": [{"hashes": {"SHA256": "CD" * 32}}]},
    }
    sidecar = read_sidecars(_model(tmp_path, __metadata__json=document))
    assert sidecar is not None
    assert (sidecar.model_id, sidecar.version_id, sidecar.base_model) == (12, 34, "SDXL 1.0")
    assert (sidecar.hashes, sidecar.notes) == ({"SHA256": _SHA256}, "mine")


def test_stability_matrix(tmp_path: Path) -> None:
    document = {
        "ModelId": 12,
        "ModelName": "Calm Harbour",
        "ModelDescription": "about",
        "Nsfw": False,
        "Tags": ["sea"],
        "ModelType": "LORA",
        "VersionId": 34,
        "VersionName": "v2.0",
        "BaseModel": "Pony",
        "Hashes": {"SHA256": _SHA256, "CRC32": "0D4A1185", "BLAKE3": "EF" * 32, "AutoV2": "too long to be one"},
        "TrainedWords": ["calm harbour"],
    }
    sidecar = read_sidecars(_model(tmp_path, **{"__cm-info__json": document}))
    assert sidecar is not None
    assert (sidecar.model_id, sidecar.version_id, sidecar.base_model) == (12, 34, "Pony")
    assert sidecar.hashes == {"SHA256": _SHA256, "CRC32": "0D4A1185", "BLAKE3": "EF" * 32}


def test_webui_metadata_and_notes_and_config(tmp_path: Path) -> None:
    document = {
        "description": "about",
        "sd version": "SDXL",
        "activation text": "calm harbour, quiet sea",
        "preferred weight": 0.8,
        "negative text": "noise",
        "notes": "",
    }
    path = _model(tmp_path, __json=document, __txt="for the sea", __yaml="model:\n  target: x\n")
    sidecar = read_sidecars(path)
    assert sidecar is not None
    assert (sidecar.base_model, sidecar.trained_words) == ("SDXL 1.0", ("calm harbour", "quiet sea"))
    assert (sidecar.preferred_weight, sidecar.negative_text, sidecar.notes) == (0.8, "noise", "for the sea")
    assert sidecar.config_path == tmp_path / "calm.yaml"


@pytest.mark.parametrize(
    ("text", "base_model"),
    [
        ('      parameterization: "v"\n    unet_config:\n        context_dim: 1024\n', "SD 2.1 768"),
        ("    unet_config:\n        context_dim: 1024\n", "SD 2.1"),
        ("    unet_config:\n        context_dim: 768\n", "SD 1.5"),
        ("    unet_config: {}\n", None),
    ],
)
def test_an_architecture_beside_a_checkpoint_tells_its_base(tmp_path: Path, text: str, base_model: str | None) -> None:
    sidecar = read_sidecars(_model(tmp_path, __yaml=f"model:\n  params:\n{text}"))
    assert sidecar is not None
    assert (sidecar.model_type, sidecar.base_model) == ("Checkpoint", base_model)
    assert [document.name for document in sidecar.documents] == ["calm.yaml"]


def test_the_better_informed_tool_is_believed_and_the_others_fill_in(tmp_path: Path) -> None:
    path = _model(
        tmp_path,
        __civitai__info={"id": 34, "modelId": 12, "baseModel": "Pony", "model": {"name": "Calm Harbour"}},
        __json={"sd version": "SD1", "activation text": "calm", "description": "mine"},
    )
    sidecar = read_sidecars(path)
    assert sidecar is not None
    assert (sidecar.base_model, sidecar.model_name, sidecar.trained_words) == ("Pony", "Calm Harbour", ("calm",))
    assert sidecar.model_description == "mine"


def test_a_model_document_with_many_versions_names_only_the_model(tmp_path: Path) -> None:
    document = {"id": 12, "name": "Calm Harbour", "type": "LORA", "modelVersions": [_VERSION, _VERSION]}
    sidecar = read_sidecars(_model(tmp_path, __json=document))
    assert sidecar is not None
    assert (sidecar.model_id, sidecar.model_name, sidecar.version_id) == (12, "Calm Harbour", None)


def test_previews_in_order_of_certainty(tmp_path: Path) -> None:
    names = ["calm.png", "calm.preview.mp4", "calm.preview.png", "Calm.PREVIEW.JPG", "other.png", "calmer.preview.png"]
    found = sidecar_names("calm.safetensors", names)
    assert found == ("calm.preview.png", "Calm.PREVIEW.JPG", "calm.preview.mp4", "calm.png")
    assert sidecar_names("calm.png", ["calm.png"]) == ()


def test_a_sidecar_by_the_whole_name() -> None:
    assert sidecar_names("a.safetensors", ["a.safetensors.civitai.info"]) == ("a.safetensors.civitai.info",)


@pytest.mark.parametrize("text", ["", "{", "[1]", "nonsense", '{"a":' * 3000, "\ufeff{}", '{"modelId": NaN}'])
def test_a_broken_document_is_listed_and_kept(tmp_path: Path, text: str) -> None:
    sidecar = read_sidecars(_model(tmp_path, __civitai__info=text, __json={"description": "still here"}))
    assert sidecar is not None
    assert sidecar.model_description == "still here"
    assert len(sidecar.documents) == 2
    assert bool(sidecar.problems) is (text != "\ufeff{}")


def test_a_stale_sidecar_is_about_another_file(tmp_path: Path) -> None:
    sidecar = read_sidecars(_model(tmp_path, __civitai__info=_VERSION))
    assert sidecar is not None
    assert is_about(sidecar, {"SHA256": _SHA256})
    assert is_about(sidecar, {"CRC32": "00000000"})
    assert not is_about(sidecar, {"SHA256": "CD" * 32})


def test_of_many_files_the_hash_tells_which_lies_here(tmp_path: Path) -> None:
    files = [
        {"id": 1, "type": "VAE", "metadata": {"format": "SafeTensor"}, "hashes": {"SHA256": "CD" * 32}},
        {"id": 2, "type": "PrunedModel", "format": "SafeTensor", "metadata": {"fp": "fp16", "size": "pruned"},
         "hashes": {"SHA256": _SHA256}},
    ]  # fmt: skip
    sidecar = read_sidecars(_model(tmp_path, __civitai__info={**_VERSION, "files": files}))
    assert sidecar is not None
    found = file_in(sidecar, {"SHA256": _SHA256})
    assert found is not None
    assert (found.id, found.type, found.format, found.fp, found.size) == (
        2,
        "Pruned Model",
        "SafeTensor",
        "fp16",
        "pruned",
    )
    assert file_in(sidecar, {"SHA256": "EF" * 32}) is None
    assert not is_about(sidecar, {"SHA256": "EF" * 32})


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False) | st.text(max_size=15),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "id", "hashes", "SHA256", "files", "username"]), inner, max_size=3)
    ),
    max_leaves=12,
)
_keys = st.sampled_from(
    ["modelId", "id", "ModelId", "ModelName", "sha256", "file_name", "civitai", "model", "files", "modelVersions", "tags",
     "trainedWords", "activation text", "preferred weight", "Hashes", "creator", "modelspec.title", "nsfw", "baseModel"]
)  # fmt: skip


@settings(max_examples=300)
@given(st.dictionaries(_keys, _values, max_size=8))
def test_no_document_breaks_the_reader(document: dict[str, Any]) -> None:
    for field, value in read_document(document).items():
        assert value not in (None, "", (), {})
        assert not field.endswith("_id") or 0 < value < 2**31
