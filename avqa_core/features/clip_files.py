"""One clip's ``.npy`` file, as other projects share features: checked first, then read by the row.

A header is read with NumPy's own parser and its promise compared with the size of the file. Rows
are read with plain reads instead of a memory map: a file that shrinks, or a disk that fails, while
a map is read kills the process (SIGBUS); a plain read is an error that can be told. Nothing is ever
unpickled.
"""

from __future__ import annotations

import math
import os
import stat
import tokenize
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy

from avqa_core.data.shards import DTYPE
from avqa_core.errors import FeatureError
from avqa_core.printable import printable

SUFFIX = ".npy"
# Version 3.0 differs only for dtypes with names, which no feature has.
_HEADERS: dict[tuple[int, int], Callable[[BinaryIO], tuple[Any, bool, np.dtype]]] = {
    (1, 0): npy.read_array_header_1_0,
    (2, 0): npy.read_array_header_2_0,
}
# What NumPy's parser of headers lets through when the bytes are arbitrary.
_UNPARSABLE = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    SyntaxError,
    EOFError,
    ArithmeticError,
    MemoryError,
    RecursionError,
    tokenize.TokenError,
)


class ClipFileError(FeatureError):
    """A clip's file cannot be used; ``reason`` is the same few words for all files like it."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(printable(message))
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return ClipFileError, (self.reason, str(self))


@dataclass(frozen=True, slots=True)
class ClipFile:
    """What the header of a file says, and what the file system says of it.

    Attributes:
        path: of the file.
        shape: of the array, seconds first.
        dtype: of its numbers, a floating type.
        offset: of the first number, in bytes.
        is_fortran_order: whether the first axis is the one that runs fastest.
        num_bytes: size of the file.
    """

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int
    is_fortran_order: bool
    num_bytes: int

    def read(self, seconds: Sequence[int]) -> np.ndarray:
        """Return the rows of the given seconds as finite float16.

        Raises:
            ClipFileError: the file has changed since, cannot be read, or a number is not finite or
                too large.
        """
        if read_header(self.path) != self:
            raise ClipFileError(
                "changed while packing",
                f"expected {self.path} to stay as it was, got another file of that name: start "
                "again when nothing writes to the folder",
            )
        try:
            with self.path.open("rb", buffering=0) as file:
                rows = self._rows(file, seconds)
        except (OSError, EOFError) as error:
            raise _unreadable(self.path, error) from error
        return _half(rows, self.path)

    def _rows(self, file: Any, seconds: Sequence[int]) -> np.ndarray:
        if self.is_fortran_order:  # a row is scattered over the file: no way around the whole clip
            file.seek(self.offset)
            count = math.prod(self.shape)
            whole = np.empty(count, dtype=self.dtype)
            _fill(file, whole)
            return whole.reshape(self.shape, order="F")[np.asarray(seconds)]
        rows = np.empty((len(seconds), *self.shape[1:]), dtype=self.dtype)
        for place, second in enumerate(seconds):
            file.seek(self.offset + second * rows[:1].nbytes)
            _fill(file, rows[place : place + 1])
        return rows


def read_header(path: Path, root: Path | None = None) -> ClipFile:
    """Return what a ``.npy`` file holds without reading its numbers.

    Args:
        path: of the file.
        root: a folder, fully resolved, that the file must lie in; links that lead out are refused.

    Raises:
        ClipFileError: no whole ``.npy`` file of floating point numbers there.
    """
    try:
        if root is not None and not path.resolve(strict=True).is_relative_to(root):
            raise ClipFileError(
                "link out of the folder",
                f"expected files below {root}, got {path}, which is a link out of it: put "
                "a copy in its place",
            )
        # Opening a pipe would wait for somebody to write to it.
        if not stat.S_ISREG(path.stat().st_mode):
            raise _no_npy(path, "something that is no regular file")
        with path.open("rb") as file:
            return _parsed(path, file)
    except (OSError, RuntimeError) as error:  # RuntimeError: links that lead in a circle
        raise _unreadable(path, error) from error


def _parsed(path: Path, file: BinaryIO) -> ClipFile:
    num_bytes = os.fstat(file.fileno()).st_size
    try:
        with warnings.catch_warnings():  # about headers written by Python 2, which are fine
            warnings.simplefilter("ignore")
            shape, is_fortran_order, dtype = _HEADERS[npy.read_magic(file)](file)
    except _UNPARSABLE as error:
        reason = "an empty file" if not num_bytes else (str(error).splitlines() or ["nothing"])[0]
        raise _no_npy(path, reason[:100]) from error
    offset = file.tell()
    # Object arrays are pickles; they stop here too.
    if dtype.kind != "f" or dtype.itemsize > 8:
        raise ClipFileError(
            "not floating point",
            f"expected floating point numbers in {path}, got {str(dtype)[:60]}: convert "
            "the file to float32",
        )
    if not shape or not all(type(size) is int and size > 0 for size in shape):
        raise ClipFileError(
            "other shape",
            f"expected an array with one row a second in {path}, got shape "
            f"{str(shape)[:60]}: extract the clip again",
        )
    promised = offset + math.prod(shape) * dtype.itemsize
    if num_bytes != promised:
        reason = "truncated" if num_bytes < promised else "longer than its header says"
        raise ClipFileError(
            reason,
            f"expected {promised} bytes in {path}, got {num_bytes}: copy it again",
        )
    return ClipFile(path, shape, dtype, offset, is_fortran_order, num_bytes)


def _fill(file: Any, array: np.ndarray) -> None:
    """Fill a contiguous array from an unbuffered file, which may hand out less than asked for."""
    rest = array.reshape(-1).view(np.uint8).data
    while rest:
        if not (count := file.readinto(rest)):
            raise EOFError("the file ended too early")
        rest = rest[count:]


def _half(rows: np.ndarray, path: Path) -> np.ndarray:
    with np.errstate(over="ignore", under="ignore"):
        half = rows.astype(DTYPE)
    finite = np.isfinite(half)
    if finite.all():
        return half
    worst = rows[~finite][0]
    reason = "too large for float16" if np.isfinite(worst) else "not finite"
    raise ClipFileError(
        reason,
        f"expected finite numbers up to 65504 (float16) in {path}, got {worst}: check the "
        "clip, or scale the feature",
    )


def _no_npy(path: Path, found: str) -> ClipFileError:
    return ClipFileError(
        "no .npy file", f"expected a .npy file at {path}, got {found}: copy it again"
    )


def _unreadable(path: Path, error: Exception) -> ClipFileError:
    return ClipFileError(
        "unreadable", f"expected to read {path}, got {error}: mend that and start again"
    )
