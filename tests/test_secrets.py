"""What customers type into the shop's forms is nowhere afterwards, whatever the SDK was told to send."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from harness.browser import visit
from harness.sdk import Dsn
from harness.secrets import files_with, stored_payloads
from harness.server import Bugle
from harness.shop import Shop, shop_environment
from harness.waiting import eventually

CARD = "4111 1111 1111 1111"
FORM = {"card_number": CARD, "password": "pässword-Zx81-geheim", "token": "tok-9f8e7d6c5b", "name": "Ольга"}
HEADERS = {
    "Authorization": "Bearer eyJ-bearer-3a4b5c",
    "Cookie": "sessionid=sess-51d2e3f4; theme=dark",
    "X-Api-Key": "key-77aa88bb",
}
SECRETS = [CARD, FORM["password"], FORM["token"], "eyJ-bearer-3a4b5c", "sess-51d2e3f4", "key-77aa88bb"]
TITLE = "RuntimeError: the bank refused"


def spellings() -> list[bytes]:
    """The secrets as they would lie in a file: UTF-8, or with JSON's escapes."""
    return sorted({spelling for secret in SECRETS for spelling in (secret.encode(), json.dumps(secret)[1:-1].encode())})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bugle]:
    """A server with an owner."""
    with closing(Bugle(tmp_path_factory.mktemp("secrets"))) as bugle:
        bugle.start().add_owner()
        yield bugle


def pay_with_secrets(folder: Path, dsn: Dsn, **switches: bool) -> None:
    """Sends the form to a shop that fails on it; closing the shop sends what its SDK still holds."""
    with closing(Shop(folder, shop_environment(dsn, **switches))) as shop:
        assert shop.post("/pay/", data=FORM, headers=HEADERS).status_code == 500


@pytest.mark.parametrize(
    ("project", "switches"),
    [
        ("quiet", {"pii": False}),
        ("talkative", {"pii": True}),
        ("careless", {"pii": True, "sdk_scrubs": False}),
    ],
)
def test_secrets_are_nowhere(server: Bugle, chromium: Browser, tmp_path: Path, project: str, switches: dict[str, bool]) -> None:
    pay_with_secrets(tmp_path, server.add_project(project), **switches)
    issue = server.api.wait_for_issue(TITLE, project=project)
    event = server.api.latest_event(issue)

    assert FORM["name"] in json.dumps(event, ensure_ascii=False), "what is not secret has to stay"
    for seen in (issue, event):
        assert_without_secrets(json.dumps(seen, ensure_ascii=False))
    with visit(chromium, server) as owner:
        owner.log_in()
        for path in (f"/{project}/issues/", f"/issues/{issue['shortId']}/"):
            owner.open(path)
            assert_without_secrets(owner.page.content())
        owner.assert_quiet()


def test_secrets_leave_the_disk(server: Bugle, tmp_path: Path) -> None:
    pay_with_secrets(tmp_path, server.add_project("disk"), pii=True, sdk_scrubs=False)
    server.api.wait_for_issue(TITLE, project="disk")
    eventually(lambda: not files_with(server.data, spellings()), "the queue to forget what is processed")
    payloads = [payload for database in server.data.glob("*.db") for payload in stored_payloads(database)]
    assert any(FORM["name"].encode() in payload for payload in payloads), "what is not secret has to stay"
    for payload in payloads:
        assert [secret for secret in spellings() if secret in payload] == []


def assert_without_secrets(text: str) -> None:
    """Fails with the secrets that are in `text`."""
    assert [secret for secret in SECRETS if secret in text] == []
