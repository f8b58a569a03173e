"""Looking for bytes that must not be where they can be found."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import zstandard

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
