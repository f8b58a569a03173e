"""Two hundred secrets, each in a corner of its own, as careless programs send them.

Only what the default rules and IP scrubbing promise to find is planted: values under keys that name a secret, and texts that
are recognised by their form. Where nothing is promised (a tag, a file's contents) nothing is planted.
"""

import itertools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

KEYS = [
    "password",
    "client_secret",
    "passwd",
    "api_key",
    "apiKey",
    "Authorization",
    "credentials",
    "mysql_pwd",
    "private_key",
    "access_token",
]
"""Keys under which anything is secret."""

Json = dict[str, Any]


def luhn(digits: str) -> str:
    """The digits with the check digit that makes them a card number."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return digits + str(-total % 10)


@dataclass
class Planted:
    """What was planted: each secret is a text that occurs nowhere else."""

    secrets: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(100))

    def _remember(self, *texts: str) -> None:
        self.secrets += texts

    def word(self) -> str:
        """A secret that only its key tells."""
        word = f"planted{next(self._numbers)}x{uuid.uuid4().hex[:12]}"
        self._remember(word)
        return word

    def card(self) -> str:
        """A card number, with spaces, dashes or neither."""
        number = next(self._numbers)
        digits = luhn(f"4{number:06}{number * 7919 % 10**8:08}")
        separator = ["", " ", "-"][number % 3]
        text = separator.join(digits[place : place + 4] for place in range(0, 16, 4))
        self._remember(text)
        return text

    def ssn(self) -> str:
        """A social security number."""
        number = next(self._numbers)
        self._remember(text := f"{number:03}-{number % 90 + 10}-{number * 37 % 9000 + 1000}")
        return text

    def bearer(self) -> str:
        """A bearer token with its word before it."""
        self._remember(token := f"tk{next(self._numbers)}.{uuid.uuid4().hex}")
        return f"Bearer {token}"

    def iban(self) -> str:
        """An account number."""
        self._remember(text := f"DE{next(self._numbers) % 90 + 10}{uuid.uuid4().int % 10**18:018}")
        return text

    def url(self) -> str:
        """A URL with a password."""
        self._remember(password := f"pw{next(self._numbers)}{uuid.uuid4().hex[:10]}")
        return f"postgres://shop:{password}@db.internal:5432/shop"

    def pem(self) -> str:
        """A private key."""
        self._remember(body := f"MIIEow{next(self._numbers)}{uuid.uuid4().hex}{uuid.uuid4().hex}")
        return f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----"

    def ipv4(self) -> str:
        """An address."""
        number = next(self._numbers)
        self._remember(text := f"203.{number % 200 + 20}.{number * 7 % 250}.{number * 13 % 250 + 1}")
        return text

    def ipv6(self) -> str:
        """An address; its network is as telling as the rest."""
        number = next(self._numbers)
        self._remember(network := f"2001:db8:{number:x}:{number * 31 % 65521:x}")
        return f"{network}::{number:x}"

    def forms(self) -> list[Callable[[], str]]:
        """What is recognised by its form."""
        return [self.card, self.ssn, self.bearer, self.iban, self.url, self.pem, self.ipv4, self.ipv6]

    def keyed(self) -> Json:
        """An object with a secret under each telling key, as text, and deeper."""
        flat = {key: self.word() for key in KEYS[:4]}
        return flat | {
            "nested": {"list": [{KEYS[4]: self.word()}], "pairs": [[KEYS[5], self.word()]], KEYS[6]: {"user": self.word()}}
        }

    def prose(self) -> str:
        """A sentence with everything that is recognised by its form."""
        return " and ".join(f"it was {form()}" for form in self.forms())


def frame(planted: Planted) -> Json:
    """A frame with secrets in its variables."""
    variables = {
        "form": planted.keyed(),
        "note": planted.prose(),
        "settings": {"DATABASE_PASSWORD": planted.word(), "SECRET_KEY": planted.word()},
    }
    return {
        "function": "pay",
        "module": "shop.views",
        "filename": "shop/views.py",
        "lineno": 7,
        "in_app": True,
        "vars": variables,
    }


def request(planted: Planted, data: Any) -> Json:
    """A request with secrets in its address, headers, cookies, environment and body."""
    return {
        "method": "POST",
        "url": f"https://shop.example/pay?token={planted.word()}&page=2#access_token={planted.word()}",
        "query_string": f"api_key={planted.word()}&card={planted.card()}",
        "headers": {
            "Authorization": planted.bearer(),
            "X-Api-Key": planted.word(),
            "X-Auth-Token": planted.word(),
            "X-Forwarded-For": planted.ipv4(),
            "X-Real-Ip": planted.ipv6(),
            "Cookie": f"sessionid={planted.word()}; theme=dark; csrftoken={planted.word()}",
        },
        "cookies": {"session": planted.word(), "PHPSESSID": planted.word(), "basket_token": planted.word()},
        "env": {"REMOTE_ADDR": planted.ipv4(), "DB_PASSWORD": planted.word(), "HTTP_AUTHORIZATION": planted.bearer()},
        "data": data,
    }


def common(planted: Planted) -> Json:
    """What errors and transactions have in common."""
    return {
        "event_id": uuid.uuid4().hex,
        "platform": "python",
        "server_name": "web-1",
        "user": {"id": "7", "ip_address": planted.ipv4(), "data": planted.keyed(), "auth_token": planted.word()},
        "extra": {
            "form": planted.keyed(),
            "prose": planted.prose(),
            "pairs": [["password", planted.word()]],
            "deep": {"a": {"b": planted.keyed()}},
        },
        "breadcrumbs": {
            "values": [
                {"message": planted.prose(), "category": "auth", "data": planted.keyed()},
                {"data": {"url": planted.url()}},
            ]
        },
        "sdk": {"name": "sentry.python", "version": "2.0.0", "client_ip": planted.ipv4()},
    }


def error(planted: Planted, title: str, data: Any) -> Json:
    """An error with secrets everywhere."""
    mechanism = {"type": "django", "handled": False, "data": planted.keyed()}
    exception = {"type": title, "value": "it broke", "mechanism": mechanism, "stacktrace": {"frames": [frame(planted)]}}
    thread = {"id": 1, "stacktrace": {"frames": [frame(planted)]}}
    contexts = {
        "shop": planted.keyed(),
        "response": {"headers": {"Set-Cookie": f"sessionid={planted.word()}"}, "cookies": {"session": planted.word()}},
    }
    log = {
        "message": "paid with %s",
        "params": [planted.card(), {"password": planted.word()}],
        "formatted": f"paid with {planted.card()} {planted.iban()}",
    }
    return common(planted) | {
        "exception": {"values": [exception]},
        "threads": {"values": [thread]},
        "contexts": contexts,
        "logentry": log,
        "request": request(planted, data),
    }


def transaction(planted: Planted, name: str) -> Json:
    """A transaction with secrets in its spans and contexts."""
    trace = {
        "trace_id": uuid.uuid4().hex,
        "span_id": uuid.uuid4().hex[:16],
        "op": "http.server",
        "status": "ok",
        "data": planted.keyed(),
    }
    span = {
        "trace_id": trace["trace_id"],
        "span_id": uuid.uuid4().hex[:16],
        "parent_span_id": trace["span_id"],
        "start_timestamp": 1.0,
        "timestamp": 1.5,
        "op": "http.client",
        "data": planted.keyed()
        | {
            "note": planted.prose(),
            "client.address": planted.ipv4(),
            "http.request.header.cookie": f"sessionid={planted.word()}",
        },
    }
    return common(planted) | {
        "type": "transaction",
        "transaction": name,
        "contexts": {"trace": trace, "shop": planted.keyed()},
        "request": request(planted, planted.keyed()),
        "spans": [span],
    }


def check_in(planted: Planted) -> Json:
    """A check-in of a job whose settings hold secrets."""
    return {
        "check_in_id": uuid.uuid4().hex,
        "monitor_slug": "nightly",
        "status": "ok",
        "environment": "production",
        "contexts": {"trace": {"trace_id": uuid.uuid4().hex}, "job": planted.keyed()},
        "monitor_config": {"schedule": {"type": "crontab", "value": "0 3 * * *"}, "password": planted.word()},
    }


def file_names(planted: Planted) -> list[str]:
    """Names of files as exports of customers have them."""
    return [
        f"export {planted.card()}.csv",
        f"{planted.ssn()}.pdf",
        f"login from {planted.ipv4()}.log",
        f"{planted.iban()}.txt",
        f"host {planted.ipv6()}.dmp",
    ]
