"""What is acknowledged is kept, once: the server is killed again and again while clients send."""

import http.client
import os
import random
import sqlite3
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.sdk import Dsn, Sender, new_event
from harness.server import Bugle
from harness.waiting import eventually

KILLS = 20
EVENTS_PER_LIFE = 2_000
CLIENTS = 6
ISSUES = 10
DRAIN_SECONDS = 60.0


class Load:
    """Clients that send events over keep-alive connections until none is left or the server is gone.

    An event without an acknowledgement goes back to the front and is sent again in the server's next life, as an SDK
    with an offline store would; it may well be stored already.
    """

    def __init__(self, dsn: Dsn):
        self.dsn = dsn
        self.waiting: deque[dict] = deque()
        self.acknowledged: list[str] = []
        self.sent = 0
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        """Puts new events in the line, spread over a few issues."""
        self.waiting.extend(new_event(f"Crash{number % ISSUES}Error") for number in range(count))

    def run(self) -> None:
        """Sends with all clients at once; returns when each is done or has lost its connection."""
        with ThreadPoolExecutor(CLIENTS) as clients:
            for client in [clients.submit(self._send_all) for _ in range(CLIENTS)]:
                client.result()

    def _send_all(self) -> None:
        sender = Sender(self.dsn)
        try:
            while event := self._take():
                self._send(sender, event)
        except (OSError, http.client.HTTPException):
            return
        finally:
            sender.close()

    def _take(self) -> dict | None:
        with self._lock:
            self.sent += 1
            return self.waiting.popleft() if self.waiting else None

    def _send(self, sender: Sender, event: dict) -> None:
        try:
            acknowledged = sender.send(event)
        except (OSError, http.client.HTTPException):
            with self._lock:
                self.waiting.appendleft(event)
            raise
        with self._lock:
            self.acknowledged.append(acknowledged)


@pytest.fixture
def chance() -> random.Random:
    """The moments of the kills; set CRASH_SEED to repeat a run."""
    seed = int(os.environ.get("CRASH_SEED", random.SystemRandom().randrange(10**6)))
    print(f"CRASH_SEED={seed}")
    return random.Random(seed)


@pytest.mark.timeout(600)
def test_kill_9_loses_and_doubles_nothing(bugle: Bugle, chance: random.Random) -> None:
    bugle.start()
    load = Load(bugle.dsn)
    for _ in range(KILLS):
        load.add(EVENTS_PER_LIFE)
        kill_after(bugle, load, acknowledgements=chance.randrange(EVENTS_PER_LIFE))
        bugle.start()
    load.run()

    total = KILLS * EVENTS_PER_LIFE
    assert len(load.acknowledged) == total and not load.waiting
    eventually(lambda: stored_count(bugle) >= total, f"{total} events to be stored", DRAIN_SECONDS)
    bugle.stop()
    assert_books_balance(bugle.data, load)


def kill_after(bugle: Bugle, load: Load, acknowledgements: int) -> None:
    """Kills the server during a load, as soon as it has acknowledged so many more events."""
    goal = len(load.acknowledged) + acknowledgements
    with ThreadPoolExecutor(1) as background:
        running = background.submit(load.run)
        eventually(lambda: len(load.acknowledged) >= goal, f"{acknowledgements} acknowledgements", 60)
        bugle.kill()
        running.result()


def stored_count(bugle: Bugle) -> int:
    """How many events all issues count."""
    return sum(int(issue["count"]) for issue in bugle.api.issues())


def assert_books_balance(data: Path, load: Load) -> None:
    """Every acknowledged event is one row; the rollups, the issues and the outcomes count the same events."""
    (database,) = data.glob("*.db")
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:

        def one(sql: str) -> int:
            return connection.execute(sql).fetchone()[0] or 0

        stored = [row[0].hex() for row in connection.execute("SELECT event_id FROM event")]
        assert len(stored) == len(set(stored)), "an event is stored twice"
        assert set(stored) == set(load.acknowledged)
        for table in ("issue", "issue_hour"):
            assert one(f"SELECT SUM(event_count) FROM {table}") == len(stored), table
        accepted = one("SELECT SUM(quantity) FROM outcome WHERE category = 'error' AND outcome = 'accepted'")
        every = one("SELECT SUM(quantity) FROM outcome WHERE category = 'error'")
        assert accepted == len(stored)
        assert len(load.acknowledged) <= every <= load.sent
        assert one("SELECT COUNT(*) FROM issue") == ISSUES
        assert one("SELECT SUM(quantity) FROM outcome WHERE outcome NOT IN ('accepted', 'duplicate')") == 0
