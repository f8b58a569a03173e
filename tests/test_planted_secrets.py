"""Two hundred secrets in every corner of what clients send: none is found afterwards, wherever somebody might look."""

import json
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser

from harness import planted
from harness.api import outcomes
from harness.browser import visit
from harness.planted import Planted
from harness.sdk import Dsn
from harness.secrets import everything_in, files_with
from harness.server import Bugle, Database
from harness.waiting import eventually

ERRORS = ["JsonBodyError", "FormBodyError", "ObjectBodyError"]
TRANSACTION = "/pay"
METRICS_TOKEN = "only-for-the-one-who-scrapes"
SETTINGS = {"scrubData": True, "scrubDefaults": True, "scrubIpAddresses": True}


def item(kind: str, payload: bytes, **header: Any) -> bytes:
    """An item of an envelope."""
    return json.dumps({"type": kind, "length": len(payload)} | header).encode() + b"\n" + payload + b"\n"


def send(dsn: Dsn, event_id: str, *items: bytes) -> None:
    """Sends an envelope, which has to be taken."""
    body = json.dumps({"event_id": event_id}).encode() + b"\n" + b"".join(items)
    headers = {"X-Sentry-Auth": dsn.auth_header, "Content-Type": "application/x-sentry-envelope"}
    answer = requests.post(f"http://{dsn.host}:{dsn.port}{dsn.envelope_path}", data=body, headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text


def send_everything(dsn: Dsn, secrets: Planted) -> list[str]:
    """Sends errors, a transaction, files and a check-in; returns the ids of the events that will be stored."""
    bodies = [
        json.dumps(secrets.keyed()),
        urllib.parse.urlencode({"name": "Ada", "password": secrets.word(), "card": secrets.card()}),
        secrets.keyed(),
    ]
    events = [planted.error(secrets, title, data) for title, data in zip(ERRORS, bodies, strict=True)]
    for event in events:
        files = [item("attachment", b"rows", filename=name, content_type="text/csv") for name in planted.file_names(secrets)]
        send(dsn, event["event_id"], item("event", json.dumps(event).encode()), *files)
    now = time.time()
    paid = planted.transaction(secrets, TRANSACTION) | {"start_timestamp": now - 2, "timestamp": now}
    for span in paid["spans"]:
        span.update(start_timestamp=now - 1, timestamp=now - 0.5)
    send(dsn, paid["event_id"], item("transaction", json.dumps(paid).encode()))
    send(dsn, planted.uuid.uuid4().hex, item("check_in", json.dumps(planted.check_in(secrets)).encode()))
    return [event["event_id"] for event in events]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, stored_in: Database) -> Iterator[Bugle]:
    """A server whose only project scrubs addresses too."""
    with closing(Bugle(tmp_path_factory.mktemp("planted"), stored_in, metrics_token=METRICS_TOKEN)) as bugle:
        bugle.start().add_owner()
        bugle.command("rules", "set", "default", "scrubbing", "-", stdin=json.dumps(SETTINGS))
        yield bugle


@pytest.fixture(scope="module")
def secrets(stored_in: Database) -> Planted:
    """What was planted; others for each database."""
    assert stored_in
    return Planted()


@pytest.fixture(scope="module")
def event_ids(server: Bugle, secrets: Planted) -> list[str]:
    """The events, once everything that was sent is processed."""
    ids = send_everything(server.dsn, secrets)

    def is_processed() -> bool:
        counts = outcomes(server.api)
        categories = {category for (category, _, _) in counts}
        return counts.get(("error", "accepted", ""), 0) == len(ids) and {"transaction", "monitor"} <= categories

    eventually(is_processed, "everything to be processed")
    return ids


def found(secrets: Planted, text: str) -> list[str]:
    """The secrets in a text, in plain or as JSON, HTML or a URL spell them."""
    return [
        secret
        for secret in secrets.secrets
        if secret in text or urllib.parse.quote(secret) in text or urllib.parse.quote_plus(secret) in text
    ]


@pytest.mark.usefixtures("event_ids")
def test_there_are_two_hundred(secrets: Planted) -> None:
    assert len(set(secrets.secrets)) == len(secrets.secrets) >= 200


@pytest.mark.usefixtures("event_ids")
def test_none_is_in_a_file(server: Bugle, secrets: Planted) -> None:
    spellings = [secret.encode() for secret in secrets.secrets]
    eventually(lambda: not files_with(server.data, spellings), "the queue to forget what is processed")


@pytest.mark.usefixtures("event_ids")
def test_none_is_in_a_row(server: Bugle, secrets: Planted) -> None:
    rows = list(everything_in(server.database.url or server.data / "bugle.db"))
    assert any("it was " in row for row in rows), "what is not secret has to stay"
    for row in rows:
        assert found(secrets, row) == [], row


def test_none_is_in_an_answer(server: Bugle, secrets: Planted, event_ids: list[str]) -> None:
    api = server.api
    answers = [api.issues(), *(api.event(event_id) for event_id in event_ids)]
    answers += [api.get(f"/projects/default/default/events/{event_id}/attachments/") for event_id in event_ids]
    answers += [api.get("/organizations/default/stats_v2/", field="sum(quantity)", groupBy="reason", statsPeriod="24h")]
    for answer in answers:
        assert answer
        assert found(secrets, json.dumps(answer, ensure_ascii=False)) == []


def test_none_is_on_a_page(server: Bugle, chromium: Browser, secrets: Planted, event_ids: list[str]) -> None:
    issues = [issue["shortId"] for issue in server.api.issues()]
    assert len(issues) == len(ERRORS)
    paths = ["/default/issues/", "/default/stats/", "/default/settings/", "/default/settings/scrubbing/"]
    paths += [f"/issues/{issue}/" for issue in issues] + [f"/issues/{issue}/events/" for issue in issues]
    with visit(chromium, server) as owner:
        owner.log_in()
        for path in paths:
            owner.open(path)
            assert found(secrets, owner.page.content()) == [], path
        owner.assert_quiet()


@pytest.mark.usefixtures("event_ids")
def test_none_is_in_logs_or_metrics(server: Bugle, secrets: Planted) -> None:
    assert server.program
    metrics = requests.get(f"{server.base_url}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}, timeout=10)
    assert metrics.status_code == 200
    for text in (server.program.stderr(), server.program.stdout(), metrics.text):
        assert found(secrets, text) == []


def test_what_is_not_secret_stays(server: Bugle, event_ids: list[str]) -> None:
    event = server.api.event(event_ids[1])
    text = json.dumps(event)
    for word in ["Ada", "it was ", "shop.example/pay", "db.internal:5432"]:
        assert word in text, word


def test_no_name_of_a_file_is_lost(server: Bugle, event_ids: list[str]) -> None:
    names = [file["name"] for file in server.api.get(f"/projects/default/default/events/{event_ids[0]}/attachments/")]
    assert len(names) == len(set(names)) == 5
    assert all(Path(name).suffix in {".csv", ".pdf", ".log", ".txt", ".dmp"} for name in names), names
