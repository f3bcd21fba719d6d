"""Names of faults and variants as a person types them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any


class UnknownNameError(Exception):
    """There is no fault or variant of this name; the text lists the nearest ones."""


def chosen(catalogue: Mapping[str, Any], lists: Sequence[str]) -> tuple[str, ...]:
    """The names in lists with commas, each once; a pattern stands for every name that it matches.

    Raises UnknownNameError for the first that the catalogue does not have, and for a list without any.
    """
    known = [entry["name"] for kind in ("faults", "variants") for entry in catalogue[kind]]
    wanted = [name for names in lists for part in names.split(",") if (name := part.strip())]
    if lists and not wanted:
        raise UnknownNameError("no fault or variant is named")
    return tuple(dict.fromkeys(name for one in wanted for name in _matching(one, known)))


def _matching(wanted: str, known: Sequence[str]) -> Sequence[str]:
    found = [name for name in known if fnmatchcase(name, wanted)]
    if not found:
        near = difflib.get_close_matches(wanted.lower(), known, n=3, cutoff=0.4)
        hint = f"the nearest are {', '.join(near)}" if near else "`wiremark faults` lists what there is"
        raise UnknownNameError(f"there is no fault or variant {wanted!r}; {hint}")
    return found
