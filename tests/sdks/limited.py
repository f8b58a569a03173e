"""Sends messages one by one with the real SDK and says how many of them it handed to the network: DSN COUNT."""

import sys

import sentry_sdk


def main(dsn: str, count: int) -> None:
    """Each message is flushed before the next, so that an answer can hold the next one back."""
    sentry_sdk.init(dsn, default_integrations=False, auto_session_tracking=False)
    for number in range(count):
        sentry_sdk.capture_message(f"message {number}", level="error")
        sentry_sdk.flush(timeout=10)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
