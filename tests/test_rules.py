"""What a team decides about its events applies to a real Django shop at once: filters, sampling, tags, and the numbers of it."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass

import pytest

from harness.api import outcomes, tags
from harness.ports import LOOPBACK
from harness.sdk import new_event, send_events
from harness.server import Bugle, Database
from harness.shop import Shop, shop_environment
from harness.waiting import eventually

FILTERED = ("error", "filtered", "custom-inbound-filter")
SAMPLED = ("transaction", "sampled", "")
KEPT = ("transaction", "accepted", "")


@dataclass
class World:
    """A server, and a shop that sends everything to it."""

    server: Bugle
    shop: Shop

    def set_rules(self, topic: str, *lines: str) -> None:
        """Saves lines as the whole document of a topic."""
        document = json.dumps({"rules": "\n".join(lines)})
        version = self.server.command("rules", "set", "default", topic, "-", stdin=document)
        assert int(version) > 0

    def count(self, key: tuple[str, str, str]) -> int:
        """How many items ended so."""
        return outcomes(self.server.api).get(key, 0)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, stored_in: Database) -> Iterator[World]:
    """One server for all tests, on SQLite and on PostgreSQL; it is never started again."""
    folder = tmp_path_factory.mktemp("rules")
    with ExitStack() as stack:
        server = stack.enter_context(closing(Bugle(folder, stored_in))).start()
        env = shop_environment(server.dsn, traces=1.0, hosts=LOOPBACK)
        yield World(server, stack.enter_context(closing(Shop(folder, env))))


def test_a_filter_drops_what_it_names_within_seconds(world: World) -> None:
    def attack() -> None:
        answer = world.shop.get("/", headers={"Host": "attacker.example"})
        assert answer.status_code == 400

    attack()
    issue = world.server.api.wait_for_issue("DisallowedHost")
    before = world.count(("error", "accepted", ""))
    world.set_rules("filters", "error.type:[DisallowedHost, SuspiciousOperation] -> drop")

    def is_dropped() -> bool:
        attack()
        return world.count(FILTERED) >= 3

    eventually(is_dropped, "the filter to apply")
    dropped, accepted = world.count(FILTERED), world.count(("error", "accepted", ""))
    seen = int(world.server.api.wait_for_issue("DisallowedHost")["count"])
    assert seen - int(issue["count"]) == accepted - before, "what was accepted belongs to the issue"
    # Other errors still come in, and more of the dropped ones change nothing but their count.
    assert world.shop.get("/basket/3/").status_code == 500
    world.server.api.wait_for_issue("ZeroDivisionError")
    attack()
    eventually(lambda: world.count(FILTERED) > dropped, "the next one to be dropped")
    assert int(world.server.api.wait_for_issue("DisallowedHost")["count"]) == seen


def test_transactions_are_sampled(world: World) -> None:
    eventually(lambda: world.count(KEPT) > 0, "the shop's transactions to be stored")
    assert world.count(SAMPLED) == 0
    world.set_rules("sampling", "transaction:/newsletter/ -> sample 1", "transaction.op:http.server -> sample 0")

    def is_sampled() -> bool:
        assert world.shop.get("/").status_code == 200
        return world.count(SAMPLED) > 0

    eventually(is_sampled, "the sampling to apply")
    kept = world.count(KEPT)
    assert world.shop.get("/newsletter/").status_code == 200
    eventually(lambda: world.count(KEPT) > kept, "what the first line keeps")
    titles = [issue["title"] for issue in world.server.api.issues()]
    assert not any(title in ("/", "/newsletter/") for title in titles), "transactions are no issues"


def test_tags_are_added(world: World) -> None:
    world.set_rules("tags", "environment:e2e level:warning -> tag tier=critical", "has:shop -> tag shop=other")

    def tagged() -> dict[str, str]:
        world.shop.get("/newsletter/")
        issues = world.server.api.issues("newsletter")
        found = tags(world.server.api.latest_event(issues[0])) if issues else {}
        return found if "tier" in found else {}

    found = eventually(tagged, "the tag to be added")
    assert (found["tier"], found["shop"]) == ("critical", "riga")


def test_what_rules_did_is_counted(world: World) -> None:
    if world.server.database.kind != "sqlite":
        pytest.skip("the database is looked into")
    (database,) = world.server.data.glob("*.db")

    def hits() -> dict[str, int]:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            rows = connection.execute("SELECT topic, SUM(hits) FROM rule_hit GROUP BY topic").fetchall()
        return dict(rows)

    def is_equal() -> bool:
        counted = hits()
        return counted["filters"] == world.count(FILTERED) and counted["sampling"] > world.count(SAMPLED)

    eventually(is_equal, "hits and outcomes to be the same")
    assert hits()["tags"] > 0


def test_mistakes_are_refused_with_their_place(world: World) -> None:
    before = world.server.command("rules", "show", "default", "tags")
    assert json.loads(before)["rules"].startswith("environment:e2e")
    for document, told in [
        ({"rules": "has:a -> tag b=c\n(( -> tag b=c"}, "rules, line 2, column "),
        ({"rulez": ""}, "unknown member 'rulez': expected some of rules"),
        ([], "expected a JSON object"),
    ]:
        refused = world.server.run("rules", "set", "default", "tags", "-", stdin=json.dumps(document))
        assert refused.returncode != 0
        assert told in refused.stderr
    assert world.server.command("rules", "show", "default", "tags") == before
    for arguments, told in [
        (("rules", "show", "nobody", "tags"), "there is no project 'nobody'"),
        (("rules", "show", "default", "weather"), "expected one of scrubbing, filters, sampling, tags"),
    ]:
        refused = world.server.run(*arguments)
        assert refused.returncode != 0
        assert told in refused.stderr


def test_an_event_can_be_tried_before(bugle: Bugle) -> None:
    settings = {
        "filters": {"rules": "error.type:Gone -> drop"},
        "tags": {"rules": "level:error -> tag tier=critical"},
        "clientIp": "192.0.2.7",
    }
    cases = [{"id": n, "event": new_event(error), "settings": settings} for n, error in enumerate(["Gone", "Odd"])]
    lines = "\n".join(json.dumps(case) for case in cases)
    gone, odd = (json.loads(line) for line in bugle.command("explain", "event", stdin=lines).splitlines())
    assert (gone["id"], gone["outcome"]["name"], gone["filtered"]["reason"]) == (0, "filtered", "custom-inbound-filter")
    assert (odd["id"], odd["outcome"]["name"], odd["grouping"]["title"]) == (1, "accepted", "Odd: it broke")
    assert ["tier", "critical"] in odd["scrubbed"]["tags"]
    assert odd["rules"][0]["text"] == "level:error -> tag tier=critical"


def test_rules_hold_across_a_restart(running: Bugle) -> None:
    document = json.dumps({"rules": "error.type:NoiseError -> drop"})
    running.command("rules", "set", "default", "filters", "-", stdin=document)
    running.kill()
    running.start()
    # The very first event meets them.
    send_events(running.dsn, new_event("NoiseError"))
    eventually(lambda: outcomes(running.api), "the event to be counted")
    assert outcomes(running.api) == {FILTERED: 1}
