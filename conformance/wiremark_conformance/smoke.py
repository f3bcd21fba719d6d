"""Before judging: does the endpoint answer at all, is it the one that was meant, is there a model?

One request for the model list tells; its exchange is judged later like any other. Every way in
which a base URL or a key can be wrong ends here, as one sentence on what to do, instead of as a
hundred findings.
"""

from __future__ import annotations

import difflib
import html
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from wiremark_schemas.contracts import Dialect

from wiremark_conformance.content import ContentError
from wiremark_conformance.exchange import Exchange, Headers, Request
from wiremark_conformance.probes import PROBES, ProbeContext
from wiremark_conformance.target import Target

# The probe that lists the models, and what every request has to say, in a dialect that has its own.
_MODELS: Mapping[Dialect, str] = {"anthropic": "messages.models.list", "gemini": "gemini.models.list"}
_SPEAKS: Mapping[Dialect, Headers] = {"anthropic": (("anthropic-version", "2023-06-01"),)}
_USUAL_BASES = ("/v1", "/api/v1", "/openai/v1", "/api/openai/v1", "")
_NAMED = 5  # models that a sentence lists

Send = Callable[[str, Request], Exchange]


class UnjudgeableError(Exception):
    """Nothing can be said about this endpoint; the text says why, and what to do."""


class UnknownModelError(Exception):
    """The endpoint does not have the model that was asked for."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The endpoint answers. `exchange` is the probe that lists the models, made."""

    model: str
    exchange: Exchange


def prove(target: Target, model: str | None, send: Send) -> Proof:
    """Ask for the models once, and find the model to test.

    model: the one asked for, or None: the contract's first, else the first that is listed
    Raises UnjudgeableError or UnknownModelError; the text may repeat what the endpoint said.
    """
    probe = _MODELS.get(target.contract.dialect, "models.list")
    request = _request(target, probe)
    exchange = send(probe, request)
    problem = _no_answer(exchange, target) or _refused(exchange, target)
    if problem:
        raise UnjudgeableError(problem)
    elsewhere = _elsewhere(exchange, target)
    if elsewhere:
        better = _better_base(target, request, send)
        if better:
            raise UnjudgeableError(f"{elsewhere}; did you mean --base-url={better} ?")
        # An API may have no list of models; whoever names the model may go on.
        if not (model and exchange.status == 404 and _json(exchange) is not None):
            raise UnjudgeableError(f"{elsewhere}; check the path of the base URL")
    problem = _broken(exchange, target)
    if problem:
        raise UnjudgeableError(problem)
    return Proof(_model(target, model, _listed(exchange), request, send), exchange)


def _request(target: Target, probe: str) -> Request:
    """The probe itself, so that it need not be made twice; by hand where a contract has no list."""
    request = PROBES[probe].build(ProbeContext(target, {}))
    if request is not None:
        return request
    key = target.credentials.get("default")
    headers: Headers = (("host", target.host_header), ("accept", "application/json"))
    headers += _SPEAKS.get(target.contract.dialect, ())
    authorization = (("authorization", f"Bearer {key}"),) if key else ()
    return Request("GET", target.base_path + _list_path(target), headers + authorization)


def _list_path(target: Target) -> str:
    """Path of the list of models, below the base URL."""
    path = target.path("models.list")
    return path.removeprefix(target.base_path) if path else "/models"


# -- diagnoses: a sentence, or None -----------------------------------------------------------------


def _no_answer(exchange: Exchange, target: Target) -> str | None:
    failure = exchange.failure
    return f"{target.base_url} cannot be judged: {failure.message}" if failure else None


def _refused(exchange: Exchange, target: Target) -> str | None:
    if not _declined(exchange) or _is_html(exchange):
        return None
    said = f"{target.base_url} answers {_status(exchange)}{_said(exchange)}"
    if target.credentials.get("default") is None:
        return f"{said}; give a key: WIREMARK_API_KEY, --wiremark-api-key or --wiremark-credentials"
    return f"{said}; it does not accept the key of the role 'default', check it"


def _declined(exchange: Exchange) -> bool:
    """Whether it is the key that is not good; Google says so with a 400 and a reason."""
    return exchange.status in {401, 403} or (
        exchange.status == 400 and "API_KEY_INVALID" in _text(exchange)  # a word that nobody else uses
    )


def _elsewhere(exchange: Exchange, target: Target) -> str | None:
    """Something answers, but no API does."""
    where = f"{target.base_url}{_list_path(target)}"
    if exchange.status is not None and 300 <= exchange.status < 400:
        return (
            f"{where} redirects to {exchange.header('location') or 'nowhere'}; give the base URL it leads to"
        )
    if _is_html(exchange) and (exchange.status or 0) < 500:
        title = re.search(r"<title[^>]*>([^<]{1,80})", _text(exchange), re.IGNORECASE)
        named = f" ({html.unescape(title.group(1)).strip()!r})" if title else ""
        return f"{where} answers {_status(exchange)} with an HTML page{named}, not with JSON"
    if exchange.status in {404, 405}:
        return f"{where} answers {_status(exchange)}{_said(exchange)}"
    return None


