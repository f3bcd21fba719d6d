"""Credentials files: one API key per role, as YAML.

Roles are what a key is good for, so that the paths of refusal can be tested: `default` works,
`exhausted` has no balance, `restricted` may not use every model, `capped` has reached its monthly
cap, `throttled` its rate limit, `daily` its number of requests a day, `revoked` is no longer valid,
`disabled` is not switched on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wiremark_schemas import yamlfile
from wiremark_schemas.explain import pointer

ROLES = ("default", "exhausted", "restricted", "capped", "throttled", "daily", "revoked", "disabled")


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
    """Read a credentials file; raise BadFile with file and line, never with a key in the text.

    What stands in the place of a role is not quoted either: it may be a key, the two swapped.
    """
    text = yamlfile.read(path, "credentials file")
    try:
        document, lines = yamlfile.parse(text, str(path))
    except yamlfile.BadFile as error:
        raise yamlfile.BadFile(_without_text(str(error), str(path))) from None
    if not isinstance(document, dict):
        raise yamlfile.BadFile(
            f"{path}:1: a credentials file is a mapping of role to key, such as `default: sk-…`"
        )
    for role, key in document.items():
        line = lines.get(pointer([role]), 1)
        if role not in ROLES:
            raise yamlfile.BadFile(f"{path}:{line}: this is not a key role; the roles are {', '.join(ROLES)}")
        if not isinstance(key, str) or not key or not key.isascii() or any(c.isspace() for c in key):
            raise yamlfile.BadFile(f"{path}:{line}: the key of {role!r} must be ASCII text without spaces")
    return Credentials(document)


def _without_text(sentence: str, source: str) -> str:
    """Where a YAML file is broken, without what stands there."""
    line = re.match(r"(?:: line |:)(\d+)", sentence.removeprefix(source))
    place = f"{source}:{line[1]}" if line else source
    return f"{place}: this is not YAML, or a role stands here twice; a line is `role: key`"
