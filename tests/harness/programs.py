"""Finding and running the programs the suite drives."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def find_program(name: str, *places: str) -> str:
    """The path of a program on the PATH or in one of `places`; AssertionError with its name when it is missing."""
    path = shutil.which(name) or next((place for place in places if os.access(place, os.X_OK)), None)
    assert path, f"the program {name} is missing; `make test` installs what the suite needs"
    return path


def find_bugle() -> str:
    """The release binary under test: $BUGLE_BINARY, or the one `cargo build --release` leaves."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", "target"))
    path = os.environ.get("BUGLE_BINARY") or str(REPOSITORY / target / "release" / "bugle")
    assert os.access(path, os.X_OK), f"no executable {path}: run `cargo build --release -p bugle-server`"
    return path


class Program:
    """A running child with its output in two files, `NAME.out` and `NAME.err` of `folder`, appended across starts."""

    def __init__(
        self, name: str, command: Sequence[str], folder: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ):
        self.name = name
        self.stdout_path = folder / f"{name}.out"
        self.stderr_path = folder / f"{name}.err"
        with self.stdout_path.open("ab") as out, self.stderr_path.open("ab") as err:
            self.child = subprocess.Popen(
                command, stdout=out, stderr=err, stdin=subprocess.DEVNULL, env=env, cwd=cwd, start_new_session=True
            )

    def is_running(self) -> bool:
        """Whether the child has not ended yet."""
        return self.child.poll() is None

    def stop(self, seconds: float = 10.0, how: signal.Signals = signal.SIGTERM) -> int:
        """Asks by a signal and returns the exit code; kills the whole group and fails when it takes longer than `seconds`."""
        if self.is_running():
            self.child.send_signal(how)
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end {seconds:g} s after {how.name}\n{self.last_words()}") from None

    def kill(self) -> None:
        """Ends the child and what it started at once, as a power cut would."""
        if self.is_running():
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()

    def stdout(self) -> str:
        """All standard output so far."""
        return self.stdout_path.read_text(errors="replace")

    def stderr(self) -> str:
        """All standard error so far."""
        return self.stderr_path.read_text(errors="replace")

    def last_words(self, lines: int = 40) -> str:
        """The end of its output, for a failure's message."""
        return "\n".join([*self.stdout().splitlines()[-lines:], *self.stderr().splitlines()[-lines:]])
