"""Looks into the server's database from outside, whichever it is."""

import sqlite3
import subprocess
from contextlib import closing

from harness.postgres import find_postgres_program
from harness.server import Bugle


def one(bugle: Bugle, sql: str) -> int:
    """The number that a query of one row and one column gives; 0 for none."""
    return int(column(bugle, sql)[0] or 0)


def column(bugle: Bugle, sql: str) -> list[str]:
    """The first column of a query as text."""
    if bugle.database.url is None:
        (file,) = bugle.data.glob("*.db")
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            return ["" if row[0] is None else str(row[0]) for row in connection.execute(sql)]
    command = [find_postgres_program("psql"), "--no-psqlrc", "-At", "-d", bugle.database.url, "-c", sql]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines() or [""]


def event_ids(bugle: Bugle) -> list[str]:
    """The ids of all stored events as 32 hex digits."""
    digits = "lower(hex(event_id))" if bugle.database.url is None else "encode(event_id, 'hex')"
    return [event_id for event_id in column(bugle, f"SELECT {digits} FROM event") if event_id]
