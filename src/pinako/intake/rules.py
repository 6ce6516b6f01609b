"""How imported files are rated, tagged and passed over: the command line's options, and rules by folder, prompt or tag.

A rules file is TOML. Every rule whose conditions all hold applies, in the file's order; a later one overrules an earlier one.

[tag_levels]                 # a picture with this tag has at least this level
swimwear = "PG-13"

[[rule]]
path = "**/private/**"       # a pattern over the whole path, case apart
level = "R"
tags = ["private"]

[[rule]]
prompt = ["watercolor", "oil painting"]   # any of these words
tags = ["traditional art"]

[[rule]]
path = "**/grids/**"
skip = true
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import msgspec

from pinako.catalog import levels
from pinako.errors import SettingsError
from pinako.intake.walk import shown

_WORDS = {name.replace("-", ""): bit for bit, name in levels.NAMES.items() if bit in levels.BITS}


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule of a file. Conditions that are not given hold always."""

    path: str | None = None
    prompt: tuple[str, ...] = ()
    level: str | int | None = None
    tags: tuple[str, ...] = ()
    skip: bool = False


class _RulesFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    rule: tuple[Rule, ...] = ()
    tag_levels: dict[str, str | int] = {}


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one file gets. `level` is one bit, or 0 where nothing rates it."""

    level: int = levels.UNRATED
    tags: tuple[str, ...] = ()
    skip: bool = False


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The options of one run: a level and tags for everything, then the rules of a file."""

    level: int = levels.UNRATED
    tags: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    tag_levels: dict[str, int] = {}

    def judge(self, path: Path, prompt: str | None = None) -> Verdict:
        """What the file at `path` gets, whose prompt this is."""
        level, tags, skip = self.level, list(self.tags), False
        for rule in self.rules:
            if _holds(rule, path, prompt):
                level = level_of(rule.level) if rule.level is not None else level
                tags += rule.tags
                skip = rule.skip
        plain = dict.fromkeys(tag.strip().lower() for tag in tags if tag.strip())
        by_tag = max((self.tag_levels.get(tag, 0) for tag in plain), default=0)
        return Verdict(level=max(level, by_tag), tags=tuple(plain), skip=skip)

    def skips(self, path: Path) -> bool:
        """Whether a file is passed over for its path alone, before anybody opens it."""
        holding = [rule for rule in self.rules if not rule.prompt and _holds(rule, path, None)]
        return bool(holding) and holding[-1].skip

    @property
    def by_prompt(self) -> bool:
        """Whether some rule looks at prompts, so that a path alone does not decide."""
        return any(rule.prompt for rule in self.rules)


def _holds(rule: Rule, path: Path, prompt: str | None) -> bool:
    if rule.path is not None and not _pattern(rule.path).match(shown(path).replace("\\", "/")):
        return False
    if not rule.prompt:
        return True
    folded = (prompt or "").casefold()
    return any(word.casefold() in folded for word in rule.prompt)


_GLOB = re.compile(r"\*\*/|\*\*|\*|\?")
_GLOB_MEANS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


@lru_cache(maxsize=1024)
def _pattern(glob: str) -> re.Pattern[str]:
    """`**` crosses folders, `*` does not; a pattern that does not begin at the root may begin in any folder."""
    anywhere = glob if glob.startswith(("/", "**")) else f"**/{glob}"
    parts = zip([*_GLOB.split(anywhere)], [*_GLOB.findall(anywhere), ""], strict=True)
    means = "".join(re.escape(plain) + _GLOB_MEANS.get(sign, "") for plain, sign in parts)
    return re.compile(f"{means}\\Z", re.IGNORECASE | re.DOTALL)


def level_of(word: str | int) -> int:
    """A level by name or number, as one bit. SettingsError for what is none."""
    found = _WORDS.get(word.replace("-", "").upper()) if isinstance(word, str) else word
    if found not in levels.BITS:
        raise SettingsError(f"{word!r} is no level: PG, PG-13, R, X, XXX")
    return found


def read_rules(path: Path | None, *, level: int = levels.UNRATED, tags: Iterable[str] = ()) -> Rules:
    """The rules of a file (None: no file) after what the command line says. SettingsError names what cannot be read."""
    given = Rules(level=level, tags=tuple(tags))
    if path is None:
        return given
    try:
        raw = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _RulesFile)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{shown(path)}: cannot be read ({error})") from error
    for rule in raw.rule:
        if rule.level is not None:
            level_of(rule.level)
    by_tag = {tag.strip().lower(): level_of(word) for tag, word in raw.tag_levels.items()}
    return msgspec.structs.replace(given, rules=raw.rule, tag_levels=by_tag)
