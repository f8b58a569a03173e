"""The server under test: one `bugle` on a free port and a folder of its own."""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import requests

from harness.api import Api
from harness.ports import LOOPBACK, free_port
from harness.programs import Program, find_bugle
from harness.sdk import Dsn
from harness.waiting import eventually

OWNER_EMAIL = "owner@example.com"
OWNER_PASSWORD = "correct horse battery staple"
START_SECONDS = 15.0


@dataclass
class Database:
    """Where the server keeps what it stores."""

    kind: str
    """`sqlite` or `postgres`."""
    url: str | None = None
    """Given as BUGLE_DATABASE_URL; None leaves the default, a SQLite file in the data folder."""


class Bugle:
    """A `bugle serve` that can be stopped, killed and started again on the same folder and port."""

    def __init__(self, folder: Path, database: Database | None = None, **settings: str):
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        self.base_url = f"http://{LOOPBACK}:{self.port}"
        self.database = database or Database("sqlite")
        self.env = self._environment(settings)
        self.program: Program | None = None
        self._api: Api | None = None

    def _environment(self, settings: dict[str, str]) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("BUGLE_", "SENTRY_"))}
        if self.database.url:
            clean["BUGLE_DATABASE_URL"] = self.database.url
        here = {"BUGLE_LISTEN": f"{LOOPBACK}:{self.port}", "BUGLE_DATA": str(self.data)}
        return clean | here | {f"BUGLE_{name.upper()}": value for name, value in settings.items()}

    def launch(self) -> Program:
        """Starts the server without waiting for it."""
        command = [find_bugle(), "serve", "--listen", f"{LOOPBACK}:{self.port}", "--data", str(self.data)]
        self.program = Program("bugle", command, self.folder, self.env)
        return self.program

    def start(self) -> "Bugle":
        """Starts the server and waits until it is ready."""
        program = self.launch()
        eventually(lambda: not program.is_running() or self.is_ready(), "the server to be ready", START_SECONDS)
        assert program.is_running(), f"bugle ended with {program.child.returncode}\n{program.last_words()}"
        return self

    def is_ready(self) -> bool:
        """Whether `/readyz` answers 200."""
        return self.status_of("/readyz") == 200

    def status_of(self, path: str) -> int | None:
        """The HTTP status of a GET, or None while nobody listens."""
        try:
            return requests.get(self.base_url + path, timeout=5).status_code
        except requests.ConnectionError:
            return None

    def stop(self) -> None:
        """Stops the server as an operator would; it has to end by itself with 0 within 10 seconds."""
        assert self.program
        code = self.program.stop()
        assert code == 0, f"bugle ended with {code}\n{self.program.last_words()}"

    def kill(self) -> None:
        """Kills the server with SIGKILL."""
        assert self.program
        self.program.kill()

    def close(self) -> None:
        """Ends whatever still runs, without an opinion."""
        if self.program:
            self.program.kill()

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Runs a subcommand of the binary with this server's environment."""
        command = [find_bugle(), *arguments]
        return subprocess.run(command, input=stdin, env=self.env, capture_output=True, text=True, timeout=60, check=False)

    def command(self, *arguments: str, stdin: str = "") -> str:
        """Runs a subcommand that has to succeed and returns its standard output."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, f"bugle {' '.join(arguments)} ended with {done.returncode}: {done.stderr}"
        return done.stdout

    def printed(self, label: str) -> str:
        """The URL after `label:` on standard output, such as `DSN` or `Setup`."""
        assert self.program
        found = re.search(rf"^{label}: (\S+)$", self.program.stdout(), re.MULTILINE)
        assert found, f"no line {label}: on standard output: {self.program.stdout()!r}"
        return found[1]

    @property
    def dsn(self) -> Dsn:
        """The DSN of the project `default`, as printed at the first start."""
        return Dsn.parse(self.printed("DSN"))

    @property
    def api(self) -> Api:
        """The web API with a token made for the test."""
        if self._api is None:
            self._api = Api(self.base_url, self.command("token", "add", "e2e").strip())
        return self._api

    def add_owner(self) -> None:
        """Creates the owner account from the command line."""
        self.command("user", "add", OWNER_EMAIL, "--role", "owner", "--password-stdin", stdin=OWNER_PASSWORD + "\n")

    def add_project(self, name: str) -> Dsn:
        """Creates a project and returns its DSN."""
        return Dsn.parse(json.loads(self.command("project", "add", name, "--json"))["dsn"])
