"""kill -9 in the middle of writes, round after round: a writing process and a server that is asked to write."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import httpx2

import real_server
from pinako.app import open_catalogue, open_library
from pinako.catalog.people import Scope
from pinako.services import access
from pinako.settings import load_settings
from pinako.storage.database import Database

USERS = 40
WRITER = Path(__file__).with_name("writer.py")


def run(rounds: int, seed: int, say: Callable[[str], None] = lambda text: None) -> list[str]:
    """What went wrong in so many rounds on one library: nothing, when all is well."""
    chance = Random(seed)
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        library = Path(name, "library")
        key, targets = _prepare(library)
        posts: dict[int, list[str]] = {}
        follows: dict[int, bool] = {}
        for number in range(1, rounds + 1):
            _round(library, key, targets, chance, number, posts, follows)
            wrong += [f"round {number}: {text}" for text in _look(library, posts, follows)]
            say(f"round {number}: {len(posts)} posts, {len(follows)} follows acknowledged; {len(wrong)} wrong")
            if wrong:
                break
    return wrong


def _opened(library: Path) -> Database:
    return open_catalogue(load_settings({}, given={"library": str(library)}))


def _prepare(library: Path) -> tuple[str, list[int]]:
    with _opened(library) as database, database.write() as w:
        owner = access.owner_of(w)
        assert owner is not None
        key = access.add_key(w, owner.id, "writes", Scope.WRITE, database.now())
        return key, [access.add_user(w, f"user_{n}", database.now()).id for n in range(USERS)]


def _round(
    library: Path,
    key: str,
    targets: list[int],
    chance: Random,
    number: int,
    posts: dict[int, list[str]],
    follows: dict[int, bool],
) -> None:
    """Write by both ways until both processes are killed; what was acknowledged is noted."""
    words = [sys.executable, str(WRITER), str(library), str(number), str(number * 100_000)]
    with real_server.serving(library) as server, subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as writer:
        stop = threading.Event()
        asking = threading.Thread(target=_follow, args=(server.address, key, targets, Random(number), follows, stop))
        assert writer.stdout is not None
        written = writer.stdout.readline()  # it has begun
        asking.start()
        time.sleep(0.3 + chance.random() * 1.5)
        order = [server.process.kill, writer.kill]
        chance.shuffle(order)
        for kill in order:
            kill()
            time.sleep(chance.choice((0, 0, 0.05)))
        stop.set()
        asking.join()
        written += writer.communicate()[0]
        server.process.wait()
    for line in written.splitlines():
        id, *blobs = line.split()
        if len(line) > 60:  # a line that was cut off was not acknowledged
            posts[int(id)] = [blob for blob in blobs if len(blob) == 64]


def _follow(
    address: str, key: str, targets: list[int], chance: Random, follows: dict[int, bool], stop: threading.Event
) -> None:
    with httpx2.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=5) as client:
        while not stop.is_set():
            target = chance.choice(targets)
            known = follows.pop(target, None)
            try:
                answer = client.post("/api/trpc/user.toggleFollow", json={"json": {"targetUserId": target}})
            except httpx2.HTTPError:
                return  # asked and not answered: it may have happened or not
            if answer.status_code == 200:
                follows[target] = answer.json()["result"]["data"]["json"]["following"]
            elif known is not None:
                follows[target] = known


def _look(library: Path, posts: dict[int, list[str]], follows: dict[int, bool]) -> list[str]:
    """What is lost or wrong after the kill, `pinako check` included."""
    wrong = []
    words = [
        sys.executable,
        "-c",
        "from pinako.cli import main; main()",
        "check",
        "--hashes",
        "--library",
        str(library),
    ]
    checked = subprocess.run(words, capture_output=True, text=True, check=False)
    if checked.returncode:
        wrong.append(f"check {checked.returncode}: {checked.stdout[-2000:]}{checked.stderr[-500:]}")
    with open_library(load_settings({}, given={"library": str(library)})) as opened:
        read = opened.database.read()
        kept = {row[0] for row in read.rows("SELECT id FROM posts")}
        blobs = {row[0] for row in read.rows("SELECT blob FROM images")}
        wrong += [f"post {id} is lost" for id in posts.keys() - kept]
        wrong += [f"content {blob} is lost" for found in posts.values() for blob in found if blob not in blobs]
        wrong += [
            f"bytes of {blob} are lost" for found in posts.values() for blob in found if opened.media.stat(blob) is None
        ]
        sql = "SELECT target_id FROM engagements WHERE kind = 'Follow' AND target_type = 'user'"
        followed = {row[0] for row in read.rows(sql)}
        wrong += [
            f"following {target} is {target in followed}"
            for target, said in follows.items()
            if (target in followed) != said
        ]
        counted = dict(read.rows("SELECT id, follower_count FROM users"))
        wrong += [f"user {id} counts {counted[id]}" for id in counted if counted[id] != (id in followed)]
    return wrong
