"""Whole readings: what a file of each container and kind is taken for, and what damaged ones leave behind."""

from __future__ import annotations

import base64
import collections
import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinako.errors import UnreadableFile
from pinako.metadata.modelfiles import probe, read_header_only, read_model_file
from pinako.metadata.modelfiles.pickles import scan_pickle
from pinako.metadata.modelfiles.recognise import recognise
from pinako.metadata.modelfiles.records import Tensor
from pinako.metadata.modelfiles.safetensors import parse_header
from pinako.metadata.modelfiles.writing import kohya_metadata, safetensors_bytes, tiny_model, write_safetensors

_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def _shapes(**shapes: tuple[int, ...]) -> dict[str, Tensor]:
    return {name: Tensor(dtype="F16", shape=shape, size_bytes=2) for name, shape in shapes.items()}


@pytest.mark.parametrize("model_type", ["Checkpoint", "LORA", "LoCon", "DoRA", "TextualInversion"])
@pytest.mark.parametrize("base_model", ["SD 1.5", "SD 2.1", "SDXL 1.0"])
def test_tiny_models_are_taken_for_what_they_are(tmp_path: Path, model_type: str, base_model: str) -> None:
    path = tmp_path / "tiny.safetensors"
    write_safetensors(path, tiny_model(model_type, base_model, seed=3, minimum_bytes=2 << 20))
    reading = read_model_file(path)
    assert (reading.model_type, reading.base_model) == (model_type, base_model)
    assert (reading.format, reading.fp, reading.file_type) == ("SafeTensor", "fp16", "Model")
    assert len(reading.hashes) == 6
    assert (reading.pickle_scan_result, reading.pickle_scan_message) == ("Success", None)
    assert reading.problems == ()
    assert reading.complete
    assert read_header_only(path) == msgspec.structs.replace(reading, hashes={})


@pytest.mark.parametrize(
    ("base_model", "dtype", "file_type"),
    [
        ("Flux.1 D", "BF16", "Diffusion Model"),
        ("Flux.1 S", "F8_E4M3", "Diffusion Model"),
        ("SD 3", "F16", "Diffusion Model"),
    ],
)
def test_diffusion_models_alone(tmp_path: Path, base_model: str, dtype: str, file_type: str) -> None:
    path = tmp_path / "tiny.safetensors"
    write_safetensors(path, tiny_model("Checkpoint", base_model, seed=3, dtype=dtype))
    reading = read_model_file(path)
    assert (reading.model_type, reading.base_model, reading.file_type) == ("Checkpoint", base_model, file_type)
    assert reading.fp == {"BF16": "bf16", "F8_E4M3": "fp8", "F16": "fp16"}[dtype]


def test_the_same_arguments_give_the_same_bytes() -> None:
    one = safetensors_bytes(tiny_model("LORA", "SDXL 1.0", seed=5))
    assert one == safetensors_bytes(tiny_model("LORA", "SDXL 1.0", seed=5))
    assert one != safetensors_bytes(tiny_model("LORA", "SDXL 1.0", seed=6))


def test_a_checkpoint_with_its_averages_is_full(tmp_path: Path) -> None:
    for ema, size in ((True, "full"), (False, "pruned")):
        path = tmp_path / "tiny.safetensors"
        write_safetensors(path, tiny_model("Checkpoint", "SD 1.5", seed=3, ema=ema))
        assert read_header_only(path).size == size


def test_what_a_trainer_wrote_is_read(tmp_path: Path) -> None:
    metadata = kohya_metadata(
        output_name="calm_harbour",
        base_model="SDXL 1.0",
        trained_words=("calmharbour",),
        sd_model_name="ponyDiffusionV6XL.safetensors",
    )
    metadata |= {
        "sshs_model_hash": "AB" * 32,
        "sshs_legacy_hash": "1234abcd",
        "modelspec.thumbnail": "data:image/png;base64," + base64.b64encode(_PNG).decode(),
        "modelspec.author": "somebody",
        "modelspec.tags": "sea, harbour",
    }
    path = tmp_path / "calm.safetensors"
    write_safetensors(path, tiny_model("LORA", "SDXL 1.0", seed=3), metadata)
    reading = read_model_file(path)
    assert (reading.base_model, reading.title, reading.trained_words) == ("Pony", "calm_harbour", ("calmharbour",))
    assert reading.extra_hashes == ("AB" * 32, "AB" * 6, "1234ABCD")
    assert reading.preview is not None
    assert (reading.preview.data, reading.preview.media_type) == (_PNG, "image/png")
    assert (reading.facts.author, reading.facts.tags) == ("somebody", ("sea", "harbour"))
    assert reading.header["ss_network_dim"] == "4"


