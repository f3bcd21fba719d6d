"""Credentials files: one API key per role, as YAML.

Roles are what a key is good for, so that the paths of refusal can be tested: `default` works,
`exhausted` has no balance, `restricted` may not use every model, `capped` has reached its monthly
cap, `throttled` its rate limit, `revoked` is no longer valid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wiremark_schemas import yamlfile

ROLES = ("default", "exhausted", "restricted", "capped", "throttled", "revoked")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Keys by role. The keys never show in a repr."""

    keys: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __getitem__(self, role: str) -> str:
        return self.keys[role]

    def get(self, role: str) -> str | None:
        return self.keys.get(role)

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(self.keys)


def load(path: Path) -> Credentials:
    """Read a credentials file; raise BadFile with file and line, never with a key in the text."""
    document, lines = yamlfile.parse(yamlfile.read(path, "credentials file"), str(path))
    if not isinstance(document, dict):
        raise yamlfile.BadFile(f"{path}:1: a credentials file is a mapping of role to key, such as `default: sk-…`")
    for role, key in document.items():
        line = lines.get(f"/{role}", 1)
        if role not in ROLES:
            raise yamlfile.BadFile(f"{path}:{line}: {role!r} is not a key role; the roles are {', '.join(ROLES)}")
        if not isinstance(key, str) or not key or not key.isascii() or any(c.isspace() for c in key):
            raise yamlfile.BadFile(f"{path}:{line}: the key of {role!r} must be ASCII text without spaces")
    return Credentials(document)
