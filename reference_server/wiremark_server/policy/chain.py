"""The order of policies: which one is asked first, and so which problem wins.

Each step either fills its part of the call or raises ProblemError. Nothing is charged, counted by the engine
or read from the body before the steps above have agreed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

import msgspec
from msgspec import structs
from wiremark_schemas.contracts import Model, Price

from wiremark_server.dialects import images
from wiremark_server.domain import problem
from wiremark_server.domain.asked import Asked
from wiremark_server.domain.generation import Generation
from wiremark_server.ledger import pricing
from wiremark_server.ledger.store import HOLD_SECONDS, HoldRequest, Refused
from wiremark_server.policy import cache, idempotency
from wiremark_server.policy.bill import Bill
from wiremark_server.policy.call import Call
from wiremark_server.policy.cohort import others
from wiremark_server.policy.counters import CountersUnavailable
from wiremark_server.policy.fetching import ImageFetcher
from wiremark_server.policy.truncation import shortened
from wiremark_server.routing.router import Route

Step = Callable[[Call], Awaitable[None] | None]
"""Gives what has to be waited for, if it has to wait for anything."""


def authenticate(call: Call) -> None:
    call.key = call.services.authenticate(call.head)


async def meter(call: Call) -> None:
    """Shared counters that cannot be reached admit nobody: no limit is passed while nobody can see it."""
    try:
        decision = await call.services.limiter.check(call.key, dialect=call.dialect)
    except CountersUnavailable:
        raise problem.overloaded() from None
    call.limits, call.place = decision, decision.place
    if not decision.allowed:
        raise problem.rate_limited(decision.scope, decision.retry_after)


async def meter_tokens(call: Call) -> None:
    """The tokens of the request, once they are known, against the limits of the key."""
    tokens = call.prompt_tokens + call.completion_budget
    try:
        decision = await call.services.limiter.check_tokens(call.key, tokens, dialect=call.dialect)
    except CountersUnavailable:
        raise problem.overloaded() from None
    call.limits = decision
    if not decision.allowed:
        raise problem.rate_limited(decision.scope, decision.retry_after)


async def read(call: Call) -> None:
    call.document = await call.read_document()


def decode(call: Call) -> None:
    if call.services.images is None:
        call.asked = call.format.decode(call.document, call.request_id, call.head)
        return
    with images.collecting() as call.remote_images:
        call.asked = call.format.decode(call.document, call.request_id, call.head)


def fetch(call: Call) -> Awaitable[None] | None:
    """The remote images of the request are there; fetched only for a request that may be answered."""
    fetcher = call.services.images
    return _fetch(fetcher, call.remote_images) if fetcher is not None and call.remote_images else None


async def _fetch(fetcher: ImageFetcher, images: Iterable[tuple[str, str]]) -> None:
    for url, param in images:
        await fetcher.check(url, param)


def permitted(call: Call, model_id: str) -> Model:
    """The model, which exists and which the key may use."""
    model = call.services.contract.model(model_id)
    if model is None:
        raise problem.unknown_model(model_id)
    if not call.key.allows(model.id):
        raise problem.model_not_allowed(model.id)
    return model


def wait_for_others(call: Call) -> Awaitable[None]:  # noqa: ARG001 - a step like any other
    """Those that came with this request are here too."""
    return others()


def admit(call: Call) -> None:
    """The model exists, the key may use it, and it can do what is asked; counts the prompt."""
    call.model = permitted(call, call.asked.generation.model)
    asked, _, _ = call.format.name.partition(".")
    if not call.model.speaks(asked):
        raise problem.wrong_format(call.model.id, asked, call.model.formats)
    _check_capabilities(call.asked, call.model)
    count = call.services.engine.count_prompt
    generation = call.asked.generation
    if generation.truncate:
        room = call.model.context_tokens - (generation.max_tokens or 1)
        call.asked = structs.replace(call.asked, generation=shortened(generation, room, count))
    if generation.others:
        counts = [count(part) for part in call.asked.generation.parts]
        call.prompt_tokens, call.longest_prompt = sum(counts), max(counts)
    else:
        call.prompt_tokens = call.longest_prompt = count(call.asked.generation)


def _check_capabilities(asked: Asked, model: Model) -> None:
    generation, image_param = asked.generation, asked.image_param
    if asked.reasoning_param is not None and "reasoning" not in model.capabilities:
        raise problem.thinking_not_supported(model.id, asked.reasoning_param)
    if generation.tools and "tools" not in model.capabilities:
        raise problem.tools_not_supported(model.id)
    if image_param is not None and "vision" not in model.capabilities:
        raise problem.vision_not_supported(model.id, image_param)
    if generation.output.kind != "text" and "json" not in model.capabilities:
        raise problem.invalid_request(
            f"Unsupported value for '{asked.output_param}': the model {model.id!r} only writes text.",
            asked.output_param,
        )
    if not model.writes:
        raise problem.invalid_request(
            f"The model {model.id!r} makes embeddings and writes no text; choose another.", "model"
        )


def fit(call: Call) -> None:
    """The request fits the model; sets the completion budget."""
    generation, model = call.asked.generation, call.model
    budget, reasons = _budget(generation, model, call.longest_prompt), _reasons(generation, model)
    if generation.max_tokens != budget or generation.reasoning != reasons:
        decided = structs.replace(generation, max_tokens=budget, reasoning=reasons)
        call.asked = structs.replace(call.asked, generation=decided)
    call.completion_budget = budget * generation.choices


def _reasons(generation: Generation, model: Model) -> bool:
    return "reasoning" in model.capabilities and (generation.reasoning or model.reasoning == "always")


def _budget(generation: Generation, model: Model, prompt: int) -> int:
    """Completion tokens per choice: what was asked for, else what the model and its context leave."""
    asked = generation.max_tokens
    if asked is not None and asked > model.max_output_tokens:
        most = model.max_output_tokens  # agents that asked for too much look for the range, and ask for less
        raise problem.invalid_request(
            f"max_tokens is too large: {asked}. The model {model.id!r} supports at most {most} completion "
            f"tokens; the range of max_tokens should be [1, {most}].",
            "max_tokens",
        )
    if prompt + (asked or 1) > model.context_tokens:
        raise problem.context_length_exceeded(model.context_tokens, prompt, asked or 0)
    return min(model.max_output_tokens, model.context_tokens - prompt) if asked is None else asked


def staff(call: Call) -> None:
    """There is a worker for the model."""
    if not call.services.workers.present(call.model.id):
        raise problem.no_worker(call.model.id)


def route(call: Call) -> None:
    """Who answers, where the contract leaves a choice."""
    if call.model.offers:
        chat = call.format.name == "chat"
        call.route = call.services.router.route(call.model, call.document, chat=chat)


def recall(call: Call) -> None:
    """Look for a kept answer; says in the contract's header whether there was one."""
    answers = call.services.cache
    if answers is None:
        return
    status: cache.Status = "bypass"
    if not call.asked.tool_bearing and not _declines_cache(call):
        # The document alone need not name the model: in some formats the path does.
        form = f"{call.format.name}/{call.asked.generation.model}"
        call.cache_key = cache.fingerprint(call.key.account_id, form, call.document)
        call.kept = answers.get(call.cache_key)
        status = "hit" if call.kept else "miss"
    header = call.services.contract.raw["cache"].get("status_header")
    if header:
        call.headers.append((header, status))


