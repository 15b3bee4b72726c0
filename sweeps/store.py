"""Results of a sweep in one SQLite file, task by task.

Every result is one transaction, so that whatever ends a process costs at most the tasks it was working
on. Processes on one machine may share a store: a task is claimed before it is worked on, and the claim
of a process that is gone is void. The write-ahead log needs shared memory, so a store belongs on a disk
of the machine that writes it, not on a network file system.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import xarray as xr

from twinpeaks.sweeps.file import StoreError, about, connect, explained, readable
from twinpeaks.sweeps.grid import Grid, Values
from twinpeaks.sweeps.protocol import Task
from twinpeaks.sweeps.sweep import Sweep, digest, encoded, key_of
from twinpeaks.theory.axes import check_flag

__all__ = ["Store", "StoreError", "Summary"]


@dataclass(frozen=True)
class Summary:
    """What a store holds.

    Attributes
    ----------
    protocol : dict
        The words of ``Sweep.describe``; ``kind`` is the kind of sweep.
    grids : list of Grid
        Every sweep that was begun, oldest first.
    results, claimed : int
        Finished tasks, and those being worked on by a living process.
    seconds : float
        Working time of the finished tasks.
    """

    protocol: dict[str, Any]
    grids: list[Grid]
    results: int
    claimed: int
    seconds: float


class Store:
    """An open store.

    Parameters
    ----------
    path : path
        The file; made when absent.
    create : bool
        Whether an absent file may be made.

    Raises
    ------
    StoreError
        If the file is absent and may not be made, is not a store, or cannot be opened.
    """

    def __init__(self, path: str | Path, *, create: bool = True) -> None:
        self.path = Path(path)
        check_flag("create", create)
        if not create and not self.path.exists():
            raise StoreError(f"store = {self.path}: there is no such file")
        process = psutil.Process()
        self._owner = (process.pid, process.create_time())
        self._db = connect(self.path, create=create)
        self._fixed = not self._db.execute("PRAGMA database_list").fetchone()[2]  # in memory

    def close(self) -> None:
        """Give up what this process had claimed, and close the file."""
        with suppress(sqlite3.Error):  # a claim that stays is void when the process is gone
            self._db.execute("DELETE FROM claims WHERE pid = ? AND born = ?", self._owner)
        self._db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with explained(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._db.in_transaction:  # a full disk has already rolled back
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def begin(self, sweep: Sweep, grid: Grid) -> None:
        """Register a sweep: the first one fixes the protocol of the store, and with it the kind.

        Raises
        ------
        StoreError
            If the store holds results of another protocol; it names every difference.
        """
        wanted = sweep.describe()
        if (held := self._about()) and (differences := _differences(held, wanted)):
            raise StoreError(
                f"store = {self.path} holds another sweep: {'; '.join(differences)}. Give another "
                "file, or the arguments and versions of this one"
            )
        self._writable()
        with self._transaction():
            # what an earlier sweep of this process could not give back, for want of room on the disk
            self._db.execute("DELETE FROM claims WHERE pid = ? AND born = ?", self._owner)
            self._db.execute(
                "INSERT OR IGNORE INTO about VALUES ('protocol', ?)", [encoded(wanted)]
            )
            self._db.execute(
                "INSERT OR REPLACE INTO sweeps VALUES (?, ?)", [encoded(grid.words()), time.time()]
            )

    def _about(self) -> dict[str, Any]:
        """The words of ``Sweep.describe``, none before the first sweep."""
        with explained(self.path), readable(self.path, "its description of the sweep"):
            held = about(self._db, "protocol")
            if held is None:
                return {}
            words = json.loads(held)
            return {**words, "kind": str(words["kind"]), "twinpeaks": str(words["twinpeaks"])}

    def _writable(self) -> None:
        if self._fixed:
            raise StoreError(
                f"store = {self.path}: its format, of version 0.1, is only read; export it, and give "
                "another file for new results"
            )

    def claim(self, tasks: Iterable[tuple[str, Task]], count: int) -> list[tuple[str, Task]]:
        """Take up to ``count`` tasks that are neither finished nor claimed by a living process."""
        taken: list[tuple[str, Task]] = []
        with self._transaction():
            for pid, born in self._db.execute("SELECT DISTINCT pid, born FROM claims").fetchall():
                if not _lives(pid, born):
                    self._db.execute("DELETE FROM claims WHERE pid = ? AND born = ?", [pid, born])
            for key, task in tasks:
                if len(taken) == count:
                    break
                if self._held(key):
                    continue
                self._db.execute("INSERT INTO claims VALUES (?, ?, ?)", [key, *self._owner])
                taken.append((key, task))
        return taken

    def _held(self, key: str) -> bool:
        query = "SELECT 1 FROM results WHERE task = ? UNION SELECT 1 FROM claims WHERE task = ?"
        return self._db.execute(query, [key, key]).fetchone() is not None

    def put(self, key: str, task: Task, value: Values, seconds: float) -> None:
        """Write one result by name and end its claim, in one transaction."""
        text = encoded({name: np.asarray(array).tolist() for name, array in value.items()})
        row = [key, encoded(asdict(task)), text, digest(key, text), seconds, time.time()]
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?)", row)
            self._db.execute("DELETE FROM claims WHERE task = ?", [key])

    def done(self, keys: Iterable[str]) -> set[str]:
        """Which of the tasks are finished."""
        with explained(self.path):
            held = {row[0] for row in self._db.execute("SELECT task FROM results")}
        return held & set(keys)

    def get(self, key: str) -> Values | None:
        """One result by name, or None.

        Raises
        ------
        StoreError
            If what is stored is not what was written.
        """
        with explained(self.path):
            row = self._db.execute(
                "SELECT value, digest FROM results WHERE task = ?", [key]
            ).fetchone()
        if row is None:
            return None
        if digest(key, row[0]) != row[1]:
            raise StoreError(
                f"store = {self.path}: the result {key[:12]} is damaged; `twinpeaks store verify "
                "--repair` removes such results, and the sweep then runs them again"
            )
        with readable(self.path, f"the result {key[:12]}"):
            return {n: np.asarray(x, dtype=float) for n, x in json.loads(row[0]).items()}

    def progress(self, grid: Grid) -> tuple[int, int]:
        """Finished tasks of one of the sweeps, and all of them."""
        keys = {key_of(self._about(), task) for _, task in grid.places()}
        return len(self.done(keys)), len(keys)

    def collect(self, grid: Grid) -> xr.Dataset:
        """One of the sweeps as the Dataset of the function that began it.

        What is missing is NaN, and has status -1.

        Raises
        ------
        StoreError
            If a result is damaged.
        """
        words = self._about()
        held = ((place, self.get(key_of(words, task))) for place, task in grid.places())
        found = ((place, value) for place, value in held if value is not None)
        with readable(self.path, "a result"):
            return grid.filled(words, found)

    def count(self) -> int:
        """Number of results."""
        with explained(self.path):
            return int(self._db.execute("SELECT COUNT(*) FROM results").fetchone()[0])

    def summary(self) -> Summary:
        """What the store holds.

        Raises
        ------
        StoreError
            If its descriptions are damaged.
        """
        with explained(self.path):
            seconds = self._db.execute("SELECT TOTAL(seconds) FROM results").fetchone()[0]
            claims = self._db.execute("SELECT pid, born FROM claims").fetchall()
            rows = self._db.execute("SELECT content FROM sweeps ORDER BY added").fetchall()
        with readable(self.path, "its list of sweeps"):
            grids = [Grid.of(json.loads(row[0])) for row in rows]
        living = sum(_lives(*claim) for claim in claims)
        return Summary(self._about(), grids, self.count(), living, float(seconds))

    def verify(self, *, repair: bool = False) -> list[str]:
        """Check the file and every result; what is wrong, in sentences, none if all is well.

        Parameters
        ----------
        repair : bool
            Remove results that are not what was written, so that the sweep runs them again.
        """
        check_flag("repair", repair)
        with explained(self.path):
            wrong = [
                f"file: {row[0]}"
                for row in self._db.execute("PRAGMA integrity_check")
                if row[0] != "ok"
            ]
            damaged = [
                key
                for key, text, seal in self._db.execute("SELECT task, value, digest FROM results")
                if digest(key, text) != seal
            ]
        try:
            self.summary()
        except StoreError as error:
            wrong.append(str(error))
        if repair and damaged:
            self._writable()
            with self._transaction():
                self._db.executemany("DELETE FROM results WHERE task = ?", [[k] for k in damaged])
        return wrong + [f"result {str(key)[:12]}: not what was written" for key in damaged]


def _lives(pid: Any, born: Any) -> bool:
    """Whether the process that made a claim is the one that has its number now."""
    if not (isinstance(pid, int) and 0 < pid < 2**31 and isinstance(born, int | float)):
        return False  # a claim that nobody could have made
    try:
        return bool(abs(psutil.Process(pid).create_time() - born) < 1.0)
    except psutil.Error:
        return False


#: Words that are not the name of what decides them.
_SET_BY = {"chunk": "chunk, which memory decides,"}


def _differences(held: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    names = [*held, *(n for n in wanted if n not in held)]
    return [
        f"{_SET_BY.get(name, name)} is {held.get(name)} there and {wanted.get(name)} here"
        for name in names
        if held.get(name) != wanted.get(name)
    ]
