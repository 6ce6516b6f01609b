"""ComfyUI canvases without the graph that ran: widgets named, folded nodes opened, what is bypassed or muted left out."""

from __future__ import annotations

import json
from typing import Any

import mutants
import pytest

from pinako.catalog.generation import Generation
from pinako.metadata import recognise


def loras(found: Generation) -> list[tuple[str | None, float | None]]:
    return [(one.name, one.weight) for one in found.resources if one.kind == "lora"]


# the canvas form


def canvas(*nodes: dict[str, Any], links: list[list[Any]], **more: Any) -> str:
    return json.dumps({"nodes": list(nodes), "links": links, **more})


def drawn(
    number: Any, kind: str, values: Any = (), inputs: list[dict[str, Any]] | None = None, **more: Any
) -> dict[str, Any]:
    values = list(values) if isinstance(values, tuple) else values
    return {"id": number, "type": kind, "widgets_values": values, "inputs": inputs or [], **more}


def socket(name: str, link: int | None, kind: str = "X") -> dict[str, Any]:
    return {"name": name, "link": link, "type": kind}


SAMPLER_VALUES = (42, "randomize", 20, 7.5, "dpmpp_2m", "karras", 1)
SAMPLER_SOCKETS = [socket("model", 1), socket("positive", 2), socket("negative", 3), socket("latent_image", 4)]
LATENT = drawn(5, "EmptyLatentImage", (640, 480, 1))
LOADER = drawn(4, "CheckpointLoaderSimple", ("harbour.ckpt",))
NEGATIVE = drawn(7, "CLIPTextEncode", ("blurry",))
LINKS: list[list[Any]] = [[1, 4, 0, 3, 0, "MODEL"], [2, 6, 0, 3, 1, "CONDITIONING"], [3, 7, 0, 3, 2, "CONDITIONING"],
                          [4, 5, 0, 3, 3, "LATENT"]]  # fmt: skip


def read_canvas(*nodes: dict[str, Any], links: list[list[Any]] | None = None, **more: Any) -> Generation:
    text = canvas(drawn(3, "KSampler", SAMPLER_VALUES, SAMPLER_SOCKETS), LOADER, LATENT, NEGATIVE, *nodes,
                  links=LINKS + (links or []), **more)  # fmt: skip
    found = recognise({"workflow": text})
    assert found is not None
    assert (found.seed, found.steps, found.cfg_scale, found.sampler) == (42, 20, 7.5, "DPM++ 2M")
    assert (found.width, found.height, found.negative_prompt) == (640, 480, "blurry")
    assert found.model is not None
    assert found.model.name == "harbour"
    return found


def test_canvas_alone_is_read() -> None:
    assert read_canvas(drawn(6, "CLIPTextEncode", ("a lighthouse /* day */",))).prompt == "a lighthouse"


def test_canvas_reroutes_and_primitives_are_seen_through() -> None:
    found = read_canvas(
        drawn(6, "CLIPTextEncode", ("old text",), [{"name": "text", "link": 10, "widget": {"name": "text"}}]),
        drawn(20, "Reroute", (), [socket("", 11, "*")], outputs=[{"type": "*"}]),
        drawn(21, "PrimitiveNode", ("from afar", "fixed")),
        links=[[10, 20, 0, 6, 0, "STRING"], [11, 21, 0, 20, 0, "*"]],
    )
    assert found.prompt == "from afar"


def test_canvas_links_by_name() -> None:
    found = read_canvas(
        drawn(20, "CLIPTextEncode", ("a lighthouse",)),
        drawn(21, "SetNode", ("words",), [socket("CONDITIONING", 10, "CONDITIONING")]),
        drawn(6, "GetNode", ("words",)),
        links=[[10, 20, 0, 21, 0, "CONDITIONING"]],
    )
    assert found.prompt == "a lighthouse"


