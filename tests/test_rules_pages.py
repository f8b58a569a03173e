"""Scrubbing settings as an owner uses them in Chromium: tried, saved, obeyed by what comes next, and undone."""

import pytest
from playwright.sync_api import Browser, Page, expect

from harness.browser import DESKTOP, PHONE, Visitor, visit
from harness.sdk import new_event, send_events
from harness.server import Bugle
from harness.waiting import eventually

SETTINGS = "/default/settings/scrubbing/"
LOOKS = [(DESKTOP, "light", True), (DESKTOP, "dark", False), (PHONE, "light", False), (PHONE, "dark", True)]


@pytest.mark.parametrize(("width", "scheme", "script"), LOOKS)
def test_scrubbing_is_tried_saved_obeyed_and_undone(
    running: Bugle, chromium: Browser, width: int, scheme: str, script: bool
) -> None:
    running.add_owner()
    assert "ada@example.org" in str(stored_event(running))
    with visit(chromium, running, width, color_scheme=scheme, java_script_enabled=script) as owner:
        owner.log_in()
        page = owner.open(SETTINGS)
        look(owner, f"{width}-{scheme}-6-scrubbing")
        add_a_rule(page)
        press(page, "Preview")
        expect(page.locator("#preview")).to_contain_text("this would still change 1.")
        expect(page.locator("#preview del")).to_have_text("ada@example.org")
        look(owner, f"{width}-{scheme}-6-preview")
        page.get_by_label("What you changed").fill("no addresses in messages")
        press(page, "Save")
        expect(page.get_by_role("status")).to_contain_text("Saved.")
        eventually(lambda: "ada@example.org" not in str(stored_event(running)), "the rule to be obeyed")
        owner.open("/issues/DEFAULT-1/")
        expect(page.locator("#rules")).to_contain_text("The project’s rule 0")
        look(owner, f"{width}-{scheme}-6-scrubbed-event")
        owner.open(SETTINGS)
        expect(page.locator("#hits")).to_contain_text("Rule 0: e-mail addresses")
        page.get_by_role("link", name="All versions").click()
        expect(page.get_by_role("listitem")).to_contain_text(["no addresses in messages"])
        look(owner, f"{width}-{scheme}-6-versions")
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_role("status")).to_contain_text("Saved.")
        expect(page.get_by_role("textbox", name="Advanced rules")).to_have_value("")
        owner.assert_quiet()


def stored_event(server: Bugle) -> dict:
    """Sends an event with an address in its message, and returns it as it was stored."""
    event = new_event("PaymentError", "card of ada@example.org refused")
    send_events(server.dsn, event)
    return server.api.wait_for_event(event["event_id"])


def add_a_rule(page: Page) -> None:
    """Masks the addresses in messages, with the form that writes the JSON."""
    adding = page.get_by_role("group", name="Add a rule")
    adding.get_by_label("Do").select_option("Mask with stars")
    adding.get_by_label("What").select_option("E-mail addresses")
    adding.get_by_label("Where").fill("$error.value")
    adding.get_by_role("button", name="Add").click()


def press(page: Page, name: str) -> None:
    """Presses a button at the end of the form."""
    page.locator("section.save").get_by_role("button", name=name).click()


def look(owner: Visitor, name: str) -> None:
    """Keeps a picture of the page, which has to fit and to be quiet."""
    owner.screenshot(name)
    owner.assert_fits()
    owner.assert_quiet()


def test_a_broken_rule_is_named_where_it_stands(running: Bugle, chromium: Browser) -> None:
    running.add_owner()
    with visit(chromium, running, PHONE) as owner:
        owner.log_in()
        page = owner.open(SETTINGS)
        broken = '{\n  "applications": {"$string && ": ["@ip"]}\n}'
        page.get_by_role("textbox", name="Advanced rules").fill(broken)
        press(page, "Save")
        expect(page.get_by_role("alert").filter(has_text="Line 2")).to_be_visible()
        expect(page.get_by_role("textbox", name="Advanced rules")).to_have_value(broken)
        owner.screenshot("390-light-6-broken")
        owner.assert_fits()
