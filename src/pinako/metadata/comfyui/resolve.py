"""Values behind links: numbers, names and texts that a graph computes in nodes of their own. Bounded and cycle-safe."""

from __future__ import annotations

import re
from typing import Any

from pinako.metadata.comfyui.graph import Graph, Node
from pinako.metadata.jsontext import loads_dict
from pinako.metadata.values import float_of, int_of

_BUNDLES = ("pipe", "context", "loader", "tuple")
MAX_STEPS = 8_000
MAX_DEPTH = 40
MAX_CHARS = 50_000
MAX_TEXTS = 100
_NUMBER_KEYS = ("value", "Value", "int", "float", "number", "Number", "INT", "FLOAT", "seed", "noise_seed", "val", "a")
_NAME_KEYS = ("value", "string", "text", "name", "STRING", "model_name", "ckpt_name", "selected", "input")
_PART = re.compile(r"(?:text|string|prompt|str|input|value|arg)[ _]?([a-z]|\d{1,2})", re.IGNORECASE)
_DELIMITERS = ("delimiter", "separator", "sep", "join_string")
_ONWARD = ("text", "prompt", "embed", "pipe", "ctx", "context", "any", "tuple")
_OPPOSITE = {"positive": "neg", "negative": "pos"}
_ENCODERS = (("text_g", "text_l"), ("t5xxl", "clip_l", "clip_g", "llama"), ("bert", "mt5xl"), ("prompt", "prompt_2"))
_TEXT_KEYS = ("text", "prompt", "wildcard_text", "string", "value", "caption", "tags", "text_input", "Text", "STRING",
              "input_text", "user_prompt", "result")  # fmt: skip


