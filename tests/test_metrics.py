"""The metrics: who may read them, that Prometheus can, that they say what happened, and that clients cannot make more of them."""

import random
import re
import subprocess
import uuid
import zlib

import requests

from harness.ports import LOOPBACK, free_port
from harness.programs import REPOSITORY, find_program
from harness.sdk import Dsn, envelope_of, new_event, send_events
from harness.server import Bugle
from harness.waiting import eventually

TOKEN = "0123456789abcdef0123456789abcdef"

ALWAYS = {
    "bugle_build_info",
    "bugle_db_pool_connections",
    "bugle_http_connections",
    "bugle_http_request_duration_seconds",
    "bugle_http_requests_total",
    "bugle_poisoned_total",
    "bugle_queue_accepting",
    "bugle_queue_bytes",
    "bugle_queue_damaged_bytes_total",
    "bugle_queue_damaged_total",
    "bugle_queue_depth",
    "bugle_queue_oldest_age_seconds",
    "bugle_storage_bytes",
    "bugle_storage_free_bytes",
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_threads",
    "process_virtual_memory_bytes",
    "process_virtual_memory_max_bytes",
}
"""The families of a server that has only been scraped before."""

AFTER_TRAFFIC = {
    "bugle_event_latency_seconds",
    "bugle_ingest_bytes_total",
    "bugle_ingest_request_duration_seconds",
    "bugle_ingest_requests_total",
    "bugle_items_total",
    "bugle_stage_duration_seconds",
}
"""Those that come with the first events."""


