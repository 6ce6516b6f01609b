"""Pickles, read as a list of opcodes and never executed: what they import, and the tensors that they would build.

The stack machine is followed symbolically. Nothing is imported or called; a value that is not text, number, tuple,
import or tensor is just `None` on our stack.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from pinako.errors import UnreadableFile
from pinako.metadata.modelfiles.imports import scan_message, scan_result
from pinako.metadata.modelfiles.records import PickleScan, Tensor

MAX_PICKLE_BYTES = 64_000_000
_MAX_OPCODES = 1_000_000
_MAX_PICKLES = 8
_MAX_TENSORS = 200_000
_MAX_STRINGS = 2000
_MAX_IMPORTS = 500
_LEGACY_TORCH_MAGIC = 0x1950A86A20F9469CFC6C
_MARK = object()

_STORAGES = {
    "DoubleStorage": ("F64", 8), "FloatStorage": ("F32", 4), "HalfStorage": ("F16", 2), "BFloat16Storage": ("BF16", 2),
    "LongStorage": ("I64", 8), "IntStorage": ("I32", 4), "ShortStorage": ("I16", 2), "CharStorage": ("I8", 1),
    "ByteStorage": ("U8", 1), "BoolStorage": ("BOOL", 1),
}  # fmt: skip


class _Import(NamedTuple):
    name: str


class _Persistent(NamedTuple):
    value: Any


_OPCODES = {opcode.code.encode("latin-1"): opcode for opcode in pickletools.opcodes}


def _opcodes(stream: io.BytesIO) -> Iterator[tuple[pickletools.OpcodeInfo, Any]]:
    """The opcodes with their arguments up to STOP. ValueError at the first that is none."""
    while True:
        code = stream.read(1)
        opcode = _OPCODES.get(code)
        if opcode is None:
            raise ValueError(f"opcode {code!r} unknown" if code else "the pickle ends without its end")
        lines = _LINES.get(opcode.name)
        if lines is not None:
            yield opcode, lines(stream)
        else:
            yield opcode, opcode.arg.reader(stream) if opcode.arg is not None else None
        if opcode.name == "STOP":
            return


# The standard library's own readers undo escapes where the unpickler does not, so lines of text are read here.


def _line(stream: io.BytesIO) -> str:
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise ValueError("a line without its end")
    return line[:-1].decode("utf-8", "backslashreplace")


def _two_lines(stream: io.BytesIO) -> tuple[str, str]:
    return _line(stream), _line(stream)


def _quoted(stream: io.BytesIO) -> str | None:
    # Escapes are not undone: a name that needs them hides something, and an unknown name counts as dangerous.
    line = _line(stream)
    return None if "\\" in line else line.strip()[1:-1]


_LINES: dict[str, Callable[[io.BytesIO], Any]] = {
    "STRING": _quoted,
    "GLOBAL": _two_lines,
    "INST": _two_lines,
    "PERSID": _line,
}


class PickleScanner:
    """Collects imports and tensors over the pickles of one file, within one budget of opcodes."""

    def __init__(self) -> None:
        self.imports: dict[str, None] = {}
        self.tensors: dict[str, Tensor] = {}
        self.strings: dict[str, None] = {}
        self.problem: str | None = None
        self._opcodes = 0

    def scan(self, data: bytes) -> None:
        """Follow the pickle or pickles at the start of `data`; what stops the reading becomes `problem`."""
        stream = io.BytesIO(data)
        legacy_torch = False
        for number in range(_MAX_PICKLES):
            try:
                value = self._follow(stream)
            except (ValueError, IndexError, KeyError, OverflowError, UnicodeError, MemoryError) as cause:
                # After the first pickle comes anything (raw storages); inside the first it is damage.
                if number == 0 or (legacy_torch and number < 4):
                    self.problem = f"not a whole pickle: {str(cause)[:120]}"
                return
            legacy_torch = legacy_torch or value == _LEGACY_TORCH_MAGIC
            if self.problem is not None or not legacy_torch or number >= 4:
                return

    def finish(self) -> PickleScan:
        """The wire's result and message for all that was scanned."""
        imports = tuple(self.imports)
        return PickleScan(
            result="Error" if self.problem is not None and scan_result(imports) != "Danger" else scan_result(imports),
            message=scan_message(imports),
            imports=imports,
            tensors=self.tensors,
            strings=tuple(self.strings),
        )

    def _follow(self, stream: io.BytesIO) -> Any:
        machine = _Machine(self)
        for opcode, argument in _opcodes(stream):
            self._opcodes += 1
            if self._opcodes > _MAX_OPCODES:
                self.problem = f"over {_MAX_OPCODES:,} opcodes"
                return None
            machine.step(opcode, argument)
        return machine.stack[-1] if machine.stack else None

    def note_import(self, name: str) -> None:
        if len(self.imports) < _MAX_IMPORTS:
            self.imports[name[:300]] = None
        else:
            self.problem = f"over {_MAX_IMPORTS} imports"

    def note_string(self, text: str) -> None:
        if len(self.strings) < _MAX_STRINGS and len(text) <= 300:
            self.strings[text] = None

    def note_item(self, key: Any, value: Any) -> None:
        if isinstance(key, str) and isinstance(value, Tensor) and len(self.tensors) < _MAX_TENSORS:
            self.tensors[key[:1000]] = value