class Resolver:
    """Follows values of one graph. One per file: it counts its steps, and after MAX_STEPS everything is unknown."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._steps = 0
        self._texts: dict[tuple[str, int, str], list[str]] = {}

    def spend(self) -> bool:
        """Whether another step may be taken."""
        self._steps += 1
        return self._steps <= MAX_STEPS

    def number(self, value: Any, wanted: str, depth: int = 0) -> float | None:
        """A number, or what a primitive, seed or size node at the end of links has under `wanted` or a usual name."""
        found = self.graph.target(value)
        if found is None:
            return int_of(value) if int_of(value) is not None else float_of(value)
        if depth > MAX_DEPTH or not self.spend():
            return None
        node = found[0]
        for key in (wanted, *_NUMBER_KEYS):
            if key in node.inputs:
                return self.number(node.inputs[key], wanted, depth + 1)
        links = self.graph.links(node)
        if len(links) == 1 and not _resizes(node):
            return self.number([links[0][1].id, links[0][2]], wanted, depth + 1)
        return None

    def name(self, value: Any, wanted: str, depth: int = 0) -> str | None:
        """A file's or sampler's name; a Civitai selector node gives the AIR of the slot that is taken."""
        if isinstance(value, str):
            return value
        found = self.graph.target(value)
        if found is None or depth > MAX_DEPTH or not self.spend():
            return None
        node, slot = found
        if node.kind == "CivitaiModelSelector":
            return selected_air(node, slot)
        for key in (wanted, wanted.removesuffix("_name"), *_NAME_KEYS):
            if key in node.inputs:
                return self.name(node.inputs[key], wanted, depth + 1)
        links = self.graph.links(node)
        return self.name([links[0][1].id, links[0][2]], wanted, depth + 1) if len(links) == 1 else None

    def texts(self, value: Any, side: str, depth: int = 0) -> list[str]:
        """The prompt texts behind a conditioning or string link, in order, each once. `side`: positive or negative."""
        if isinstance(value, str):
            return [value[:MAX_CHARS]]
        found = self.graph.target(value)
        if found is None or depth > MAX_DEPTH or not self.spend():
            return []
        node, slot = found
        key = (node.id, slot, side)
        if key not in self._texts:
            self._texts[key] = []  # a cycle comes back to this and gets nothing
            self._texts[key] = self._texts_of(node, slot, side, depth)
        return self._texts[key]

    def joined(self, value: Any, side: str, depth: int = 0) -> str:
        """The same as one text."""
        return "\n".join(text.strip() for text in self.texts(value, side, depth) if text.strip())[:MAX_CHARS]

    def _texts_of(self, node: Node, slot: int, side: str, depth: int) -> list[str]:
        if "ZeroOut" in node.kind:
            return []
        switched = self._switched(node)
        if switched is not None:
            return self.texts(switched, side, depth + 1)
        conditions = self._conditions(node, slot, side)
        if conditions:
            gathered: dict[str, None] = {}
            for value in conditions:
                gathered.update(dict.fromkeys(self.texts(value, side, depth + 1)))
            return list(gathered)[:MAX_TEXTS]
        text = self._string(node, side, depth)
        if text is not None:
            return [text] if text.strip() else []
        onward = self._onward(node, side)
        return [] if onward is None else self.texts(onward, side, depth + 1)

    def _conditions(self, node: Node, slot: int, side: str) -> list[Any]:
        """Links to conditioning that this node hands on. Nodes with both sides give them out in that order, but for those
        that bundle everything into one output."""
        links = {name: [source.id, number] for name, source, number in self.graph.links(node)}
        if "positive" in links and "negative" in links:
            by_slot = slot < 2 and not any(word in node.kind.lower() for word in _BUNDLES)
            return [links[("positive", "negative")[slot] if by_slot else side]]
        if side in links:
            return [links[side]]
        return [link for name, link in links.items() if name.lower().startswith("cond")]

    def _string(self, node: Node, side: str, depth: int) -> str | None:
        inputs = node.inputs
        shown = inputs.get("text_0")
        if isinstance(shown, str) and "Show" in node.kind:
            return shown[:MAX_CHARS]  # what the run has shown: wildcards are resolved in it
        if "populated_text" in inputs:
            return self.joined(inputs["populated_text"], side, depth + 1)
        for key in (f"text_{side}", f"{side}_prompt", f"prompt_{side}", f"{side}_text", side):
            if key in inputs:
                return self.joined(inputs[key], side, depth + 1)
        for keys in _ENCODERS:
            if keys[0] in inputs and len(keys) > 1 and any(key in inputs for key in keys[1:]):
                parts = dict.fromkeys(self.joined(inputs[key], side, depth + 1) for key in keys if key in inputs)
                return "\n".join(part for part in parts if part)
        parts_of_text = self._parts(node, side, depth)
        if parts_of_text is not None:
            return parts_of_text
        for key in _TEXT_KEYS:
            if key in inputs and isinstance(inputs[key], (str, list)):
                return self._edited(node, self.joined_raw(inputs[key], side, depth + 1))
        for key, value in inputs.items():
            named = "prompt" in key.lower() or "text" in key.lower()
            if named and isinstance(value, str) and _OPPOSITE[side] not in key.lower():
                return value[:MAX_CHARS]
        return None

    def joined_raw(self, value: Any, side: str, depth: int) -> str:
        """The text as it is for a plain value, joined for what lies behind a link."""
        return value[:MAX_CHARS] if isinstance(value, str) else self.joined(value, side, depth)

    def _parts(self, node: Node, side: str, depth: int) -> str | None:
        keys = [key for key in node.inputs if _PART.fullmatch(key)]
        if len(keys) < 2 and not (keys and "concat" in node.kind.lower()):
            return None
        parts = [self.joined_raw(node.inputs[key], side, depth + 1) for key in sorted(keys, key=_natural)]
        if "replace" in str(node.inputs.get("action", "")).lower() and len(parts) >= 3:
            return parts[0].replace(parts[1], parts[2])[:MAX_CHARS] if parts[1] else parts[0]
        return self._delimiter(node).join(part for part in parts if part)[:MAX_CHARS]

    def _delimiter(self, node: Node) -> str:
        for key in _DELIMITERS:
            value = node.inputs.get(key)
            if isinstance(value, str):
                return value.replace("\\n", "\n")
        return "" if node.kind == "StringConcatenate" else ", "

    def _edited(self, node: Node, text: str) -> str:
        find, replacement = node.inputs.get("find"), node.inputs.get("replace")
        if isinstance(find, str) and isinstance(replacement, str) and find:
            return text.replace(find, replacement)[:MAX_CHARS]
        return text

    def _switched(self, node: Node) -> Any:
        """What a switch with a number lets through."""
        inputs = node.inputs
        select = int_of(next((inputs[name] for name in ("select", "index", "Input") if name in inputs), None))
        places = (f"input{select}", f"text{select}", f"conditioning{select}")
        return None if select is None else next((inputs[name] for name in places if name in inputs), None)

    def _onward(self, node: Node, side: str) -> Any:
        """The one link to go on with through reroutes, switches, contexts and pipes."""
        links = {name: [source.id, slot] for name, source, slot in self.graph.links(node)}
        for name, link in links.items():
            lowered = name.lower()
            if any(word in lowered for word in _ONWARD) and _OPPOSITE[side] not in lowered:
                return link
        return next(iter(links.values())) if len(links) == 1 else None


def selected_air(node: Node, slot: int) -> str | None:
    """What a CivitaiModelSelector hands out at a slot: `resources_json` maps slots to AIRs, `air` is the main one."""
    stated = node.inputs.get("resources_json")
    by_slot = loads_dict(stated).get("bySlot") if isinstance(stated, str) else None
    chosen = by_slot.get(str(slot)) if isinstance(by_slot, dict) else None
    chosen = chosen or node.inputs.get("air")
    return chosen if isinstance(chosen, str) else None


def _resizes(node: Node) -> bool:
    kind = node.kind.lower()
    return any(word in kind for word in ("scale", "resize", "crop", "math", "load", "expression"))


def _natural(key: str) -> tuple[int, str]:
    tail = _PART.fullmatch(key)
    mark = tail[1] if tail else key
    return (int(mark), "") if mark.isdigit() else (0, mark.lower())
