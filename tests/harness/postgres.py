"""A temporary PostgreSQL on a free port. Needs the standard library only: `with-postgres` runs without the venv."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.ports import LOOPBACK, free_port
from harness.programs import Program, find_program
from harness.waiting import eventually

OLDEST_MAJOR = 15
DEBIAN_FOLDERS = Path("/usr/lib/postgresql")
SPEED_SETTINGS = ("fsync=off", "full_page_writes=off", "max_connections=200")
"""The cluster lives as long as one test run, so nothing in it has to survive a crash."""


class Postgres:
    """A cluster in a temporary folder, with a superuser `postgres` that needs no password from this machine."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="bugle-postgres-"))
        self.port = free_port()
        self.program: Program | None = None
        self._databases = 0

    def start(self) -> "Postgres":
        """Creates the cluster and waits until it accepts connections."""
        data = self.folder / "data"
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
        initdb = [
            find_postgres_program("initdb"),
            "-D",
            str(data),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-locale",
            "-N",
        ]
        subprocess.run(_as_postgres(initdb), check=True, stdout=subprocess.DEVNULL, cwd=self.folder)
        self._serve()
        return self

    def _serve(self) -> None:
        settings = [*SPEED_SETTINGS, f"port={self.port}", f"listen_addresses={LOOPBACK}", "unix_socket_directories="]
        command = [find_postgres_program("postgres"), "-D", str(self.folder / "data")]
        for setting in settings:
            command += ["-c", setting]
        self.program = Program("postgres", _as_postgres(command), self.folder, cwd=self.folder)
        eventually(self._accepts, "PostgreSQL to accept connections", 30)

    def _accepts(self) -> bool:
        assert self.program and self.program.is_running(), f"PostgreSQL ended\n{self.program and self.program.last_words()}"
        ask = [find_postgres_program("pg_isready"), "-q", "-h", LOOPBACK, "-p", str(self.port)]
        return subprocess.run(ask, check=False).returncode == 0

    def crash(self) -> None:
        """Kills all of its processes at once, and starts it again on the same data."""
        assert self.program
        self.program.kill()
        # Its backends have sessions of their own; they end when they notice, and hold the shared memory until then.
        eventually(lambda: not self._has_processes(), "the processes of PostgreSQL to end")
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        self._serve()

    def _has_processes(self) -> bool:
        """Whether any process works in the data folder."""
        data = str((self.folder / "data").resolve())
        return any(_working_folder(process) == data for process in Path("/proc").glob("[0-9]*"))

    @contextmanager
    def away(self) -> Iterator[None]:
        """Takes the database away; it comes back on the same port when the block ends."""
        assert self.program
        self.program.stop(how=signal.SIGINT)
        try:
            yield
        finally:
            self._serve()

    def new_database(self) -> str:
        """Creates an empty database and returns its URL."""
        self._databases += 1
        name = f"bugle_{self._databases}"
        create = [find_postgres_program("createdb"), "-h", LOOPBACK, "-p", str(self.port), "-U", "postgres", name]
        subprocess.run(create, check=True)
        return f"postgres://postgres@{LOOPBACK}:{self.port}/{name}"

    def close(self) -> None:
        """Stops the cluster and removes its folder."""
        if self.program:
            self.program.stop(how=signal.SIGINT)
        shutil.rmtree(self.folder, ignore_errors=True)


def _working_folder(process: Path) -> str:
    """Where a process works; empty for one that has ended."""
    try:
        return str((process / "cwd").readlink())
    except OSError:
        return ""


def find_postgres_program(name: str) -> str:
    """A program of the newest installed PostgreSQL; the server's are not on Debian's PATH."""
    majors = sorted((int(path.name) for path in DEBIAN_FOLDERS.glob("[0-9]*")), reverse=True)
    places = [str(DEBIAN_FOLDERS / str(major) / "bin" / name) for major in majors if major >= OLDEST_MAJOR]
    return next((place for place in places if os.access(place, os.X_OK)), None) or find_program(name)


def _as_postgres(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root; Debian's package brings a user for it."""
    if os.geteuid() != 0:
        return command
    pwd.getpwnam("postgres")
    return [find_program("setpriv"), "--reuid=postgres", "--regid=postgres", "--clear-groups", "--", *command]
