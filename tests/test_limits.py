"""Limits as clients see them: refused with the right header, obeyed by real SDKs, and not forgotten in a crash."""

import subprocess
import sys
from pathlib import Path

import pytest
import requests

from harness.api import outcomes
from harness.programs import find_program
from harness.sdk import envelope_of, new_event
from harness.server import Bugle
from harness.waiting import eventually

HERE = Path(__file__).parent
CLIENTS = {
    "python": [sys.executable, str(HERE / "sdks" / "limited.py")],
    "node": ["node", str(HERE / "node" / "limited.mjs")],
}


def limit(bugle: Bugle, quantity: int, window: str = "1d", category: str = "error") -> None:
    """Limits what all keys of the first project may send."""
    bugle.command(
        *("limit", "set", "--project", "default", "--category", category),
        *("--quantity", str(quantity), "--window", window),
    )


def send(bugle: Bugle, body: bytes) -> requests.Response:
    """Sends an envelope with the first project's key."""
    headers = {"X-Sentry-Auth": bugle.dsn.auth_header}
    return requests.post(bugle.base_url + bugle.dsn.envelope_path, body, headers=headers, timeout=10)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_real_sdk_obeys(running: Bugle, client: str) -> None:
    limit(running, 2)
    program, *arguments = CLIENTS[client]
    subprocess.run([find_program(program), *arguments, running.dsn.text, "6"], check=True, timeout=120)

    def books() -> dict[tuple[str, str], int]:
        of_errors = {key[1:]: count for key, count in outcomes(running.api).items() if key[0] == "error"}
        return of_errors if sum(of_errors.values()) >= 6 else {}

    # The third was refused; of the others the SDK only reports that it held them back.
    assert eventually(books, "all six messages to be counted") == {
        ("accepted", ""): 2,
        ("rate_limited", "project_quota"): 1,
        ("client_discard", "ratelimit_backoff"): 3,
    }


def test_who_is_limited_is_told_for_how_long(running: Bugle) -> None:
    limit(running, 1, window="1h")
    assert send(running, envelope_of(new_event("FirstError"))).status_code == 200
    refused = send(running, envelope_of(new_event("SecondError")))
    assert refused.status_code == 429
    seconds = int(refused.headers["Retry-After"])
    assert 0 < seconds <= 3600
    assert refused.headers["X-Sentry-Rate-Limits"] == f"{seconds}:error:project:project_quota"
    assert "quota" in refused.json()["detail"]
    assert "x-sentry-rate-limits" in refused.headers["Access-Control-Expose-Headers"]


def test_what_no_limit_names_is_kept(running: Bugle) -> None:
    limit(running, 0, category="attachment_item")
    event = new_event("KeptError")
    attachment = b'{"type":"attachment","filename":"a.txt","length":3}\nabc\n'
    answer = send(running, envelope_of(event) + attachment)
    assert answer.status_code == 200
    assert ":attachment_item:project:project_quota" in answer.headers["X-Sentry-Rate-Limits"]
    assert running.api.wait_for_event(event["event_id"])
    counted = eventually(lambda: outcomes(running.api), "the outcomes")
    assert counted[("attachment_item", "rate_limited", "project_quota")] == 1
    assert counted[("attachment", "rate_limited", "project_quota")] == 3
    assert counted[("error", "accepted", "")] == 1


@pytest.mark.parametrize("window", ["1h", "30d"])
def test_a_crash_loop_is_no_way_around_a_limit(bugle: Bugle, window: str) -> None:
    allowed, lives, sent_in_a_life = 25, 8, 6
    bugle.start()
    limit(bugle, allowed, window)
    accepted = refused = 0
    for _ in range(lives):
        for _ in range(sent_in_a_life):
            status = send(bugle, envelope_of(new_event("LoopError"))).status_code
            assert status in (200, 429)
            accepted += status == 200
            refused += status == 429
        bugle.kill()
        bugle.start()
    assert (accepted, refused) == (allowed, lives * sent_in_a_life - allowed)

    def is_counted() -> bool:
        counted = outcomes(bugle.api)
        return counted.get(("error", "accepted", "")) == accepted

    eventually(is_counted, "the accepted events to be stored")
    assert outcomes(bugle.api)[("error", "rate_limited", "project_quota")] == refused
