"""Looking for bytes that must not be where they can be found."""

import re
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import zstandard

from harness.postgres import find_postgres_program

PLAIN_ZSTD = 1
"""The `codec` of a payload compressed without a dictionary."""

MAX_PAYLOAD_BYTES = 64 * 1024 * 1024


def files_with(folder: Path, secrets: list[bytes]) -> list[str]:
    """Every `file: secret` below `folder`, in any file that is still there when it is opened."""
    found = []
    for path in sorted(folder.rglob("*")):
        try:
            content = path.read_bytes() if path.is_file() else b""
        except FileNotFoundError:
            continue
        found += [f"{path.relative_to(folder)}: {secret.decode()}" for secret in secrets if secret in content]
    return found


def stored_payloads(database: Path) -> Iterator[bytes]:
    """Every event payload of a SQLite database, decompressed."""
    unpack = zstandard.ZstdDecompressor()
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        for codec, data in connection.execute("SELECT codec, data FROM event_payload"):
            assert codec == PLAIN_ZSTD, f"unknown codec {codec}"
            yield unpack.decompress(data, max_output_size=MAX_PAYLOAD_BYTES)


def everything_in(database: Path | str) -> Iterator[str]:
    """Every row of a database, a SQLite file or a PostgreSQL URL, as text; compressed bodies are unpacked."""
    rows = rows_of_sqlite(database) if isinstance(database, Path) else rows_of_postgres(database)
    unpack = zstandard.ZstdDecompressor()
    for row in rows:
        yield row
        for body in re.findall(r"28b52ffd[0-9a-f]+", row):
            yield unpack.decompress(bytes.fromhex(body), max_output_size=MAX_PAYLOAD_BYTES).decode()


def rows_of_sqlite(database: Path) -> Iterator[str]:
    """The rows of all tables, bytes in hexadecimal."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                yield " ".join(value.hex() if isinstance(value, bytes) else str(value) for value in row)


def rows_of_postgres(url: str) -> Iterator[str]:
    """The lines of a dump."""
    dump = [find_postgres_program("pg_dump"), "--data-only", "-d", url]
    yield from subprocess.run(dump, capture_output=True, text=True, check=True).stdout.splitlines()
