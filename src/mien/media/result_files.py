"""A video's results to a file that a kill at any moment leaves with every finished frame, and that can be gone on with."""

import io
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Self

from mien.errors import DataError, UsageError, VideoError, unknown
from mien.files import replaced_file
from mien.media.parquet import load_pyarrow, read_parquet, write_parquet
from mien.media.result_reader import read_finished, rows_to_results
from mien.media.sinks import VIDEO_SINKS
from mien.results import Result

FORMATS = ("csv", "jsonl", "parquet")


def growing_path(path: Path, format_: str) -> Path:
    """What is written while frames come: the file itself, or JSON lines beside it until they can become Parquet."""
    return path.with_suffix(".partial.jsonl") if format_ == "parquet" else path


def left_results(path: Path, format_: str) -> Iterator[Result]:
    """The frames that an interrupted ResultFile has finished, or a closed one holds; none where there is no file.

    In a CSV the last frame may lack faces without a sign of it, so it does not count, unless it has none; CSV and Parquet do
    not hold the pictures' size and the model. Raises DataError for a file of another kind.
    """
    growing = growing_path(path, format_)
    if growing.exists():
        yield from (result for result, _ in read_finished(growing, _growing_format(format_)))
    elif path.exists():
        try:
            yield from rows_to_results(read_parquet(path))
        except (LookupError, ValueError, OSError) as error:
            raise DataError(f"{path}: is no result file of mien ({error}); choose another name.") from error


class ResultFile:
    """Writes results as csv, jsonl or parquet; each is in `growing_path(path, format_)`, whole, when `write` returns.

    A Parquet file cannot be read before its end is written: the results are JSON lines in a `.partial.jsonl` until `close`
    makes the Parquet file of them, in one step that replaces what was there.

    keep: go on after the first so many frames that an earlier run has left (left_results); 0 starts anew. frames: how many
    there are now. Raises UsageError where path cannot be written, fewer frames are left, or pyarrow is missing.
    """

    def __init__(self, path: Path, format_: str, keep: int = 0):
        if format_ not in FORMATS:
            raise unknown("format", format_, FORMATS)
        if format_ == "parquet":
            load_pyarrow()
        self.path, self.frames = path, keep
        self._format, self._growing = format_, growing_path(path, format_)
        self._end = _kept_bytes(path, format_, keep) if keep else 0
        self._text = io.StringIO(newline="")
        self._sink = VIDEO_SINKS[_growing_format(format_)](self._text)
        try:
            self._file = self._growing.open("r+b" if keep else "wb", buffering=0)
            if keep:
                self._undo()
        except OSError as error:
            raise UsageError(f"{path}: cannot be written ({error.strerror}); choose another file.") from error
        header = self._take()
        if not keep:
            self._put(header)

    def write(self, result: Result) -> None:
        """The next frame. Raises VideoError where the disk is full or fails; the file then ends with the frame before."""
        self._sink.write(result)
        self._put(self._take())
        self.frames += 1

    def close(self) -> None:
        """Finishes the file. Raises VideoError where a Parquet file cannot be made; its results are kept as JSON lines."""
        if self._file.closed:
            return
        self._file.close()
        if self._format == "parquet":
            try:
                write_parquet(self.path, left_results(self.path, self._format))
            except VideoError as error:
                raise VideoError(f"{error} {self._kept()}") from error
            self._growing.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self) -> bytes:
        """What the sink gave since the last call."""
        data = self._text.getvalue().encode("utf-8", "backslashreplace")
        self._text.seek(0)
        self._text.truncate()
        return data

    def _put(self, data: bytes) -> None:
        """Writes all of it, or nothing."""
        done = 0
        try:
            while done < len(data):
                done += self._file.write(data[done:])
        except BaseException as error:
            with suppress(OSError):
                self._undo()
            if not isinstance(error, OSError):
                raise
            self._file.close()
            raise VideoError(
                f"{self.path}: cannot be written any more ({error.strerror}); make room. {self._kept()}"
            ) from error
        self._end += done

    def _undo(self) -> None:
        """Takes off what stands after the last finished frame."""
        if self._file.seekable():
            self._file.truncate(self._end)
            self._file.seek(self._end)

    def _kept(self) -> str:
        return f"{self._growing} holds the first {self.frames} frames; --resume goes on from there."


def _growing_format(format_: str) -> str:
    return "jsonl" if format_ == "parquet" else format_


def _kept_bytes(path: Path, format_: str, keep: int) -> int:
    """Where the first `keep` frames end. Makes the partial file of a Parquet file that was finished."""
    growing = growing_path(path, format_)
    if not growing.exists() and path.exists():
        with replaced_file(growing) as new, ResultFile(new, "jsonl") as out:
            for result in left_results(path, format_):
                out.write(result)
    ends = (end for _, end in read_finished(growing, _growing_format(format_))) if growing.exists() else iter(())
    end = next(islice(ends, keep - 1, None), None)
    if end is None:
        raise UsageError(f"{path}: fewer than {keep} frames are left of the run before; start anew.")
    return end
