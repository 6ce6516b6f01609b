"""The canvas form of a graph (`workflow`) made into the API form: widgets named, reroutes and primitives seen through,
subgraphs and group nodes opened, bypassed and muted nodes taken out."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from pinako.metadata.comfyui.graph import MAX_NODES, Graph, Node
from pinako.metadata.comfyui.groups import INNER_INPUT, INNER_OUTPUT, dicts, group_sheet
from pinako.metadata.comfyui.widgets import name_widgets

_MUTED, _BYPASSED = 2, 4
_MAX_NESTING = 8
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_IGNORED = frozenset({"Note", "MarkdownNote", "PrimitiveNode"})


class _Flat:
    """All sheets together; ids carry the path of the subgraphs around them."""

    def __init__(self, canvas: dict[str, Any]) -> None:
        self.sheets = _subgraphs(canvas)
        self.groups = _groups(canvas)
        self.nodes: dict[str, Node] = {}
        self.room = 20 * MAX_NODES
        """What may still be opened, counted in nodes and links: subgraphs in subgraphs multiply."""
        self.through: dict[tuple[str, int], Any] = {}
        """Output slots that only hand something on: a link to go on with, or a plain value."""


def graph_of_workflow(canvas: dict[str, Any]) -> Graph | None:
    """The graph that the canvas would have sent to run; None when it has no nodes."""
    flat = _Flat(canvas)
    _open_sheet(flat, canvas, prefix="", outside={}, depth=0)
    if not flat.nodes:
        return None
    nodes = {}
    for key, node in flat.nodes.items():
        inputs = {name: _settle(flat, value) for name, value in node.inputs.items()}
        nodes[key] = msgspec.structs.replace(node, inputs={k: v for k, v in inputs.items() if v is not None})
    return Graph(nodes)


def _subgraphs(canvas: dict[str, Any]) -> dict[str, dict[str, Any]]:
    listed = canvas.get("definitions")
    sheets = dicts(listed.get("subgraphs") if isinstance(listed, dict) else None)
    return {sheet["id"]: sheet for sheet in sheets if isinstance(sheet.get("id"), str)}


def _groups(canvas: dict[str, Any]) -> dict[str, dict[str, Any]]:
    extra = canvas.get("extra")
    groups = extra.get("groupNodes") if isinstance(extra, dict) else None
    found: dict[str, dict[str, Any]] = {}
    for name, group in groups.items() if isinstance(groups, dict) else ():
        if isinstance(group, dict):
            found[f"workflow/{name}"] = found[f"workflow>{name}"] = group
    return found


def _open_sheet(
    flat: _Flat, sheet: dict[str, Any], *, prefix: str, outside: dict[int, Any], depth: int
) -> dict[int, Any]:
    """Add a sheet's nodes. `outside` gives what comes in at each input slot; returned is what goes out at each output."""
    nodes = {str(node.get("id")): node for node in dicts(sheet.get("nodes"))}
    links = _links(sheet)
    flat.room -= len(nodes) + len(links) + 1
    for key, node in nodes.items():
        if len(flat.nodes) >= MAX_NODES or flat.room < 0:
            break
        _add_node(flat, prefix, key, node, _Context(links=links, outside=outside, depth=depth, prefix=prefix))
    outputs: dict[int, Any] = {}
    for start, start_slot, end, end_slot in links.values():
        if end == str(INNER_OUTPUT):
            outputs[end_slot] = _source(prefix, outside, start, start_slot)
    return outputs


class _Context(msgspec.Struct):
    """What a sheet knows while its nodes are added."""

    links: dict[str, tuple[str, int, str, int]]
    outside: dict[int, Any]
    depth: int
    prefix: str


