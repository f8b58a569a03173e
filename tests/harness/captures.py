"""Requests of real SDKs as they were on the wire, made ready to be sent to another project."""

import gzip
import http.client
import json
import re
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import brotli

from harness.ports import LOOPBACK
from harness.programs import REPOSITORY
from harness.sdk import Dsn

FOLDER = REPOSITORY / "testdata" / "captures"
CAPTURED_KEY = "a94f0b1c2d3e4f5061728394a5b6c7d8"
CAPTURED_PROJECT = "42"
CAPTURED_TOKEN = "c" * 64
CAPTURED_ORGANIZATION = ("/acme/", "/default/")
CAPTURED_SHOP = ("/default/shop/", "/default/default/")
CONNECTION_HEADERS = {"host", "content-length", "transfer-encoding", "connection"}
"""Headers that belong to the connection and are made anew."""

ENCODERS = {"gzip": gzip.compress, "br": brotli.compress, "identity": lambda body: body}


@dataclass
class Answer:
    """What the server said to a capture."""

    status: int
    body: Any
    """The JSON of its body, `{}` for an empty one."""


@dataclass
class Capture:
    """One request: its meta file and its decoded body."""

    name: str
    meta: dict[str, Any]
    body: bytes

    @property
    def client(self) -> str:
        """Which SDK it came from, such as `python-1.x`."""
        return self.name.split("/")[0]

    @property
    def event_count(self) -> int:
        """How many error events are in it: 1 for the store endpoint, which takes nothing else."""
        if self.meta["kind"] == "store":
            return 1
        return sum(item["header"]["type"] == "event" for item in self.meta["items"])

    def send_to(self, dsn: Dsn) -> Answer:
        """Sends it to another project, with its own headers, encoding and framing."""
        target = self.meta["path"].replace(f"/api/{CAPTURED_PROJECT}/", f"/api/{dsn.project_id}/")
        connection = http.client.HTTPConnection(dsn.host, dsn.port, timeout=30)
        return self._exchange(connection, target, self._body_for(dsn), {CAPTURED_KEY: dsn.key})

    def call(self, port: int, token: str, renamed: dict[str, str]) -> Answer:
        """Sends a call of the web API with another token, to the organisation and project `default`; `renamed` are further
        exchanges in its query."""
        target = self.meta["path"].replace(*CAPTURED_ORGANIZATION).replace(*CAPTURED_SHOP)
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=30)
        return self._exchange(connection, target, self.body, {CAPTURED_TOKEN: token} | renamed)

    def _exchange(self, connection: http.client.HTTPConnection, target: str, body: bytes, renamed: dict[str, str]) -> Answer:
        with closing(connection):
            query = _renamed(self.meta["query"], renamed)
            connection.putrequest(self.meta["method"], f"{target}?{query}" if query else target, skip_accept_encoding=True)
            for name, value in self.meta["headers"]:
                if name.lower() not in CONNECTION_HEADERS:
                    connection.putheader(name, _renamed(value, renamed))
            self._send_body(connection, ENCODERS[self.meta["content_encoding"]](body))
            answer = connection.getresponse()
            return Answer(answer.status, json.loads(answer.read() or b"{}"))

    def _send_body(self, connection: http.client.HTTPConnection, body: bytes) -> None:
        chunked = any(name.lower() == "transfer-encoding" for name, _ in self.meta["headers"])
        framing = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body)))
        connection.putheader(*framing)
        connection.endheaders(iter([body]) if chunked else body, encode_chunked=chunked)

    def _body_for(self, dsn: Dsn) -> bytes:
        """The body with the key and, in an envelope's header line, the project exchanged. Keys are equally long, so
        the lengths announced by items stay right."""
        body = self.body.replace(CAPTURED_KEY.encode(), dsn.key.encode())
        if self.meta["kind"] != "envelope":
            return body
        header, newline, items = body.partition(b"\n")
        header = re.sub(rb'("dsn":"[^"]*/)%s"' % CAPTURED_PROJECT.encode(), rb'\g<1>%s"' % dsn.project_id.encode(), header)
        return header + newline + items


def _renamed(text: str, renamed: dict[str, str]) -> str:
    for old, new in renamed.items():
        text = text.replace(old, new)
    return text


def ingest_captures() -> list[Capture]:
    """Every captured request to an ingest endpoint, in the order of arrival inside its case."""
    return [capture for capture in _captures() if capture.meta["kind"] in ("envelope", "store")]


def api_captures() -> list[Capture]:
    """Every captured call of the web API."""
    return [capture for capture in _captures() if capture.meta["path"].startswith("/api/0/")]


def _captures() -> list[Capture]:
    found = []
    for path in sorted(FOLDER.rglob("*.meta.json")):
        meta = json.loads(path.read_text())
        name = str(path.relative_to(FOLDER)).removesuffix(".meta.json")
        found.append(Capture(name, meta, (path.parent / meta["body_file"]).read_bytes()))
    assert found, f"no captures in {FOLDER}"
    return found
