"""A temporary Redis on a free port, the broker of the shop's Celery."""

from pathlib import Path

from harness.ports import LOOPBACK, accepts_connections, free_port
from harness.programs import Program, find_program
from harness.waiting import eventually


class Redis:
    """A Redis that keeps nothing on disk."""

    def __init__(self, folder: Path):
        self.port = free_port()
        self.url = f"redis://{LOOPBACK}:{self.port}/0"
        command = [find_program("redis-server"), "--port", str(self.port), "--bind", LOOPBACK, "--save", ""]
        self.program = Program("redis", command, folder, cwd=folder)
        eventually(lambda: accepts_connections(self.port), "Redis to accept connections")

    def close(self) -> None:
        """Ends Redis."""
        self.program.kill()
