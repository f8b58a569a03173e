"""A Django shop under Gunicorn with an unmodified SDK: what its errors look like through the web API and on the pages."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser

from harness.api import Api, entry, tags
from harness.browser import Visitor, visit
from harness.redis import Redis
from harness.server import Bugle, Database
from harness.shop import Shop, Worker, shop_environment

REPEATS = 50


@dataclass
class Run:
    """A server that has seen every way the shop fails once, and one way many times."""

    server: Bugle
    api: Api

    def event_of(self, title: str, count: int = 1) -> dict[str, Any]:
        """The newest event of the issue with this title, once it has `count` events."""
        return self.api.latest_event(self.api.wait_for_issue(title, count))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, stored_in: Database) -> Iterator[Run]:
    """The shop's whole day, on SQLite and on PostgreSQL."""
    folder = tmp_path_factory.mktemp("shop")
    with ExitStack() as stack:
        server = stack.enter_context(closing(Bugle(folder, stored_in))).start()
        server.add_owner()
        redis = stack.enter_context(closing(Redis(folder)))
        env = shop_environment(server.dsn, pii=True, broker=redis.url)
        stack.enter_context(closing(Worker(folder, env)))
        fail_in_every_way(stack.enter_context(closing(Shop(folder, env))))
        yield Run(server, server.api)


def fail_in_every_way(shop: Shop) -> None:
    """Visits every failing page; the errors are sent in the background."""
    for _ in range(REPEATS):
        assert shop.get("/basket/3/").status_code == 500
    assert shop.get("/order/?page=2").status_code == 500
    assert shop.get("/import/").status_code == 500
    for order in (5, 6):
        assert shop.get(f"/refund/?order={order}").status_code == 200
    assert shop.get("/newsletter/").status_code == 200
    assert shop.get("/ship/").status_code == 200


def exceptions(event: dict[str, Any]) -> list[dict[str, Any]]:
    """The chain of exceptions, oldest first."""
    return entry(event, "exception")["values"]


def frames(exception: dict[str, Any]) -> list[dict[str, Any]]:
    """The frames of an exception, outermost first."""
    return exception["stacktrace"]["frames"]


def test_the_same_error_many_times_is_one_issue(run: Run) -> None:
    issue = run.api.wait_for_issue("ZeroDivisionError", REPEATS)
    assert int(issue["count"]) == REPEATS
    assert issue["title"] == "ZeroDivisionError: division by zero"
    assert issue["culprit"] == "/basket/{basket_id}/"
    assert issue["level"] == "error"
    assert issue["status"] == "unresolved"
    assert issue["isUnhandled"] is True
    assert issue["userCount"] == 1


def test_nothing_else_became_an_issue(run: Run) -> None:
    run.api.wait_for_issue("ZeroDivisionError", REPEATS)
    run.api.wait_for_issue("refund of order", 2)
    run.api.wait_for_issue("LookupError")
    titles = sorted(issue["title"].split(":")[0] for issue in run.api.issues())
    expected = ["ExceptionGroup", "LookupError", "OrderError", "ZeroDivisionError", "newsletter sent twice"]
    assert titles[:5] == expected and len(titles) == 6, titles


def test_an_unhandled_error_keeps_its_frames_and_locals(run: Run) -> None:
    event = run.event_of("ZeroDivisionError", REPEATS)
    (error,) = exceptions(event)
    assert (error["type"], error["value"]) == ("ZeroDivisionError", "division by zero")
    last = frames(error)[-1]
    assert (last["function"], last["module"], last["inApp"]) == ("price_per_item", "shop.views", True)
    assert last["vars"] == {"total_cents": "1999", "goods": [], "currency": "'€ – евро'"}
    assert any("total_cents / len(goods)" in line for _, line in last["context"])
    assert any(not frame["inApp"] and frame["module"].startswith("django.") for frame in frames(error))


def test_an_event_keeps_what_surrounded_it(run: Run) -> None:
    event = run.event_of("ZeroDivisionError", REPEATS)
    crumbs = entry(event, "breadcrumbs")["values"]
    assert any(crumb["message"] == "basket 3 opened" for crumb in crumbs)
    request = entry(event, "request")
    assert request["method"] == "GET" and request["url"].endswith("/basket/3/")
    assert event["user"]["id"] == "17" and event["user"]["username"] == "анна"
    expected = {"basket.kind": "gift", "shop": "riga", "environment": "e2e", "release": "shop@1.4.2", "server_name": "shop-1"}
    assert expected.items() <= tags(event).items()
    assert event["sdk"]["name"] == "sentry.python.django"


def test_a_cause_comes_before_its_consequence(run: Run) -> None:
    event = run.event_of("OrderError: cannot take the order")
    assert [error["type"] for error in exceptions(event)] == ["KeyError", "OrderError"]
    assert event["culprit"] == "/order/"


def test_an_exception_group_keeps_its_members(run: Run) -> None:
    event = run.event_of("ExceptionGroup: import failed")
    assert sorted(error["type"] for error in exceptions(event)) == ["ExceptionGroup", "TypeError", "ValueError"]


def test_a_logged_error_groups_by_its_template(run: Run) -> None:
    issue = run.api.wait_for_issue("refund of order", 2)
    event = run.api.latest_event(issue)
    message = entry(event, "message")
    assert message["message"] == "refund of order %s failed for %s"
    assert message["formatted"] in ("refund of order 5 failed for visa", "refund of order 6 failed for visa")
    assert event["culprit"] == "/refund/"


def test_a_message_has_the_stack_of_its_thread(run: Run) -> None:
    event = run.event_of("newsletter sent twice")
    assert tags(event)["level"] == "warning"
    (thread,) = [thread for thread in entry(event, "threads")["values"] if thread["current"]]
    assert frames(thread)[-1]["function"] == "newsletter"


def test_a_celery_task_reports_for_itself(run: Run) -> None:
    event = run.event_of("LookupError: no carrier for parcel 23 among 0")
    assert event["culprit"] == "shop.tasks.ship_parcel"
    assert "celery_task_id" in tags(event)


@pytest.fixture(scope="module")
def owner(run: Run, chromium: Browser) -> Iterator[Visitor]:
    """The owner, logged in."""
    with visit(chromium, run.server) as visitor:
        visitor.log_in()
        yield visitor
        visitor.assert_quiet()


def test_the_issue_page_shows_the_whole_event(run: Run, owner: Visitor) -> None:
    issue = run.api.wait_for_issue("ZeroDivisionError", REPEATS)
    owner.open(f"/issues/{issue['shortId']}/")
    text = owner.text()
    expected = ["ZeroDivisionError", "division by zero", "/basket/{basket_id}/", "price_per_item", "total_cents", "1999"]
    expected += ["€ – евро", "basket 3 opened", "/basket/3/", "анна", "basket.kind", "gift", "shop@1.4.2", str(REPEATS)]
    assert [part for part in expected if part not in text] == []


def test_the_issue_list_shows_every_issue(run: Run, owner: Visitor) -> None:
    titles = [run.api.wait_for_issue(title)["title"] for title in ("LookupError", "OrderError", "newsletter", "Exc")]
    owner.open("/default/issues/")
    text = owner.text()
    for part in (part for title in titles for part in title.split(": ")):
        assert part in text


def test_every_event_page_renders(run: Run, owner: Visitor) -> None:
    run.api.wait_for_issue("LookupError")
    for issue in run.api.issues():
        event = run.api.latest_event(issue)
        owner.open(f"/issues/{issue['id']}/events/{event['eventID']}/")
        assert event["eventID"][:8] in owner.text() + owner.page.content()
