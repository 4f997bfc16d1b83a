"""OUT: a Parquet file a part, and beside them what the run is, its parts, and which of them are done.

    part-00000000.parquet ...    the results
    _mien.json                   source, model and options: a second start must name the same
    _plan.jsonl                  the parts, found once, so that a second start has the same
    _done.jsonl                  a line for each part whose file is there

Each file takes its place whole, and its line follows: after a kill at any moment a part counts as done or is done again.
"""

import json
from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from mien.batch.parts import Part
from mien.batch.places import RUN_MARK
from mien.batch.work import Counts
from mien.errors import DataError, UsageError
from mien.files import replaced_file
from mien.results import SCHEMA


class Store:
    """One run's folder, which `open_store` makes. facts: what _mien.json holds."""

    def __init__(self, folder: Path, facts: Mapping[str, Any]):
        self.folder, self.facts = folder, facts

    @property
    def plan(self) -> Path:
        return self.folder / "_plan.jsonl"

    def path(self, number: int) -> Path:
        return self.folder / f"part-{number:08d}.parquet"

    def done(self) -> dict[int, Counts]:
        """The parts that are done, by number. A line that a kill cut short does not count."""
        found = {}
        for line in _whole_lines(self.folder / "_done.jsonl"):
            data = json.loads(line)
            number = data.pop("part")
            found[number] = Counts(**data)
        return {number: counts for number, counts in found.items() if self.path(number).exists()}

    @contextmanager
    def writer(self) -> "Iterator[Writer]":
        """What adds parts, for one process at a time. Raises UsageError where another is at it."""
        with (self.folder / "_done.jsonl").open("a+b") as file:
            _lock(file, self.folder)
            for left in self.folder.glob(".*.partial"):  # by a run that was killed
                left.unlink(missing_ok=True)
            file.truncate(sum(map(len, _whole_lines(self.folder / "_done.jsonl"))))
            yield Writer(self, file)


class Writer:
    def __init__(self, store: Store, done: BinaryIO):
        self._store, self._done = store, done

    def add(self, number: int, table: bytes, counts: Counts) -> None:
        """A part's file, then its line. Raises DataError where the disk is full or fails; what was added stays."""
        try:
            with replaced_file(self._store.path(number)) as new:
                new.write_bytes(table)
            self._done.write(json.dumps({"part": number, **asdict(counts)}).encode() + b"\n")
            self._done.flush()
        except OSError as error:
            raise _unwritable(self._store.folder, error) from error


def open_store(folder: Path, wanted: Mapping[str, Any], more: Mapping[str, Any], parts: Iterable[Part]) -> Store:
    """The folder of this run: that of an earlier start, or a new one, for which the parts are found and written down.

    wanted: facts that must be the same at each start; more: those of the first start stay. Raises UsageError where the
    folder holds another run or other files, DataError where there are no parts or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise UsageError(f"--out {folder}: cannot be made or read ({error.strerror}); choose another folder.") from error
    if RUN_MARK in found:
        store = read_store(folder)
        for key, value in wanted.items():
            if (old := store.facts.get(key)) != value:
                raise UsageError(f"--out {folder}: holds a run with {key} {old}, not {value}; choose another folder.")
        return store
    if strange := [name for name in found if not name.startswith((".", "_"))]:
        raise UsageError(f"--out {folder}: holds {strange[0]}, which is of no run; choose a new folder.")
    store = Store(folder, {})
    try:
        with replaced_file(store.plan) as new:
            if not (count := _write_plan(new, parts)):
                raise DataError(f"{wanted['source']}: holds no pictures; give a folder, a tar, a table or a list of some.")
        store = Store(folder, {"schema": SCHEMA, **wanted, **more, "parts": count})
        with replaced_file(folder / RUN_MARK) as new:
            new.write_text(json.dumps(store.facts, indent=1))
    except OSError as error:
        raise _unwritable(folder, error) from error
    return store


def read_store(folder: Path) -> Store:
    """That of an earlier start. Raises UsageError where there is none, DataError for one that cannot be read."""
    path = folder / RUN_MARK
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if facts["schema"] != SCHEMA or not isinstance(facts["parts"], int):
            raise ValueError(f"schema {facts['schema']}, expected {SCHEMA}")
    except FileNotFoundError:
        raise UsageError(f"{folder}: holds no run of `mien score`; name the folder that --out named.") from None
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DataError(f"{path}: cannot be used ({error}); choose another folder.") from error
    return Store(folder, facts)


class Plan:
    """The parts of a plan file by number, read one at a time: memory holds 8 bytes a part."""

    def __init__(self, path: Path):
        self._file = path.open("rb")
        self._starts = array("Q")
        start = 0
        for line in self._file:
            self._starts.append(start)
            start += len(line)

    def part(self, number: int) -> Part:
        self._file.seek(self._starts[number])
        return Part.from_dict(json.loads(self._file.readline()))


def _write_plan(path: Path, parts: Iterable[Part]) -> int:
    count = 0
    with path.open("w", encoding="ascii") as file:
        for part in parts:
            file.write(json.dumps(part.to_dict()) + "\n")
            count += 1
    return count


def _whole_lines(path: Path) -> Iterator[bytes]:
    if path.exists():
        with path.open("rb") as file:
            yield from (line for line in file if line.endswith(b"\n"))


def _lock(file: BinaryIO, folder: Path) -> None:
    """Held until the file is closed, or its process ends however it ends. Windows has no such lock."""
    try:
        import fcntl
    except ModuleNotFoundError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(f"--out {folder}: another run is writing to it; wait for its end.") from None
    except OSError:
        pass  # a file system without locks


def _unwritable(folder: Path, error: OSError) -> DataError:
    reason = error.strerror or error
    return DataError(f"{folder}: cannot be written ({reason}); make room and start again: what is done is kept.")
