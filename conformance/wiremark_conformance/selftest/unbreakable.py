"""Requirements that no server under trial can be made to break, each with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from wiremark_schemas import yamlfile

from wiremark_conformance.selftest.outside import not_installed

_SOURCE = "unbreakable.yaml"


@cache
def load_unbreakable() -> Mapping[str, str]:
    """Requirement → why it cannot be broken. Raises BadFile with file, line and pointer."""
    text = files(__package__).joinpath(_SOURCE).read_text(encoding="utf-8")
    document, lines = yamlfile.parse(text, _SOURCE, ours=True)
    yamlfile.check(document, lines, "meta/unbreakable", _SOURCE)
    declared = {name: entry["why"] for entry in document["unbreakable"] for name in entry["requirements"]}
    return {**declared, **dict(not_installed())}
