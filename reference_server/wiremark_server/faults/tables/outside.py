"""What only official SDKs and generated requests can see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from wiremark_server.faults.change import CHAT, every, frames, refuse, status
from wiremark_server.faults.edit import Ask, Body, On
from wiremark_server.faults.fault import Fault, named

_properties = named("properties")


@dataclass(frozen=True, slots=True)
class _Sdk:
    """An SDK with the names of its scenarios, by what each of them reads. contract: that it is run under"""

    contract: str
    whole: tuple[str, ...]
    streamed: tuple[str, ...]


_SDKS: Mapping[str, _Sdk] = {
    "openai": _Sdk(
        "openai",
        ("models", "chat", "tools", "parse", "embeddings", "responses", "responses-tools"),
        ("stream", "responses-stream"),
    ),
    "anthropic": _Sdk("anthropic", ("message", "tools", "round-trip", "count", "models"), ("stream",)),
    "google-genai": _Sdk(
        "gemini", ("generate", "functions", "parse", "count", "models", "embeddings"), ("stream",)
    ),
}


def _of(name: str, sdk: _Sdk) -> Iterator[Fault]:
    fault = named(f"sdk.{name}", sdk.contract)
    yield fault(
        "wrapped",
        "shape",
        f"Every answer that {name} reads stands within `data`.",
        Body(On(form="answer"), lambda document: {"data": document}),
        catches=tuple(f"sdk.{name}.{scenario}" for scenario in sdk.whole),
        allows=("*",),
    )
    yield fault(
        "half-events",
        "stream",
        f"The JSON of every event that {name} reads is cut in half.",
        frames(every, lambda frame: (frame.with_text(frame.data[: len(frame.data) // 2]),), None),
        catches=tuple(f"sdk.{name}.{scenario}" for scenario in sdk.streamed),
        allows=("*",),
    )
    yield fault(
        "refused-400",
        "errors",
        f"{name} is refused a model that does not exist with 400.",
        status(On(form="refusal", status=404), 400),
        catches=(f"sdk.{name}.error",),
        allows=("*",),
    )


def _large(ask: Ask) -> bool:
    return len(ask.document) > 4


TABLE: tuple[Fault, ...] = (
    *(fault for name, sdk in _SDKS.items() for fault in _of(name, sdk)),
    _properties(
        "crash",
        "errors",
        "Requests with more than four members are server errors.",
        refuse(On(CHAT, where=_large), 500, "Internal error."),
        catches=("properties.settled",),
        allows=("*",),
    ),
    _properties(
        "good-refused",
        "semantics",
        "Requests with more than four members are refused.",
        refuse(On(CHAT, where=_large)),
        catches=("properties.valid",),
        allows=("*",),
    ),
    _properties(
        "bad-answered",
        "errors",
        "Requests that are not valid are refused with the status 200.",
        status(On(CHAT, "refusal", status=400), 200),
        catches=("properties.invalid",),
        allows=("*",),
    ),
)
