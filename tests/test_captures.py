"""Replays the traffic of real SDKs of many ages: accepted, stored, and shown."""

from collections.abc import Iterator
from contextlib import closing

import pytest
import requests
from playwright.sync_api import Browser

from harness.browser import Visitor, visit
from harness.captures import Capture, ingest_captures
from harness.server import Bugle

CAPTURES = ingest_captures()
WITH_EVENTS = [capture for capture in CAPTURES if capture.event_count]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bugle]:
    """A server with an owner."""
    with closing(Bugle(tmp_path_factory.mktemp("captures"))) as bugle:
        bugle.start().add_owner()
        yield bugle


@pytest.fixture(scope="module")
def event_ids(server: Bugle) -> dict[str, str]:
    """Every capture sent once; the acknowledged event id by the name of the capture."""
    acknowledged = {}
    for capture in CAPTURES:
        answer = capture.send_to(server.dsn)
        assert answer.status == 200, f"{capture.name}: {answer}"
        acknowledged[capture.name] = answer.body.get("id", "")
    return acknowledged


@pytest.fixture(scope="module")
def owner(server: Bugle, chromium: Browser) -> Iterator[Visitor]:
    """The owner, logged in."""
    with visit(chromium, server) as visitor:
        visitor.log_in()
        yield visitor
        visitor.assert_quiet()


def name_of(capture: Capture) -> str:
    """The test's name."""
    return capture.name


@pytest.mark.parametrize("capture", WITH_EVENTS, ids=name_of)
def test_an_event_is_stored_and_its_page_renders(
    server: Bugle, owner: Visitor, event_ids: dict[str, str], capture: Capture
) -> None:
    event = server.api.wait_for_event(event_ids[capture.name])
    assert event["eventID"] == event_ids[capture.name].replace("-", "")
    page = f"{server.base_url}/issues/{event['groupID']}/events/{event['eventID']}/"
    answer = requests.get(page, headers={"Cookie": owner.cookie_header()}, timeout=10)
    assert answer.status_code == 200
    assert event["eventID"] in answer.text


@pytest.mark.parametrize("client", sorted({capture.client for capture in WITH_EVENTS}))
def test_a_page_of_each_client_is_quiet(server: Bugle, owner: Visitor, event_ids: dict[str, str], client: str) -> None:
    sample = max((capture for capture in WITH_EVENTS if capture.client == client), key=lambda capture: len(capture.body))
    event = server.api.wait_for_event(event_ids[sample.name])
    owner.open(f"/issues/{event['groupID']}/events/{event['eventID']}/")
    owner.assert_fits()
    owner.assert_quiet()
    owner.screenshot(f"event-{client}")


def test_a_second_sending_adds_nothing(server: Bugle, event_ids: dict[str, str]) -> None:
    for capture in WITH_EVENTS:
        server.api.wait_for_event(event_ids[capture.name])
    before = {issue["id"]: issue["count"] for issue in server.api.issues()}
    for capture in WITH_EVENTS:
        assert capture.send_to(server.dsn).status == 200
    marker = server.add_project("marker")
    last = WITH_EVENTS[-1].send_to(marker)
    server.api.wait_for_event(last.body["id"], project="marker")
    assert {issue["id"]: issue["count"] for issue in server.api.issues()} == before
