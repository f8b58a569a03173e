"""The first hour of a new owner, in Chromium: wide and narrow, light and dark, with and without JavaScript."""

import json
from contextlib import closing
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from harness.browser import DESKTOP, PHONE, Visitor, visit
from harness.sdk import Dsn, envelope_of, new_event, send_events
from harness.server import OWNER_EMAIL, OWNER_PASSWORD, Bugle
from harness.waiting import eventually

TITLE = "PaymentError: card refused"

LOOKS = [
    pytest.param(width, scheme, script, id=f"{width}-{scheme}{'' if script else '-no-script'}")
    for width in (DESKTOP, PHONE)
    for scheme in ("light", "dark")
    for script in (True, False)
]


@pytest.mark.parametrize(("width", "scheme", "script"), LOOKS)
def test_from_setup_to_a_regression(
    request: pytest.FixtureRequest, running: Bugle, chromium: Browser, width: int, scheme: str, script: bool
) -> None:
    look = request.node.callspec.id
    with visit(chromium, running, width, color_scheme=scheme, java_script_enabled=script) as owner:
        make_the_account(owner, running.printed("Setup"))
        check_look(owner, f"{look}-1-waiting")
        send_events(running.dsn, new_event("PaymentError", "card refused"))
        follow_the_first_issue(owner, script)
        check_look(owner, f"{look}-2-issue")
        open_the_list(owner)
        check_look(owner, f"{look}-3-list")
        resolve_and_see_it_regress(owner, running)
        check_look(owner, f"{look}-4-regressed")


def check_look(owner: Visitor, name: str) -> None:
    """Keeps a picture of the page, which has to fit and to be quiet."""
    owner.screenshot(name)
    owner.assert_fits()
    owner.assert_quiet()


