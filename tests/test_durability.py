"""Acknowledged means on disk: the server's system calls show an fdatasync between each record and its answer."""

import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.ports import LOOPBACK
from harness.programs import Program, find_bugle, find_program
from harness.sdk import Sender, new_event
from harness.server import Bugle
from harness.waiting import eventually

CLIENTS = 8
EVENTS_PER_CLIENT = 25
WRITES = ("write", "writev", "pwrite64", "pwritev", "pwritev2", "sendto", "sendmsg")
TRACED = ",".join(("fdatasync", "fsync", *WRITES))


@dataclass
class Call:
    """A finished system call: where in the trace it began and ended."""

    name: str
    text: str
    began: int
    ended: int


@pytest.fixture
def traced(tmp_path: Path) -> Iterator[tuple[Bugle, Path]]:
    """A server under strace, and the trace."""
    trace = tmp_path / "trace"
    command = [find_program("strace"), "-f", "-y", "-s", "10000000", "-e", f"trace={TRACED}", "-o", str(trace)]
    with closing(Bugle(tmp_path)) as bugle:
        served = [find_bugle(), "serve", "--listen", f"{LOOPBACK}:{bugle.port}", "--data", str(bugle.data)]
        bugle.program = Program("bugle", [*command, "--", *served], tmp_path, bugle.env)
        eventually(bugle.is_ready, "the traced server to be ready", 30)
        yield bugle, trace


def test_every_answer_follows_a_sync_of_its_record(traced: tuple[Bugle, Path]) -> None:
    bugle, trace = traced
    with ThreadPoolExecutor(CLIENTS) as clients:
        sent = list(clients.map(lambda _: send_some(bugle), range(CLIENTS)))
    ids = [event_id for some in sent for event_id in some]
    bugle.kill()
    calls = finished_calls(trace.read_text(errors="replace"))
    syncs = [call for call in calls if call.name in ("fdatasync", "fsync") and is_queue(call)]
    appends = [call for call in calls if call.name in WRITES and is_queue(call)]
    answers = [call for call in calls if call.name in WRITES and "HTTP/1.1 200" in call.text]
    assert len(ids) == CLIENTS * EVENTS_PER_CLIENT
    for event_id in ids:
        append = next(call for call in appends if event_id in call.text)
        answer = next(call for call in answers if event_id in call.text)
        covering = [sync for sync in syncs if append.ended < sync.began and sync.ended < answer.began]
        assert covering, f"{event_id} was answered before it was on disk"
    shutil.rmtree(trace.parent / "data", ignore_errors=True)


def send_some(bugle: Bugle) -> list[str]:
    """Sends events over one connection and returns the acknowledged ids."""
    with closing(Sender(bugle.dsn)) as sender:
        return [sender.send(new_event("TracedError")) for _ in range(EVENTS_PER_CLIENT)]


def is_queue(call: Call) -> bool:
    """Whether the call is about a file of the queue."""
    return re.match(r"\d+<[^>]*/queue/", call.text) is not None


def finished_calls(trace: str) -> list[Call]:
    """The calls of a trace by `strace -f`, those put together that another thread's came between."""
    calls, unfinished = [], {}
    for number, line in enumerate(trace.splitlines()):
        thread, _, rest = line.partition(" ")
        rest = rest.lstrip()
        if resumed := re.match(r"<\.\.\. (\w+) resumed>(.*)", rest):
            began, text = unfinished.pop((thread, resumed[1]))
            calls.append(Call(resumed[1], text + resumed[2], began, number))
        elif started := re.match(r"(\w+)\((.*)", rest):
            name, text = started.groups()
            if text.endswith("<unfinished ...>"):
                unfinished[(thread, name)] = (number, text)
            else:
                calls.append(Call(name, text, number, number))
    return calls
