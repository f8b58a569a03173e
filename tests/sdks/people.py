"""Sends what happened to people with the real SDK, with a file and a transaction each: DSN EMAIL:ID ..."""

import sys

import sentry_sdk
from sentry_sdk import capture_exception, start_transaction


def fail(email: str) -> None:
    """An error that says whose order it was."""
    try:
        raise LookupError(f"no order of {email}")
    except LookupError as error:
        capture_exception(error)


def order(email: str, user_id: str) -> None:
    """A transaction in which something fails, with a file."""
    with sentry_sdk.isolation_scope() as scope:
        scope.set_user({"id": user_id, "email": email, "username": f"user-{user_id}", "ip_address": "203.0.113.77"})
        scope.add_attachment(bytes=f"basket of {email}".encode(), filename=f"{user_id}.txt")
        with start_transaction(op="task", name=f"order-{user_id}"):
            fail(email)
    sentry_sdk.flush(timeout=10)


def main(dsn: str, people: list[str]) -> None:
    """What happens last happens to the last one, and mentions the first one."""
    # Local variables and sys.argv hold everybody.
    sentry_sdk.init(
        dsn, traces_sample_rate=1.0, include_local_variables=False, default_integrations=False, auto_session_tracking=False
    )
    for person in people:
        order(*person.split(":"))
    with sentry_sdk.isolation_scope() as scope:
        scope.set_user({"email": people[-1].split(":")[0]})
        scope.add_breadcrumb(message=f"called {people[0].split(':')[0]}", category="phone")
        fail(people[-1].split(":")[0])
    sentry_sdk.flush(timeout=10)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
