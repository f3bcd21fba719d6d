"""Contracts: what an endpoint promises, as one YAML file each.

The reference server serves a contract and the suite holds an endpoint to it. A file may say
`extends: NAME`; then it starts from that contract, mappings merged key by key, lists replaced.
Schema of the merged document: `meta/contract.json`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from wiremark_schemas import yamlfile
from wiremark_schemas.yamlfile import BadFile

_FOLDER = "contracts"

Dialect = Literal["openai", "anthropic", "gemini"]
"""A family of wire formats with an error envelope of its own; its reference contract has the same name."""

# First part of an operation's name → the dialect that is spoken there. Operations that are not listed are
# shared: a request says by its headers which dialect it is in, else it is in the contract's own.
_DIALECTS: Mapping[str, Dialect] = {
    "chat": "openai",
    "completions": "openai",
    "embeddings": "openai",
    "messages": "anthropic",
    "responses": "openai",
    "gemini": "gemini",
}


@dataclass(frozen=True, slots=True)
class Price:
    """What a request to a model costs.

    Token prices are integers in µUSD per million tokens; `per_request` is a flat µUSD amount.
    """

    input_per_million: int = 0
    output_per_million: int = 0
    per_request: int = 0


@dataclass(frozen=True, slots=True)
class Offer:
    """A provider's offer of a model.

    model:      what the provider calls it; None for the same name
    latency_ms: expected to the first token, until there are measurements
    available:  whether the reference server starts with the provider up
    """

    provider: str
    price: Price
    latency_ms: int
    model: str | None = None
    available: bool = True


@dataclass(frozen=True, slots=True)
class Model:
    """One model of the catalogue.

    reasoning:  `always`, or `asked` for on request; of a model with the capability `reasoning`
    available:  whether the reference server starts with a worker for it
    specimen:   there so that a promise can be tested; another endpoint need not have it
    dimensions: length of its vectors; None for a model that makes none
    offers:     of several providers, each with a price of its own; empty where there is no choice
    formats:    that it is served in; empty for all of the contract's
    """

    id: str
    owned_by: str
    created: int
    context_tokens: int
    max_output_tokens: int
    capabilities: frozenset[str]
    price: Price
    extensions: Mapping[str, Any]
    reasoning: Literal["asked", "always"] = "asked"
    available: bool = True
    specimen: bool = False
    dimensions: int | None = None
    offers: tuple[Offer, ...] = ()
    formats: frozenset[str] = frozenset()

    def speaks(self, form: str) -> bool:
        """Whether it is served in a format: the first part of the names of that format's operations."""
        return not self.formats or form in self.formats

    @property
    def writes(self) -> bool:
        """Whether it answers in words; a model that makes embeddings does nothing else."""
        return "embeddings" not in self.capabilities and self.formats != {"images"}

    def offer(self, provider: object) -> Offer | None:
        return next((offer for offer in self.offers if offer.provider == provider), None)

    def price_from(self, provider: object) -> Price:
        """Of an answer by that provider; the model's own price where it is not told who answered."""
        offer = self.offer(provider)
        return self.price if offer is None else offer.price

    def prices_from(self, provider: object) -> Sequence[Price]:
        """What an answer by that provider may cost; of every offer where it is not told who answered."""
        if self.offers and self.offer(provider) is None:
            return tuple(offer.price for offer in self.offers)
        return (self.price_from(provider),)


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """What is promised of chat answers where the OpenAI reference leaves it open.

    id:            template: `{created}` is the answer's Unix time, `{random}` letters and digits;
                   None when any id will do
    reasoning:     fields of a message that hold the reasoning; empty when none is promised
    details:       it stands in typed and numbered entries of `reasoning_details` too
    message_nulls: fields of a message that are always there, null when unused
    choice_nulls:  the same for a choice
    always:        fields of a whole answer that are always there, whatever they hold
    fields:        further fields of an answer and of every chunk: name → what they tell
    usage_fields:  the same for its usage
    """

    id: str | None = None
    reasoning: tuple[str, ...] = ()
    details: bool = False
    message_nulls: tuple[str, ...] = ()
    choice_nulls: tuple[str, ...] = ()
    always: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    usage_fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """How the endpoint answers one situation: status, and `type` and `code` of the envelope.

    code: the promised code; None when the promise is a null code
    """

    name: str
    status: int
    type: str
    code: str | int | None


