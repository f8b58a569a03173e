"""A client as small as the protocol allows, for loads and odd requests; real SDKs do the rest."""

import http.client
import json
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Dsn:
    """The parts of `http://KEY@HOST:PORT/PROJECT`."""

    text: str
    key: str
    host: str
    port: int
    project_id: str

    @staticmethod
    def parse(text: str) -> "Dsn":
        """Splits a DSN; AssertionError when it is not one."""
        parts = urlsplit(text)
        assert parts.username and parts.hostname and parts.port, f"not a DSN: {text!r}"
        return Dsn(text, parts.username, parts.hostname, parts.port, parts.path.rsplit("/", 1)[-1])

    @property
    def envelope_path(self) -> str:
        """Where envelopes go."""
        return f"/api/{self.project_id}/envelope/"

    @property
    def auth_header(self) -> str:
        """The value of `X-Sentry-Auth`."""
        return f"Sentry sentry_key={self.key}, sentry_version=7, sentry_client=bugle.e2e/1"


def new_event(error: str, message: str = "it broke", **fields: Any) -> dict[str, Any]:
    """An error event with one in-app frame; events with the same `error` belong to one issue."""
    frame = {"function": "pay", "module": "shop.views", "filename": "shop/views.py", "lineno": 7, "in_app": True}
    exception = {"type": error, "value": message, "stacktrace": {"frames": [frame]}}
    return {"event_id": uuid.uuid4().hex, "platform": "python", "exception": {"values": [exception]}} | fields


def envelope_of(event: dict[str, Any]) -> bytes:
    """The event as the bytes of an envelope."""
    payload = json.dumps(event).encode()
    header = json.dumps({"event_id": event["event_id"]}).encode()
    item = json.dumps({"type": "event", "length": len(payload)}).encode()
    return b"\n".join([header, item, payload, b""])


class Sender:
    """One keep-alive connection to a DSN."""

    def __init__(self, dsn: Dsn):
        self.dsn = dsn
        self.connection = http.client.HTTPConnection(dsn.host, dsn.port, timeout=30)

    def send(self, event: dict[str, Any]) -> str:
        """Sends an event and returns the acknowledged id; AssertionError on any status but 200, OSError or
        HTTPException when the connection breaks."""
        headers = {"X-Sentry-Auth": self.dsn.auth_header, "Content-Type": "application/x-sentry-envelope"}
        self.connection.request("POST", self.dsn.envelope_path, envelope_of(event), headers)
        answer = self.connection.getresponse()
        body = answer.read()
        assert answer.status == 200, f"{answer.status}: {body!r}"
        return json.loads(body)["id"]

    def close(self) -> None:
        """Closes the connection."""
        self.connection.close()


def send_events(dsn: Dsn, *events: dict[str, Any]) -> None:
    """Sends events over one connection; each has to be acknowledged under its own id."""
    sender = Sender(dsn)
    try:
        for event in events:
            assert sender.send(event) == event["event_id"]
    finally:
        sender.close()
