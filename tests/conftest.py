"""Fixtures: a browser for the run, and servers that know nothing of each other."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from harness.browser import launch_chromium
from harness.postgres import Postgres
from harness.server import Bugle, Database


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for the whole run; tests make contexts of their own."""
    with sync_playwright() as playwright, launch_chromium(playwright) as browser:
        yield browser


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for the whole run; tests make databases of their own."""
    with closing(Postgres().start()) as cluster:
        yield cluster


@pytest.fixture
def bugle(tmp_path: Path) -> Iterator[Bugle]:
    """A server on an empty folder, not started."""
    with closing(Bugle(tmp_path)) as server:
        yield server


@pytest.fixture
def running(bugle: Bugle) -> Bugle:
    """A server on an empty folder, started."""
    return bugle.start()


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def stored_in(request: pytest.FixtureRequest) -> Database:
    """Both databases, one after the other."""
    if request.param == "sqlite":
        return Database("sqlite")
    return Database("postgres", request.getfixturevalue("postgres").new_database())
