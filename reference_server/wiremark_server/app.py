"""Composition root: the only module that knows every layer."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec
from wiremark_schemas.contracts import Contract

from wiremark_server.clock import Clock
from wiremark_server.dialects import gemini, openapi
from wiremark_server.dialects.anthropic_messages import CountFormat, MessagesFormat
from wiremark_server.dialects.format import Format
from wiremark_server.dialects.openai_chat import ChatFormat
from wiremark_server.dialects.openai_chat.form import Form
from wiremark_server.dialects.openai_completions import CompletionFormat
from wiremark_server.dialects.openai_models import Catalogue
from wiremark_server.dialects.openai_responses import ResponsesFormat
from wiremark_server.dialects.openai_responses.sealed import Seals
from wiremark_server.dialects.signature import Signatures
from wiremark_server.edge.handler import Gateway
from wiremark_server.engine.protocol import Engine
from wiremark_server.keys import KeyStore
from wiremark_server.ledger.store import Ledger
from wiremark_server.media.studio import Studio
from wiremark_server.metrics.meter import Meter, standalone
from wiremark_server.operations import OPERATIONS
from wiremark_server.policy.auth import Authenticator
from wiremark_server.policy.cache import ResponseCache
from wiremark_server.policy.call import Services
from wiremark_server.policy.counters import Counters
from wiremark_server.policy.fetching import ImageFetcher
from wiremark_server.policy.limits import Limiter
from wiremark_server.routing.providers import SIMULATED, Providers
from wiremark_server.routing.router import Router
from wiremark_server.routing.workers import Workers
from wiremark_server.stored.responses import ResponseStore

if TYPE_CHECKING:
    from wiremark_server.faults.edit import Choose, Edit
    from wiremark_server.faults.gate import Gate


def build(
    contract: Contract,
    clock: Clock,
    ledger: Ledger,
    keys: KeyStore,
    engine: Engine,
    seed: int,
    mount: str = "",
    counters: Counters | None = None,
    providers: Providers = SIMULATED,
    meter: Meter | None = None,
) -> Gateway:
    """An ASGI application that serves `contract`. The caller owns, and closes, what it hands in.

    mount:     path below which the application is reached; requests come without it
    counters:  of requests and tokens; in memory, and empty, when none are given
    providers: who stands behind the contract's offers
    meter:     counts for `/metrics`; one of its own when none is given
    """
    services = _services(contract, clock, ledger, keys, engine, seed, mount, counters, providers, meter)
    return Gateway(services, OPERATIONS)


def build_misbehaving(
    contract: Contract,
    clock: Clock,
    ledger: Ledger,
    keys: KeyStore,
    engine: Engine,
    seed: int,
    mount: str,
    choose: Choose,
    counters: Counters | None = None,
    providers: Providers = SIMULATED,
    meter: Meter | None = None,
    crashed: Callable[[Exception], None] = lambda _: None,
) -> Gate:
    """As `build`, with the faults and variants that `choose` gives for each request.

    crashed: is told of every failure that no fault means: of the gateway's own, and of the edits
    """
    # The catalogue is large, and who serves as promised need not wait for it.
    from wiremark_server.faults.gate import Gate
    from wiremark_server.faults.misbehaviour import inside, promised

    def gateway(edits: Sequence[Edit]) -> Gateway:
        services = _services(
            promised(contract, edits), clock, ledger, keys, engine, seed, mount, counters, providers, meter
        )
        return Gateway(inside(services, edits, keys), OPERATIONS, crashed)

    return Gate(contract, gateway, choose, crashed)


def _services(
    contract: Contract,
    clock: Clock,
    ledger: Ledger,
    keys: KeyStore,
    engine: Engine,
    seed: int,
    mount: str,
    counters: Counters | None,
    providers: Providers,
    meter: Meter | None,
) -> Services:
    def count_day(name: str, count: int, left: float) -> None:
        ledger.count_day(name, count, clock.now() + left)

    router = Router(contract, clock, providers.upstreams(contract, engine))
    meter = meter or standalone(contract)
    meter.watch(router.health)
    workers = Workers(contract.models, engine.staffed)
    cached = contract.raw.get("cache", {}).get("tool_less", False)
    return Services(
        contract=contract,
        clock=clock,
        authenticate=Authenticator(contract, keys),
        limiter=Limiter(contract.limits, clock, contract.raw["headers"]["rate_limit"], counters, count_day),
        ledger=ledger,
        engine=engine,
        cache=ResponseCache() if cached else None,
        fingerprint=_fingerprint(contract, seed),
        formats=_formats(contract, seed),
        workers=workers,
        catalogue=Catalogue(contract, workers, router),
        responses=_responses(contract, clock),
        description=functools.cache(lambda: msgspec.json.encode(openapi.describe(contract, mount))),
        router=router,
        images=ImageFetcher() if contract.raw.get("images", {}).get("remote") else None,
        studio=Studio(ledger, keys, clock, providers.guard, seconds=providers.image_seconds),
        mount=mount,
        meter=meter,
    )


def _formats(contract: Contract, seed: int) -> dict[str, Format]:
    signatures = Signatures(f"{contract.name}/{seed}".encode())
    forms: tuple[Format, ...] = (
        ChatFormat(Form(contract.answer)),
        CompletionFormat(),
        MessagesFormat(signatures),
        CountFormat(signatures),
        ResponsesFormat(Seals(f"{contract.name}/{seed}".encode())),
        gemini.ContentFormat(signatures),
        gemini.StreamFormat(signatures),
        gemini.CountFormat(signatures),
    )
    return {form.name: form for form in forms}


def _responses(contract: Contract, clock: Clock) -> ResponseStore:
    promised = contract.raw.get("storage", {}).get("responses") or {"most": 0, "seconds": 0}
    return ResponseStore(clock, promised["most"], promised["seconds"])


def _fingerprint(contract: Contract, seed: int) -> str:
    """`system_fingerprint`: the same as long as the same request gets the same answer."""
    return f"fp_{hashlib.sha256(f'{contract.name}/{seed}'.encode()).hexdigest()[:10]}"
