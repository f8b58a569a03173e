"""The command line is a contract: what it prints, how it starts and ends, and how it says no."""

import json
import time
from contextlib import closing
from pathlib import Path

import pytest
import requests

from harness.sdk import Dsn
from harness.server import OWNER_EMAIL, OWNER_PASSWORD, Bugle
from harness.waiting import eventually

START_LIMIT_SECONDS = 1.0


def test_the_first_start_prints_two_lines(running: Bugle) -> None:
    dsn, setup = running.printed("DSN"), running.printed("Setup")
    assert running.program and running.program.stdout() == f"DSN: {dsn}\nSetup: {setup}\n"
    assert Dsn.parse(dsn).port == running.port and dsn.endswith("/1")
    assert setup.startswith(f"{running.base_url}/setup/")
    assert requests.get(setup, timeout=5).status_code == 200
    assert f"127.0.0.1:{running.port}" in running.program.stderr()


def test_an_empty_folder_is_served_within_a_second(bugle: Bugle) -> None:
    began = time.monotonic()
    bugle.launch()
    eventually(lambda: bugle.status_of("/healthz") == 200, "the server to answer")
    assert time.monotonic() - began < START_LIMIT_SECONDS


def test_sigterm_ends_with_zero_and_a_restart_keeps_everything(running: Bugle) -> None:
    project = running.add_project("kept")
    running.stop()
    running.start()
    assert project.text in running.command("project", "list") or "kept" in running.command("project", "list")


def test_setup_is_offered_until_there_is_an_owner(running: Bugle) -> None:
    running.stop()
    offered = running.start().program.stdout().count("Setup: ")
    assert offered == 2, "a start without an owner offers the setup again"
    running.add_owner()
    running.stop()
    assert running.start().program.stdout().count("Setup: ") == offered


def test_a_used_setup_link_is_worthless(running: Bugle) -> None:
    setup = running.printed("Setup")
    running.add_owner()
    assert requests.get(setup, timeout=5).status_code in (403, 404, 410)


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("listen", "nowhere", ["127.0.0.1:9000"]),
        ("database-url", "mysql://shop:geheim@localhost/x", ["sqlite:", "postgres:"]),
        ("log-format", "xml", ["text", "json"]),
        ("url", "errors.example.com", ["http://", "https://"]),
        ("trusted-proxies", "everybody", ["10.0.0.0/8"]),
    ],
)
def test_a_bad_setting_is_named_with_its_value_and_what_is_allowed(
    bugle: Bugle, key: str, value: str, allowed: list[str]
) -> None:
    variable = "BUGLE_" + key.upper().replace("-", "_")
    bugle.env[variable] = value
    done = bugle.run("serve")
    assert done.returncode != 0
    assert done.stdout == ""
    expected = [key, variable, value.split(":")[0], *allowed]
    assert [part for part in expected if part not in done.stderr] == [], done.stderr
    assert "geheim" not in done.stderr


def test_an_unknown_key_of_the_file_is_named(bugle: Bugle) -> None:
    file = bugle.folder / "bugle.toml"
    file.write_text('lisen = "0.0.0.0:1"\n')
    done = bugle.run("serve", "--config", str(file))
    assert done.returncode != 0
    assert "lisen" in done.stderr and "listen" in done.stderr and str(file) in done.stderr


def test_two_servers_on_one_folder_refuse(running: Bugle) -> None:
    with closing(Bugle(running.folder)) as second:
        done = second.run("serve")
    assert done.returncode != 0
    assert str(running.data) in done.stderr
    assert running.status_of("/readyz") == 200


def test_a_taken_port_is_named(running: Bugle, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with closing(Bugle(other)) as second:
        done = second.run("serve", "--listen", f"127.0.0.1:{running.port}")
    assert done.returncode != 0
    assert f"127.0.0.1:{running.port}" in done.stderr


def test_a_project_added_as_json_takes_events(running: Bugle) -> None:
    made = json.loads(running.command("project", "add", "Web Shop", "--json"))
    assert set(made) == {"id", "slug", "dsn"}
    assert made["slug"] == "web-shop"
    assert Dsn.parse(made["dsn"]).project_id == str(made["id"])


def test_a_token_is_alone_on_standard_output(running: Bugle) -> None:
    token = running.command("token", "add", "ci")
    assert len(token.split()) == 1 and token.endswith("\n")
    headers = {"Authorization": f"Bearer {token.strip()}"}
    url = f"{running.base_url}/api/0/projects/default/default/issues/"
    assert requests.get(url, headers=headers, timeout=5).json() == []
    assert requests.get(url, timeout=5).status_code == 401


def test_a_password_comes_from_standard_input(running: Bugle) -> None:
    running.add_owner()
    listed = running.command("user", "list")
    assert OWNER_EMAIL in listed and "owner" in listed
    again = running.run("user", "add", OWNER_EMAIL, "--password-stdin", stdin=OWNER_PASSWORD)
    assert again.returncode != 0 and OWNER_EMAIL in again.stderr and again.stdout == ""


def test_a_short_password_is_refused(running: Bugle) -> None:
    done = running.run("user", "add", OWNER_EMAIL, "--role", "owner", "--password-stdin", stdin="short\n")
    assert done.returncode != 0 and "8" in done.stderr
    assert OWNER_EMAIL not in running.command("user", "list")


def test_healthcheck_tells_a_running_server_from_none(running: Bugle) -> None:
    assert running.status_of("/healthz") == 200
    assert running.run("healthcheck").returncode == 0
    running.stop()
    gone = running.run("healthcheck")
    assert gone.returncode != 0 and str(running.port) in gone.stderr


def test_migrate_prepares_a_folder_for_serve(bugle: Bugle) -> None:
    bugle.command("migrate")
    assert list(bugle.data.glob("*.db"))
    bugle.start()


def test_no_secret_is_in_the_log(running: Bugle) -> None:
    running.add_owner()
    token = running.command("token", "add", "quiet").strip()
    setup_token = running.printed("Setup").rsplit("/", 1)[-1]
    requests.get(running.printed("Setup"), timeout=5)
    log = running.program.stderr()
    assert [secret for secret in (token, setup_token, OWNER_PASSWORD) if secret in log] == []


def test_usage_asks_for_nothing_that_the_environment_says(bugle: Bugle) -> None:
    assert "BUGLE_DATA" in bugle.env
    done = bugle.run("rules", "show")
    assert done.returncode == 2
    assert "rules show <PROJECT> <TOPIC>" in done.stderr
    assert f"[env: BUGLE_DATA={bugle.data}]" in " ".join(bugle.command("rules", "show", "--help").split())


def test_an_unknown_project_is_answered_with_those_there_are(running: Bugle) -> None:
    running.add_project("second")
    for words in ("rules show nope filters", "rescrub nope", "forget --user ada@example.com --project nope"):
        done = running.run(*words.split())
        assert done.returncode == 1
        assert "there is no project 'nope': expected one of " in done.stderr and "second" in done.stderr