class _Machine:
    """One pickle's stack and memo, in symbols."""

    def __init__(self, scanner: PickleScanner) -> None:
        self._scanner = scanner
        self.stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def step(self, opcode: pickletools.OpcodeInfo, argument: Any) -> None:
        """Apply one opcode."""
        special = _STEPS.get(opcode.name)
        if special is not None:
            special(self, argument)
        else:
            self._generic(opcode, argument)

    def _generic(self, opcode: pickletools.OpcodeInfo, argument: Any) -> None:
        wanted = len(opcode.stack_before)
        if pickletools.markobject in opcode.stack_before:
            below = opcode.stack_before.index(pickletools.markobject)
            self.to_mark()
            self.pop(below)
        else:
            self.pop(wanted)
        for _ in opcode.stack_after:
            self.stack.append(argument if isinstance(argument, str | int | float) else None)
        if isinstance(argument, str) and opcode.stack_after:
            self._scanner.note_string(argument)

    def pop(self, count: int) -> list[Any]:
        if count > len(self.stack):
            raise ValueError("the stack is empty")
        edge = len(self.stack) - count
        taken = self.stack[edge:]
        del self.stack[edge:]
        return taken

    def to_mark(self) -> list[Any]:
        for at in range(len(self.stack) - 1, -1, -1):
            if self.stack[at] is _MARK:
                taken = self.stack[at + 1 :]
                del self.stack[at:]
                return taken
        raise ValueError("no mark on the stack")

    # --- opcodes with a meaning here ---

    def mark(self, _argument: Any) -> None:
        self.stack.append(_MARK)

    def duplicate(self, _argument: Any) -> None:
        self.stack.append(self.stack[-1])

    def pop_one(self, _argument: Any) -> None:
        self.pop(1)

    def pop_mark(self, _argument: Any) -> None:
        self.to_mark()

    def put(self, argument: Any) -> None:
        self._memo[int(argument)] = self.stack[-1]

    def memoize(self, _argument: Any) -> None:
        self._memo[len(self._memo)] = self.stack[-1]

    def get(self, argument: Any) -> None:
        self.stack.append(self._memo[int(argument)])

    def import_global(self, argument: Any) -> None:
        self._push_import(*argument)

    def import_from_stack(self, _argument: Any) -> None:
        module, name = self.pop(2)
        self._push_import(module, name)

    def _push_import(self, module: Any, name: Any) -> None:
        # Names that only exist at run time cannot be judged, so they count as unknown and therefore as dangerous.
        known = isinstance(module, str) and isinstance(name, str)
        full = f"{module}.{name}" if known else "unknown.unknown"
        self._scanner.note_import(full)
        self.stack.append(_Import(full))

    def import_instance(self, argument: Any) -> None:
        self.to_mark()
        self._push_import(*argument)
        self.stack[-1] = None

    def extension(self, argument: Any) -> None:
        self._scanner.note_import(f"copyreg.extension_{argument}")
        self.stack.append(None)

    def make_tuple(self, _argument: Any) -> None:
        self.stack.append(tuple(self.to_mark()))

    def tuple_of(self, count: int) -> None:
        self.stack.append(tuple(self.pop(count)))

    def persistent(self, _argument: Any) -> None:
        self.stack.append(_Persistent(self.pop(1)[0]))

    def reduce(self, _argument: Any) -> None:
        function, arguments = self.pop(2)
        self.stack.append(_built(function, arguments))

    def set_item(self, _argument: Any) -> None:
        key, value = self.pop(2)
        self._scanner.note_item(key, value)

    def set_items(self, _argument: Any) -> None:
        self._note_pairs(self.to_mark())

    def make_dict(self, _argument: Any) -> None:
        self._note_pairs(self.to_mark())
        self.stack.append(None)

    def _note_pairs(self, items: list[Any]) -> None:
        for key, value in zip(items[::2], items[1::2], strict=False):
            self._scanner.note_item(key, value)


