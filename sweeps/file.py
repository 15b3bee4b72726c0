"""The file of a store: how it is made, told from the files of others, and opened."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from twinpeaks.sweeps.former import FORMER, converted

__all__ = ["SCHEMA", "StoreError", "about", "connect", "explained", "readable"]

_FORMAT = 3
SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sweeps (content TEXT PRIMARY KEY, added REAL NOT NULL);
CREATE TABLE IF NOT EXISTS results (
    task TEXT PRIMARY KEY, about TEXT NOT NULL, value TEXT NOT NULL, digest TEXT NOT NULL,
    seconds REAL, finished REAL);
CREATE TABLE IF NOT EXISTS claims (task TEXT PRIMARY KEY, pid INTEGER, born REAL);
INSERT OR IGNORE INTO about VALUES ('format', '{_FORMAT}');
COMMIT;
"""


class StoreError(RuntimeError):
    """A store cannot be used; the message names the file, what is wrong and what to do."""


_DAMAGE = ("malformed", "not a database", "decode", "no such table", "no such column")


@contextmanager
def readable(path: Path, what: str) -> Iterator[None]:
    """Name the file where what it holds cannot be read, whatever reading it raises.

    Raises
    ------
    StoreError
        For any error but another StoreError.
    """
    try:
        yield
    except StoreError:
        raise
    except Exception as error:  # JSON that is none, that is of another type, that lacks a name ...
        raise StoreError(
            f"store = {path}: {what} cannot be read ({type(error).__name__}: {error}); the file is "
            "damaged: restore it from a copy, or give another"
        ) from error


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Name the file and the remedy in what SQLite says.

    Raises
    ------
    StoreError
        For any error of SQLite.
    """
    try:
        yield
    except sqlite3.Error as error:
        text = str(error)
        remedy = "check the path, its permissions and that the disk can be written"
        if "full" in text:
            remedy = "free some space and run the same command again; nothing finished is lost"
        elif "readonly" in text:
            remedy = "make the file and its folder writable, or copy them"
        elif any(word in text for word in _DAMAGE):
            remedy = "the file is damaged or no store; `twinpeaks store verify` says what is left"
        elif "locked" in text:
            remedy = "another process held it for a minute; try again"
        raise StoreError(f"store = {path}: {text}; {remedy}") from error


def about(db: sqlite3.Connection, name: str) -> str | None:
    """Return what a store says of itself under a name: ``format`` or ``protocol``."""
    row = db.execute("SELECT value FROM about WHERE name = ?", [name]).fetchone()
    return None if row is None else str(row[0])


def connect(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open a store, or make one where there is no file or an empty one.

    Raises
    ------
    StoreError
        If the file is no store, which leaves it as it was, is of another format, or cannot be opened.
    """
    with explained(path):
        if path.exists() and _recognise(path, empty=create) == FORMER:
            with readable(path, "a store of format 2"), closing(_read_only(path)) as db:
                return converted(db, SCHEMA)
        if not create:
            # Where nothing can be written, not even the log's shared memory, the file cannot change.
            return _open(path, "mode=rw" if _writable(path) else "immutable=1")
        db = _open(path, "mode=rwc")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.executescript(SCHEMA)  # at once: another process sees no store or a whole one
        return db


def _recognise(path: Path, *, empty: bool) -> str | None:
    """The format of a store, None of an empty file; others are refused, and nothing is written."""
    with closing(_read_only(path)) as db:
        names = {row[0] for row in db.execute("SELECT name FROM sqlite_master")}
        if empty and not names:
            return None
        found = None
        if "about" in names:
            with suppress(sqlite3.OperationalError):  # a table of that name with other columns
                found = about(db, "format")
    if found is None:
        raise StoreError(
            f"store = {path}: this is no store; give another file, a new one or one made by --store or "
            "store="
        )
    if found not in (FORMER, str(_FORMAT)):
        raise StoreError(
            f"store = {path}: its format is {found!r}, this version reads {FORMER} and {_FORMAT}; give "
            "another file to start anew, or export this one with the version that wrote it"
        )
    return found


def _read_only(path: Path) -> sqlite3.Connection:
    # Even a reader makes a log beside a file that has none, unless the file is said not to change.
    logged = path.with_name(f"{path.name}-wal").exists() and _writable(path)
    return _open(path, "mode=ro" if logged else "immutable=1")


def _writable(path: Path) -> bool:
    return os.access(path.resolve().parent, os.W_OK)


def _open(path: Path, how: str) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?{how}"
    return sqlite3.connect(uri, uri=True, timeout=60.0, isolation_level=None)
