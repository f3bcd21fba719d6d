"""Writing a file so that a reader sees the old one or the new one whole, never a part."""

from __future__ import annotations

import errno
import os
from pathlib import Path

REPORT = "report.json"
LOAD = "load.json"
PAGE = "report.html"


def replace(path: Path, text: str) -> None:
    """Write `text` as UTF-8 in place of `path`; on any error `path` is as it was.

    A lone surrogate, which UTF-8 cannot hold, becomes its backslash escape: in JSON that is the same
    character. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(text.encode("utf-8", "backslashreplace"))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def prepare(path: Path) -> None:
    """Make the folder of a file. Raises OSError now for one that could not be written after long work."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