def test_a_stated_trigger_phrase_comes_before_tag_counts(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    metadata = kohya_metadata(output_name="x", base_model="SD 1.5", trained_words=("counted",))
    write_safetensors(
        path, tiny_model("LORA", "SD 1.5", seed=1), metadata | {"modelspec.trigger_phrase": "stated, word"}
    )
    assert read_header_only(path).trained_words == ("stated", "word")


@pytest.mark.parametrize(
    ("tensors", "model_type", "base_model"),
    [
        ({"decoder.conv_in.weight": (8, 16, 3, 3), "encoder.conv_in.weight": (8, 3, 3, 3)}, "VAE", "Flux.1 D"),
        ({"first_stage_model.decoder.conv_in.weight": (8, 4), "first_stage_model.encoder.conv_in.weight": (8, 3)}, "VAE", None),
        ({"control_model.zero_convs.0.0.weight": (8, 8), "x.attn2.to_k.weight": (8, 2048)}, "Controlnet", "SDXL 1.0"),
        ({"model.1.sub.0.RDB1.conv1.0.weight": (32, 64, 3, 3), "model.0.weight": (64, 3, 3, 3)}, "Upscaler", "Upscaler"),
        ({"down_blocks.0.motion_modules.0.temporal_transformer.norm.weight": (320,)}, "MotionModule", "SD 1.5"),
        ({"text_model.encoder.layers.0.mlp.fc1.weight": (8, 768)}, "TextEncoder", None),
        ({"encoder.block.0.layer.0.SelfAttention.q.weight": (8, 8)}, "TextEncoder", None),
        ({"vision_model.encoder.layers.0.mlp.fc1.weight": (8, 8)}, "CLIPVision", None),
        ({"model.layers.0.self_attn.q_proj.weight": (8, 8)}, "LLM", None),
        ({"model.layers.0.self_attn.q_proj.weight": (8, 8), "visual.blocks.0.attn.qkv.weight": (8, 8)}, "VisionLanguage", None),
        ({"conv_in.weight": (320, 9, 3, 3), "time_embedding.linear_1.weight": (8, 8), "down_blocks.0.x": (1,)}, "UNet", "SD 1.5"),
        ({"<calm-sea>": (2, 768)}, "TextualInversion", "SD 1.5"),
        ({"emb_params": (4, 1024)}, "TextualInversion", "SD 2.1"),
        ({"768.linear.0.weight": (8, 8), "320.linear.0.weight": (8, 8)}, "Hypernetwork", "SD 1.5"),
        ({"lora_unet_double_blocks_0_img_mlp_fc1.lora_down.weight": (4, 3072)}, "LORA", "Hunyuan Video"),
        ({"transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight": (4, 3072)}, "LORA", "Flux.1 D"),
        ({"transformer_blocks.0.img_mlp.net.0.proj.lora_A.weight": (4, 3072)}, "LORA", "Qwen"),
        ({"diffusion_model.layers.0.attention.to_q.lora_A.weight": (4, 3840)}, "LORA", "ZImageTurbo"),
        ({"blocks.0.self_attn.q.lora_A.weight": (4, 5120), "blocks.0.cross_attn.k_img.lora_A.weight": (4, 5120)}, "LORA",
         "Wan Video 14B i2v 480p"),
        ({"lora_unet_x_conv1.lora_down.weight": (4, 320, 3, 3)}, "LoCon", None),
        ({"unet.down_blocks.0.attn2.to_k.lora.down.weight": (4, 768)}, "LORA", "SD 1.5"),
        ({"diffusion_model.blocks.0.self_attn.q_proj.lora_A.weight": (4, 2048),
          "diffusion_model.blocks.0.adaln_modulation_mlp.1.lora_A.weight": (4, 2048)}, "LORA", "Anima"),
        ({"lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight": (4, 6144)}, "LORA", "Flux.2 D"),
        ({"lora_unet_blocks_0_self_attn_q.lora_down.weight": (4, 1536)}, "LORA", "Wan Video 1.3B t2v"),
        ({"lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": (4, 768)}, "LORA", "SD 1.5"),
        ({"double_blocks.0.img_attn.qkv.weight": (8, 4096), "img_in.weight": (4096, 128), "txt_in.weight": (4096, 12288),
          "double_stream_modulation_img.lin.weight": (8, 8)}, "Checkpoint", "Flux.2 Klein 9B"),
        ({"net.llm_adapter.blocks.0.cross_attn.q_proj.weight": (8, 8), "net.blocks.0.mlp.layer1.weight": (8, 8)},
         "Checkpoint", "Anima"),
        ({"cap_embedder.1.weight": (3840, 2560), "noise_refiner.0.attention.qkv.weight": (8, 8)}, "Checkpoint",
         "ZImageTurbo"),
        ({"genre_embedder.weight": (8, 8), "lyric_embs.weight": (8, 8), "t_block.1.weight": (8, 8)}, "Checkpoint",
         "ACE Audio"),
        ({"something.else": (1,)}, None, None),
    ],
)  # fmt: skip
def test_tensor_names_tell(tensors: dict[str, tuple[int, ...]], model_type: str | None, base_model: str | None) -> None:
    seen = recognise(_shapes(**tensors))
    assert (seen.model_type, seen.base_model) == (model_type, base_model)


def test_an_inpainting_checkpoint(tmp_path: Path) -> None:
    tensors = tiny_model("Checkpoint", "SD 1.5", seed=1)
    tensors["model.diffusion_model.input_blocks.0.0.weight"] = ("F16", (320, 9, 3, 3), bytes(320 * 9 * 9 * 2))
    path = tmp_path / "x.safetensors"
    write_safetensors(path, tensors)
    assert read_header_only(path).base_model_type == "Inpainting"


# --- damaged headers ----------------------------------------------------------------------------------------------


def test_a_cut_file_is_readable_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(safetensors_bytes(tiny_model("LORA", "SD 1.5", seed=1))[:-100])
    reading = read_model_file(path)
    assert not reading.complete
    assert reading.problems[0].startswith("cut short")
    assert reading.model_type == "LORA"
    assert "SHA256" in reading.hashes


@pytest.mark.parametrize(
    "header",
    [b"{" * 5000, b"{}", b'{"a":1}', b'{"a":{"dtype":"F16","shape":[1],"data_offsets":[5,1]}}', b'{"__metadata__":[1]}',
     b'{"__metadata__":{"a":{"b":[1,{"c":2}]},"n":3,"z":null}}', b'{"a":{"dtype":"F16","shape":[-1],"data_offsets":[0,2]}}',
     b'{"\xff":1}', b'{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,99999999999999999999]}}'],
)  # fmt: skip
def test_a_wrong_header_is_listed_and_the_file_still_has_its_hashes(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(64))
    reading = read_model_file(path)
    assert reading.format == "SafeTensor"
    assert reading.problems
    assert len(reading.hashes["SHA256"]) == 64


def test_nested_metadata_is_kept_as_its_json_text() -> None:
    header = parse_header(b'{"__metadata__":{"a":{"b":1},"t":"x","n":3,"z":null}}', payload_bytes=0, payload_offset=0)
    assert header.metadata == {"a": '{"b":1}', "t": "x", "n": "3"}


def test_a_header_of_the_name_only_is_other(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes((1 << 40).to_bytes(8, "little") + b"{" + bytes(50))
    reading = read_model_file(path)
    assert (reading.kind, reading.format) == ("other", "SafeTensor")
    assert reading.problems
    assert reading.pickle_scan_result == "Error"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git LFS"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b'{"error":"Unauthorized"}', "error message"),
        (bytes(5000), "empty space"),
    ],
)
def test_a_download_that_went_wrong_is_called_what_it_is(tmp_path: Path, content: bytes, word: str) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    reading = read_model_file(path)
    assert reading.kind == "other"
    assert word in reading.problems[0]


