"""The checks: `checks/<area>/check_<topic>.py`, small functions that judge one requirement each."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import walk_packages


@cache
def load() -> None:
    """Import every module of checks, so that each ties its functions to the register."""
    for module in walk_packages(__path__, f"{__name__}."):
        import_module(module.name)