def _declines_cache(call: Call) -> bool:
    directives = (call.header("cache-control") or "").lower()
    return "no-cache" in directives or "no-store" in directives


async def hold(call: Call) -> None:
    """Set aside the most that the request can cost; an answer that was kept or paid before costs nothing."""
    amount = 0
    if call.kept is None:
        amount = _upper_bound(call, call.completion_budget)
    wanted = HoldRequest(
        request_id=call.request_id,
        account_id=call.key.account_id,
        key_id=call.key.id,
        model=call.model.id,
        amount=amount,
        monthly_cap=call.key.monthly_cap,
        claim=idempotency.claim(call),
    )
    answer = await call.services.ledger.hold(wanted)
    done = isinstance(answer, Refused) and answer.reason == "idempotency_done"
    if isinstance(answer, Refused) and done:
        idempotency.repeat(call, answer)
        wanted = structs.replace(wanted, amount=0, monthly_cap=None, claim=None)
        answer = await call.services.ledger.hold(wanted)
    if isinstance(answer, Refused):
        raise problem.no_hold(answer.reason, answer.held)
    if not done:
        call.created = answer.deadline - HOLD_SECONDS
    free = done or call.kept is not None
    charged = call.services.meter.model(call.model.id).charged
    call.bill = Bill(call.services.ledger, answer, _price(call.model, call.route), charged, free=free)


def _price(model: Model, route: Route | None) -> Callable[[], Price]:
    """What it costs, once it is known who has answered. Does not keep the call: that keeps the bill."""
    return (lambda: model.price) if route is None else (lambda: route.price)


def _upper_bound(call: Call, budget: int) -> int:
    """The dearest of those who may answer. A provider counts tokens its own way: at most one per byte."""
    if call.route is None:
        return pricing.upper_bound(call.model.price, call.prompt_tokens, budget)
    prompt = max(call.prompt_tokens, len(msgspec.json.encode(call.document)))
    return max(pricing.upper_bound(price, prompt, budget) for price in call.route.prices)


# Step, and what it refuses with.
IDENTIFIED: tuple[Step, ...] = (
    authenticate,  # 401 missing_key, invalid_key
    meter,  #        429 rate_limited
)
DOCUMENT: tuple[Step, ...] = (
    *IDENTIFIED,
    read,  #         415 unsupported_media_type, 413 body_too_large, 400 malformed_json
    wait_for_others,
)
COUNTED: tuple[Step, ...] = (  # once there is a document
    decode,  #       400 invalid_request
    admit,  #        404 unknown_model, 403 model_not_allowed, 400 tools, vision
)
ANSWERED: tuple[Step, ...] = (  # likewise
    *COUNTED,
    fit,  #          400 context_length_exceeded
    staff,  #        503 no_worker
    fetch,  #        400 invalid_request
    route,  #        400 invalid_request, 503 no_worker
    wait_for_others,
    meter_tokens,  # 429 rate_limited
    recall,
    hold,  #         insufficient_credits, monthly_cap_reached: as the contract says; 409, 422 idempotency_…
)
PAID: tuple[Step, ...] = (staff, meter_tokens, hold)  # once the model and the tokens are known
GENERATION = (*DOCUMENT, *ANSWERED)
COUNT = (*DOCUMENT, *COUNTED)


async def run(steps: tuple[Step, ...], call: Call) -> None:
    for step in steps:
        waiting = step(call)
        if waiting is not None:
            await waiting
