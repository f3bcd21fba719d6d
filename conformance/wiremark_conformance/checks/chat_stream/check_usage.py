"""Token counts of streams."""

from __future__ import annotations

from wiremark_conformance.checking import accepted, check
from wiremark_conformance.checks.chat.check_usage import wrong_counts, wrong_total
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome, Silent

accepted("chat.stream.usage.accepted", "chat.stream.usage")


@check("chat.stream.usage-unasked", "chat.stream", expects="stream")
def unasked(view: View) -> Outcome:
    found = any(chunk.get("choices") == [] and chunk.get("usage") for chunk in view.chunks)
    return (
        "a usage chunk was sent without `include_usage`; clients that read choices[0] break"
        if found
        else None
    )


@check("chat.stream.usage.present", "chat.stream.usage", expects="stream")
def present(view: View) -> Outcome:
    if any(isinstance(chunk.get("usage"), dict) for chunk in view.chunks):
        return None
    return Silent("no chunk has a usage, although `include_usage` was set")


def _usage_at(view: View) -> int:
    """Position of the last chunk that has a usage."""
    found = [i for i, chunk in enumerate(view.chunks) if isinstance(chunk.get("usage"), dict)]
    if not found:
        raise NotTestable("the stream has no usage")
    return found[-1]


@check("chat.stream.usage.last", "chat.stream.usage", expects="stream")
def last(view: View) -> Outcome:
    after = len(view.chunks) - 1 - _usage_at(view)
    return f"{after} chunk(s) without usage follow; openai-python then reports none" if after else None


@check("chat.stream.usage.once", "chat.stream.usage", expects="stream")
def once(view: View) -> Outcome:
    """Counts so far may stand beside choices; a chunk of its own is the count of all."""
    alone = [c for c in view.chunks if c.get("choices") == [] and isinstance(c.get("usage"), dict)]
    return (
        f"{len(alone)} chunks without choices have a usage; clients add them up" if len(alone) > 1 else None
    )


@check("chat.stream.usage.empty-choices", "chat.stream.usage", expects="stream")
def empty_choices(view: View) -> Outcome:
    chunk = view.chunks[_usage_at(view)]
    return (
        None if chunk.get("choices") == [] else "the chunk with the final usage has choices, or none at all"
    )


@check("chat.stream.usage.integers", "chat.stream.usage", expects="stream")
def integers(view: View) -> Outcome:
    return wrong_counts(view.usage)


@check("chat.stream.usage.total", "chat.stream.usage", expects="stream")
def total(view: View) -> Outcome:
    return wrong_total(view.usage)


@check("chat.stream.usage.prompt-agrees", "chat.plain", "chat.stream.usage")
def prompt_agrees(plain: View, streamed: View) -> Outcome:
    if not streamed.is_stream:
        raise NotTestable("the body is not an event stream")
    whole, stream = plain.count("prompt_tokens"), streamed.count("prompt_tokens")
    return (
        None if whole == stream else f"{whole} prompt tokens plain, {stream} streamed, for the same messages"
    )
