"""Hostile clients: whatever they send, the server answers or hangs up, counts it, keeps serving the others, and stays small."""

import gzip
import json
import re
import resource
import socket
import statistics
import time
import uuid
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import brotli
import pytest
import requests
import zstandard

from harness.sdk import Dsn, Sender, new_event, send_events
from harness.server import Bugle
from harness.waiting import eventually

TOKEN = "0123456789abcdef0123456789abcdef"
MIB = 1024 * 1024

MAX_RESIDENT_BYTES = 1536 * MIB
"""The bound that docs/ingest.md states for a server under attack."""

ANSWERED = {200, 400, 413}
"""What a known sender of nonsense may be told; never 5xx, and never nothing."""


@pytest.fixture
def attacked(bugle: Bugle) -> Iterator[Bugle]:
    """A server that has to be whole at the end: it serves, has stayed within its memory, and stops when it is asked."""
    bugle.env["BUGLE_METRICS_TOKEN"] = TOKEN
    bugle.start()
    yield bugle
    event = new_event("AfterwardsError")
    send_events(bugle.dsn, event)
    bugle.api.wait_for_event(event["event_id"])
    assert "panicked" not in bugle.program.stderr()
    assert most_memory(bugle) < MAX_RESIDENT_BYTES
    bugle.stop()


def most_memory(bugle: Bugle) -> int:
    """The most memory the server ever held, in bytes."""
    with open(f"/proc/{bugle.program.child.pid}/status") as status:
        return int(re.search(r"^VmHWM:\s+(\d+) kB", status.read(), re.MULTILINE)[1]) * 1024


def memory(bugle: Bugle) -> int:
    """The memory the server holds now, in bytes."""
    with open(f"/proc/{bugle.program.child.pid}/status") as status:
        return int(re.search(r"^VmRSS:\s+(\d+) kB", status.read(), re.MULTILINE)[1]) * 1024


