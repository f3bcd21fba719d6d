"""Which misbehaviour is for which requests, while a server runs."""

from __future__ import annotations

import difflib
import hmac
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from wiremark_schemas.contracts import Contract

from wiremark_server.faults import catalogue, together
from wiremark_server.faults.edit import BUILT_IN, Ask, Edit
from wiremark_server.faults.misbehaviour import Misbehaviour

_SCHEME = b"bearer "
_KEY_HEADERS = (b"x-api-key", b"x-goog-api-key")


class BadRuleError(Exception):
    """A rule cannot be made; the text says why and what to do."""


@dataclass(slots=True)
class Rule:
    """Misbehaviour for some requests.

    key:       only those with this API key; None for all
    operation: only those of this operation of the contract; None for all
    requests:  how many more of them, of those that can show it; None for no end
    """

    id: str
    misbehaviour: Misbehaviour
    key: str | None = field(repr=False)
    operation: str | None
    requests: int | None

    def applies(self, ask: Ask) -> bool:
        if self.operation not in (None, ask.operation):
            return False
        return self.key is None or any(hmac.compare_digest(self.key.encode(), given) for given in _keys(ask))

    def can_show(self, ask: Ask) -> bool:
        """Whether anything of it takes hold of a request, so that the request is one of those counted."""
        told = self.misbehaviour
        every = [one.edits for one in told.faults] + [one.edits for one in told.variants]
        return any(_concerns(edit, ask) for edits in every for edit in edits)

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
    """All rules of a process, and what the command line asked for on every request.

    served: the contracts that the rules are for; a rule that could never show under them is refused
    Raises NeverShowsError when what the command line asked for is such a one.
    """

    def __init__(self, always: Misbehaviour | None = None, served: Sequence[Contract] = ()) -> None:
        self._always = always
        self._served = served
        if always:
            self._check_shown(always)
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
            if rule.requests is not None and rule.can_show(ask):
                rule.requests -= 1
                if not rule.requests:
                    del self._rules[rule.id]
        return [edit for misbehaviour in chosen for edit in misbehaviour.choose(ask)]

    def add(self, wanted: Mapping[str, Any]) -> Rule:
        """A rule from its JSON form. Raises BadRuleError, UnknownNameError for a name, NeverShowsError."""
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
        if "rate" in wanted and not misbehaviour.variants:
            raise BadRuleError(
                "'rate' is for variants; a fault shows on every request, or on 'requests' of them"
            )
        self._check_operation(wanted.get("operation"))
        self._check_shown(misbehaviour)
        rule = Rule(
            str(next(self._numbers)),
            misbehaviour,
            wanted.get("key"),
            wanted.get("operation"),
            wanted.get("requests"),
        )
        self._rules[rule.id] = rule
        return rule

    def _check_shown(self, told: Misbehaviour) -> None:
        if not self._served:
            return
        together.check(told.faults, self._served)
        if len(told.variants) < len(catalogue.variants()):  # who asks for all asks for those that there are
            together.check_variants(told.variants, self._served)

    def _check_operation(self, name: str | None) -> None:
        known = sorted({operation for contract in self._served for operation in contract.raw["operations"]})
        if name is not None and known and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            raise BadRuleError(f"no contract that is served has an operation {name!r}; {hint}")

    def remove(self, rule_id: str) -> bool:
        """Whether there was such a rule."""
        return self._rules.pop(rule_id, None) is not None

    def clear(self) -> None:
        self._rules.clear()


def _keys(ask: Ask) -> Iterator[bytes]:
    """What a request presents as a key, in any of the ways that a contract may ask for."""
    given = ask.header(b"authorization")
    if given.lower().startswith(_SCHEME):
        yield given[len(_SCHEME) :].strip()
    yield from (ask.header(name) for name in _KEY_HEADERS)
    yield from (key.encode() for key in parse_qs(ask.query).get("key", ()))


def _concerns(edit: Edit, ask: Ask) -> bool:
    """Whether an edit may take hold of what is asked; a stream and an answer do not stand for each other."""
    if isinstance(edit, BUILT_IN):
        return True
    unlike = {"stream": not ask.streams, "answer": ask.streams}
    return edit.on.asked(ask) and not unlike.get(edit.on.form, False)


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
