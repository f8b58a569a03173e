"""What sentry-cli asks of the web API, as it was on the wire."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from harness.captures import Capture, api_captures
from harness.sdk import new_event, send_events
from harness.server import Bugle

CAPTURED_ISSUE = "id=1001"
CALLS = {capture.name.removeprefix("sentry-cli/"): capture for capture in api_captures()}
ANSWERED = ("info", "organizations_list", "projects_list", "issues_list", "events_list")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bugle]:
    """A server with one issue."""
    with closing(Bugle(tmp_path_factory.mktemp("sentry-cli"))) as bugle:
        send_events(bugle.start().dsn, new_event("PaymentError"))
        bugle.api.wait_for_issue("PaymentError")
        yield bugle


@pytest.fixture(scope="module")
def token(server: Bugle) -> str:
    """A token for the web API."""
    return server.command("token", "add", "sentry-cli").strip()


def fields(answer: Any) -> set[str]:
    """The fields of an object, or of the first of a list."""
    return set(answer[0] if isinstance(answer, list) else answer)


@pytest.mark.parametrize("name", ANSWERED)
def test_a_call_is_answered_with_the_fields_it_reads(server: Bugle, token: str, name: str) -> None:
    reads = {
        "info": {"auth", "user"},
        "organizations_list": {"id", "slug", "name", "dateCreated", "features"},
        "projects_list": {"id", "slug", "name", "team"},
        "issues_list": {"id", "shortId", "title", "lastSeen", "status", "level"},
        "events_list": {"eventID", "dateCreated", "title", "tags"},
    }
    answer = CALLS[name].call(server.port, token, {})
    assert answer.status == 200
    assert reads[name] <= fields(answer.body)


def test_issues_resolve(server: Bugle, token: str) -> None:
    issue = server.api.wait_for_issue("PaymentError")
    assert CALLS["issues_resolve"].call(server.port, token, {CAPTURED_ISSUE: f"id={issue['id']}"}).status == 200
    assert server.api.wait_for_issue("PaymentError")["status"] == "resolved"


@pytest.mark.parametrize("capture", CALLS.values(), ids=CALLS.keys())
def test_a_call_without_a_token_is_refused(server: Bugle, capture: Capture) -> None:
    answer = capture.call(server.port, "wrong", {})
    assert answer.status in (401, 404)
    assert answer.body["detail"]


@pytest.mark.parametrize("name", [name for name in CALLS if name not in ANSWERED and name != "issues_resolve"])
def test_what_is_not_there_is_a_json_404(server: Bugle, token: str, name: str) -> None:
    answer = CALLS[name].call(server.port, token, {})
    assert answer.status in (404, CALLS[name].meta["response"]["status"])
    assert answer.status != 404 or answer.body["detail"]