def _broken(exchange: Exchange, target: Target) -> str | None:
    if exchange.status == 429 or (exchange.status or 0) >= 500:
        return f"{target.base_url} answers {_status(exchange)}{_said(exchange)}; try again when it is well"
    if exchange.status == 200 and _json(exchange) is None:
        kind = exchange.header("content-type") or "no content-type"
        where = f"{target.base_url}{_list_path(target)}"
        return f"{where} answers 200 with a body that is not JSON ({kind}); check the base URL"
    return None


# -- a better base URL --------------------------------------------------------------------------------


def _better_base(target: Target, request: Request, send: Send) -> str | None:
    origin = target.base_url.removesuffix(target.base_path)
    for base in _candidates(target):
        query = "?" + request.target.partition("?")[2] if "?" in request.target else ""
        exchange = send("smoke", replace(request, target=f"{base}{_list_path(target)}{query}"))
        if exchange.failure is None and (
            _listed(exchange) is not None
            or (_declined(exchange) and isinstance(_json(exchange), dict) and not _is_html(exchange))
        ):
            return origin + base
    return None


def _candidates(target: Target) -> Iterator[str]:
    """Base paths that people mean: repeats dropped, an operation cut off, the usual ones."""
    steps = [step for step in target.base_path.split("/") if step]
    once = [step for position, step in enumerate(steps) if position == 0 or steps[position - 1] != step]
    cut = target.base_path
    for suffix in ("/chat/completions", "/completions", "/models"):
        cut = cut.removesuffix(suffix)
    found = ["".join(f"/{step}" for step in once), cut, target.contract.base_path, f"{target.base_path}/v1"]
    found += ["".join(f"/{step}" for step in steps[:end]) for end in range(len(steps) - 1, 0, -1)]
    yield from (base for base in dict.fromkeys([*found, *_USUAL_BASES]) if base != target.base_path)


# -- the model ----------------------------------------------------------------------------------------


def _model(target: Target, asked: str | None, listed: list[str] | None, request: Request, send: Send) -> str:
    promised = [entry.id for entry in target.contract.models]
    wanted = asked or (promised[0] if promised else None)
    if wanted is None:
        if listed:
            return listed[0]
        raise UnjudgeableError(f"{target.base_url} lists no model; name one with --wiremark-model")
    if not listed or wanted in listed or _known(wanted, request, send):
        return wanted
    near = difflib.get_close_matches(wanted, listed, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    some = ", ".join(listed[:_NAMED]) + (", …" if len(listed) > _NAMED else "")
    whose = "" if asked else f", the first of the contract {target.contract.name!r}"
    raise UnknownModelError(
        f"{target.base_url} does not have the model {wanted!r}{whose}{hint} "
        f"(it lists {some}); name one with --wiremark-model"
    )


def _known(model: str, request: Request, send: Send) -> bool:
    """Whether a model that is not listed can be asked for all the same, as an alias can."""
    path, _, _ = request.target.partition("?")
    exchange = send("smoke", replace(request, target=f"{path}/{quote(model, safe='')}"))
    body = _json(exchange)
    return exchange.status == 200 and isinstance(body, dict) and ("id" in body or "name" in body)


# -- reading ------------------------------------------------------------------------------------------


def _text(exchange: Exchange) -> str:
    try:
        return exchange.content.decode("utf-8", "replace")
    except ContentError:
        return ""


def _json(exchange: Exchange) -> Any:
    """The body's JSON value; None when it is not JSON."""
    try:
        return json.loads(_text(exchange))
    except (ValueError, RecursionError):
        return None


def _listed(exchange: Exchange) -> list[str] | None:
    """The ids of the models listed; None when the answer is no list of models."""
    body = _json(exchange)
    if not isinstance(body, dict) or exchange.status != 200:
        return None
    for key, name in (("data", "id"), ("models", "name")):
        entries = body.get(key)
        if isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries):
            found = (entry.get(name) for entry in entries)
            return [text.removeprefix("models/") for text in found if isinstance(text, str)]
    return None


def _is_html(exchange: Exchange) -> bool:
    kind = (exchange.header("content-type") or "").lower()
    return "html" in kind or _text(exchange).lstrip()[:15].lower().startswith(("<!doctype html", "<html"))


def _status(exchange: Exchange) -> str:
    return f"{exchange.status} {exchange.reason}".strip()


def _said(exchange: Exchange) -> str:
    """What the endpoint itself says is wrong, shortened and on one line."""
    body = _json(exchange)
    error = body.get("error") if isinstance(body, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    if not isinstance(message, str):
        return ""
    text = " ".join(message.split()).rstrip(".")
    return f": {text if len(text) <= 200 else text[:199] + '…'}"
