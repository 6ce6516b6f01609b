"""Which files become one model, one version, one file: by ids, names and what names say of packing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinako.metadata.modelfiles.grouping import FileFacts, group_files, version_order
from pinako.metadata.modelfiles.naming import hints_of_name


def _files(*names: str, model_type: str = "Checkpoint") -> list[FileFacts]:
    return [FileFacts(key=name, name=name, model_type=model_type) for name in names]


def _shape(files: list[FileFacts]) -> dict[str, dict[str, list[str]]]:
    return {
        model.name: {version.name: [file.key for file in version.files] for version in model.versions}
        for model in group_files(files)
    }


def test_versions_and_packings_of_one_model() -> None:
    files = _files(
        "foo_v1.safetensors", "foo_v2-pruned-fp16.safetensors", "foo_v2.safetensors", "foo_v2_Q4_K_M.gguf", "bar.ckpt"
    )
    assert _shape(files) == {
        "foo": {
            "v2": ["foo_v2-pruned-fp16.safetensors", "foo_v2.safetensors", "foo_v2_Q4_K_M.gguf"],
            "v1": ["foo_v1.safetensors"],
        },
        "bar": {"v1.0": ["bar.ckpt"]},
    }
    (foo, _) = group_files(files)
    packed = {file.key: (file.size, file.fp, file.quant_type) for file in foo.versions[0].files}
    assert packed["foo_v2-pruned-fp16.safetensors"] == ("pruned", "fp16", None)
    assert packed["foo_v2_Q4_K_M.gguf"] == (None, None, "Q4_K_M")


def test_the_sites_ids_decide_over_any_name() -> None:
    files = [
        FileFacts(
            key="a", name="one.safetensors", model_id=12, version_id=34, model_name="Calm Harbour", version_name="v1"
        ),
        FileFacts(key="b", name="other.safetensors", model_id=12, version_id=35, version_name="v2"),
        FileFacts(key="c", name="one.safetensors", model_id=13, version_id=36, folder="x"),
    ]
    models = group_files(files)
    assert [(model.model_id, len(model.versions)) for model in models] == [(12, 2), (13, 1)]
    assert models[0].name == "Calm Harbour"
    assert [version.version_id for version in models[0].versions] == [35, 34]


def test_one_title_in_the_headers_is_one_model() -> None:
    files = [
        FileFacts(key="a", name="x93.safetensors", title="Calm Harbour v1"),
        FileFacts(key="b", name="y11.safetensors", title="Calm Harbour v2"),
        FileFacts(key="c", name="z07.safetensors", title="lora"),
        FileFacts(key="d", name="z08.safetensors", title="lora"),
    ]
    models = group_files(files)
    assert [model.name for model in models] == ["Calm Harbour", "lora", "lora"]
    assert [version.name for version in models[0].versions] == ["v2", "v1"]


def test_equal_names_of_other_folders_types_and_bases_stay_apart() -> None:
    assert (
        len(group_files([FileFacts(key="a", name="x.pt", folder="a"), FileFacts(key="b", name="x.pt", folder="b")]))
        == 2
    )
    lora = FileFacts(key="b", name="x.safetensors", model_type="LORA")
    assert len(group_files([*_files("x.ckpt"), lora])) == 2
    bases = [
        FileFacts(key="a", name="x_v1.safetensors", base_model="SD 1.5"),
        FileFacts(key="b", name="x_v1.ckpt", base_model="SDXL 1.0"),
    ]
    (model,) = group_files(bases)
    assert [version.base_model for version in model.versions] == ["SD 1.5", "SDXL 1.0"]


def test_a_vae_of_the_checkpoints_name_is_a_file_of_its_version() -> None:
    files = [*_files("foo_v1.safetensors"), FileFacts(key="v", name="foo_v1.vae.pt", model_type="VAE")]
    (model,) = group_files(files)
    assert [file.file_type for file in model.versions[0].files] == ["Model", "VAE"]
    (alone,) = group_files([FileFacts(key="v", name="bar.vae.pt", model_type="VAE")])
    assert (alone.model_type, alone.versions[0].files[0].file_type) == ("VAE", "Model")


def test_files_that_differ_in_content_only_are_never_hidden() -> None:
    files = [
        FileFacts(key="a", name="foo_v1.safetensors", sha256="A" * 64),
        FileFacts(key="b", name="foo v1.safetensors", sha256="B" * 64),
    ]
    (model,) = group_files(files)
    assert [version.name for version in model.versions] == ["v1", "v1 (2)"]


def test_epochs_of_a_training_are_versions() -> None:
    shape = _shape(_files("calm-000005.safetensors", "calm-000010.safetensors", "calm.safetensors", model_type="LORA"))
    assert set(shape) == {"calm"}
    assert set(shape["calm"]) == {"000005", "000010", "v1.0"}


@pytest.mark.parametrize(
    ("name", "model", "version", "traits"),
    [
        ("foo_v1.safetensors", "foo", "v1", (None, None, None)),
        ("dreamharbourV2.ckpt", "dreamharbour", "V2", (None, None, None)),
        ("sd_xl_base_1.0.safetensors", "sd xl base", "1.0", (None, None, None)),
        ("calmSea_v20Fp16-pruned.safetensors", "calmSea", "v20Fp16", ("pruned", None, None)),
        ("flux1-dev-fp8.safetensors", "flux1 dev", "", (None, "fp8", None)),
        ("flux1-dev-Q5_K_S.gguf", "flux1 dev", "", (None, None, "Q5_K_S")),
        ("model-full-fp32.ckpt", "model", "", ("full", "fp32", None)),
        ("some/dir\\calm sea v1.5 turbo.pt", "calm sea", "v1.5 turbo", (None, None, None)),
        (".safetensors", ".safetensors", "", (None, None, None)),
    ],
)
def test_names_taken_apart(name: str, model: str, version: str, traits: tuple[str | None, ...]) -> None:
    hints = hints_of_name(name)
    if name != ".safetensors":
        assert (hints.model, hints.version) == (model, version)
    assert (hints.size, hints.fp, hints.quant_type) == traits


def test_versions_sort_as_people_read_them() -> None:
    names = ["v10", "v9", "v1.10", "v1.9", "v2 beta", "v2"]
    assert sorted(names, key=version_order) == ["v1.9", "v1.10", "v2 beta", "v2", "v9", "v10"] or sorted(
        names, key=version_order
    ) == ["v1.9", "v1.10", "v2", "v2 beta", "v9", "v10"]
    assert sorted(["ink ²", "ink 10", "ink 9"], key=version_order)[:2] == ["ink 9", "ink 10"], "a power is no number"


_names = st.text("fobar_v12.- QK4MpAunedй水", min_size=0, max_size=14)


@given(
    st.lists(
        st.builds(
            FileFacts,
            key=st.just(""),
            name=st.builds(lambda stem: f"{stem}.safetensors", _names),
            folder=st.sampled_from(["", "x"]),
            model_type=st.sampled_from([None, "Checkpoint", "VAE", "LORA", "TextualInversion"]),
            base_model=st.sampled_from([None, "SD 1.5", "SDXL 1.0"]),
            model_id=st.sampled_from([None, None, 1, 2]),
            version_id=st.sampled_from([None, None, 5, 6]),
            title=st.none() | _names,
        ),
        max_size=12,
    )
)
def test_every_file_is_in_exactly_one_place(files: list[FileFacts]) -> None:
    keyed = [FileFacts(**{field: getattr(file, field) for field in file.__struct_fields__} | {"key": str(at)})
             for at, file in enumerate(files)]  # fmt: skip
    models = group_files(keyed)
    placed = [file.key for model in models for version in model.versions for file in version.files]
    assert sorted(placed, key=int) == [file.key for file in keyed]
    for model in models:
        names = [version.name for version in model.versions]
        assert len(set(names)) == len(names)
        assert model.name
