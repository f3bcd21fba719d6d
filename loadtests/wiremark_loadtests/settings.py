"""What a load run is given, from either command line, as one checked value."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from wiremark_conformance.client import BadBaseUrl, Endpoint
from wiremark_schemas import contracts, credentials
from wiremark_schemas.contracts import Contract, Model
from wiremark_schemas.credentials import Credentials
from wiremark_schemas.yamlfile import BadFile

from wiremark_loadtests.formats import FORMATS
from wiremark_loadtests.measure import slo as slos
from wiremark_loadtests.measure.slo import BadSlo, Slo
from wiremark_loadtests.traffic import demand as demands
from wiremark_loadtests.traffic import scenario as scenarios
from wiremark_loadtests.traffic.demand import BadDemand, Demand
from wiremark_loadtests.traffic.scenario import Entry, Scenario

_KEY_HEADERS = ("x-api-key", "x-goog-api-key")
# The environment variables that may hold the key, first one wins; the same as the pytest plugin's.
KEY_VARIABLES = ("WIREMARK_API_KEY", "OPENAI_API_KEY")


# Where a worker receives webhooks, when that is elsewhere than at its master.
WEBHOOKS_VARIABLE = "WIREMARK_WEBHOOKS"
_HIGHEST_PORT = 65535

DEFAULT_ROLE = "default"  # of the key that is used where nothing else is said
DRAIN_SECONDS = 30  # how long requests in flight may take to finish when a run stops


class WrongUse(Exception):  # noqa: N818  the user's mistake, not the program's
    """The user's input does not make a run; the text is a sentence to show."""


@dataclass(frozen=True)
class Given:
    """The options as typed; None where one was left out."""

    base_url: str | None
    contract: str | None = None
    model: str | None = None
    api_key: str | None = field(default=None, repr=False)
    credentials: str | None = None
    scenario: str | None = None
    seed: int | None = None
    out: str | None = None
    slo: str | None = None
    webhooks: str | None = None
    load: demands.Given = field(default_factory=demands.Given)


@dataclass(frozen=True)
class Settings:
    """A run's settings, all of them known to be sound.

    out:      folder for load.json and report.html; None writes nothing
    models:   by format, the model that is asked in it
    webhooks: where webhooks are listened for, and the endpoint reaches this host; port 0 is any
    """

    base_url: str
    endpoint: Endpoint
    contract: Contract
    model: str
    scenario: Scenario
    seed: int
    out: Path | None
    models: Mapping[str, str] = field(default_factory=dict)
    keys: Credentials = field(default_factory=Credentials)
    demand: Demand = field(default_factory=Demand)
    slo: Slo = field(default_factory=Slo)
    webhooks: tuple[str, int] = ("127.0.0.1", 0)

    def target(self, operation: str) -> str:
        """Request target of an operation below the base URL."""
        return self.endpoint.base_path + str(self.contract.raw["operations"][operation]["paths"][0])

    def target_of(self, entry: Entry, model: str) -> str:
        """Request target of a scenario's entry."""
        query = entry.form.stream_query if entry.stream else ""
        return self.target(entry.operation).replace("{model}", quote(model, safe="/")) + query

    def offers(self, operation: str) -> bool:
        return operation in self.contract.raw["operations"]

    def authorization_of(self, role: str) -> tuple[tuple[str, str], ...]:
        """Headers that authenticate as the key of `role`, the way that the contract's endpoint takes."""
        key = self.keys.get(role)
        if not key:
            return ()
        schemes = self.contract.raw["auth"]["schemes"]
        header = next((scheme for scheme in schemes if scheme in _KEY_HEADERS), None)
        if header is None or "bearer" in schemes:
            return (("Authorization", f"Bearer {key}"),)
        return ((header, key),)


