"""Names of faults and variants as a person types them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any


class UnknownNameError(Exception):
    """There is no fault or variant of this name; the text lists the nearest ones."""


def check_names(catalogue: Mapping[str, Any], names: Sequence[str]) -> None:
    """Raises UnknownNameError for the first name that the catalogue does not have."""
    known = [entry["name"] for kind in ("faults", "variants") for entry in catalogue[kind]]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
            hint = f"; the nearest are {', '.join(near)}" if near else ""
            raise UnknownNameError(f"there is no fault or variant {name!r}{hint}")
