"""What is asked in other ways than by probes: by official SDKs, and by requests that are generated.

Both take long and need something installed, so they are asked only in trials that are about them.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Iterator, Mapping

from wiremark_conformance import sdk
from wiremark_conformance.exchange import Exchange, Request
from wiremark_conformance.properties import PROPERTIES
from wiremark_conformance.target import Target

_EXAMPLES = 25  # per property; enough for a fault that shows on most requests
_SEED = 1
_GENERATED = ("properties.settled", "properties.valid", "properties.invalid")


def needs_socket(requirements: Iterable[str]) -> bool:
    """Whether what asks about these requirements is another process."""
    return any(name.startswith("sdk.") for name in requirements)


def ask(
    probes: Iterable[str], target: Target, send: Callable[[str, Request], Exchange]
) -> Mapping[str, Exchange]:
    """What those of `probes` saw that are made in other ways."""
    names = tuple(probes)
    return {**sdk.run(names, target), **_generated(names, target, send)}


def _generated(
    names: Iterable[str], target: Target, send: Callable[[str, Request], Exchange]
) -> Mapping[str, Exchange]:
    chosen = [name for name in names if name in PROPERTIES and target.declares(_capability(name))]
    if not chosen:
        return {}
    from wiremark_conformance.properties import search

    found = {name: search.search(PROPERTIES[name], target, send, _EXAMPLES, _SEED) for name in chosen}
    return {name: exchange for name, exchange in found.items() if exchange is not None}


def _capability(name: str) -> str:
    return PROPERTIES[name].surface.capability


def not_installed() -> Iterator[tuple[str, str]]:
    """Requirements that nothing here can ask about, each with the reason."""
    for name, scenario in sdk.SCENARIOS.items():
        if not sdk.installed(scenario.sdk):
            yield name, f"The SDK {scenario.sdk} is not installed here."
    if importlib.util.find_spec("hypothesis") is None:
        for name in _GENERATED:
            yield name, "Hypothesis, which generates the requests, is not installed here."
