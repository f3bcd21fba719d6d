"""Cutting a draft into one delta per token under the request's limits."""

from __future__ import annotations

from wiremark_server.domain.generation import (
    Finish,
    Generation,
    TextDelta,
    ToolArgumentsDelta,
    ToolCall,
    ToolCallStart,
    Turn,
)
from wiremark_server.engine.plan import Draft, cut
from wiremark_server.engine.run import InstantRun

CALLS = (ToolCall("call_1", "first", '{"a":1}'), ToolCall("call_2", "second", "{}"))
BOTH = Draft(text=["Let", " me", " see"], calls=CALLS)


def ask(stop: tuple[str, ...] = (), max_tokens: int | None = None) -> Generation:
    return Generation("r", "m", (Turn("user", "x"),), stop=stop, max_tokens=max_tokens)


def test_text_comes_before_calls_and_each_call_opens_before_its_arguments() -> None:
    choice = cut(0, BOTH, ask(), 100, (" word",))
    assert "".join(delta.text for delta in choice.deltas if isinstance(delta, TextDelta)) == "Let me see"
    kinds = [type(delta) for delta in choice.deltas]
    first, second = [ToolCallStart] + [ToolArgumentsDelta] * 5, [ToolCallStart, ToolArgumentsDelta]
    assert kinds == [TextDelta] * 3 + first + second
    assert choice.finish == Finish(0, "tool_calls")


def test_a_stop_sequence_ends_the_answer_before_its_calls() -> None:
    choice = cut(0, BOTH, ask(stop=("me",)), 100, (" word",))
    assert choice.deltas == (TextDelta(0, "Let"), TextDelta(0, " "))
    assert choice.finish.reason == "stop"


def test_the_budget_may_end_in_the_middle_of_arguments() -> None:
    choice = cut(0, BOTH, ask(max_tokens=5), 100, (" word",))
    assert isinstance(choice.deltas[-1], ToolArgumentsDelta)
    assert choice.finish.reason == "length"
    assert len(cut(0, BOTH, ask(max_tokens=50), 2, (" word",)).deltas) == 2


def test_choices_of_different_lengths_finish_when_they_end() -> None:
    short, long = (
        cut(index, Draft(text=["a"] * size), ask(), 100, (" w",)) for index, size in ((0, 1), (1, 3))
    )
    run = InstantRun((short, long), prompt=4)
    assert run.take(1) == [TextDelta(0, "a"), Finish(0, "stop"), TextDelta(1, "a")]
    assert (run.usage.completion, run.finished) == (2, False)
    assert run.take(9) == [TextDelta(1, "a"), TextDelta(1, "a"), Finish(1, "stop")]
    assert (run.usage.completion, run.usage.total, run.finished) == (4, 8, True)