def test_what_is_no_model_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(_PNG)
    (tmp_path / "b.safetensors").write_bytes(b"")
    (tmp_path / "c.txt").write_text("(this begins like a pickle")
    (tmp_path / "d.bin").write_bytes(b"some other program's data")
    for name in ("a.png", "b.safetensors", "c.txt", "d.bin", "missing"):
        assert probe(tmp_path / name) is None
        with pytest.raises(UnreadableFile):
            read_model_file(tmp_path / name)


def test_content_comes_before_the_name(tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    write_safetensors(path, tiny_model("LORA", "SD 1.5", seed=1))
    assert probe(path) == "safetensors"
    assert read_header_only(path).format == "SafeTensor"
    assert read_header_only(path, name="y.png").format == "SafeTensor"


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
            lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
            max_leaves=20,
        ).map(lambda value: msgspec.json.encode(value)),
        st.dictionaries(
            st.sampled_from(["emb_params", "a.lora_up.weight", "__metadata__", "*", ""]),
            st.fixed_dictionaries(
                {
                    "dtype": st.sampled_from(["F16", "F8_E8M0", "U8", "?", 3]),
                    "shape": st.lists(st.integers(-2, 2**70), max_size=5),
                    "data_offsets": st.lists(st.integers(-5, 2**65), min_size=1, max_size=3),
                }
            ),
            max_size=5,
        ).map(lambda value: msgspec.json.encode(value)),
    )
)
def test_no_header_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, header: bytes) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "x.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    reading = read_model_file(path)
    assert len(reading.hashes["SHA256"]) == 64