@dataclass(frozen=True)
class Contract:
    """A contract after `extends` is resolved; `raw` is the whole merged document."""

    name: str
    raw: Mapping[str, Any]

    @property
    def title(self) -> str:
        return str(self.raw["title"])

    @property
    def base_path(self) -> str:
        return str(self.raw["base_path"])

    @cached_property
    def claimed(self) -> frozenset[str]:
        """Capabilities that the endpoint claims; a claimed one that is missing is a failure."""
        return frozenset(self.raw["capabilities"]["claimed"])

    @cached_property
    def optional(self) -> frozenset[str]:
        """Capabilities neither claimed nor denied: probed, and an honest refusal is no failure."""
        return frozenset(self.raw["capabilities"]["optional"])

    @cached_property
    def models(self) -> tuple[Model, ...]:
        return tuple(
            Model(
                id=entry["id"],
                owned_by=entry["owned_by"],
                created=entry["created"],
                context_tokens=entry["context_tokens"],
                max_output_tokens=entry["max_output_tokens"],
                capabilities=frozenset(entry["capabilities"]),
                price=self._price(entry["price"]),
                extensions=entry.get("extensions", {}),
                reasoning=entry.get("reasoning", "asked"),
                available=entry.get("available", True),
                specimen=entry.get("specimen", False),
                dimensions=entry.get("dimensions"),
                formats=frozenset(entry.get("formats", ())),
                offers=tuple(self._offer(offer) for offer in entry.get("offers", ())),
            )
            for entry in self.raw["models"]
        )

    def _offer(self, entry: Mapping[str, Any]) -> Offer:
        return Offer(
            provider=entry["provider"],
            price=self._price(entry["price"]),
            latency_ms=entry["latency_ms"],
            model=entry.get("model"),
            available=entry.get("available", True),
        )

    @property
    def split(self) -> bool:
        """Whether some models are served in some formats only."""
        return any(model.formats for model in self.models)

    @property
    def provider_field(self) -> str | None:
        """Field of a request that names the provider to ask; None where there is no choosing."""
        name: str | None = self.raw.get("routing", {}).get("field")
        return name

    def _price(self, entry: Mapping[str, int]) -> Price:
        flat = entry.get("per_request", 0) + entry.get("per_request_credits", 0) * (self.credit or 0)
        return Price(entry.get("input_per_million", 0), entry.get("output_per_million", 0), flat)

    @property
    def credit(self) -> int | None:
        """µUSD that a credit is worth; None where nothing is counted in credits."""
        credit: int | None = self.raw.get("credit_microusd")
        return credit

    @cached_property
    def catalogue(self) -> Mapping[str, str]:
        """Fields of the model list that change or are computed: name → what they tell."""
        fields: Mapping[str, str] = self.raw.get("catalogue", {}).get("fields", {})
        return fields

    @cached_property
    def answer(self) -> AnswerForm:
        form = self.raw.get("answer", {})
        nulls = form.get("null_fields", {})
        return AnswerForm(
            id=form.get("id"),
            reasoning=tuple(form.get("reasoning_fields", ())),
            details=form.get("reasoning_details", False),
            message_nulls=tuple(nulls.get("message", ())),
            choice_nulls=tuple(nulls.get("choice", ())),
            always=tuple(nulls.get("answer", ())),
            fields=form.get("fields", {}),
            usage_fields=form.get("usage_fields", {}),
        )

    def model(self, model_id: str) -> Model | None:
        return self._by_id.get(model_id)

    @cached_property
    def _by_id(self) -> Mapping[str, Model]:
        return {model.id: model for model in reversed(self.models)}

    def paths(self, operation: str) -> tuple[str, ...]:
        """Absolute paths of an operation, templates in braces; empty when it is not offered."""
        entry = self.raw["operations"].get(operation)
        return tuple(self.base_path + path for path in entry["paths"]) if entry else ()

    @property
    def dialect(self) -> Dialect:
        """The contract's own dialect."""
        dialect: Dialect = self.raw.get("dialect", "openai")
        return dialect

    @cached_property
    def dialects(self) -> frozenset[Dialect]:
        """Every dialect that is served: the contract's own and those of its operations."""
        spoken = (self.dialect_of(operation) for operation in self.raw["operations"])
        return frozenset({self.dialect, *(dialect for dialect in spoken if dialect is not None)})

    @staticmethod
    def dialect_of(operation: str) -> Dialect | None:
        """The dialect of an operation; None for one that several dialects share."""
        return next((_DIALECTS[part] for part in operation.split(".") if part in _DIALECTS), None)

    @cached_property
    def problems(self) -> Mapping[str, Problem]:
        """What is promised in the contract's own dialect, by situation."""
        return _problems(self.raw["errors"])

    def promised(self, dialect: Dialect) -> Mapping[str, Problem]:
        """What the contract itself promises in a dialect, by situation; nothing where it is silent."""
        if dialect == self.dialect:
            return self.problems
        return _problems(self.raw.get("dialect_errors", {}).get(dialect, {}))

    def answers(self, dialect: Dialect) -> Mapping[str, Problem]:
        """The answer to every situation in a dialect: as promised, else as its reference contract has it."""
        own = self.promised(dialect)
        return own if self.name == dialect else {**load(dialect).problems, **own}

    @cached_property
    def limits(self) -> Mapping[str, int]:
        """body_bytes, {requests,tokens}_per_{minute,day}, concurrent_requests: those promised."""
        return {name: limit for name, limit in self.raw["limits"].items() if limit is not None}


