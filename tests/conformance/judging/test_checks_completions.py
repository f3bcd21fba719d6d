"""Each requirement on legacy completions, spoilt in its own way; and what must raise no alarm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from wiremark_conformance.requirement import load_register
from wiremark_reports.record import Verdict

from tests.conformance.judging.other_surfaces import piece

Change = Callable[[Any], object]
PLAIN, STREAM, USAGE = "completions.plain", "completions.stream", "completions.stream.usage"


def _refused(probe: str) -> Change:
    error = {"error": {"message": "No.", "type": "invalid_request_error", "param": None, "code": None}}

    def apply(world: Any) -> None:
        answer = world[probe]
        answer.status, answer.body, answer.chunks = 400, error, None

    return apply


def _body(probe: str = PLAIN, **values: Any) -> Change:
    return lambda w: w[probe].body.update(values)


def _choice(probe: str = PLAIN, at: int = 0, **values: Any) -> Change:
    return lambda w: w[probe].body["choices"][at].update(values)


def _without(probe: str, key: str) -> Change:
    return lambda w: w[probe].body["choices"][0].pop(key)


def _usage(probe: str = PLAIN, **values: Any) -> Change:
    return lambda w: w[probe].body["usage"].update(values)


def _logprobs(**values: Any) -> Change:
    return lambda w: w["completions.logprobs"].body["choices"][0]["logprobs"].update(values)


def _chunk(at: int, probe: str = STREAM, **values: Any) -> Change:
    return lambda w: w.chunks(probe)[at].update(values)


def _piece(at: int, probe: str = STREAM, **values: Any) -> Change:
    return lambda w: w.chunks(probe)[at]["choices"][0].update(values)


def _insert(at: int, chunk: Any, probe: str = STREAM) -> Change:
    return lambda w: w.chunks(probe).insert(at, chunk)


def _said(*texts: str) -> Change:
    """A stream of these pieces."""
    return lambda w: w.chunks(STREAM).__setitem__(slice(0, 2), [piece(text) for text in texts])


def _chat_logprobs(world: Any) -> None:
    entry = {"token": "there", "logprob": -0.1, "bytes": None, "top_logprobs": []}
    world["completions.logprobs"].body["choices"][0]["logprobs"] = {"content": [entry]}


SPOILT: list[tuple[str, Change]] = [
    ("completions.accepted", _refused(PLAIN)),
    ("completions.id", _body(id=None)),
    ("completions.object", _body(object="chat.completion")),
    ("completions.created", _body(created="now")),
    ("completions.created-seconds", _body(created=1764547200000)),
    ("completions.id-unique", lambda w: w[PLAIN].body.update(id=w["completions.echo"].body["id"])),
    ("completions.model", lambda w: w[PLAIN].body.pop("model")),
    ("completions.choices", _body(choices=[])),
    ("completions.choices", _body(choices={"0": {}})),
    ("completions.text", _choice(text=None, message={"role": "assistant", "content": "there"})),
    ("completions.index", _without(PLAIN, "index")),
    ("completions.index", _choice("completions.echo", index=1)),
    ("completions.finish-reason", _choice(finish_reason="eos")),
    ("completions.finish-reason", _choice(finish_reason=None)),
    ("completions.logprobs-unasked", _without(PLAIN, "logprobs")),
    ("completions.logprobs-unasked", _choice(logprobs={"tokens": ["a"]})),
    ("completions.usage.integers", lambda w: w[PLAIN].body.pop("usage")),
    ("completions.usage.integers", _usage(completion_tokens=None)),
    ("completions.usage.total", _usage(total_tokens=20)),
    ("completions.nulls", _refused("completions.nulls")),
    ("completions.nulls", lambda w: setattr(w["completions.nulls"], "status", 422)),
    ("completions.prompt-type", lambda w: w.answers.update({"completions.no-prompt": w[PLAIN]})),
    ("completions.prompt-type", lambda w: setattr(w["completions.no-prompt"], "status", 500)),
    ("completions.max-tokens.honoured", _usage("completions.max-tokens", completion_tokens=9)),
    ("completions.max-tokens.default", _usage("completions.default", completion_tokens=200)),
    ("completions.max-tokens.finish-reason", _choice("completions.max-tokens", finish_reason="stop")),
    ("completions.prompts.accepted", _refused("completions.prompts")),
    ("completions.prompts.count", lambda w: w["completions.prompts"].body["choices"].pop()),
    ("completions.prompts.indexes", _choice("completions.prompts", 2, index=0)),
    ("completions.tokens.accepted", _refused("completions.tokens")),
    ("completions.stop.accepted", _refused("completions.stop")),
    ("completions.stop.absent", _choice("completions.stop", text=" 6 7 8")),
    ("completions.echo.accepted", _refused("completions.echo")),
    ("completions.echo.honoured", _choice("completions.echo", text=", and")),
    (
        "completions.echo.honoured",
        lambda w: [c.update(index=1 - c["index"]) for c in w["completions.echo"].body["choices"]],
    ),
    ("completions.logprobs.accepted", _refused("completions.logprobs")),
    ("completions.logprobs.present", _choice("completions.logprobs", logprobs=None)),
    ("completions.logprobs.form", _choice("completions.logprobs", logprobs=[-0.1, -0.2, -0.3])),
    ("completions.logprobs.form", _chat_logprobs),
    ("completions.logprobs.form", _logprobs(text_offset=[0, 5])),
    ("completions.logprobs.form", _logprobs(top_logprobs=None)),
    ("completions.logprobs.values", _logprobs(token_logprobs=[0.9, 0.8, 0.7])),
    ("completions.logprobs.values", _logprobs(token_logprobs=[None, -0.2, -0.3])),
    ("completions.logprobs.top", _logprobs(top_logprobs=[None, {}, {}])),
    ("completions.logprobs.top", _logprobs(top_logprobs=[{"a": -1, "b": -2, "c": -3, "d": -4}])),
    ("completions.logprobs.text", _logprobs(tokens=["a", "b", "c"])),
    ("completions.logprobs.offsets", _logprobs(text_offset=[0, 0, 0])),
    ("completions.logprobs.offsets", _logprobs(text_offset=[0, None, 9])),
    ("completions.stream.accepted", _refused(STREAM)),
    ("completions.stream.events", lambda w: w[STREAM].__dict__.update(chunks=None, body=piece("there"))),
    ("completions.stream.content-type", lambda w: w[STREAM].headers.update({"content-type": "text/plain"})),
    ("completions.stream.complete", lambda w: w[STREAM].fail("truncated")),
    ("completions.stream.data-json", _insert(1, "there")),
    ("completions.stream.no-empty-events", _insert(1, b"event: ping\n\n")),
    ("completions.stream.last-event-ended", _insert(9, b"data: {}")),
    ("completions.stream.done", lambda w: w.chunks(STREAM).pop()),
    ("completions.stream.done-exact", lambda w: w.chunks(STREAM).__setitem__(-1, "DONE")),
    ("completions.stream.done-last", _insert(9, piece("more"))),
    ("completions.stream.id-constant", _chunk(1, id="cmpl-2")),
    ("completions.stream.chunk-object", _chunk(2, object="text_completion.chunk")),
    ("completions.stream.chunk-fields", lambda w: w.chunks(STREAM)[0].pop("created")),
    ("completions.stream.choice-fields", lambda w: w.chunks(STREAM)[0]["choices"][0].pop("index")),
    ("completions.stream.choice-fields", lambda w: w.chunks(STREAM)[2]["choices"][0].pop("text")),
    ("completions.stream.choice-fields", _chunk(1, choices=None)),
    ("completions.stream.created-seconds", _chunk(0, created=1764547200000)),
    ("completions.stream.fragments", _said("A ", "long ", "way ", "A long way ")),
    ("completions.stream.fragments", _said("A ", "A long ", "A long way ", "A long way home")),
    ("completions.stream.usage-unasked", lambda w: w.chunks(STREAM).insert(-1, w.chunks(USAGE)[-2])),
    ("completions.stream.finish", lambda w: w.chunks(STREAM).pop(2)),
    ("completions.stream.finish-once", _insert(2, piece("", finish_reason="stop"))),
    ("completions.stream.finish-enum", _piece(2, finish_reason="eos_token")),
    (
        "completions.stream.prompts",
        lambda w: [w.chunks(USAGE)[at]["choices"][0].update(index=0) for at in (1, 3, 5)],
    ),
    ("completions.stream.usage.present", _chunk(-2, USAGE, usage=None)),
    ("completions.stream.usage.last", _insert(-1, piece(""), USAGE)),
    ("completions.stream.usage.integers", lambda w: w.chunks(USAGE)[-2]["usage"].update(total_tokens=1)),
]

LEGAL: dict[str, Change] = {
    "system_fingerprint": _body(system_fingerprint="fp_1"),
    "another prefix of the id": _body(id="gen-1"),
    "more keys": _body(provider="x", timings={"ms": 1.5}),
    "more keys in a choice": _choice(stop_reason=None),
    "an empty text": _choice(text=""),
    "a budget that was not used up": _usage("completions.max-tokens", completion_tokens=2, total_tokens=22),
    "choices in another order": lambda w: w["completions.prompts"].body["choices"].reverse(),
    "a space before the prompt that is repeated": _choice("completions.echo", text=" Once upon a time, and"),
    "offsets from another start": _logprobs(text_offset=[16, 21, 25]),
    "an end token in logprobs": _logprobs(
        tokens=["there", " was", " a", "</s>"],
        token_logprobs=[-0.1, -0.2, -0.3, 0],
        top_logprobs=[{}, {}, {}, {"</s>": 0}],
        text_offset=[0, 5, 9, 11],
    ),
    "text in the last chunk": _piece(2, text="."),
    "usage null in chunks": _chunk(0, usage=None),
    "usage in every chunk": lambda w: [
        chunk.update(usage={"prompt_tokens": 20, "completion_tokens": 1, "total_tokens": 21})
        for chunk in w.chunks(USAGE)[:-2]
    ],
    "comments": _insert(1, b": keep-alive\n\n"),
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
    register = {r.id for r in load_register() if r.area == "completions"}
    assert register - {requirement for requirement, _ in SPOILT} == set()


@pytest.mark.parametrize("change", LEGAL.values(), ids=LEGAL)
def test_legal_variants_raise_no_alarm(world: Any, change: Change) -> None:
    change(world)
    assert world.findings() == {}