def make_the_account(owner: Visitor, setup_url: str) -> None:
    """Uses the link of the first start; it leads to the page that waits for the first event."""
    page = owner.open(setup_url.removeprefix(owner.base_url))
    owner.assert_fits()
    page.get_by_label("E-mail address").fill(OWNER_EMAIL)
    page.get_by_label("Password", exact=True).fill(OWNER_PASSWORD)
    page.get_by_label("Password again").fill(OWNER_PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    page.wait_for_url("**/default/getting-started/")
    expect(page.get_by_role("status")).to_contain_text("Waiting for the first event")


def follow_the_first_issue(owner: Visitor, script: bool) -> None:
    """The waiting page turns into a link by itself; without JavaScript it reloads itself every few seconds."""
    link = owner.page.get_by_role("status").get_by_role("link")
    expect(link).to_contain_text("card refused", timeout=15_000)
    link.click()
    owner.page.wait_for_url("**/issues/DEFAULT-1/")
    expect(owner.page.get_by_role("heading", level=1)).to_have_text("PaymentError card refused")


def open_the_list(owner: Visitor) -> None:
    """The list of the project has the issue, and the link back to it."""
    page = owner.open("/default/issues/")
    expect(issue_link(page)).to_be_visible()


def issue_link(page: Page):
    """The issue in a list."""
    return page.get_by_role("link", name=TITLE)


def resolve_and_see_it_regress(owner: Visitor, server: Bugle) -> None:
    """Resolved issues leave the list; the next event brings them back, marked."""
    issue_link(owner.page).click()
    owner.page.get_by_role("button", name="Resolve").click()
    expect(owner.page.get_by_role("button", name="Reopen")).to_be_visible()
    assert server.api.issues("is:unresolved") == []
    owner.open("/default/issues/")
    expect(issue_link(owner.page)).to_have_count(0)
    send_events(server.dsn, new_event("PaymentError", "card refused"))
    eventually(lambda: server.api.issues("is:unresolved"), "the issue to come back")
    (issue,) = server.api.issues("is:unresolved")
    assert (issue["substatus"], issue["count"]) == ("regressed", "2")
    owner.open("/issues/DEFAULT-1/")
    expect(owner.page.locator("header.issue")).to_contain_text("regressed")


def test_a_page_needs_a_session_and_comes_after_signing_in(running: Bugle, chromium: Browser) -> None:
    running.add_owner()
    send_events(running.dsn, new_event("PaymentError", "card refused"))
    issue = running.api.wait_for_issue("PaymentError")
    with visit(chromium, running) as guest:
        guest.page.goto(f"{running.base_url}/issues/{issue['shortId']}/")
        guest.page.wait_for_url("**/login**")
        guest.page.get_by_label("E-mail address").fill(OWNER_EMAIL)
        guest.page.get_by_label("Password").fill(OWNER_PASSWORD)
        guest.page.get_by_role("button", name="Sign in").click()
        guest.page.wait_for_url(f"**/issues/{issue['shortId']}/")
        guest.assert_quiet()


def test_what_an_event_says_stays_text(running: Bugle, chromium: Browser) -> None:
    running.add_owner()
    attack = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'{{7*7}}"
    event = new_event(attack, attack, transaction=attack, tags={attack[:32]: attack}, user={"username": attack})
    event |= {"breadcrumbs": [{"message": attack}], "request": {"url": "javascript:alert(3)", "data": {attack: attack}}}
    send_events(running.dsn, event)
    stored = running.api.wait_for_event(event["event_id"])
    with visit(chromium, running) as owner:
        owner.log_in()
        for path in ("/default/issues/", f"/issues/{stored['groupID']}/", f"/issues/{stored['groupID']}/events/"):
            owner.open(path)
            assert "<img src=x onerror" in owner.text()
            assert owner.page.locator("a[href^='javascript:'], img[src='x']").count() == 0
        owner.assert_quiet()


def test_pages_work_under_a_path_prefix(tmp_path: Path, chromium: Browser) -> None:
    with closing(Bugle(tmp_path)) as server:
        server.env["BUGLE_URL"] = f"{server.base_url}/errors"
        server.start().add_owner()
        send_events(server.dsn, new_event("PaymentError", "card refused"))
        with visit(chromium, server) as owner:
            owner.base_url += "/errors"
            owner.log_in()
            eventually(lambda: issue_link(owner.open("/default/issues/")).count(), "the issue in the list")
            issue_link(owner.page).click()
            owner.page.wait_for_url("**/errors/issues/DEFAULT-1/")
            owner.assert_quiet()


ATTACK = "<img src=x onerror=alert(1)>\"'{{7*7}}"


def send_envelope(dsn: Dsn, body: bytes) -> requests.Response:
    """Sends an envelope as a client would, whatever comes of it."""
    url = f"http://{dsn.host}:{dsn.port}{dsn.envelope_path}"
    return requests.post(url, data=body, headers={"X-Sentry-Auth": dsn.auth_header}, timeout=10)


def item(item_type: str, payload: bytes, **header: str) -> bytes:
    """An item of an envelope."""
    return json.dumps({"type": item_type, "length": len(payload), **header}).encode() + b"\n" + payload + b"\n"


def send_a_crash_with_everything(server: Bugle) -> str:
    """An event with a file, the words of its user, a discard of the client and a broken request; returns its id."""
    event = new_event("PaymentError", "card refused")
    report = {"event_id": event["event_id"], "name": ATTACK, "email": "ada@example.com", "comments": f"Help! {ATTACK}"}
    discarded = {"discarded_events": [{"reason": "before_send", "category": "error", "quantity": 3}]}
    body = envelope_of(event)
    body += item("attachment", b"a log\n", filename=f"größe {ATTACK}.log", content_type="text/html")
    body += item("user_report", json.dumps(report).encode())
    body += item("client_report", json.dumps(discarded).encode())
    assert send_envelope(server.dsn, body).status_code == 200
    assert send_envelope(server.dsn, b"not an envelope").status_code == 400
    server.api.wait_for_event(event["event_id"])
    return event["event_id"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_what_came_with_events_and_what_became_of_them(running: Bugle, chromium: Browser, width: int, scheme: str) -> None:
    running.add_owner()
    event_id = send_a_crash_with_everything(running)
    with visit(chromium, running, width, color_scheme=scheme) as owner:
        owner.log_in()
        pages = {
            "stats": ("/default/stats/", ["Accepted", "Invalid", "Client discard", "Last rejected"]),
            "limits": ("/default/settings/limits/", ["Spike protection", "Set a limit"]),
            "settings": ("/default/settings/", ["Keys", "Stats and reasons"]),
            "feedback": ("/feedback/", ["Help!", ATTACK, "DEFAULT-1"]),
            "event": ("/issues/DEFAULT-1/", ["User feedback", "Attachments", f"größe {ATTACK}.log"]),
        }
        for name, (path, texts) in pages.items():
            owner.open(path)
            for text in texts:
                assert text in owner.text(), f"no {text!r} on {path}"
            check_look(owner, f"{width}-{scheme}-5-{name}")
        with owner.page.expect_download() as download:
            owner.page.get_by_role("link", name="größe").click()
        assert download.value.path().read_bytes() == b"a log\n"
        assert download.value.suggested_filename.endswith(".log")
        owner.open(f"/issues/DEFAULT-1/events/{event_id}/")
        owner.assert_quiet()


def test_a_limit_that_is_set_in_the_browser_is_obeyed(running: Bugle, chromium: Browser) -> None:
    running.add_owner()
    event = envelope_of(new_event("PaymentError", "card refused"))
    with visit(chromium, running) as owner:
        owner.log_in()
        page = owner.open("/default/settings/limits/")
        page.get_by_label("At most").fill("none")
        page.get_by_role("button", name="Set the limit").click()
        expect(page.get_by_role("alert")).to_contain_text("not a whole number")
        expect(page.get_by_label("At most")).to_have_value("none")
        page.get_by_label("At most").fill("0")
        page.get_by_role("button", name="Set the limit").click()
        expect(page.get_by_role("table")).to_contain_text("none at all")
        refused = send_envelope(running.dsn, event)
        assert (refused.status_code, "error" in refused.headers["X-Sentry-Rate-Limits"]) == (429, True)
        owner.open("/default/stats/")
        expect(page.get_by_role("status")).to_contain_text("A limit refuses errors right now")
        page.get_by_role("status").get_by_role("link", name="Limits").click()
        page.get_by_role("button", name="Remove").click()
        expect(page.get_by_text("everything that comes with an active key is taken")).to_be_visible()
    assert send_envelope(running.dsn, event).status_code == 200


def test_a_key_that_is_switched_off_in_the_browser_is_refused(running: Bugle, chromium: Browser) -> None:
    running.add_owner()
    event = envelope_of(new_event("PaymentError", "card refused"))
    with visit(chromium, running) as owner:
        owner.log_in()
        page = owner.open("/default/settings/")
        page.get_by_role("button", name="Switch off").click()
        expect(page.get_by_text("What comes with it is refused.")).to_be_visible()
        assert send_envelope(running.dsn, event).status_code == 403
        page.get_by_role("button", name="Switch on").click()
        expect(page.get_by_role("button", name="Switch off")).to_be_visible()
        assert send_envelope(running.dsn, event).status_code == 200
        owner.assert_quiet()