@pytest.mark.parametrize(("mode", "expected"), [(0, [("a", 0.5)]), (4, [])])
def test_canvas_bypassed_nodes_hand_on(mode: int, expected: list[tuple[str, float]]) -> None:
    links = [[1, 20, 0, 3, 0, "MODEL"], *LINKS[1:], [10, 4, 0, 20, 0, "MODEL"]]
    lora = drawn(20, "LoraLoaderModelOnly", ("a.safetensors", 0.5), [socket("model", 10, "MODEL")], mode=mode,
                 outputs=[{"type": "MODEL"}])  # fmt: skip
    text = canvas(drawn(3, "KSampler", SAMPLER_VALUES, SAMPLER_SOCKETS), LOADER, LATENT, NEGATIVE, lora, links=links)
    found = recognise({"workflow": text})
    assert found is not None
    assert found.model is not None
    assert (found.model.name, loras(found)) == ("harbour", expected)


def test_canvas_muted_nodes_are_not_there() -> None:
    assert read_canvas(drawn(6, "CLIPTextEncode", ("a lighthouse",), mode=2)).prompt is None


def test_canvas_widgets_by_the_nodes_own_list() -> None:
    named = [{"name": name, "link": None, "widget": {"name": name}} for name in ("style", "prompt")]
    assert read_canvas(drawn(6, "SomeNewEncoder", ("bold", "a lighthouse"), named)).prompt == "a lighthouse"


def test_canvas_widgets_as_an_object() -> None:
    assert read_canvas(drawn(6, "Whatever", {"text": "a lighthouse"})).prompt == "a lighthouse"


def test_canvas_subgraphs_are_opened() -> None:
    inner = {
        "id": "9f-uuid", "inputs": [{"name": "words"}], "outputs": [{"name": "c"}],
        "nodes": [drawn(1, "CLIPTextEncode", ("default",), [{"name": "text", "link": 1, "widget": {"name": "text"}}])],
        "links": [
            {"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 1, "target_slot": 0},
            {"id": 2, "origin_id": 1, "origin_slot": 0, "target_id": -20, "target_slot": 0},
        ],
    }  # fmt: skip
    outer = {"id": "outer", "inputs": [{"name": "words"}], "outputs": [{"name": "c"}],
             "nodes": [drawn(1, "9f-uuid", (), [socket("words", 1)])],
             "links": [[1, -10, 0, 1, 0, "STRING"], [2, 1, 0, -20, 0, "C"]]}  # fmt: skip
    found = read_canvas(
        drawn(6, "outer", (), [socket("words", 10)]),
        drawn(21, "PrimitiveString", ("from outside",)),
        links=[[10, 21, 0, 6, 0, "STRING"]],
        definitions={"subgraphs": [inner, outer]},
    )
    assert found.prompt == "from outside"


def test_canvas_group_nodes_are_opened_with_their_own_values() -> None:
    group = {
        "nodes": [
            {"type": "PrimitiveString", "widgets_values": ["default"], "inputs": [], "outputs": [{"type": "STRING"}]},
            {"type": "CLIPTextEncode", "widgets_values": [""], "outputs": [{"type": "CONDITIONING"}],
             "inputs": [{"name": "text", "widget": {"name": "text"}}]},
        ],
        "links": [[0, 0, 1, 0, 1, "STRING"]],
    }  # fmt: skip
    for odd in ("0", "²", "9" * 5000):
        config = {odd: {"input": {"text": {"name": "words"}}}}
        extra = {"groupNodes": {"words": {**group, "config": config}}}
        assert read_canvas(drawn(6, "workflow/words", ("a lighthouse", "")), extra=extra).prompt == "a lighthouse"


def test_canvas_and_api_form_agree_on_the_samples() -> None:
    assert recognise({"workflow": json.dumps(mutants.CANVAS)}) is not None
    assert recognise({"prompt": json.dumps(mutants.GRAPH), "workflow": json.dumps(mutants.CANVAS)}) is not None