def resolve(given: Given, environment: Mapping[str, str]) -> Settings:
    """Check what was given; raise WrongUse with a sentence that never holds a key."""
    if not given.base_url:
        raise WrongUse("a base URL is needed, such as http://127.0.0.1:8000/v1")
    try:
        endpoint = Endpoint.parse(given.base_url)
        contract = contracts.load(given.contract or "generic")
        chosen = scenarios.load(given.scenario or scenarios.DEFAULT)
        model = _model(contract, given.model)
        keys = _keys(given, environment)
        models = _models(contract, model)
        chosen = _fitting(chosen, contract, model, models)
        _check_roles(chosen, keys, given)
        slo = slos.parse(given.slo) if given.slo else Slo()
        demand = demands.resolve(given.load)
        webhooks = _address(environment.get(WEBHOOKS_VARIABLE) or given.webhooks or "127.0.0.1")
    except (BadFile, BadBaseUrl, BadSlo, BadDemand) as error:
        raise WrongUse(str(error)) from None
    seed = draw_seed() if given.seed is None else given.seed
    out = Path(given.out) if given.out else None
    if out is not None and out.exists() and not out.is_dir():
        raise WrongUse(f"{out} is not a folder; the report needs a folder to be written to")
    return Settings(
        given.base_url, endpoint, contract, model, chosen, seed, out, models, keys, demand, slo, webhooks
    )


def _address(text: str) -> tuple[str, int]:
    """HOST, or HOST:PORT."""
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, "0"
    if not host or not (port.isascii() and port.isdecimal()) or int(port) > _HIGHEST_PORT:
        raise WrongUse(f"{text!r} is no address to receive webhooks at; write HOST or HOST:PORT")
    return host.strip("[]"), int(port)


def draw_seed() -> int:
    """A seed for a run that was given none; it is printed with the results."""
    return random.SystemRandom().randrange(2**31)


def _model(contract: Contract, wanted: str | None) -> str:
    listed = [model.id for model in contract.models]
    if wanted is None:
        if not listed:
            raise WrongUse(f"the contract {contract.name!r} lists no model; name one with --model")
        return listed[0]
    if listed and wanted not in listed:
        raise WrongUse(
            f"the contract {contract.name!r} has no model {wanted!r}; it lists {', '.join(listed)}"
        )
    return wanted


def _models(contract: Contract, model: str) -> dict[str, str]:
    """Every format asks the one model, but where another is there for it; without formats that have none."""
    known = contract.model(model)
    if known is None:  # nothing is known of any
        return dict.fromkeys(FORMATS, model)
    suited = {name: [entry for entry in (known, *contract.models) if _suits(entry, name)] for name in FORMATS}
    return {name: found[0].id for name, found in suited.items() if found}


def _suits(model: Model, name: str) -> bool:
    """Whether a model answers in a format."""
    if name == "embeddings":
        return "embeddings" in model.capabilities
    if name == "images":
        return name in model.formats
    return model.writes and model.speaks(name)


def _fitting(chosen: Scenario, contract: Contract, model: str, models: Mapping[str, str]) -> Scenario:
    """What of the scenario the endpoint offers and the model takes; raise BadFile when that is nothing."""
    offered = contract.raw["operations"]
    fitting = chosen.for_operations(offered).only(
        lambda entry: entry.format in models, "only asks for what no model of the contract gives"
    )
    known = contract.model(model)
    return fitting if known is None else fitting.for_model(known.capabilities)


def _keys(given: Given, environment: Mapping[str, str]) -> Credentials:
    """The keys to use: typed, else the credentials file's, else the environment's."""
    if given.api_key:
        if not given.api_key.isascii() or any(c.isspace() for c in given.api_key):
            raise WrongUse("the API key must be ASCII text without spaces")
        return Credentials({DEFAULT_ROLE: given.api_key})
    if given.credentials:
        return credentials.load(Path(given.credentials))
    found = next((environment[name] for name in KEY_VARIABLES if environment.get(name)), None)
    return Credentials({DEFAULT_ROLE: found} if found else {})


def _check_roles(scenario: Scenario, keys: Credentials, given: Given) -> None:
    """Every key that the scenario uses is there; an endpoint without keys needs none."""
    missing = sorted(scenario.roles - keys.roles)
    if missing and (given.credentials or missing != [DEFAULT_ROLE]):
        where = f"{given.credentials}: it holds" if given.credentials else "the credentials hold"
        raise WrongUse(f"{where} no key of the role {missing[0]!r}, which the scenario uses")
