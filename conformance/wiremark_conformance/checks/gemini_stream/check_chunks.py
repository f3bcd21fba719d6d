"""Each chunk by itself, and all of them together."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from wiremark_conformance.checking import check, each
from wiremark_conformance.checks.gemini.check_answer import RESPONSE, known, snake_key
from wiremark_conformance.checks.gemini.check_usage import wrong_counts, wrong_total
from wiremark_conformance.checks.gemini_stream import STREAMS
from wiremark_conformance.evidence import View
from wiremark_conformance.gemini import answer, candidates, without_nulls
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.probes.chat import SMALL_BUDGET
from wiremark_conformance.shapes import schema_violations
from wiremark_conformance.values import is_int, is_text, members, shown


@each("gemini.stream.types", *STREAMS, expects="stream")
def types(view: View) -> Outcome:
    return _misfits(view.chunks)


@each("gemini.stream.camel-case", *STREAMS, expects="stream")
def camel_case(view: View) -> Outcome:
    return next((found for chunk in view.chunks if (found := snake_key(chunk))), None)


@each("gemini.stream.candidates", *STREAMS, expects="stream")
def no_empty_candidates(view: View) -> Outcome:
    wrong = any(chunk.get("candidates") == [] for chunk in view.chunks)
    return "a chunk has `candidates: []`; google-genai 1 raises IndexError" if wrong else None


@each("gemini.stream.role", *STREAMS, expects="stream")
def role(view: View) -> Outcome:
    contents = [one["content"] for one in answer(view).candidates if isinstance(one.get("content"), dict)]
    wrong = [content.get("role") for content in contents if content.get("role") != "model"]
    return f"`content.role` of a chunk is {shown(wrong[0])}" if wrong else None


@each("gemini.stream.text", "gemini.stream", "gemini.stream.v1", expects="stream")
def text(view: View) -> Outcome:
    said = answer(view)
    if said.finish() != "STOP":
        raise NotTestable("the answer did not end with STOP")
    return None if said.text() else "the stream ended with STOP and its chunks have no text"


@each("gemini.stream.increments", "gemini.stream", "gemini.stream.v1", expects="stream")
def increments(view: View) -> Outcome:
    """Clients add the parts up, so a chunk that says everything again doubles it."""
    pieces = [part.get("text") for part in answer(view).parts() if isinstance(part.get("text"), str)]
    told = [piece for piece in pieces if piece]
    if len(told) < 3:
        raise NotTestable("the text came in fewer than three pieces")
    again = all(later != earlier and later.startswith(earlier) for earlier, later in pairwise(told))
    return f"each chunk repeats the text before it: {shown(told[:2])}" if again else None


@each("gemini.stream.finish", *STREAMS, expects="stream")
def finish(view: View) -> Outcome:
    said = answer(view)
    missing = [index for index in said.numbers if said.finish(index) is None]
    return f"candidate {missing[0]} ends without a finish reason" if missing else None


@each("gemini.stream.finish-last", *STREAMS, expects="stream")
def finish_last(view: View) -> Outcome:
    said = answer(view)
    for index in said.numbers:
        early = [one["finishReason"] for one in said.of(index)[:-1] if one.get("finishReason")]
        if early:
            return f"`finishReason` {shown(early[0])} stands in a chunk that is not the candidate's last"
    return None


@each("gemini.stream.finish-enum", *STREAMS, expects="stream")
def finish_enum(view: View) -> Outcome:
    reasons = [one["finishReason"] for one in answer(view).candidates if one.get("finishReason") is not None]
    wrong = [reason for reason in reasons if not known(reason)]
    return f"`finishReason` is {shown(wrong[0])}" if wrong else None


@each("gemini.stream.usage", *STREAMS, expects="stream")
def usage(view: View) -> Outcome:
    if not view.chunks:
        raise NotTestable("the stream has no chunk")
    found = view.chunks[-1].get("usageMetadata")
    return None if isinstance(found, dict) else f"`usageMetadata` of the last chunk is {shown(found)}"


@each("gemini.stream.usage.integers", *STREAMS, expects="stream")
def usage_integers(view: View) -> Outcome:
    return wrong_counts(answer(view).usage)


@each("gemini.stream.usage.total", *STREAMS, expects="stream")
def usage_total(view: View) -> Outcome:
    return wrong_total(view)


@check("gemini.stream.usage.prompt-agrees", "gemini.plain", "gemini.stream")
def prompt_agrees(plain: View, streamed: View) -> Outcome:
    if not streamed.is_stream:
        raise NotTestable("the body is not an event stream")
    whole, stream = (answer(view).count("promptTokenCount") for view in (plain, streamed))
    return (
        None if whole == stream else f"{whole} prompt tokens whole, {stream} streamed, for the same request"
    )


@each("gemini.stream.response-id", *STREAMS, expects="stream")
def response_id(view: View) -> Outcome:
    found = list(
        dict.fromkeys(chunk["responseId"] for chunk in view.chunks if is_text(chunk.get("responseId")))
    )
    return f"`responseId` is first {shown(found[0])}, then {shown(found[1])}" if len(found) > 1 else None


@check("gemini.stream.max-tokens", "gemini.stream.max-tokens", expects="stream")
def max_tokens(view: View) -> Outcome:
    said = answer(view)
    if said.answered > SMALL_BUDGET:
        return f"{said.answered} tokens of answer, the budget is {SMALL_BUDGET}"
    if said.answered == SMALL_BUDGET and said.finish() != "MAX_TOKENS":
        return f"the budget is used up and `finishReason` is {shown(said.finish())}"
    return None


@check("gemini.stream.thoughts", "gemini.stream.thoughts", expects="stream")
def thoughts_first(view: View) -> Outcome:
    """Clients close the thoughts once the answer has begun."""
    said, begun = answer(view), False
    if not said.thoughts:
        raise NotTestable("the stream shows no thoughts")
    for part in said.parts():
        if part.get("thought") is True and begun:
            return "a thought comes after the answer has begun"
        begun = begun or (part.get("thought") is not True and bool(part.get("text")))
    return None


@each("gemini.stream.errors", *STREAMS)
def errors(view: View) -> Outcome:
    """google-genai looks at how the text begins, and compares the code with numbers."""
    for frame in view.frames:
        error = frame.error
        if error is None:
            continue
        first = next(iter(frame.value))
        if first != "error":
            return f"a failure is told with the key {first!r} before `error`, where google-genai overlooks it"
        code = members(error).get("code")
        if not is_int(code) or not 400 <= code < 600:  # type: ignore[operator]
            return f"a failure in the stream has the code {shown(code)}, not a status from 400 to 599"
    return None


def _array(view: View) -> list[object]:
    if view.json_defect or not isinstance(view.value, list):
        raise NotTestable("the body is not a JSON array")
    return view.value


@check("gemini.stream.array.accepted", "gemini.stream.array", expects="acceptance")
def array_accepted(view: View) -> Outcome:
    if view.succeeded and view.exchange.failure is None:
        return None
    return f"answered {view.status_line}{view.error_text}, where success was expected"


@check("gemini.stream.array.form", "gemini.stream.array")
def array_form(view: View) -> Outcome:
    """Without `alt=sse`, one array; clients of that form parse it element by element."""
    found = view.value
    if isinstance(found, list) and found and all(isinstance(chunk, dict) for chunk in found):
        return None
    begin = view.exchange.body[:40].decode("utf-8", "replace")
    return f"without `alt=sse` the body begins {shown(begin)}: not one JSON array of chunks"


@check("gemini.stream.array.content-type", "gemini.stream.array")
def array_content_type(view: View) -> Outcome:
    found = view.header("content-type")
    return None if view.media_type == "application/json" else f"the content-type is {shown(found)}"


@check("gemini.stream.array.types", "gemini.stream.array")
def array_types(view: View) -> Outcome:
    return _misfits(_array(view))


def _misfits(chunks: Iterable[Any]) -> Outcome:
    found = [misfit for chunk in chunks for misfit in schema_violations(RESPONSE, without_nulls(chunk))]
    return "; ".join(str(misfit) for misfit in found[:3]) or None


@check("gemini.stream.array.finish", "gemini.stream.array")
def array_finish(view: View) -> Outcome:
    chunks = [chunk for chunk in _array(view) if isinstance(chunk, dict)]
    reasons = [one.get("finishReason") for chunk in chunks for one in candidates(chunk)]
    if not reasons:
        raise NotTestable("the array has no candidates")
    return None if reasons[-1] else "the last chunk of the array has no finish reason"