# --- pickles ------------------------------------------------------------------------------------------------------


class _Storage:
    """Pickles as torch's persistent storages do."""

    def __init__(self, kind: str, count: int) -> None:
        self.kind, self.count = kind, count


class _Tensor:
    def __init__(self, kind: str, shape: tuple[int, ...]) -> None:
        self.kind, self.shape = kind, shape


class _TorchPickler(pickle._Pickler):  # type: ignore[name-defined,misc]
    """Writes the opcodes of a torch state dict without torch."""

    def persistent_id(self, value: object) -> object:
        if isinstance(value, _Storage):
            return ("storage", _Global("torch", value.kind), "0", "cpu", value.count)
        return None

    def save(self, value: object, save_persistent_id: bool = True) -> None:
        if isinstance(value, _Global):
            self.write(b"c" + f"{value.module}\n{value.name}\n".encode())
        elif isinstance(value, _Tensor):
            self.save(_Global("torch._utils", "_rebuild_tensor_v2"))
            count = 1
            for size in value.shape:
                count *= size
            self.save((_Storage(value.kind, count), 0, value.shape, tuple(1 for _ in value.shape), False, None))
            self.write(b"R")
        else:
            super().save(value, save_persistent_id)


class _Global:
    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


def _torch_pickle(value: object) -> bytes:
    stream = io.BytesIO()
    _TorchPickler(stream, 2).dump(value)
    return stream.getvalue()


def _torch_zip(value: object) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", _torch_pickle(value))
        archive.writestr("archive/data/0", bytes(64))
        archive.writestr("archive/version", "3\n")
    return stream.getvalue()


class _Malicious:
    def __init__(self, function: object) -> None:
        self.function = function

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (self.function, ("echo",))


_STATE = {
    "state_dict": {
        "model.diffusion_model.input_blocks.0.0.weight": _Tensor("HalfStorage", (320, 4, 3, 3)),
        "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": _Tensor("HalfStorage", (320, 768)),
        "cond_stage_model.transformer.text_model.embeddings.x": _Tensor("HalfStorage", (768,)),
        "model_ema.decay": _Tensor("FloatStorage", ()),
    }
}  # fmt: skip


@pytest.mark.parametrize("packed", [_torch_zip, _torch_pickle])
def test_a_torch_checkpoint_is_recognised_without_loading_it(tmp_path: Path, packed: object) -> None:
    path = tmp_path / "old.ckpt"
    path.write_bytes(packed(_STATE))  # type: ignore[operator]
    reading = read_model_file(path)
    assert (reading.format, reading.model_type, reading.base_model) == ("PickleTensor", "Checkpoint", "SD 1.5")
    assert (reading.fp, reading.size, reading.tensor_count) == ("fp16", "full", 4)
    assert reading.pickle_scan_result == "Success"
    assert reading.pickle_scan_message is not None
    assert "torch.HalfStorage" in reading.pickle_scan_message
    assert "AutoV3" not in reading.hashes


def test_an_embedding_of_the_old_kind(tmp_path: Path) -> None:
    path = tmp_path / "calm.pt"
    path.write_bytes(
        _torch_zip(
            {"string_to_token": {"*": 265}, "string_to_param": {"*": _Tensor("FloatStorage", (4, 768))}, "name": "calm"}
        )
    )
    reading = read_model_file(path)
    assert (reading.model_type, reading.base_model) == ("TextualInversion", "SD 1.5")


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("function", [os.system, eval, getattr, pickle.loads])
def test_dangerous_imports_are_danger(function: object, protocol: int) -> None:
    scan = scan_pickle(pickle.dumps(_Malicious(function), protocol))
    assert scan.result == "Danger"
    assert scan.message is not None
    assert scan.message.startswith("**Detected Pickle imports (1)**\n```\n")


