"""How the choices of a stream end."""

from __future__ import annotations

from wiremark_conformance.checking import each
from wiremark_conformance.checks.chat_stream import STREAMS, TEXT_STREAMS
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.values import FINISH_REASONS, shown


@each("chat.stream.finish", *TEXT_STREAMS, expects="stream")
def finish(view: View) -> Outcome:
    if not view.finish_reasons:
        return "the stream has no choice, so none has a finish reason"
    without = [index for index, reasons in view.finish_reasons.items() if not reasons]
    return f"choice {without[0]} ends without a finish reason" if without else None


@each("chat.stream.finish-once", *TEXT_STREAMS, expects="stream")
def finish_once(view: View) -> Outcome:
    for index, reasons in view.finish_reasons.items():
        if len(reasons) > 1:
            return f"choice {index} has {len(reasons)} finish reasons: {shown(reasons)}"
    return None


@each("chat.stream.finish-enum", *STREAMS, expects="stream")
def finish_enum(view: View) -> Outcome:
    if any(choice.get("finish_reason") == "" for choice in view.chunk_choices):
        return 'the finish reason is "" where it should be null'
    for reasons in view.finish_reasons.values():
        for reason in reasons:
            if reason not in FINISH_REASONS:
                return f"the finish reason is {shown(reason)}"
    return None


@each("chat.stream.finish-with-calls", *STREAMS, expects="stream")
def finish_with_calls(view: View) -> Outcome:
    calling = {index for index, delta in view.deltas if delta.get("tool_calls")}
    for index, reasons in view.finish_reasons.items():
        if "tool_calls" in reasons and index not in calling:
            return f"choice {index} ends with `tool_calls` and has no call"
    return None


@each("chat.stream.after-finish", *STREAMS, expects="stream")
def after_finish(view: View) -> Outcome:
    finished: set[str] = set()
    if not view.chunk_choices:
        raise NotTestable("the stream has no choice")
    for choice in view.chunk_choices:
        index, delta = shown(choice.get("index")), choice.get("delta")
        says = isinstance(delta, dict) and (delta.get("content") or delta.get("tool_calls"))
        if index in finished and says:
            return f"choice {index} goes on after its finish reason: {shown(delta)}"
        if choice.get("finish_reason"):
            finished.add(index)
    return None