def counted(bugle: Bugle, category: str) -> dict[str, int]:
    """How many items of a category came to which outcome."""
    answer = requests.get(f"{bugle.base_url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10)
    line = re.compile(rf'^bugle_items_total{{category="{category}",outcome="(\w+)"}} (\d+)$', re.MULTILINE)
    return {outcome: int(number) for outcome, number in line.findall(answer.text)}


def post(dsn: Dsn, body: bytes, **headers: str) -> int:
    url = f"http://{dsn.host}:{dsn.port}{dsn.envelope_path}"
    return requests.post(url, body, headers={"X-Sentry-Auth": dsn.auth_header} | headers, timeout=60).status_code


def envelope(payload: bytes, kind: str = "event") -> bytes:
    return b'{}\n{"type":"%s","length":%d}\n%s\n' % (kind.encode(), len(payload), payload)


def head(dsn: Dsn, *lines: str) -> bytes:
    """A request for the envelope endpoint up to the empty line, which is there if the last of `lines` is empty."""
    start = [f"POST {dsn.envelope_path} HTTP/1.1", "Host: x", f"X-Sentry-Auth: {dsn.auth_header}"]
    return "\r\n".join([*start, *lines]).encode() + b"\r\n"


def raw(dsn: Dsn, request: bytes, half_close: bool = False) -> bytes:
    """All that comes back for some bytes until the server hangs up, or nothing more comes for two seconds."""
    with socket.create_connection((dsn.host, dsn.port), timeout=2) as connection:
        answer = b""
        try:
            connection.sendall(request)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            while some := connection.recv(65536):
                answer += some
        except (TimeoutError, ConnectionError):
            pass
        return answer


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", answer)]


MEMBERS = b",".join(b'"%x":1' % number for number in range(350_000))
EMPTY = b",".join([b"{}"] * 1_300_000)
NUMBERS = b",".join([b"1"] * 1_900_000)
"""What makes an event as large as one may be, and as rich in parts."""

EVENTS = {
    "deep lists": b'{"extra":{"a":' + b"[" * 500_000 + b"]" * 500_000 + b"}}",
    "deep objects": b'{"a":' * 300_000 + b"1" + b"}" * 300_000,
    "lists without an end": b'{"extra":' + b"[" * 1_000_000,
    "duplicate keys": b'{"event_id":"%s","message":"a","message":"b","tags":{"a":"1","a":"2"},"tags":[["a","3"],["a","4"]]}'
    % uuid.uuid4().hex.encode(),
    "NaN and infinities": b'{"message":"x","timestamp":NaN,"extra":{"a":NaN,"b":Infinity,"c":-Infinity}}',
    "numbers without measure": b'{"message":"x","timestamp":1e999999,"extra":{"a":-1e400,"b":%s}}' % (b"9" * 100_000),
    "lone surrogates": b'{"message":"\\ud800 \\udc00\\ud800","tags":{"\\udfff":"\\ud800"},"environment":"\\udbff"}',
    "broken UTF-8": b'{"message":"\xff\xfe\xc0\xaf\xed\xa0\x80","release":"\xf5"}',
    "zero bytes": b'{"message":"a\\u0000b","tags":{"\\u0000":"\\u0000"},"user":{"id":"\\u0000"},"release":"\\u0000"}',
    "a raw zero byte": b'{"message":"a\0b"}',
    "a third of a million tags": b'{"tags":{' + MEMBERS + b"}}",
    "a third of a million keys": b"{" + MEMBERS + b"}",
    "a third of a million contexts": b'{"contexts":{' + MEMBERS + b"}}",
    "a million frames": b'{"exception":{"values":[{"stacktrace":{"frames":[' + EMPTY + b"]}}]}}",
    "a million exceptions": b'{"exception":{"values":[' + EMPTY + b"]}}",
    "a million crumbs": b'{"breadcrumbs":{"values":[' + EMPTY + b"]}}",
    "a million lists": b'{"extra":{"a":[' + EMPTY.replace(b"{}", b"[]") + b"]}}",
    "a million images": b'{"debug_meta":{"images":[' + EMPTY + b"]}}",
    "two million wrong tags": b'{"tags":[' + NUMBERS + b"]}",
    "two million wrong headers": b'{"request":{"headers":[' + NUMBERS + b"]}}",
    "two million hashes": b'{"fingerprint":[' + NUMBERS + b"]}",
    "a long message": b'{"message":"' + b"x" * 3_000_000 + b'"}',
    "a message that groups badly": json.dumps({"message": "0x" * 200_000 + "1.1.1." * 100_000}).encode(),
    "wrong types": b'{"message":[],"tags":7,"exception":"x","user":[1],"timestamp":{},"event_id":null,"level":[{}]}',
    "a list": b"[]",
    "null": b"null",
    "nothing": b"",
    "half an event": b'{"message":"x',
    "two events": b'{"message":"x"}{"message":"y"}',
    "more than an event may be": b'{"message":"' + b"x" * 5_000_000 + b'"}',
}


def test_events_of_any_shape_are_answered_and_counted_once(attacked: Bugle) -> None:
    answers = {name: post(attacked.dsn, envelope(payload)) for name, payload in EVENTS.items()}
    assert set(answers.values()) <= ANSWERED, answers
    assert answers["more than an event may be"] == 413
    expected = len(EVENTS)
    eventually(lambda: sum(counted(attacked, "error").values()) >= expected, "every event to be counted", 60)
    assert sum(counted(attacked, "error").values()) == expected


def zeros(size: int) -> Iterator[bytes]:
    chunk = bytes(MIB)
    for _ in range(size // MIB):
        yield chunk


def squeezed(size: int, compress: Callable[[bytes], bytes], finish: Callable[[], bytes]) -> bytes:
    return b"".join(compress(chunk) for chunk in zeros(size)) + finish()


def bombs(size: int) -> dict[str, bytes]:
    """Zeros in every coding: a thousandth of what comes out, or far less."""
    packed, deflated, brotlied, zstded = (
        zlib.compressobj(9, wbits=31),
        zlib.compressobj(9),
        brotli.Compressor(quality=5),
        zstandard.ZstdCompressor().compressobj(),
    )
    return {
        "gzip": squeezed(size, packed.compress, packed.flush),
        "deflate": squeezed(size, deflated.compress, deflated.flush),
        "br": squeezed(size, brotlied.process, brotlied.finish),
        "zstd": squeezed(size, zstded.compress, zstded.flush),
    }


def test_bombs_are_refused_in_every_coding(attacked: Bugle) -> None:
    """A gigabyte out of a megabyte, a bomb in a bomb, and small ones in great number, all at once."""
    large = bombs(1024 * MIB)
    nested = {"gzip": gzip.compress(large["gzip"])}
    attacks = [(coding, body) for _ in range(3) for bomb in (large, nested) for coding, body in bomb.items()]
    with ThreadPoolExecutor(len(attacks)) as clients:
        sent = [clients.submit(post, attacked.dsn, body, **{"Content-Encoding": coding}) for coding, body in attacks]
        answers = [answer.result() for answer in sent]
    for (coding, body), answer in zip(attacks, answers, strict=True):
        expected = 413 if body is large[coding] else 400
        assert answer == expected, coding


def test_streams_that_break_or_lie_are_refused(attacked: Bugle) -> None:
    whole = envelope(b'{"message":"x"}')
    for coding, packed in [
        ("gzip", gzip.compress(whole)),
        ("deflate", zlib.compress(whole)),
        ("br", brotli.compress(whole)),
        ("zstd", zstandard.compress(whole)),
    ]:
        assert post(attacked.dsn, packed, **{"Content-Encoding": coding}) == 200
        broken = [packed[: len(packed) // 2], packed[:4] + b"\xff" * 20, b"", whole, b"\0" * 100]
        for body in broken:
            assert post(attacked.dsn, body, **{"Content-Encoding": coding}) == 400, (coding, body)
    # A window that would take gigabytes, announced in twenty bytes.
    wide = bytes.fromhex("28b52ffd 00 b0") + b"\0" * 20
    assert post(attacked.dsn, wide, **{"Content-Encoding": "zstd"}) == 400
    for coding in ["gzip, gzip", "compress", "x" * 10_000, "identity;q=0"]:
        assert post(attacked.dsn, whole, **{"Content-Encoding": coding}) in {400, 415}


def test_envelopes_of_any_shape_are_answered(attacked: Bugle) -> None:
    reports = b'{"type":"client_report"}\n{}\n'
    for body, expected in [
        # Their headers are more than a mebibyte; those of the next are less.
        (b"{}\n" + b'{"type":"x"}\n\n' * 100_000, {400}),
        (b"{}\n" + b'{"type":"x"}\n\n' * 80_000, {200}),
        (b"{}\n" + reports * 10_000, {413}),
        (b"{}\n" + b'{"type":"session"}\n{}\n' * 10_000, {413}),
        (b"{}\n" + b'{"type":"attachment","length":0}\n\n' * 10_000, {413}),
        (b"{}" + b"\n" * 1_000_000, {200, 400}),
        (b'{"a":"' + b"x" * 50_000_000 + b'"}\n', {200, 400, 413}),
        (b'{}\n{"type":"event","length":99999999999999999999}\n{}', {400}),
        (b'{}\n{"type":"event","length":-1}\n{}', {400}),
        (b'{}\n{"type":"event","length":1e3}\n{}', {400}),
        (b'{}\n{"type":"event","length":10}\n{}', {400}),
        (b'{}\n{"type":' + b"[" * 1_000_000 + b"\n{}", {400}),
        (b"\0" * 1_000_000, {400}),
        (b"", {400}),
    ]:
        assert post(attacked.dsn, body) in expected, body[:60]


def test_heads_and_lengths_that_lie_do_no_harm(attacked: Bugle) -> None:
    dsn = attacked.dsn
    small = envelope(b'{"message":"x"}')
    length = f"Content-Length: {len(small)}"
    for request, expected in [
        (head(dsn, "X: " + "x" * 1_000_000, ""), [431]),
        (head(dsn, *(["X: y"] * 10_000), ""), [431]),
        (b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", [431]),
        (head(dsn, length, "Content-Length: 7", "") + small, [400]),
        (head(dsn, "Content-Length: +5", "") + small, [400]),
        (head(dsn, "Content-Length: 5, 6", "") + small, [400]),
        (head(dsn, "Transfer-Encoding: gzip", "") + small, [400]),
        (head(dsn, "Transfer-Encoding: chunked, identity", "") + small, [400]),
        (head(dsn, "Transfer-Encoding: chunked", "") + b"xyz\r\n", [400]),
        (head(dsn, "Transfer-Encoding: chunked", "") + b"5;" + b"x" * 1_000_000 + b"\r\nhello\r\n0\r\n\r\n", [400]),
        (head(dsn, "Transfer-Encoding: chunked", "") + b"5\r\nhelloworld\r\n0\r\n\r\n", [400]),
        # Too long a length: the rest never comes. Too short a one: what is left is no request.
        (head(dsn, "Content-Length: 1000", "") + small, []),
        (head(dsn, f"Content-Length: {len(small) - 1}", "") + small + b"GARBAGE\r\n\r\n", [200, 400]),
        (head(dsn, "Content-Length: 999999999999999999", ""), [413]),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500, [400]),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 100, None),
    ]:
        found = statuses(raw(dsn, request))
        assert expected is None or found == expected, (request[:200], found)


def test_no_request_hides_in_the_body_of_another(attacked: Bugle) -> None:
    """Where a length and chunks disagree, only chunks count; a proxy that thinks otherwise smuggles nothing past us."""
    dsn = attacked.dsn
    hidden = b"GET /no/such/page HTTP/1.1\r\nHost: x\r\n\r\n"
    for lines in [("Content-Length: 200", "Transfer-Encoding: chunked"), ("Transfer-Encoding: chunked", "Content-Length: 200")]:
        chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(hidden), hidden)
        assert 404 not in statuses(raw(dsn, head(dsn, *lines, "") + chunked))
        assert statuses(raw(dsn, head(dsn, *lines, "") + b"0\r\n\r\n" + hidden)) in ([400], [400, 404])
    for line in ["Transfer-Encoding : chunked", "Transfer-Encoding:\x0bchunked", "Transfer_Encoding: chunked\x00"]:
        assert statuses(raw(dsn, head(dsn, line, "Content-Length: 5", "") + b"0\r\n\r\n" + hidden)) == [400]


@contextmanager
def many_files(count: int) -> Iterator[None]:
    """Raises the limit of open files of this process if it has to be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard >= count, f"the suite needs {count} open files; the hard limit is {hard}"
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def median_latency(dsn: Dsn, rounds: int = 60) -> float:
    """Seconds that a durable answer takes an honest client, in the middle."""
    sender, times = Sender(dsn), []
    for _ in range(rounds):
        event = new_event("HonestError")
        started = time.perf_counter()
        sender.send(event)
        times.append(time.perf_counter() - started)
    sender.close()
    return statistics.median(times)


CONNECTIONS = 2_000
"""Those that attack, at one time."""


def test_thousands_of_idle_slow_and_half_open_connections_cost_the_others_nothing(attacked: Bugle) -> None:
    dsn = attacked.dsn
    announced = head(dsn, "Content-Length: 100000000", "")
    attacks = [
        b"",
        head(dsn, "X-Slow: "),
        announced + b"{}",
        announced + b"x" * 10_000,
        head(dsn, "Transfer-Encoding: chunked", "") + b"ffffff\r\n{}",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /login HTTP/1.1\r\nHost: x\r\n\r\n" * 100,
    ]
    alone, before = median_latency(dsn), memory(attacked)
    with many_files(CONNECTIONS + 500), ExitStack() as stack:
        open_ones = []
        for number in range(CONNECTIONS):
            connection = stack.enter_context(socket.create_connection((dsn.host, dsn.port), timeout=20))
            connection.sendall(attacks[number % len(attacks)])
            open_ones.append(connection)
        crowded = median_latency(dsn)
        each = (memory(attacked) - before) / CONNECTIONS
        # Drip on, so that nobody can say that they were idle.
        for connection in open_ones[1 :: len(attacks)] + open_ones[2 :: len(attacks)]:
            connection.sendall(b"x")
        dripping = median_latency(dsn)
    assert max(crowded, dripping) < 10 * alone + 0.1, (alone, crowded, dripping)
    # Buffers of 8 KiB, what was sent, and answers that nobody reads.
    assert each < 64 * 1024, f"{each:.0f} bytes a connection"


def test_more_connections_than_there_are_places_wait_for_one(attacked: Bugle) -> None:
    """The silent ones are cut off after their ten seconds, and whoever waits is served."""
    dsn = attacked.dsn
    with many_files(10_000), ExitStack() as stack:
        for _ in range(8_192 + 200):
            stack.enter_context(socket.create_connection((dsn.host, dsn.port), timeout=20))
        event = new_event("PatientError")
        send_events(dsn, event)
        attacked.api.wait_for_event(event["event_id"])
