"""The one place that waits: a condition is polled until it holds or a deadline passes."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

POLL_INTERVAL = 0.05
"""Seconds between two looks at a condition."""


def eventually(probe: Callable[[], Value], what: str, seconds: float = 20.0) -> Value:
    """Polls `probe` until it returns something true, and returns that.

    Raises AssertionError naming `what` and the last value once `seconds` have passed. An exception of the probe is not
    caught: a condition that cannot be looked at is a failure of its own.
    """
    deadline = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s for {what}; last seen: {value!r}")
        time.sleep(POLL_INTERVAL)
