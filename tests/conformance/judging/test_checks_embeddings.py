"""Each requirement on embeddings, spoilt in its own way; and what must raise no alarm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from wiremark_conformance.requirement import load_register
from wiremark_reports.record import Verdict

from tests.conformance.judging.other_surfaces import LONG, OTHER, packed

Change = Callable[[Any], object]
PLAIN, BATCH = "embeddings.plain", "embeddings.batch"


def _status(probe: str, status: int) -> Change:
    return lambda w: setattr(w[probe], "status", status)


def _answered(probe: str) -> Change:
    """Answered like a good request."""
    return lambda w: w.answers.update({probe: w[PLAIN]})


def _body(probe: str = PLAIN, **values: Any) -> Change:
    return lambda w: w[probe].body.update(values)


def _entry(probe: str = PLAIN, at: int = 0, **values: Any) -> Change:
    return lambda w: w[probe].body["data"][at].update(values)


def _usage(probe: str = PLAIN, **values: Any) -> Change:
    return lambda w: w[probe].body["usage"].update(values)


def _swapped(world: Any) -> None:
    first, second, _ = world[BATCH].body["data"]
    first["embedding"], second["embedding"] = second["embedding"], first["embedding"]


def _longer(vector: tuple[float, ...], factor: float) -> list[float]:
    return [number * factor for number in vector]


SPOILT: list[tuple[str, Change]] = [
    ("embeddings.accepted", _status(PLAIN, 404)),
    ("embeddings.object", lambda w: w[PLAIN].body.pop("object")),
    ("embeddings.data", _body(data=[])),
    ("embeddings.data", _body(data=None)),
    ("embeddings.data", _body("embeddings.base64", data=[])),
    ("embeddings.data", _body(BATCH, data=[[0.1, 0.2]])),
    ("embeddings.entry-object", _entry(object="vector")),
    ("embeddings.count", lambda w: w[BATCH].body["data"].pop()),
    ("embeddings.count", lambda w: w["embeddings.tokens"].body["data"].append({"embedding": [1.0]})),
    ("embeddings.index", lambda w: w[PLAIN].body["data"][0].pop("index")),
    ("embeddings.index", _entry(BATCH, 1, index="1")),
    ("embeddings.index-order", _entry(BATCH, 1, index=0)),
    ("embeddings.index-order", lambda w: w[BATCH].body["data"].reverse()),
    ("embeddings.model", _body(model="")),
    ("embeddings.usage.present", lambda w: w[PLAIN].body.pop("usage")),
    ("embeddings.usage.integers", _usage(prompt_tokens=0, total_tokens=0)),
    ("embeddings.usage.integers", _usage(total_tokens="6")),
    ("embeddings.usage.total", _usage(total_tokens=9)),
    ("embeddings.usage.batch", _usage(BATCH, prompt_tokens=6)),
    ("embeddings.float", _entry(embedding=packed(LONG))),
    ("embeddings.float", _entry("embeddings.default", embedding=packed(LONG))),
    ("embeddings.float", _entry(embedding=[0.1, None])),
    ("embeddings.float", _entry(embedding=[])),
    ("embeddings.same-length", _entry(BATCH, 1, embedding=list(OTHER[:8]))),
    ("embeddings.unit-length", _entry(embedding=_longer(LONG, 17))),
    ("embeddings.batch.accepted", _status(BATCH, 400)),
    ("embeddings.batch.order", _swapped),
    ("embeddings.batch.order", _entry(BATCH, 1, embedding=list(LONG))),
    ("embeddings.batch.independent", _entry(embedding=list(OTHER))),
    ("embeddings.base64.accepted", _status("embeddings.base64", 400)),
    ("embeddings.base64.honoured", _entry("embeddings.base64", embedding=list(LONG))),
    ("embeddings.base64.honoured", _entry("embeddings.base64", embedding="0.5, 0.5")),
    ("embeddings.base64.float32", _entry("embeddings.base64", embedding=packed(LONG, "<d"))),
    ("embeddings.base64.float32", _entry("embeddings.base64", embedding=packed(LONG, "<e"))),
    ("embeddings.base64.same", _entry("embeddings.base64", embedding=packed(LONG, ">f"))),
    ("embeddings.base64.same", _entry("embeddings.base64", embedding=packed(OTHER))),
    ("embeddings.dimensions.accepted", _status("embeddings.dimensions", 400)),
    ("embeddings.dimensions.honoured", _entry("embeddings.dimensions", embedding=list(LONG))),
    (
        "embeddings.dimensions.unit-length",
        _entry("embeddings.dimensions", embedding=_longer(LONG[:8], 0.5)),
    ),
    ("embeddings.tokens.accepted", _status("embeddings.tokens", 422)),
    ("embeddings.tokens.batch.accepted", _status("embeddings.tokens.batch", 422)),
    ("embeddings.empty-text", _answered("embeddings.empty-text")),
    ("embeddings.empty-list", _answered("embeddings.empty-list")),
    ("embeddings.empty-list", _status("embeddings.empty-list", 500)),
    ("embeddings.too-many", _answered("embeddings.too-many")),
    ("embeddings.unknown-format", _answered("embeddings.unknown-format")),
    ("embeddings.validation-status", _status("embeddings.empty-list", 422)),
    ("embeddings.unknown-model.refused", _answered("embeddings.unknown-model")),
    ("embeddings.unknown-model.status", _status("embeddings.unknown-model", 400)),
]

LEGAL: dict[str, Change] = {
    "completion_tokens of 0": _usage(completion_tokens=0),
    "details of usage": _usage(prompt_tokens_details=None),
    "more keys": _body(id="embd-1", created=1764547200),
    "more keys in an entry": _entry(truncated=False),
    "another name of the model": _body(model="vectors-v2"),
    "integers in a vector": _entry(BATCH, 1, embedding=[0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
    "rounding in a batch": _entry(BATCH, 2, embedding=_longer((0.501, 0.499, *LONG[2:]), 1.002)),
    "zeros left out of the exponent": _entry(embedding=[5e-1] * 4 + [0] * 8),
    "rounded base64": _entry("embeddings.base64", embedding=packed(_longer(LONG, 1.0001))),
    "400 for an empty list with another code": _body(
        "embeddings.empty-list",
        error={"message": "x", "type": "invalid_request_error", "param": "input", "code": "empty"},
    ),
}


@pytest.mark.parametrize(
    ("requirement", "change"), SPOILT, ids=[f"{i}-{r}" for i, (r, _) in enumerate(SPOILT)]
)
def test_what_is_wrong_is_found(world: Any, requirement: str, change: Change) -> None:
    assert world.judge(requirement).verdict is Verdict.PASS
    change(world)
    judged = world.judge(requirement)
    finding = Verdict.FAIL if judged.requirement.level == "MUST" else Verdict.WARN
    assert (judged.verdict, bool(judged.message)) == (finding, True), judged.message


def test_every_requirement_is_shown_to_fail() -> None:
    register = {r.id for r in load_register() if r.area == "embeddings"}
    assert register - {requirement for requirement, _ in SPOILT} == set()


@pytest.mark.parametrize("change", LEGAL.values(), ids=LEGAL)
def test_legal_variants_raise_no_alarm(world: Any, change: Change) -> None:
    change(world)
    assert world.findings() == {}
