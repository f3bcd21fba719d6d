"""The end of a stream, and failures within it."""

from __future__ import annotations

from wiremark_conformance.checking import check, each
from wiremark_conformance.checks.chat_stream import STREAMS, TEXT_STREAMS
from wiremark_conformance.evidence import DONE, View
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.values import is_text, listed, shown


def done_once(view: View) -> Outcome:
    """The terminator, whatever surrounds it in its data, is there and is there once."""
    found = sum(DONE in frame.text and frame.value is None for frame in view.frames)
    if found == 1:
        return None
    return f"{found} times `{DONE}`" if found else f"the stream ends without `data: {DONE}`"


each("chat.stream.done", *TEXT_STREAMS, expects="stream")(done_once)
check("chat.tools.stream.done", "chat.tools.stream", expects="stream")(done_once)


@each("chat.stream.done-exact", *STREAMS, expects="stream")
def done_exact(view: View) -> Outcome:
    """Also finds `DONE` and `done`, which are not JSON and crash both SDKs."""
    for frame in view.frames:
        if frame.text != DONE and frame.text.strip(" []").upper() == "DONE":
            return f"the terminator is {shown(frame.text)}, not {DONE}"
    return None


@each("chat.stream.done-last", *STREAMS, expects="stream")
def done_last(view: View) -> Outcome:
    after = view.frames[len(view.before_done) + 1 :]
    extra = [frame for frame in after if not frame.is_done]
    return f"after {DONE} came {shown(extra[0].text)}" if extra else None


_FLAT = frozenset({"message", "detail", "code", "type", "status", "object"})


def _flat_error(view: View) -> str:
    """The payload of a failure that is told in a form which SDKs read as an empty chunk."""
    for frame in view.before_done:
        value = frame.value
        named = frame.event.event == "error"
        if not isinstance(value, dict) or "choices" in value or "error" in value:
            continue
        if named or value.get("object") == "error" or ("message" in value and _FLAT.issuperset(value)):
            return frame.text
    return ""


@each("chat.stream.error-frames", *STREAMS)
def error_frames(view: View) -> Outcome:
    if not view.is_stream:
        raise NotTestable("the body is not an event stream")
    flat = _flat_error(view)
    if flat:
        return f"a failure is told as {shown(flat)}, which openai-python takes for an empty chunk"
    for frame in view.error_frames:
        if not isinstance(frame.error, dict) or not is_text(frame.error.get("message")):
            return f"a failure is told as {shown(frame.text)}: `error` is no object with a message"
    return None


@each("chat.stream.error-ends", *STREAMS)
def error_ends(view: View) -> Outcome:
    """A stream that failed must not look finished."""
    if not view.error_frames:
        return None
    first = view.before_done.index(view.error_frames[0])
    for frame in view.before_done[first + 1 :]:
        choices = frame.value.get("choices") if isinstance(frame.value, dict) else None
        for choice in listed(choices):
            if isinstance(choice, dict) and choice.get("finish_reason"):
                return f"after the error a chunk says `finish_reason` {shown(choice['finish_reason'])}"
    return None


@each("chat.stream.no-error-key", *STREAMS)
def no_error_key(view: View) -> Outcome:
    for chunk in view.chunks:
        if chunk.get("error") and "choices" in chunk:
            return f"a chunk has `error` {shown(chunk['error'])}, on which SDKs abort"
    return None
