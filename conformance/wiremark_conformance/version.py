"""The version of the installed distribution, looked up only when somebody asks."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version as _installed

DISTRIBUTION = "wiremark"


@cache
def version() -> str:
    """Such as `0.1.0`; raises PackageNotFoundError when wiremark is run without being installed."""
    return _installed(DISTRIBUTION)