def _problems(errors: Mapping[str, Any]) -> Mapping[str, Problem]:
    return {
        name: Problem(name, entry["status"], entry["type"], entry["code"]) for name, entry in errors.items()
    }


@cache
def bundled() -> tuple[str, ...]:
    """Names of the contracts that come with the package."""
    folder = files("wiremark_schemas").joinpath(_FOLDER)
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir()))


def load(name_or_path: str) -> Contract:
    """The contract of that name, or in that file.

    Raises BadFile with file, line, pointer and what was expected.
    """
    document, lines, source = _document(name_or_path, ())
    if name_or_path not in bundled():  # those of the package are checked by its tests, not at every start
        yamlfile.check(document, lines, "meta/contract", source)
    offered = {name: entry for name, entry in document["operations"].items() if entry is not None}
    document = {**document, "operations": offered}
    contract = Contract(document["name"], document)
    _check_references(contract, lines, source)
    return contract


def varied(contract: Contract, changes: Mapping[str, Any], source: str) -> Contract:
    """The contract with other promises: mappings merged key by key, lists replaced.

    Raises BadFile, naming `source`, when that is no contract.
    """
    document = _merge(contract.raw, changes)
    yamlfile.check(document, {}, "meta/contract", source)
    return Contract(contract.name, document)


def _text(name_or_path: str) -> tuple[str, str]:
    if name_or_path in bundled():
        entry = files("wiremark_schemas").joinpath(_FOLDER, f"{name_or_path}.yaml")
        return entry.read_text(encoding="utf-8"), f"{name_or_path}.yaml"
    path = Path(name_or_path)
    if path.suffix in {".yaml", ".yml"} or path.exists():
        return yamlfile.read(path, "contract file"), str(path)
    near = difflib.get_close_matches(name_or_path, bundled(), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise BadFile(
        f"there is no contract called {name_or_path!r}{hint} "
        f"(bundled: {', '.join(bundled())}; or give the path of a .yaml file)"
    )


def _document(name_or_path: str, chain: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, int], str]:
    text, source = _text(name_or_path)
    document, lines = yamlfile.parse(text, source, ours=name_or_path in bundled())
    if not isinstance(document, dict):
        raise BadFile(f"{source}:1: a contract is a mapping with the keys name, base_path, models, …")
    parent = document.pop("extends", None)
    if parent is None:
        return document, lines, source
    if not isinstance(parent, str):
        raise BadFile(f"{source}:{lines['/extends']}: /extends: expected the name of a contract")
    if parent in chain or parent == name_or_path:
        raise BadFile(f"{source}:{lines['/extends']}: /extends: {parent!r} extends this contract in turn")
    base, _, _ = _document(parent, (*chain, name_or_path))
    return _merge(base, document), lines, source


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _check_references(contract: Contract, lines: dict[str, int], source: str) -> None:
    """What a schema cannot say: unique ids, what goes together, nothing both claimed and optional."""
    seen: set[str] = set()
    for position, model in enumerate(contract.models):
        if model.id in seen:
            line = lines.get(f"/models/{position}/id", 1)
            raise BadFile(f"{source}:{line}: /models/{position}/id: {model.id!r} is listed twice")
        if ("embeddings" in model.capabilities) != (model.dimensions is not None):
            line = lines.get(f"/models/{position}/capabilities", 1)
            raise BadFile(
                f"{source}:{line}: /models/{position}: the capability embeddings and dimensions go together"
            )
        seen.add(model.id)
        if contract.credit is None and "per_request_credits" in contract.raw["models"][position]["price"]:
            where = f"/models/{position}/price/per_request_credits"
            raise BadFile(
                f"{source}:{lines.get(where, 1)}: {where}: needs credit_microusd, what a credit is worth"
            )
    both = contract.claimed & contract.optional
    if both:
        line = lines.get("/capabilities", 1)
        raise BadFile(f"{source}:{line}: /capabilities: {sorted(both)} cannot be both claimed and optional")
