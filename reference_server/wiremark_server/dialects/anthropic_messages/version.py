"""The `anthropic-version` header, and what differs between the versions that it names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

from wiremark_server.domain import problem

HEADER = "anthropic-version"
Version = Literal["2023-06-01", "2026-10-21"]
OLDEST: Version = "2023-06-01"
VERSIONS: tuple[Version, ...] = get_args(Version)
_SAMPLING = ("temperature", "top_p", "top_k")  # parameters that the newer version no longer has


def read(value: str | None) -> Version:
    """The version of a request; one that does not say is of the oldest. Raises ProblemError."""
    if value is None:
        return OLDEST
    for version in VERSIONS:
        if value.strip() == version:
            return version
    raise problem.invalid_request(
        f"The header '{HEADER}' names an unknown version; this server has: {', '.join(VERSIONS)}.", HEADER
    )


def check_parameters(document: Mapping[str, Any], version: Version) -> None:
    """Refuse parameters that the version does not have."""
    if version == OLDEST:
        return
    for name in _SAMPLING:
        if document.get(name) is not None:
            raise problem.invalid_request(
                f"Unsupported parameter: '{name}' is not part of the version {version}; leave it out, or ask "
                f"for {OLDEST}.",
                name,
            )
