"""The Django shop under Gunicorn, and its Celery worker."""

import os
import sys
from pathlib import Path

import requests

from harness.ports import LOOPBACK, free_port
from harness.programs import REPOSITORY, Program
from harness.sdk import Dsn
from harness.waiting import eventually

PROJECT = REPOSITORY / "tests" / "shop"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
"""What customers use; the name of a script would be a crawler to a tracker's filters."""


def shop_environment(
    dsn: Dsn,
    *,
    pii: bool = False,
    sdk_scrubs: bool = True,
    broker: str = "",
    traces: float = 0.0,
    hosts: str = "*",
) -> dict[str, str]:
    """The environment the shop's settings read."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SENTRY_")}
    switches = {
        "SHOP_PII": str(int(pii)),
        "SHOP_SDK_SCRUBS": str(int(sdk_scrubs)),
        "SHOP_BROKER": broker,
        "SHOP_TRACES": str(traces),
        "SHOP_HOSTS": hosts,
    }
    return clean | {"SENTRY_DSN": dsn.text, "DJANGO_SETTINGS_MODULE": "shop.settings"} | switches


class Shop:
    """Gunicorn with one worker of the shop, so that SDK state is not spread over processes."""

    def __init__(self, folder: Path, env: dict[str, str]):
        self.port = free_port()
        bind = f"{LOOPBACK}:{self.port}"
        command = [sys.executable, "-m", "gunicorn", "--bind", bind, "--workers", "1", "--threads", "4", "shop.wsgi"]
        self.program = Program(f"gunicorn-{self.port}", command, folder, env, PROJECT)
        self.http = requests.Session()
        self.http.headers["User-Agent"] = BROWSER
        eventually(self._is_open, "the shop to open", 30)

    def _is_open(self) -> bool:
        assert self.program.is_running(), f"Gunicorn ended\n{self.program.last_words()}"
        try:
            return self.get("/").status_code == 200
        except requests.ConnectionError:
            return False

    def get(self, path: str, **options: object) -> requests.Response:
        """A customer's GET."""
        return self.http.get(f"http://{LOOPBACK}:{self.port}{path}", timeout=30, **options)

    def post(self, path: str, **options: object) -> requests.Response:
        """A customer's POST."""
        return self.http.post(f"http://{LOOPBACK}:{self.port}{path}", timeout=30, **options)

    def close(self) -> None:
        """Ends Gunicorn; the SDK sends what it still holds."""
        self.program.stop(30)


class Worker:
    """A Celery worker of the shop."""

    def __init__(self, folder: Path, env: dict[str, str]):
        command = [sys.executable, "-m", "celery", "-A", "shop", "worker", "--concurrency", "1", "--loglevel", "INFO"]
        self.program = Program("celery", command, folder, env, PROJECT)
        eventually(self._is_ready, "the Celery worker to be ready", 60)

    def _is_ready(self) -> bool:
        assert self.program.is_running(), f"Celery ended\n{self.program.last_words()}"
        return "celery@" in self.program.stderr() and " ready." in self.program.stderr()

    def close(self) -> None:
        """Ends the worker."""
        self.program.stop(30)
