"""Situations that are answered otherwise than the contract promises, and refusals in somebody else's form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wiremark_server.faults.change import whole_body, with_header, without_header
from wiremark_server.faults.edit import Body, Document, Edit, On, Promise
from wiremark_server.faults.fault import CONTRACT, Fault

# -- promises of the contract ------------------------------------------------------------------------

# Situation of the contract → requirement that holds the endpoint to it, and patterns of what else says so.
_SITUATIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "malformed_json": ("malformed-json", ("errors.validation-status", "contract.errors.no-key-name")),
    "invalid_request": ("invalid-request", ("errors.validation-status",)),
    "unknown_model": ("unknown-model", ("errors.unknown-model.*", "models.get.unknown*")),
    "unknown_route": ("unknown-route", ("errors.unknown-route",)),
    "method_not_allowed": ("method", ("errors.method",)),
    "unsupported_media_type": ("media-type", ("errors.media-type",)),
    "missing_key": ("missing-key", ("auth.missing-key",)),
    "invalid_key": ("wrong-key", ("auth.wrong-key*", "auth.revoked-key", "contract.errors.revoked-key")),
    "body_too_large": ("body-too-large", ("limits.body.*",)),
    "rate_limited": ("rate-limited", ("limits.rate.*", "limits.day.*", "contract.errors.rate-limited-day")),
    "insufficient_credits": ("insufficient-credits", ("limits.credits.*",)),
    "monthly_cap_reached": ("monthly-cap", ("limits.cap.*",)),
    "model_not_allowed": ("model-not-allowed", ("auth.restricted-model",)),
    "tools_not_supported": ("tools-not-supported", ()),
    "vision_not_supported": ("vision-not-supported", ()),
}

# Situations that another contract promises, likewise: contract and situation.
_ELSEWHERE: Mapping[tuple[str, str], tuple[str, tuple[str, ...]]] = {
    ("c0mpute", "no_worker"): ("no-worker", ("models.available.refused",)),
    ("aimlapi", "key_disabled"): ("disabled-key", ("auth.disabled-key*",)),
    ("apipie", "context_length_exceeded"): ("context-length", ("context.prompt.*", "errors.context-*")),
}


def _promise(situation: str, **changes: Any) -> tuple[Edit, ...]:
    def change(document: Document) -> None:
        document["errors"][situation] = {**document["errors"][situation], **changes}

    return (Promise(change),)


def faults() -> Iterator[Fault]:
    yield from _promise_faults()
    yield from _proxy_faults()


def _promise_faults() -> Iterator[Fault]:
    """Each situation of a contract answered with another status, type and code than promised."""
    here = (((CONTRACT, situation), held) for situation, held in _SITUATIONS.items())
    for (contract, situation), (requirement, also) in (*here, *_ELSEWHERE.items()):
        said = situation.replace("_", " ")
        for name, changes in (
            ("status", {"status": 418}),
            ("type", {"type": "other_error"}),
            ("code", {"code": "other_code"}),
        ):
            if situation == "invalid_request" and name == "code":
                continue  # which parameter is wrong may be told by a finer code
            yield Fault(
                f"promise.{situation.replace('_', '-')}.{name}",
                "errors",
                f"The situation '{said}' is answered with another {name} than the contract promises.",
                _promise(situation, **changes),
                (f"contract.errors.{requirement}",),
                also,
                derived=True,
                contract=contract,
            )


# -- refusals that something in between answers --------------------------------------------------------

_STATUSES = (400, 401, 402, 403, 404, 405, 413, 415, 429)


def _proxy_faults() -> Iterator[Fault]:
    """Refusals of one status come from a proxy, a balancer or a framework, in a form of its own."""
    for status in _STATUSES:
        on = On(form="refusal", status=status)
        page = f"<html><head><title>{status}</title></head><body>nginx</body></html>".encode()
        html = (
            whole_body(lambda _, page=page: page, on),  # type: ignore[misc]
            with_header(on, b"content-type", b"text/html"),
        )
        yield Fault(
            f"proxy.{status}.html",
            "errors",
            f"Refusals with the status {status} are pages for people.",
            html,
            ("errors.envelope.object", "errors.content-type"),
            derived=True,
        )
        yield Fault(
            f"proxy.{status}.empty",
            "errors",
            f"Refusals with the status {status} have an empty body.",
            (whole_body(lambda _: b"", on),),
            ("errors.envelope.object",),
            derived=True,
        )
        yield Fault(
            f"proxy.{status}.detail",
            "errors",
            f"Refusals with the status {status} have `detail` in the place of `error`.",
            (Body(on, lambda d: {"detail": d["error"]["message"]}),),
            ("errors.envelope.object",),
            derived=True,
        )
        yield Fault(
            f"proxy.{status}.no-id",
            "headers",
            f"Refusals with the status {status} have no request id.",
            (without_header(on, b"x-request-id"),),
            ("ids.errors",),
            derived=True,
        )