_STEPS: dict[str, Any] = {
    "MARK": _Machine.mark, "DUP": _Machine.duplicate, "POP": _Machine.pop_one, "POP_MARK": _Machine.pop_mark,
    "PUT": _Machine.put, "BINPUT": _Machine.put, "LONG_BINPUT": _Machine.put, "MEMOIZE": _Machine.memoize,
    "GET": _Machine.get, "BINGET": _Machine.get, "LONG_BINGET": _Machine.get, "GLOBAL": _Machine.import_global,
    "STACK_GLOBAL": _Machine.import_from_stack, "INST": _Machine.import_instance, "EXT1": _Machine.extension,
    "EXT2": _Machine.extension, "EXT4": _Machine.extension, "TUPLE": _Machine.make_tuple,
    "EMPTY_TUPLE": lambda machine, _: machine.tuple_of(0),
    "TUPLE1": lambda machine, _: machine.tuple_of(1), "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3), "BINPERSID": _Machine.persistent, "REDUCE": _Machine.reduce,
    "SETITEM": _Machine.set_item, "SETITEMS": _Machine.set_items, "DICT": _Machine.make_dict,
}  # fmt: skip


def _built(function: Any, arguments: Any) -> Any:
    """The tensor that a call of torch's rebuilders would give; None for every other call."""
    if not isinstance(function, _Import) or not isinstance(arguments, tuple) or not arguments:
        return None
    if function.name == "torch._utils._rebuild_parameter":
        return arguments[0] if isinstance(arguments[0], Tensor) else None
    if function.name not in ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor") or len(arguments) < 3:
        return None
    return _tensor(arguments[0], arguments[2])


def _tensor(storage: Any, shape: Any) -> Tensor | None:
    if not isinstance(storage, _Persistent) or not isinstance(shape, tuple) or len(shape) > 8:
        return None
    if not all(isinstance(size, int) and 0 <= size < 2**40 for size in shape):
        return None
    kind = next((part.name for part in storage.value if isinstance(part, _Import)), "") if _is_tuple(storage) else ""
    dtype, width = _STORAGES.get(kind.rsplit(".", 1)[-1], ("", 0))
    count = 1
    for size in shape:
        count *= size
    return Tensor(dtype=dtype, shape=shape, size_bytes=count * width)


def _is_tuple(storage: _Persistent) -> bool:
    return isinstance(storage.value, tuple)


def scan_pickle(data: bytes) -> PickleScan:
    """Scan one pickle stream (a raw `.pt` of old torch, an embedding, a `data.pkl`)."""
    scanner = PickleScanner()
    scanner.scan(data)
    if scanner.problem is not None and not scanner.imports and not scanner.tensors:
        raise UnreadableFile(scanner.problem)
    return scanner.finish()
