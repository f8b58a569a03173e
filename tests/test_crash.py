"""What is acknowledged is kept, once: the server, or its database, is killed again and again while clients send.

CRASH_ROUNDS sets how often; CRASH_SEED repeats the moments of a run.
"""

import http.client
import os
import random
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from harness.database import event_ids, one
from harness.postgres import Postgres
from harness.sdk import Dsn, Sender, new_event
from harness.server import Bugle, Database
from harness.waiting import eventually

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "10"))
EVENTS_PER_ROUND = 2_000
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


@pytest.mark.timeout(60 + 30 * ROUNDS)
def test_a_killed_server_loses_and_doubles_nothing(bugle: Bugle, chance: random.Random) -> None:
    survive_kills(bugle, chance)


@pytest.mark.timeout(60 + 30 * ROUNDS)
def test_a_killed_server_on_postgresql_loses_and_doubles_nothing(
    postgres: Postgres, tmp_path: Path, chance: random.Random
) -> None:
    with closing(Bugle(tmp_path, Database("postgres", postgres.new_database()))) as bugle:
        survive_kills(bugle, chance)


@pytest.mark.timeout(60 + 30 * ROUNDS)
def test_a_killed_postgresql_loses_and_doubles_nothing(tmp_path: Path, chance: random.Random) -> None:
    with (
        closing(Postgres().start()) as postgres,
        closing(Bugle(tmp_path, Database("postgres", postgres.new_database()))) as bugle,
    ):
        load = Load(bugle.start().dsn)
        for _ in range(ROUNDS):
            load.add(EVENTS_PER_ROUND)
            during(load, chance.randrange(EVENTS_PER_ROUND), postgres.crash)
        finish(bugle, load)


def survive_kills(bugle: Bugle, chance: random.Random) -> None:
    """Kills the server at a random moment of every round, and counts at the end."""
    load = Load(bugle.start().dsn)
    for _ in range(ROUNDS):
        load.add(EVENTS_PER_ROUND)
        during(load, chance.randrange(EVENTS_PER_ROUND), bugle.kill)
        bugle.start()
    finish(bugle, load)


def during(load: Load, acknowledgements: int, strike: Callable[[], None]) -> None:
    """Does something to the server during a load, as soon as it has acknowledged so many more events."""
    goal = len(load.acknowledged) + acknowledgements
    with ThreadPoolExecutor(1) as background:
        running = background.submit(load.run)
        eventually(lambda: len(load.acknowledged) >= goal, f"{acknowledgements} acknowledgements", 60)
        strike()
        running.result()


def finish(bugle: Bugle, load: Load) -> None:
    """Sends what is left, waits until all of it is stored, and looks whether the books balance."""
    load.run()
    total = ROUNDS * EVENTS_PER_ROUND
    assert len(load.acknowledged) == total and not load.waiting
    eventually(lambda: stored_count(bugle) >= total, f"{total} events to be stored", DRAIN_SECONDS)
    bugle.stop()
    assert_books_balance(bugle, load)


def stored_count(bugle: Bugle) -> int:
    """How many events all issues count."""
    return sum(int(issue["count"]) for issue in bugle.api.issues())


def assert_books_balance(bugle: Bugle, load: Load) -> None:
    """Every acknowledged event is one row; the rollups, the issues and the outcomes count the same events."""
    stored = event_ids(bugle)
    assert len(stored) == len(set(stored)), "an event is stored twice"
    assert set(stored) == set(load.acknowledged)
    for table in ("issue", "issue_hour"):
        assert one(bugle, f"SELECT SUM(event_count) FROM {table}") == len(stored), table
    accepted = one(bugle, "SELECT SUM(quantity) FROM outcome WHERE category = 'error' AND outcome = 'accepted'")
    every = one(bugle, "SELECT SUM(quantity) FROM outcome WHERE category = 'error'")
    assert accepted == len(stored)
    assert len(load.acknowledged) <= every <= load.sent
    assert one(bugle, "SELECT COUNT(*) FROM issue") == ISSUES
    assert one(bugle, "SELECT SUM(quantity) FROM outcome WHERE outcome NOT IN ('accepted', 'duplicate')") == 0
