"""A ComfyUI graph in its API form: nodes with inputs, where an input is a value or a link to another node's output."""

from __future__ import annotations

from typing import Any

import msgspec

MAX_NODES = 5000
MAX_LINKS = 20_000
"""Followed in one graph; the largest real ones have a few thousand."""


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One node. `kind` is its class_type."""

    id: str
    kind: str
    inputs: dict[str, Any]


class Graph:
    """Nodes by id, in the order of the file."""

    __slots__ = ("_links", "nodes")

    def __init__(self, nodes: dict[str, Node]) -> None:
        self.nodes = nodes
        self._links: dict[str, list[tuple[str, Node, int]]] = {}
        room = MAX_LINKS
        for node in nodes.values():
            found = [(name, *end) for name, value in node.inputs.items() if (end := self.target(value)) is not None][
                :room
            ]
            self._links[node.id] = found
            room -= len(found)

    def target(self, value: Any) -> tuple[Node, int] | None:
        """(node, output slot) of a link `[id, slot]`; None for a plain value and for a link to nowhere."""
        if not isinstance(value, list) or len(value) != 2 or not isinstance(value[1], int):
            return None
        node = self.nodes.get(str(value[0])) if isinstance(value[0], (str, int)) else None
        return None if node is None else (node, value[1])

    def links(self, node: Node) -> list[tuple[str, Node, int]]:
        """(input name, node, slot) of everything that a node takes from others."""
        return self._links.get(node.id, [])

    def upstream(self, starts: list[Node]) -> dict[str, Node]:
        """The given nodes and all that they depend on, nearest first."""
        reached = {node.id: node for node in starts}
        queue = list(starts)
        for node in queue:
            for _name, source, _slot in self.links(node):
                if source.id not in reached:
                    reached[source.id] = source
                    queue.append(source)
        return reached

    def sinks(self) -> list[Node]:
        """Nodes whose outputs nobody takes, savers first and previews before other ends; stable for equal ranks."""
        taken = {source.id for node in self.nodes.values() for _name, source, _slot in self.links(node)}
        ends = [node for node in self.nodes.values() if node.id not in taken]
        return sorted(ends, key=_rank)


def parse_graph(value: Any) -> Graph | None:
    """The graph of an API prompt (`{id: {class_type, inputs}}`); None for anything else. Broken nodes are left out."""
    if not isinstance(value, dict) or not 0 < len(value) <= MAX_NODES:
        return None
    nodes = {}
    for key, entry in value.items():
        if isinstance(entry, dict) and isinstance(entry.get("class_type"), str):
            inputs = entry.get("inputs")
            nodes[str(key)] = Node(
                id=str(key), kind=entry["class_type"], inputs=inputs if isinstance(inputs, dict) else {}
            )
    return Graph(nodes) if nodes else None


def _rank(node: Node) -> int:
    kind = node.kind.lower()
    if "save" in kind or "videocombine" in kind or "output" in kind:
        return 0
    return 1 if "preview" in kind else 2
