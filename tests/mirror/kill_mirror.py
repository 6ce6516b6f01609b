"""kill -9 in the middle of mirroring, round after round: run again, the same end, and nothing fetched twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

from mirroring import Home

from pinako.client import Client
from pinako.media.store import open_store
from pinako.testing import Faults, TestServer, start_server

AT_ONCE = 2
"""Transfers together: as many files may each kill catch between their first byte and their name."""
PATIENCE_S = 120.0
NO_FILES = ("/api/v1/", "/api/trpc/", "/api/download/models/")
PACED = {
    "PINAKO_MIRROR_LOOPBACK_PACED": "true",
    "PINAKO_MIRROR_REQUESTS_PER_SECOND": "0",
    "PINAKO_MIRROR_REQUESTS_PER_DAY": "0",
    "PINAKO_MIRROR_TRANSFERS_AT_ONCE": str(AT_ONCE),
}
KEPT = {
    "images": "SELECT id, media_key, blob, post_id, user_id, level, withheld FROM images ORDER BY id",
    "posts": "SELECT id, title, version_id, user_id FROM posts ORDER BY id",
    "models": "SELECT id, name, status FROM models ORDER BY id",
    "files": "SELECT id, name, blob FROM model_files ORDER BY id",
    "versions": "SELECT id, model_id, name, status FROM model_versions ORDER BY id",
    "model_tags": "SELECT model_id, tag_id FROM model_tags ORDER BY model_id, tag_id",
    "post_tags": "SELECT post_id, tag_id FROM post_tags ORDER BY post_id, tag_id",
    "resources": "SELECT image_id, version_id, strength FROM image_resources ORDER BY 1, 2, 3",
    "tags": "SELECT image_id, tag_id FROM image_tags ORDER BY image_id, tag_id",
    "blobs": "SELECT sha256, size FROM blobs ORDER BY sha256",
    "members": "SELECT collection_id, entity_type, entity_id FROM collection_items ORDER BY 1, 2, 3",
    "journal": (  # of a model it has the host's own counters, which move
        "SELECT entity_type, source_id, state, CASE entity_type WHEN 'model' THEN '' ELSE digest END, parts "
        "FROM mirror_items ORDER BY 1, 2"
    ),
    "finds": "SELECT target, entity_type, source_id FROM mirror_finds ORDER BY 1, 2, 3",
    "received": "SELECT entity_type, entity_id, door, digest FROM received ORDER BY 1, 2, 3, 4",
}


def run(library: Path, rounds: int, seed: int, say: Callable[[str], None] = lambda text: None) -> list[str]:
    """What went wrong in so many kills of mirrors of this library: nothing, when all is well."""
    chance = Random(seed)
    with tempfile.TemporaryDirectory() as name, start_server(library) as host:
        trial = _Trial(Path(name), host, chance, say)
        while trial.kills < rounds and not trial.wrong:
            trial.live(rounds)
        return trial.wrong


class _Trial:
    """One host; libraries that are killed until they are whole."""

    def __init__(self, folder: Path, host: TestServer, chance: Random, say: Callable[[str], None]) -> None:
        self._folder, self._faults, self._chance, self._say = folder, host.faults, chance, say
        self._pages = pages_of(host)
        self.kills, self.wrong = 0, list[str]()
        self._lives = 0
        whole = Home(folder / "whole")
        self._finish(whole)
        self._expected = everything(whole)
        self._length = len(host.faults.requests)
        self._once = fetched(host.faults)

    def live(self, rounds: int) -> None:
        """One library, from its first run to its end."""
        self._lives += 1
        home, kills = Home(self._folder / f"life-{self._lives}"), 0
        self._faults.requests.clear()
        while self.kills < rounds and not self._killed(home):
            kills += 1
            self.kills += 1
        self._finish(home)
        again = sum((fetched(self._faults) - self._once).values())
        self._say(f"life {self._lives}: {kills} kills, {again} files begun again")
        self._look(home, kills, again)

    def _killed(self, home: Home) -> bool:
        """Run and kill after some requests; whether the run was over before."""
        process = self._start(home)
        # Mostly early: each run looks at the pages that were whole before once more.
        until = len(self._faults.requests) + 1 + int(self._length * self._chance.random() ** 2)
        give_up = time.monotonic() + PATIENCE_S
        while process.poll() is None and len(self._faults.requests) < until and time.monotonic() < give_up:
            time.sleep(0.002)
        time.sleep(self._chance.random() * 0.2)
        over = process.poll() is not None
        if not over and self._chance.random() < 0.5:
            os.killpg(process.pid, signal.SIGKILL)
        elif not over:
            process.kill()  # its workers find their pipes closed
        process.wait()
        return over

    def _start(self, home: Home) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "pinako", "mirror", *home.options, *self._pages]
        out = (self._folder / f"{home.folder.name}.out").open("wb")
        with out:
            return subprocess.Popen(
                command, stdout=out, stderr=out, env={**os.environ, **home.private, **PACED}, start_new_session=True
            )

    def _finish(self, home: Home) -> None:
        code = self._start(home).wait(timeout=600)
        if code:
            said = (self._folder / f"{home.folder.name}.out").read_text(errors="replace")
            self.wrong.append(f"{home.folder.name} ended with {code}: {said}")

    def _look(self, home: Home, kills: int, again: int) -> None:
        found = everything(home)
        for name, rows in self._expected.items():
            lost, more = (
                [row for row in rows if row not in found[name]],
                [row for row in found[name] if row not in rows],
            )
            self.wrong += [f"{name} differ: without {lost[:3]}, with {more[:3]}"] if lost or more else []
        if again > kills * AT_ONCE:
            self.wrong.append(f"{again} files were fetched again after {kills} kills")
        left = [path.name for path in (home.folder / "mirror").rglob("*") if path.is_file()]
        self.wrong += [f"left over: {left}"] if left else []
        store = open_store(home.settings.media_address)
        there = {blob.sha256 for blob in store.blobs()}
        store.close()
        missing = {row[0] for row in found["blobs"]} - there
        self.wrong += [f"contents without bytes: {sorted(missing)}"] if missing else []


def pages_of(host: TestServer) -> list[str]:
    """Enough pages to bring images, posts, models, files and a collection."""
    with Client(host.url) as client:
        names = sorted({image.author for image in client.image_feed() if image.author})[:2]
        model = client.model_feed().page().items[0]
        collection = client.collection_feed().page().items[0]
    return [
        *(f"{host.url}/user/{name}" for name in names),
        f"{host.url}/models/{model.id}",
        f"{host.url}/collections/{collection.id}",
    ]


def fetched(faults: Faults) -> Counter[str]:
    """How often each file was asked for. An address that only leads to a file is none itself."""
    return Counter(seen.path for seen in faults.requests if not seen.path.startswith(NO_FILES))


def everything(home: Home) -> dict[str, list[tuple[object, ...]]]:
    """What runs leave behind, apart from when."""
    return {name: home.rows(sql) for name, sql in KEPT.items()}
