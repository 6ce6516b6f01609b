"""Group nodes, the canvas's older way to fold nodes into one: opened into the shape of a subgraph, instance by instance."""

from __future__ import annotations

import re
from typing import Any

INNER_INPUT, INNER_OUTPUT = -10, -20
"""The ids under which a sheet's own links name what comes in and what goes out."""
_PLACE = re.compile(r"\d{1,9}")


def group_sheet(group: dict[str, Any], values: Any) -> dict[str, Any]:
    """A definition as a sheet whose inner ids are places in its list. `values` are the instance's `widgets_values`: those
    of the inner nodes one after the other; the definition holds only what they were when it was made."""
    nodes: list[dict[str, Any]] = []
    for place, node in enumerate(dicts(group.get("nodes"))):
        inputs = [dict(entry, link=None) for entry in dicts(node.get("inputs"))]
        nodes.append(dict(node, id=place, inputs=inputs))
    _share_values(nodes, values)
    links: list[list[Any]] = []
    for number, link in enumerate(_lists(group.get("links"))):
        if len(link) > 5 and link[0] is None:
            _type_socket(nodes, link)
        if len(link) < 4 or not all(isinstance(part, int) for part in link[:4]):
            continue  # a null start is a socket of the folded node
        start, start_slot, end, end_slot = link[:4]
        inputs = nodes[end]["inputs"] if 0 <= end < len(nodes) else []
        if 0 <= end_slot < len(inputs) and 0 <= start < len(nodes):
            inputs[end_slot]["link"] = number
            links.append([number, start, start_slot, end, end_slot])
    doors = _open_inputs(nodes, links, _renamed(group))
    _open_outputs(nodes, links, _exposed(group))
    return {"nodes": nodes, "links": links, "inputs": doors}


def dicts(value: Any) -> list[dict[str, Any]]:
    """The objects of a list, nothing for what is no list."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _lists(value: Any) -> list[list[Any]]:
    return [entry for entry in value if isinstance(entry, list)] if isinstance(value, list) else []


def _share_values(nodes: list[dict[str, Any]], values: Any) -> None:
    own = [node["widgets_values"] if isinstance(node.get("widgets_values"), list) else [] for node in nodes]
    if not isinstance(values, list) or len(values) != sum(len(part) for part in own):
        return
    position = 0
    for node, part in zip(nodes, own, strict=True):
        if part:
            node["widgets_values"] = values[position : position + len(part)]
            position += len(part)


def _type_socket(nodes: list[dict[str, Any]], link: list[Any]) -> None:
    # An inner reroute takes anything; the link from outside knows what, and the socket is named after that.
    end, slot, kind = link[2], link[3], link[5]
    if isinstance(end, int) and isinstance(slot, int) and 0 <= end < len(nodes) and isinstance(kind, str):
        inputs = nodes[end]["inputs"]
        if 0 <= slot < len(inputs):
            inputs[slot]["type"] = kind


def _renamed(group: dict[str, Any]) -> dict[tuple[int, str], str]:
    """(inner place, input name or type) → the name of the socket, where the user gave it one."""
    found: dict[tuple[int, str], str] = {}
    config = group.get("config")
    for place, entry in config.items() if isinstance(config, dict) else ():
        renamed = entry.get("input") if isinstance(entry, dict) else None
        for name, change in renamed.items() if isinstance(renamed, dict) else ():
            if _PLACE.fullmatch(place) and isinstance(change, dict) and isinstance(change.get("name"), str):
                found[(int(place), str(name))] = change["name"]
    return found


def _exposed(group: dict[str, Any]) -> set[tuple[Any, Any]]:
    """(inner place, output slot) of outputs that go out although something inside takes them too."""
    found = set()
    for entry in _lists(group.get("external")):
        if len(entry) >= 2 and isinstance(entry[0], dict) and isinstance(entry[1], int):
            found.add((entry[0].get("index"), entry[1]))
    return found


def _open_inputs(
    nodes: list[dict[str, Any]], links: list[list[Any]], renamed: dict[tuple[int, str], str]
) -> list[dict[str, Any]]:
    """Inputs that nothing inside feeds become sockets; a name that is taken gets the node's type in front."""
    doors: list[dict[str, Any]] = []
    used: set[str] = set()
    for node in nodes:
        for slot, entry in enumerate(node["inputs"]):
            if entry.get("link") is not None or not isinstance(entry.get("name"), str):
                continue
            place, name = node["id"], entry["name"]
            name = renamed.get((place, name)) or renamed.get((place, str(entry.get("type")))) or name
            name = name if name not in used else f"{node.get('title') or node.get('type')} {entry['name']}"
            used.add(name)
            entry["link"] = f"in{len(doors)}"
            links.append([entry["link"], INNER_INPUT, len(doors), place, slot])
            doors.append({"name": name})
    return doors


def _open_outputs(nodes: list[dict[str, Any]], links: list[list[Any]], exposed: set[tuple[Any, Any]]) -> None:
    taken = {(link[1], link[2]) for link in links} - exposed
    place = 0
    for node in nodes:
        for slot, _output in enumerate(dicts(node.get("outputs"))):
            if (node["id"], slot) not in taken:
                links.append([f"out{place}", node["id"], slot, INNER_OUTPUT, place])
                place += 1
