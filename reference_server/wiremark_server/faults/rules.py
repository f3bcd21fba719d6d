"""Which misbehaviour is for which requests, while a server runs."""

from __future__ import annotations

import hmac
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from wiremark_server.faults import catalogue
from wiremark_server.faults.edit import Ask, Edit
from wiremark_server.faults.misbehaviour import Misbehaviour

_SCHEME = b"bearer "


class BadRuleError(Exception):
    """A rule cannot be made; the text says why and what to do."""


@dataclass(slots=True)
class Rule:
    """Misbehaviour for some requests.

    key:       only those with this API key; None for all
    operation: only those of this operation of the contract; None for all
    requests:  how many more of them; None for no end
    """

    id: str
    misbehaviour: Misbehaviour
    key: str | None = field(repr=False)
    operation: str | None
    requests: int | None

    def applies(self, ask: Ask) -> bool:
        if self.operation not in (None, ask.operation):
            return False
        return self.key is None or hmac.compare_digest(self.key.encode(), _key(ask))

    def told(self) -> dict[str, Any]:
        """The rule as JSON, without its key."""
        return {
            "id": self.id,
            "faults": [fault.name for fault in self.misbehaviour.faults],
            "variants": [variant.name for variant in self.misbehaviour.variants],
            "rate": self.misbehaviour.rate,
            "seed": self.misbehaviour.seed,
            "one_key": self.key is not None,
            "operation": self.operation,
            "requests": self.requests,
        }


class Rules:
    """All rules of a process, and what the command line asked for on every request."""

    def __init__(self, always: Misbehaviour | None = None) -> None:
        self._always = always
        self._rules: dict[str, Rule] = {}
        self._numbers = itertools.count(1)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules.values())

    def choose(self, ask: Ask) -> Iterable[Edit]:
        """The edits for one request; a rule whose requests are used up is forgotten."""
        chosen = [self._always] if self._always else []
        for rule in tuple(self):
            if not rule.applies(ask):
                continue
            chosen.append(rule.misbehaviour)
            if rule.requests is not None:
                rule.requests -= 1
                if not rule.requests:
                    del self._rules[rule.id]
        return [edit for misbehaviour in chosen for edit in misbehaviour.choose(ask)]

    def add(self, wanted: Mapping[str, Any]) -> Rule:
        """A rule from its JSON form. Raises BadRuleError, and UnknownNameError for a name."""
        for name, value in wanted.items():
            if name not in _FORMS:
                raise BadRuleError(f"{name!r} is no part of a rule; the parts are {', '.join(_FORMS)}")
            if not _FORMS[name][0](value):
                raise BadRuleError(f"{name!r} must be {_FORMS[name][1]}")
        misbehaviour = catalogue.chosen(
            wanted.get("faults", ()),
            wanted.get("variants", ()),
            wanted.get("rate", 1.0),
            wanted.get("seed", 0),
        )
        if misbehaviour is None:
            raise BadRuleError("a rule needs a name in 'faults' or in 'variants'")
        rule = Rule(
            str(next(self._numbers)),
            misbehaviour,
            wanted.get("key"),
            wanted.get("operation"),
            wanted.get("requests"),
        )
        self._rules[rule.id] = rule
        return rule

    def remove(self, rule_id: str) -> bool:
        """Whether there was such a rule."""
        return self._rules.pop(rule_id, None) is not None

    def clear(self) -> None:
        self._rules.clear()


def _key(ask: Ask) -> bytes:
    given = ask.header(b"authorization")
    return given[len(_SCHEME) :] if given.lower().startswith(_SCHEME) else ask.header(b"x-api-key")


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# Part of a rule → whether a value is good, and what it must be.
_FORMS = {
    "faults": (_is_names, "a list of names"),
    "variants": (_is_names, "a list of names"),
    "rate": (lambda v: _is_number(v) and 0 <= v <= 1, "a number from 0 to 1"),
    "seed": (lambda v: isinstance(v, int) and not isinstance(v, bool), "an integer"),
    "key": (lambda v: isinstance(v, str) and v != "", "an API key"),
    "operation": (lambda v: isinstance(v, str), "the name of an operation, such as chat.create"),
    "requests": (
        lambda v: isinstance(v, int) and not isinstance(v, bool) and v > 0,
        "how many requests it is for, 1 or more",
    ),
}
