"""Contracts that are served to the self-test alone: promises that no bundled contract makes."""

from __future__ import annotations

from importlib.resources import as_file, files

_SUFFIX = ".yaml"


def find(name: str) -> str:
    """What to load a contract by: the path of one of these, or the name of a bundled one."""
    entry = files(__package__).joinpath(f"{name}{_SUFFIX}")
    if not entry.is_file():
        return name
    with as_file(entry) as path:
        return str(path)
