"""Which imports of a pickle are dangerous, and how the scan is worded on the wire (domain.md h, Scanning)."""

from __future__ import annotations

# Modules that can run programs, open files or sockets, or reach the interpreter itself: any name in them is refused.
_DANGEROUS_MODULES = frozenset({
    "os", "nt", "posix", "posixpath", "ntpath", "sys", "subprocess", "socket", "shutil", "pty", "platform", "runpy",
    "pickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "ctypes", "_ctypes", "cffi", "importlib",
    "imp", "pkgutil", "zipimport", "code", "codeop", "bdb", "pdb", "cProfile", "profile", "trace", "timeit", "inspect",
    "gc", "types", "webbrowser", "http", "httplib", "urllib", "urllib2", "urllib3", "requests", "aiohttp", "httpx",
    "ftplib", "smtplib", "telnetlib", "ssl", "asyncio", "multiprocessing", "threading", "_thread", "concurrent",
    "signal", "resource", "tempfile", "glob", "pathlib", "fileinput", "linecache", "distutils", "setuptools", "pip",
    "venv", "ensurepip", "pydoc", "doctest", "unittest", "idlelib", "commands", "popen2", "builtin", "logging",
    "sqlite3", "winreg", "_winapi", "msvcrt", "copyreg", "unknown",
})  # fmt: skip
_BUILTINS = ("__builtin__", "builtins", "__builtins__")
_SAFE_BUILTINS = frozenset({
    "set", "frozenset", "dict", "list", "tuple", "int", "float", "bool", "str", "bytes", "bytearray", "complex",
    "object", "slice", "range", "xrange", "long", "unicode", "print", "reversed", "enumerate",
})  # fmt: skip
_DANGEROUS_NAMES = frozenset({
    "torch.load", "torch.jit.load", "torch.hub.load", "torch.hub.load_state_dict_from_url", "torch.package",
    "torch.utils.cpp_extension.load", "torch.utils.model_zoo.load_url", "numpy.load", "numpy.loads", "numpy.fromfile",
    "numpy.testing._private.utils.runstring", "functools.partial", "functools.reduce", "operator.attrgetter",
    "operator.itemgetter", "operator.methodcaller", "_operator.attrgetter", "_operator.itemgetter",
    "_operator.methodcaller", "__main__.eval", "io.open", "_io.open", "_io.FileIO", "io.FileIO", "codecs.open",
})  # fmt: skip
_HARMLESS = frozenset({
    "copyreg._reconstructor", "copy_reg._reconstructor", "pathlib.PosixPath", "pathlib.WindowsPath", "pathlib.Path",
    "pathlib.PurePosixPath", "pathlib.PureWindowsPath", "types.SimpleNamespace",
})  # fmt: skip
# A dotted name walks attributes (`torch` + `serialization.os.system`), so every part of it is looked at.
_DANGEROUS_PARTS = frozenset({
    "os", "sys", "subprocess", "posix", "nt", "socket", "shutil", "builtins", "__builtins__", "importlib", "ctypes",
    "runpy", "pickle", "pty", "webbrowser", "__globals__", "__import__", "__getattribute__", "__reduce__", "__class__",
})  # fmt: skip
_DANGEROUS_CALLS = frozenset({
    "system", "popen", "Popen", "check_output", "check_call", "eval", "exec", "execfile", "compile", "getattr",
    "setattr", "delattr", "execv", "execve", "spawnl", "spawnv", "fork", "startfile", "unlink", "rmtree", "load_module",
    "import_module", "run_path", "run_module", "runstring", "runcode", "runsource", "write_text", "write_bytes",
})  # fmt: skip


def is_dangerous(name: str) -> bool:
    """Whether an import, as `module.name`, lets a pickle do more than build numbers."""
    if name in _HARMLESS:
        return False
    module, _, attribute = name.rpartition(".")
    root = module.split(".", 1)[0]
    if root in _BUILTINS:
        return attribute not in _SAFE_BUILTINS
    if root in _DANGEROUS_MODULES or name in _DANGEROUS_NAMES or name.startswith("numpy.testing."):
        return True
    return attribute in _DANGEROUS_CALLS or not _DANGEROUS_PARTS.isdisjoint(name.split("."))


def scan_result(imports: tuple[str, ...]) -> str:
    """`Danger` if any import is dangerous, else `Success`: imports that nobody knows are listed, not condemned."""
    return "Danger" if any(is_dangerous(name) for name in imports) else "Success"


def scan_message(imports: tuple[str, ...]) -> str:
    """The Markdown that the wire carries: how many imports, and their names in a code block."""
    if not imports:
        return "No Pickle imports"
    # A name is hostile text; it must not end the code block that shows it.
    listed = "\n".join(" ".join(name.replace("`", "'").split()) for name in imports)
    return f"**Detected Pickle imports ({len(imports)})**\n```\n{listed}\n```"
