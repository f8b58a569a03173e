"""The first hour of a new owner, in Chromium: wide and narrow, light and dark, with and without JavaScript."""

from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from harness.browser import DESKTOP, PHONE, Visitor, visit
from harness.sdk import new_event, send_events
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