class Scrape:
    """One answer of `/metrics`, by series."""

    def __init__(self, text: str):
        self.text = text
        samples = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
        self.values = {series: float(value) for series, value in samples}

    @property
    def families(self) -> set[str]:
        """The names that have a TYPE."""
        return set(re.findall(r"^# TYPE (\S+)", self.text, re.MULTILINE))

    def sum(self, name: str, **labels: str) -> float:
        """The sum of a name's series that carry these labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        own = (series for series in self.values if series.split("{")[0] == name)
        return sum(self.values[series] for series in own if all(label in series for label in wanted))


def scrape(bugle: Bugle, token: str = TOKEN) -> Scrape:
    answer = requests.get(f"{bugle.base_url}/metrics", headers={"Authorization": f"Bearer {token}"}, timeout=10)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return Scrape(answer.text)


def started(bugle: Bugle, **settings: str) -> Bugle:
    bugle.env |= {f"BUGLE_{name.upper()}": value for name, value in settings.items()}
    return bugle.start()


def assert_prometheus_is_content(text: str) -> None:
    checked = subprocess.run(
        [find_program("promtool"), "check", "metrics"], input=text, capture_output=True, text=True, timeout=60, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def post(dsn: Dsn, body: bytes, path: str | None = None, **headers: str) -> int:
    url = f"http://{dsn.host}:{dsn.port}{path or dsn.envelope_path}"
    return requests.post(url, body, headers={"X-Sentry-Auth": dsn.auth_header} | headers, timeout=30).status_code


def test_metrics_are_for_those_with_a_token(bugle: Bugle) -> None:
    started(bugle, metrics_token=TOKEN)
    url = f"{bugle.base_url}/metrics"
    for header in [None, "Bearer ", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x"]:
        answer = requests.get(url, headers={"Authorization": header} if header else {}, timeout=10)
        assert answer.status_code == 401, header
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "bugle_" not in answer.text
    reads = bugle.command("token", "add", "scraper", "--scope", "org:read").strip()
    writes = bugle.command("token", "add", "writer", "--scope", "event:write").strip()
    assert scrape(bugle, reads).families >= ALWAYS
    answer = requests.get(url, headers={"Authorization": f"Bearer {writes}"}, timeout=10)
    assert (answer.status_code, answer.json()) == (403, {"detail": "the token lacks the scope org:read"})


def test_metrics_can_have_a_listener_of_their_own(bugle: Bugle) -> None:
    port = free_port()
    started(bugle, metrics_listen=f"{LOOPBACK}:{port}")
    answer = requests.get(f"http://{LOOPBACK}:{port}/metrics", timeout=10)
    assert answer.status_code == 200
    assert Scrape(answer.text).families >= ALWAYS
    for path in ["/", "/healthz", "/api/0/", "/api/1/envelope/"]:
        assert requests.get(f"http://{LOOPBACK}:{port}{path}", timeout=10).status_code == 404
    assert bugle.status_of("/metrics") == 401


def test_prometheus_reads_what_happened(bugle: Bugle) -> None:
    started(bugle, metrics_token=TOKEN)
    scrape(bugle)
    events = [new_event("MetricsError") for _ in range(5)]
    send_events(bugle.dsn, *events)
    send_events(bugle.dsn, events[0])
    packed = zlib.compress(envelope_of(new_event("MetricsError")))
    assert post(bugle.dsn, packed, **{"Content-Encoding": "deflate"}) == 200
    assert post(bugle.dsn, b"no envelope") == 400
    assert bugle.status_of("/no/such/page") == 404

    def processed() -> bool:
        after = scrape(bugle)
        return after.sum("bugle_items_total", category="error", outcome="accepted") == 6

    eventually(processed, "six errors to be accepted")
    after = scrape(bugle)
    assert after.families >= ALWAYS | AFTER_TRAFFIC
    assert_prometheus_is_content(after.text)

    assert after.sum("bugle_items_total", outcome="duplicate") == 1
    assert after.sum("bugle_ingest_requests_total", endpoint="envelope", status="200") == 7
    assert after.sum("bugle_ingest_requests_total", endpoint="envelope", status="400") == 1
    assert after.sum("bugle_ingest_request_duration_seconds_count") == 8
    assert after.sum("bugle_ingest_bytes_total", encoding="deflate") == len(packed)
    assert after.sum("bugle_event_latency_seconds_count") >= 6
    assert after.sum("bugle_http_requests_total", route="/api/{project_id}/envelope/", method="POST") == 8
    assert after.sum("bugle_http_requests_total", status="404") >= 1
    assert after.sum("bugle_queue_accepting", queue="ingest") == 1
    assert after.sum("bugle_queue_depth", queue="ingest") == 0
    assert after.sum("bugle_queue_damaged_total") == 0
    assert after.sum("bugle_storage_bytes", kind="database") > 10_000
    assert after.sum("process_resident_memory_bytes") > 1_000_000


def test_what_is_shipped_and_written_about_metrics_names_series_that_exist() -> None:
    existing = {name for name in ALWAYS | AFTER_TRAFFIC if name.startswith("bugle_")}
    documented = re.findall(r"`(bugle_\w+)`", (REPOSITORY / "docs" / "metrics.md").read_text())
    assert set(documented) == existing
    shipped = REPOSITORY / "deploy" / "prometheus"
    watched = re.findall(r"\bbugle_[a-z_]+", (shipped / "rules.yml").read_text())
    assert {name.removesuffix("_bucket") for name in watched} <= existing
    check = [find_program("promtool"), "check", "config", str(shipped / "prometheus.yml")]
    checked = subprocess.run(check, capture_output=True, text=True, timeout=60, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_clients_cannot_make_series(bugle: Bugle) -> None:
    """A bound for all that strangers can do; the labels are names in the program, so that more of it adds nothing."""
    started(bugle, metrics_token=TOKEN)
    chance = random.Random(7)

    def noise() -> str:
        return "".join(chance.choices('abc"\\\n{}=é\0', k=12))

    def anything(rounds: int) -> None:
        session = requests.Session()
        for _ in range(rounds):
            strange = {field: noise() for field in ("level", "environment", "release", "logger", "platform", "transaction")}
            event = new_event(noise(), noise(), tags={noise(): noise()}, user={"id": noise()}, **strange)
            send_events(bugle.dsn, event)
            item = b'{"type":"%s"}' % uuid.uuid4().hex.encode()
            post(bugle.dsn, b"{}\n" + item + b"\nx\n", **{"User-Agent": uuid.uuid4().hex})
            post(bugle.dsn, b"{}", f"/api/{chance.randrange(10**6)}/{uuid.uuid4().hex}/")
            session.request(uuid.uuid4().hex[:8].upper(), f"{bugle.base_url}/{uuid.uuid4().hex}", timeout=30)
            session.get(f"{bugle.base_url}/issues/{uuid.uuid4().hex}/?q={uuid.uuid4().hex}", timeout=30)

    def drained() -> bool:
        return scrape(bugle).sum("bugle_queue_depth") == 0

    anything(20)
    eventually(drained, "the queue to be empty")
    before = scrape(bugle)
    anything(100)
    eventually(drained, "the queue to be empty")
    after = scrape(bugle)
    assert set(after.values) == set(before.values)
    assert len(after.values) < 500
    assert_prometheus_is_content(after.text)
