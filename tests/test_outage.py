"""The database goes away and comes back: the server says so, keeps taking events, and stores them afterwards."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from harness.postgres import Postgres
from harness.sdk import new_event, send_events
from harness.server import Bugle, Database
from harness.waiting import eventually

RECOVERY_SECONDS = 30.0


@pytest.fixture
def server(postgres: Postgres, tmp_path: Path) -> Iterator[Bugle]:
    """A server on PostgreSQL, started."""
    with closing(Bugle(tmp_path, Database("postgres", postgres.new_database()))) as bugle:
        yield bugle.start()


def test_readiness_follows_the_database(postgres: Postgres, server: Bugle) -> None:
    with postgres.away():
        eventually(lambda: server.status_of("/readyz") == 503, "/readyz to answer 503")
        assert server.status_of("/healthz") == 200
        unhealthy = server.run("healthcheck")
        assert unhealthy.returncode != 0
        assert "database" in unhealthy.stderr
    eventually(server.is_ready, "/readyz to answer 200 again", RECOVERY_SECONDS)
    assert server.run("healthcheck").returncode == 0


def test_events_taken_during_an_outage_are_stored_after_it(postgres: Postgres, server: Bugle) -> None:
    before, during, after = (new_event("OutageError") for _ in range(3))
    send_events(server.dsn, before)
    with postgres.away():
        send_events(server.dsn, during)
    eventually(server.is_ready, "/readyz to answer 200 again", RECOVERY_SECONDS)
    send_events(server.dsn, after)
    issue = server.api.wait_for_issue("OutageError", 3)
    assert issue["count"] == "3"
    for event in (before, during, after):
        assert server.api.event(event["event_id"])
