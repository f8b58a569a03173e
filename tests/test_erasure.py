"""A person is forgotten: everything of hers is found, handed over and gone from every file; what is others' stays."""

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
import zstandard

from harness.api import outcomes
from harness.database import column, one
from harness.postgres import Postgres, find_postgres_program
from harness.secrets import files_with, stored_payloads
from harness.server import Bugle, Database
from harness.waiting import eventually

HERE = Path(__file__).parent
ADA = "ada.lovelace@example.com"
ADA_ID = "83127459"
BOB = "bob@example.com"
BOB_ID = "55511122"
TRACES = [ADA.encode(), ADA_ID.encode(), ADA.upper().encode()]


def send_people(bugle: Bugle) -> None:
    """Ada's error and transaction with a file each, Bob's, and one of Bob's that mentions her; then feedback by her."""
    program = [sys.executable, str(HERE / "sdks" / "people.py"), bugle.dsn.text]
    subprocess.run([*program, f"{ADA}:{ADA_ID}", f"{BOB}:{BOB_ID}"], check=True, timeout=120)
    feedback = {"contexts": {"feedback": {"message": f"write to {ADA}", "contact_email": ADA, "name": "Ada"}}, "type": "feedback"}
    item = json.dumps(feedback).encode()
    body = b"{}\n" + json.dumps({"type": "feedback", "length": len(item)}).encode() + b"\n" + item + b"\n"
    headers = {"X-Sentry-Auth": bugle.dsn.auth_header}
    requests.post(bugle.base_url + bugle.dsn.envelope_path, body, headers=headers, timeout=10).raise_for_status()

    def are_stored() -> bool:
        counts = [one(bugle, f"SELECT COUNT(*) FROM {table}") for table in ("event", "transaction_event", "feedback")]
        return counts == [3, 2, 1]

    eventually(are_stored, "everything to be stored")


def forget(bugle: Bugle, *arguments: str) -> dict[str, Any]:
    """Runs `bugle forget` and returns its report."""
    answer: dict[str, Any] = json.loads(bugle.command("forget", "--user", ADA, "--json", *arguments))
    assert answer["state"] == "done"
    assert ADA not in json.dumps(answer)
    report: dict[str, Any] = answer["report"]
    return report


def assert_forgotten(bugle: Bugle) -> None:
    """Nothing of Ada in any file, compressed or not; Bob's data and the counts are still there."""
    assert files_with(bugle.data, TRACES) == []
    (database,) = bugle.data.glob("*.db")
    payloads = list(stored_payloads(database))
    assert len(payloads) == 2
    for payload in payloads:
        assert BOB.encode() in payload
        assert [trace for trace in TRACES if trace in payload] == []
    assert any(b"called [erased]" in payload for payload in payloads)
    assert one(bugle, "SELECT SUM(event_count) FROM issue") == 3
    assert [path for path in (bugle.data / "blobs").rglob("*") if path.is_file() and ADA.encode() in path.read_bytes()] == []


@pytest.mark.parametrize("is_running", [True, False], ids=["running", "stopped"])
def test_a_person_is_forgotten(running: Bugle, tmp_path: Path, is_running: bool) -> None:
    send_people(running)
    before = outcomes(running.api)
    eventually(lambda: not files_with(running.data / "queue", TRACES), "the queue to forget what is processed")
    assert files_with(running.data, TRACES), "she has to be there to be forgotten"
    if not is_running:
        running.stop()
    export = tmp_path / "ada.jsonl"
    found = forget(running, "--dry-run", "--export", str(export))
    lines = [json.loads(line) for line in export.read_text().splitlines()]
    assert [line["type"] for line in lines] == ["event", "transaction", "feedback"]
    assert lines[0]["body"]["user"]["email"] == ADA
    assert lines[0]["attachments"][0]["name"] == f"{ADA_ID}.txt"
    assert export.stat().st_mode & 0o77 == 0
    assert one(running, "SELECT COUNT(*) FROM event") == 3, "a dry run changes nothing"

    report = forget(running)
    assert report == found | {"storage": "cleaned"}
    assert (report["events"], report["transactions"], report["feedback"]) == (1, 1, 1)
    assert report["mentions"]["events"] == 1
    if not is_running:
        assert_forgotten(running)
        running.start()
    eventually(lambda: not files_with(running.data, TRACES), "what is processed to leave the queue")
    assert_forgotten(running)
    assert outcomes(running.api) == before
    issues = running.api.issues()
    assert sum(int(issue["count"]) for issue in issues) == 3
    assert ADA not in json.dumps(issues)
    assert forget(running)["events"] == 0


