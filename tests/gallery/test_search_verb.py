"""`pinako search`: the same language, and the same eyes, as the gallery's search box."""

from __future__ import annotations

import json
from typing import Any

import pytest
from visiting import Visit

from pinako.catalog import levels
from pinako.cli.main import run
from pinako.services import access

QUERY = "type:image -tag:night steps>10"


@pytest.fixture
def found(visit: Visit, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the verb on the demo: exit code, standard output, standard error."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(["search", *arguments, "--library", str(visit.library.settings.folder)])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_it_finds_what_the_api_finds_for_the_same_words_and_eyes(visit: Visit, found: Any) -> None:
    code, out, _ = found(QUERY, "--limit", "500", "--json")
    told = json.loads(out)
    asked = f"/api/v1/images?q={QUERY.replace('>', '%3E')}&limit=200&sort=Newest&browsingLevel={levels.ALL}"
    listed = visit.get(asked, owner=True, accept="application/json").json()["items"]
    assert code == 0
    assert told["total"] == len(told["items"])
    # REST lists never show minors and real persons (domain.md d), the gallery and this verb by their own rules.
    assert {item["id"] for item in listed} <= {item["id"] for item in told["items"]}
    assert told["items"][0].keys() >= {"id", "url", "width", "height", "nsfwLevel", "stats", "username"}


def test_as_somebody_it_shows_no_more_than_they_see(visit: Visit, found: Any) -> None:
    with visit.library.database.write() as w:
        access.add_user(w, "narrow", visit.library.now(), max_level=levels.PG)
    _, out, _ = found("--as", "narrow", "--limit", "500", "--json")
    everything = json.loads(found("--limit", "500", "--json")[1])
    told = json.loads(out)
    assert 0 < told["total"] < everything["total"]
    assert {item["nsfwLevel"] for item in told["items"]} == {"None"}
    assert found("--as", "nobody")[0] == 1


def test_a_table_for_people_and_words_for_what_cannot_be_read(found: Any) -> None:
    code, out, _ = found("--limit", "3")
    assert code == 0
    assert "the first 3 are shown" in out
    code, out, _ = found("neverwordedso")
    assert (code, out) == (1, "0 found\n")
    code, _, err = found("steps:many")
    assert code == 1
    assert "steps:20..40" in err


@pytest.mark.parametrize("words", [("-forest",), ("watercolour", "-forest"), ("-level:pg",), ("-type:image",)])
def test_a_word_may_begin_with_a_minus(found: Any, words: tuple[str, ...]) -> None:
    code, out, err = found("--limit", "500", "--json", *words)
    assert (code, err) == (0, "")
    assert json.loads(out) == json.loads(found("--limit", "500", "--json", f" {' '.join(words)}")[1])
    assert json.loads(out)["total"] < json.loads(found("--limit", "1", "--json")[1])["total"]
