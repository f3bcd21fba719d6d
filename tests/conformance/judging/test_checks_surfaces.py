"""Several formats at one endpoint: each requirement spoilt in its own way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from wiremark_conformance.probes.surfaces import PREFIXES, SURFACES
from wiremark_conformance.requirement import load_register
from wiremark_reports.record import Verdict

Change = Callable[[Any], object]
CONTRACT = "banana2"
AGENTS = str(Path(__file__).with_name("agents.yaml"))
LISTED = ("chat", "responses", "messages")


def _body(probe: str, body: Any) -> Change:
    return lambda w: setattr(w[probe], "body", body)


def _status(probe: str, status: int) -> Change:
    return lambda w: setattr(w[probe], "status", status)


def _like(probe: str, other: str) -> Change:
    return lambda w: w.answers.update({probe: w[other]})


def _unlist(probe: str, position: int = 0) -> Change:
    return lambda w: w[probe].body["data"].pop(position)


def _list(probe: str, model: str) -> Change:
    return lambda w: w[probe].body["data"].append({"id": model, "object": "model"})


SPOILT: list[tuple[str, Change]] = [
    *((f"surfaces.{form}.served", _status(f"surface.{form}.whole.1", 404)) for form in ("chat", "gemini")),
    *(
        (f"surfaces.{form}.served", _status(f"surface.{form}.whole.2", 404))
        for form in ("responses", "messages")
    ),
    *(
        (f"surfaces.{form}.served", _body(f"surface.{form}.whole.1", {"id": "1"}))
        for form in ("chat", "responses", "messages", "gemini")
    ),
    *(
        (f"surfaces.{form}.streamed", _like(f"surface.{form}.stream.1", f"surface.{form}.whole.1"))
        for form in ("chat", "responses", "messages", "gemini")
    ),
    ("surfaces.messages.streamed", _status("surface.messages.stream.2", 404)),
    *(
        (f"surfaces.{form}.own-models", _like(f"surface.{form}.wrong", f"surface.{form}.whole.1"))
        for form in ("chat", "responses", "messages", "gemini")
    ),
    ("surfaces.chat.own-models", _status("surface.chat.wrong", 500)),
    ("surfaces.chat.own-models", _body("surface.chat.wrong", {"error": {"message": "No."}})),
    *(
        (f"surfaces.{form}.listed", _unlist(f"surface.{form}.list"))
        for form in ("chat", "responses", "messages")
    ),
    *(
        (f"surfaces.{form}.listed", _list(f"surface.{form}.list", "gemini-2.5-flash"))
        for form in ("chat", "responses", "messages")
    ),
    *((f"surfaces.{form}.keys", _status(f"surface.{form}.key", 401)) for form in SURFACES),
    ("surfaces.messages.auxiliary", _status("surface.messages.auxiliary", 404)),
    ("surfaces.messages.auxiliary", _body("surface.messages.auxiliary", {"content": []})),
    (
        "surfaces.messages.budget-required",
        _like("surface.messages.no-budget", "surface.messages.whole.1"),
    ),
    ("billing.export.accepted", _status("billing.export", 404)),
    ("billing.export.rows", _body("billing.export", b"request_id,prompt_tokens\r\nother,20\r\n")),
    ("billing.export.rows", _body("billing.export", b"request_id,prompt_tokens\r\nreq-chat.plain,1\r\n")),
    ("billing.export.rows", lambda w: w["billing.export"].headers.update({"content-type": "text/plain"})),
]


FOR_AGENTS: list[tuple[str, Change]] = [
    *((f"surfaces.{form}.prefixes", _status(f"surface.{form}.prefix.1", 404)) for form in PREFIXES),
    *(
        (f"surfaces.{form}.prefixes", _status(f"surface.{form}.prefix.2", 404))
        for form in ("messages", "gemini")
    ),
    *((f"surfaces.{form}.prefixes", _body(f"surface.{form}.prefix.1", {"id": "1"})) for form in PREFIXES),
]


@pytest.mark.parametrize(("requirement", "change"), FOR_AGENTS)
def test_what_is_not_where_agents_look_is_found(worlds: Any, requirement: str, change: Change) -> None:
    world = worlds(AGENTS)
    assert world.judge(requirement).verdict is Verdict.PASS, world.judge(requirement).message
    change(world)
    assert world.judge(requirement).verdict is Verdict.WARN


@pytest.mark.parametrize(
    ("requirement", "change"), SPOILT, ids=[f"{i}-{r}" for i, (r, _) in enumerate(SPOILT)]
)
def test_what_is_wrong_is_found(worlds: Any, requirement: str, change: Change) -> None:
    world = worlds(CONTRACT)
    assert world.judge(requirement).verdict is Verdict.PASS, world.judge(requirement).message
    change(world)
    assert world.judge(requirement).verdict is Verdict.FAIL


def test_every_requirement_of_the_area_is_shown_to_fail() -> None:
    register = {r.id for r in load_register() if r.area == Path(__file__).stem.removeprefix("test_checks_")}
    assert register - {requirement for requirement, _ in (*SPOILT, *FOR_AGENTS)} == set()


def test_an_endpoint_of_one_format_is_asked_nothing_of_this(worlds: Any) -> None:
    assert worlds("generic").judge("surfaces.messages.served").verdict is Verdict.UNDECLARED