def _add_node(flat: _Flat, prefix: str, key: str, node: dict[str, Any], context: _Context) -> None:
    kind = str(node.get("type", ""))
    mode = node.get("mode")
    own = prefix + key
    connected = _connected(node, context)
    if mode == _MUTED:
        return
    if mode == _BYPASSED or "Reroute" in kind:
        _pass_through(flat, own, node, connected)
        return
    if (kind in flat.sheets or kind in flat.groups) and context.depth < _MAX_NESTING and flat.room > 0:
        _add_subgraph(flat, own, node, connected, context.depth)
        return
    values = {name: _uncommented(value) for name, value in name_widgets(node).items()}
    if kind == "PrimitiveNode":
        flat.through[(own, 0)] = values.get("value")
    elif kind == "SetNode":  # a link without a line: what is set under a name is got by it
        flat.through[(f"name:{values.get('name')}", 0)] = next(iter(connected.values()), None)
    elif kind == "GetNode":
        flat.through[(own, 0)] = [f"name:{values.get('name')}", 0]
    elif kind not in _IGNORED:
        flat.nodes[own] = Node(id=own, kind=kind, inputs=values | connected)


def _add_subgraph(flat: _Flat, own: str, node: dict[str, Any], connected: dict[str, Any], depth: int) -> None:
    kind, values = str(node.get("type", "")), {}
    if kind in flat.sheets:
        sheet, values = flat.sheets[kind], name_widgets(node)
    else:
        sheet = group_sheet(flat.groups[kind], node.get("widgets_values"))
    outside: dict[int, Any] = {}
    for slot, entry in enumerate(dicts(sheet.get("inputs"))):
        name = str(entry.get("name", ""))
        outside[slot] = connected.get(name, values.get(name))
    outputs = _open_sheet(flat, sheet, prefix=f"{own}:", outside=outside, depth=depth + 1)
    for slot, value in outputs.items():
        flat.through[(own, slot)] = value


def _connected(node: dict[str, Any], context: _Context) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in dicts(node.get("inputs")):
        link = context.links.get(str(entry.get("link")))
        if link is not None and isinstance(entry.get("name"), str):
            value = _source(context.prefix, context.outside, link[0], link[1])
            if value is not None:
                found[entry["name"]] = value
    return found


def _source(prefix: str, outside: dict[int, Any], start: str, slot: int) -> Any:
    return outside.get(slot) if start == str(INNER_INPUT) else [prefix + start, slot]


def _pass_through(flat: _Flat, own: str, node: dict[str, Any], connected: dict[str, Any]) -> None:
    """A bypassed node gives at each output the first input of the same type, as the editor does."""
    inputs = [(entry.get("type"), entry.get("name")) for entry in dicts(node.get("inputs"))]
    for slot, output in enumerate(dicts(node.get("outputs"))):
        wanted = output.get("type")
        same = [name for kind, name in inputs if name in connected and (kind == wanted or "*" in (kind, wanted))]
        alone = [name for _kind, name in inputs if name in connected] if "Reroute" in str(node.get("type")) else []
        chosen = (same or alone)[:1]
        flat.through[(own, slot)] = connected[str(chosen[0])] if chosen else None


def _settle(flat: _Flat, value: Any) -> Any:
    """Where a link ends after all that only hands on; a plain value stays."""
    for _ in range(64):
        if not isinstance(value, list) or len(value) != 2 or not isinstance(value[1], int):
            return value
        key = (str(value[0]), value[1])
        if key not in flat.through:
            return value
        value = flat.through[key]
    return None


def _uncommented(value: Any) -> Any:
    # The editor takes comments out of prompts when it sends the graph to run.
    return _COMMENT.sub("", value) if isinstance(value, str) and "/*" in value else value


def _links(sheet: dict[str, Any]) -> dict[str, tuple[str, int, str, int]]:
    """(link id) → (from node, slot, to node, slot); lists on the canvas, objects in subgraphs."""
    found: dict[str, tuple[str, int, str, int]] = {}
    listed = sheet.get("links")
    for link in listed if isinstance(listed, list) else []:
        if isinstance(link, dict):
            link = [link.get(k) for k in ("id", "origin_id", "origin_slot", "target_id", "target_slot")]
        if isinstance(link, list) and len(link) >= 5 and isinstance(link[2], int) and isinstance(link[4], int):
            found[str(link[0])] = (str(link[1]), link[2], str(link[3]), link[4])
    return found