@pytest.mark.parametrize(
    "hostile",
    [
        b"\x80\x04\x8c\x05torch\x8c\x19serialization.os.system.x\x93\x8c\x01x\x85R.",
        b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x8c\x01x0h\x00h\x01\x93\x8c\x01x\x85R.",
        b"\x80\x04\x8c\x01a\x8c\x01b\x86\x8c\x06system\x93.",
        b"cos\nsystem\n(S'x'\ntR.garbage",
        b"(S'x'\nios\nsystem\n.",
        b"\x80\x02cbuiltins\nexec\nX\x01\x00\x00\x00xR" + b"\xff" * 9,
        b"\x80\x02\x82\x01.",
        b"S'o\\x73'\nS'putenv'\n\x93S'x'\n\x85R.",
    ],
)
def test_tricks_that_hide_an_import_are_danger(hostile: bytes) -> None:
    assert scan_pickle(hostile).result == "Danger"


def test_harmless_pickles() -> None:
    scan = scan_pickle(pickle.dumps(collections.OrderedDict(a=1)))
    assert (scan.result, scan.imports) == ("Success", ("collections.OrderedDict",))
    assert scan_pickle(pickle.dumps({"a": [1, 2.5, "x"]})).message == "No Pickle imports"


def test_a_name_cannot_break_out_of_the_message() -> None:
    scan = scan_pickle(b"cos```\n<b>x\n(tR.")
    assert scan.message is not None
    assert scan.message.count("```") == 2


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 5), st.lists(st.integers(0, 255), max_size=4))
def test_no_pickle_breaks_the_scanner(tail: bytes, protocol: int, changes: list[int]) -> None:
    data = bytearray(pickle.dumps({"x": _Malicious(os.system), "y": (1, [2, {"z": "w"}])}, protocol) + tail)
    for at in changes:
        data[at % len(data)] = (at * 7) % 256
    try:
        scan = scan_pickle(bytes(data))
    except UnreadableFile:
        return
    assert scan.result in ("Success", "Danger", "Error")


def test_a_zip_bomb_is_an_error_not_a_bomb(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", bytes(200_000_000))
    reading = read_model_file(path)
    assert reading.pickle_scan_result == "Error"


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 400), st.integers(0, 400))
def test_no_damaged_zip_breaks_the_reader(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, at: int, cut: int
) -> None:
    data = bytearray(_torch_zip(_STATE))
    at %= len(data)
    data[at : at + len(junk)] = junk
    path = tmp_path_factory.mktemp("zip") / "x.pt"
    path.write_bytes(bytes(data[: len(data) - cut]))
    if probe(path) is not None:
        assert "SHA256" in read_model_file(path).hashes


# --- GGUF ---------------------------------------------------------------------------------------------------------


def _text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def _gguf(file_type: int | None = 15, tensor_type: int = 12) -> bytes:
    pairs = [_text("general.architecture") + struct.pack("<I", 8) + _text("flux")]
    pairs.append(_text("tokens") + struct.pack("<IIQ", 9, 8, 3) + _text("a") * 3)
    pairs.append(_text("types") + struct.pack("<IIQ", 9, 5, 2) + bytes(8))
    if file_type is not None:
        pairs.append(_text("general.file_type") + struct.pack("<II", 4, file_type))
    tensors = b"".join(
        _text(name) + struct.pack("<IQQIQ", 2, 3072, 256, tensor_type, 0)
        for name in ("double_blocks.0.img_attn.qkv.weight", "img_in.weight", "guidance_in.in_layer.weight")
    )
    return b"GGUF" + struct.pack("<IQQ", 3, 3, len(pairs)) + b"".join(pairs) + tensors + bytes(442_368)


def test_a_gguf_says_its_quantisation(tmp_path: Path) -> None:
    path = tmp_path / "flux.gguf"
    for file_type, tensor_type, word, fp in (
        (15, 12, "Q4_K_M", None),
        (7, 8, "Q8_0", None),
        (None, 14, "Q6_K", None),
        (1, 1, None, "fp16"),
    ):
        path.write_bytes(_gguf(file_type, tensor_type))
        reading = read_model_file(path)
        assert (reading.format, reading.quant_type, reading.fp) == ("GGUF", word, fp)
        assert (reading.model_type, reading.base_model) == ("Checkpoint", "Flux.1 D")
        assert "AutoV3" not in reading.hashes


@settings(max_examples=150, deadline=None)
@given(st.integers(4, 400), st.binary(min_size=1, max_size=12), st.integers(0, 442_700))
def test_no_gguf_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, at: int, junk: bytes, cut: int) -> None:
    data = bytearray(_gguf())
    data[at : at + len(junk)] = junk
    path = tmp_path_factory.mktemp("gguf") / "x.gguf"
    path.write_bytes(bytes(data[: len(data) - cut]))
    if path.stat().st_size:
        assert "SHA256" in read_model_file(path).hashes