def test_what_was_sent_before_is_forgotten_though_it_waits(running: Bugle) -> None:
    """Requests that were answered before the job began are not missed because they are stored while it runs."""
    for number in range(200):
        user = ADA if number % 2 else BOB
        item = json.dumps({"message": f"number {number}", "user": {"email": user}}).encode()
        body = b"{}\n" + json.dumps({"type": "event", "length": len(item)}).encode() + b"\n" + item + b"\n"
        headers = {"X-Sentry-Auth": running.dsn.auth_header}
        requests.post(running.base_url + running.dsn.envelope_path, body, headers=headers, timeout=10).raise_for_status()
    report = forget(running)
    assert (report["events"], report["queue"]["waiting"], report["newer"]) == (100, 0, False)
    assert one(running, "SELECT COUNT(*) FROM event") == 100
    eventually(lambda: not files_with(running.data, TRACES), "what is processed to leave the queue")


def test_who_cannot_be_forgotten_is_told_why(running: Bugle) -> None:
    nobody = "names no person"
    reasons = {"42": "too short", "1234": "fewer than 5 digits", "root": nobody, "exception": nobody, " ": "empty"}
    for user, why in reasons.items():
        done = running.run("forget", "--user", user)
        assert (done.returncode, done.stdout) == (1, "")
        assert why in done.stderr
    done = running.run("forget", "--user", "ada@example.com", "--project", "nowhere")
    assert "there is no project 'nowhere'" in done.stderr
    assert one(running, "SELECT COUNT(*) FROM job") == 0


def test_rules_are_applied_to_what_is_stored(running: Bugle) -> None:
    send_people(running)
    document = {"sensitiveFields": ["email", "username"], "scrubIpAddresses": True}
    running.command("rules", "set", "default", "scrubbing", "-", stdin=json.dumps(document))
    tried = json.loads(running.command("rescrub", "default", "--dry-run", "--json"))
    assert tried["report"]["changed_events"] == 3
    (database,) = running.data.glob("*.db")
    assert any(ADA.encode() in payload for payload in stored_payloads(database))
    done = json.loads(running.command("rescrub", "default", "--json"))
    assert done["report"] == tried["report"]
    for payload in stored_payloads(database):
        user = json.loads(payload)["user"]
        assert (user.get("email"), user.get("ip_address")) == ("[Filtered]", None)
    again = json.loads(running.command("rescrub", "default", "--json"))
    assert again["report"]["changed_events"] == 0
    assert [job["state"] for job in json.loads(running.command("job", "list", "--json"))] == ["done"] * 3


def test_postgres_forgets_too(postgres: Postgres, tmp_path: Path) -> None:
    database = Database("postgres", postgres.new_database())
    with closing(Bugle(tmp_path, database)) as bugle:
        send_people(bugle.start())
        found = forget(bugle, "--dry-run")
        assert forget(bugle) == found | {"storage": "vacuumed"}
        assert (found["events"], found["transactions"], found["mentions"]["events"]) == (1, 1, 1)
        dump = [find_postgres_program("pg_dump"), "--data-only", "-d", str(database.url)]
        text = subprocess.run(dump, check=True, capture_output=True, text=True).stdout.lower()
        assert BOB in text
        assert [trace for trace in TRACES if trace.decode().lower() in text] == []
        for table in ("event_payload", "transaction_payload"):
            for row in column(bugle, f"SELECT encode(data, 'hex') FROM {table}"):
                payload = zstandard.ZstdDecompressor().decompress(bytes.fromhex(row), max_output_size=1 << 26)
                assert [trace for trace in TRACES if trace in payload] == []
        assert forget(bugle, "--compact")["storage"] == "compacted"
