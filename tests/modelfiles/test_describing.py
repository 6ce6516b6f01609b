"""How a file's own words, its sidecars and its name are weighed against one another."""

from __future__ import annotations

import json
from pathlib import Path

from pinako.metadata.modelfiles import read_model_file
from pinako.metadata.modelfiles.describing import Description, describe
from pinako.metadata.modelfiles.grouping import group_files
from pinako.metadata.modelfiles.sidecars import read_sidecars
from pinako.metadata.modelfiles.writing import kohya_metadata, tiny_model, write_safetensors


def _described(folder: Path, name: str, *, seed: int, sidecar: dict[str, object] | None = None) -> Description:
    path = folder / name
    metadata = kohya_metadata(output_name="calm", base_model="SDXL 1.0", trained_words=("calmharbour",))
    write_safetensors(path, tiny_model("LORA", "SDXL 1.0", seed=seed), metadata)
    if sidecar is not None:
        path.with_suffix(".civitai.info").write_text(json.dumps(sidecar))
    return describe(key=name, name=name, reading=read_model_file(path), sidecar=read_sidecars(path))


def test_without_a_sidecar_the_file_speaks(tmp_path: Path) -> None:
    found = _described(tmp_path, "calm_v1.safetensors", seed=1)
    assert (found.facts.model_type, found.facts.base_model) == ("LORA", "SDXL 1.0")
    assert found.trained_words == ("calmharbour",)
    assert found.problems == ()


def test_the_sites_words_come_first(tmp_path: Path) -> None:
    document = {
        "id": 34,
        "modelId": 12,
        "name": "second",
        "baseModel": "Illustrious",
        "trainedWords": ["calm sea"],
        "model": {"name": "Calm Sea", "type": "LORA", "nsfw": True},
        "files": [{"id": 77, "type": "Model", "metadata": {"fp": "fp16"}}],
    }
    found = _described(tmp_path, "calm_v1.safetensors", seed=1, sidecar=document)
    assert (found.facts.base_model, found.facts.model_name, found.facts.version_name) == (
        "Illustrious",
        "Calm Sea",
        "second",
    )
    assert (found.trained_words, found.nsfw, found.file_id) == (("calm sea",), True, 77)


def test_a_web_uis_word_is_no_finer_than_the_headers(tmp_path: Path) -> None:
    """`SDXL` beside a file that says Pony adds nothing; another architecture does."""
    path = tmp_path / "calm.safetensors"
    metadata = kohya_metadata(output_name="calm", base_model="Pony", trained_words=("calm",))
    write_safetensors(path, tiny_model("LORA", "Pony", seed=1), metadata)
    for word, base_model in (("SDXL", "Pony"), ("SD1", "SD 1.5")):
        path.with_suffix(".json").write_text(json.dumps({"sd version": word}))
        found = describe(key="k", name=path.name, reading=read_model_file(path), sidecar=read_sidecars(path))
        assert found.facts.base_model == base_model


def test_a_sidecar_of_another_file_is_left_aside(tmp_path: Path) -> None:
    document = {"id": 34, "modelId": 12, "model": {"name": "Other"}, "files": [{"hashes": {"SHA256": "AB" * 32}}]}
    found = _described(tmp_path, "calm_v1.safetensors", seed=1, sidecar=document)
    assert found.sidecar is None
    assert found.facts.model_id is None
    assert any("another file" in problem for problem in found.problems)


def test_a_folder_of_versions_becomes_one_model(tmp_path: Path) -> None:
    names = ["calm_v1.safetensors", "calm_v2.safetensors", "calm_v10.safetensors"]
    facts = [_described(tmp_path, name, seed=seed).facts for seed, name in enumerate(names)]
    (model,) = group_files(facts)
    assert (model.name, model.model_type) == ("calm", "LORA")
    assert [version.name for version in model.versions] == ["v10", "v2", "v1"]
