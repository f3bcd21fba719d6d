"""Streams: bytes between events, which events come, and what stands in them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

from wiremark_server.faults.change import (
    CHAT,
    after,
    ask_with,
    ask_without,
    before,
    both,
    cut,
    dropped,
    every,
    first,
    frames,
    has,
    kind,
    lacks,
    of,
    prefixed,
    put,
    raw,
    rearranged,
    repeated,
    take,
    text,
    unended,
    values,
    whole_body,
    with_header,
    without_header,
)
from wiremark_server.faults.edit import Events, FrameStep, On
from wiremark_server.faults.fault import Fault, named
from wiremark_server.faults.frames import Frame

_fault = named("chat.stream")
_STREAMS = On(CHAT, "stream")
_PLAIN = lacks("tools", "n", "max_completion_tokens")  # streams of text alone
_USAGE = both(has("stream_options"), lacks("tools"))
_DONES = ("chat.stream.done", "chat.tools.stream.done")
_ERROR = {"message": "The model crashed.", "type": "server_error", "param": None, "code": None}


def _varying(name: str, value: Callable[[int], Any]) -> Events:
    """Another value of a key in every chunk."""

    def start() -> FrameStep:
        numbers = itertools.count()

        def step(frame: Frame | None) -> Iterable[Frame]:
            if frame is None:
                return ()
            if isinstance(frame.value, dict):
                frame.value[name] = value(next(numbers))
            return (frame,)

        return step

    return Events(start, _STREAMS)


def _cumulative() -> Events:
    """Each delta repeats the text so far."""

    def start() -> FrameStep:
        said = [""]

        def step(frame: Frame | None) -> Iterable[Frame]:
            if frame is None:
                return ()
            if kind(frame) == "content":
                delta = frame.value["choices"][0]["delta"]
                said[0] += delta["content"]
                delta["content"] = said[0]
            return (frame,)

        return step

    return Events(start, On(CHAT, "stream", lacks("tools", "n")))


def _delta(**entries: Any) -> Callable[[Any], Any]:
    def change(document: Any) -> Any:
        document["choices"][0]["delta"].update(entries)
        return document

    return change


def _after_half(new: Frame) -> Events:
    """The stream fails when it has said a few words; what it then says is all."""

    def start() -> FrameStep:
        failed = [False]
        numbers = itertools.count()

        def step(frame: Frame | None) -> Iterable[Frame]:
            if frame is None or failed[0]:
                return ()
            if kind(frame) == "content" and next(numbers) == 1:
                failed[0] = True
                return (new,)
            return (frame,)

        return step

    return Events(start, On(CHAT, "stream", _PLAIN))


def _within(new: Frame) -> Events:
    """The failure is reported, and the stream goes on to its end as if nothing were."""
    return frames(
        lambda frame, number: kind(frame) == "content" and number == 1,
        lambda frame: (new, frame),
        where=_PLAIN,
    )


def _split_characters(data: bytes) -> bytes:
    """An escaped lone half of a character is written as the bytes that UTF-8 does not have."""
    return data.replace(b'"content":"', b'"content":"\xe2\x82', 1)


def _to_end(name: str) -> Callable[[list[Frame]], Iterable[Frame]]:
    return lambda held: [f for f in held if kind(f) != name] + [f for f in held if kind(f) == name]


def _finish_first(held: list[Frame]) -> Iterable[Frame]:
    """The finish reason overtakes the last words."""
    finish = [f for f in held if kind(f) == "finish"]
    words = [f for f in held if kind(f) == "content"]
    rest = [f for f in held if f not in finish and f not in words[-1:]]
    position = next((i for i, f in enumerate(rest) if kind(f) in ("usage", "done")), len(rest))
    return [*rest[:position], *finish, *words[-1:], *rest[position:]]


def _usage_onto_finish(held: list[Frame]) -> Iterable[Frame]:
    """The usage rides on the last chunk that has a choice; there is no chunk of its own."""
    usage = next((f.value["usage"] for f in held if kind(f) == "usage"), None)
    for frame in held:
        if kind(frame) == "finish":
            frame.value["usage"] = usage
    return [f for f in held if kind(f) != "usage"]


def _usage_before_finish(held: list[Frame]) -> Iterable[Frame]:
    usage = [f for f in held if kind(f) == "usage"]
    rest = [f for f in held if kind(f) != "usage"]
    position = next(i for i, f in enumerate(rest) if kind(f) == "finish")
    return [*rest[:position], *usage, *rest[position:]]


def _renamed(document: Any, old: str, new: str) -> Any:
    delta = document["choices"][0]["delta"]
    delta[new] = delta.pop(old)
    return document


def _more_prompt(document: Any) -> Any:
    document["usage"]["prompt_tokens"] += 1
    document["usage"]["total_tokens"] += 1
    return document


TABLE: tuple[Fault, ...] = (
    # -- bytes ----------------------------------------------------------------------------------
    _fault(
        "cut",
        "wire",
        "The connection ends in the middle of a stream.",
        cut(_STREAMS, 700),
        catches=("chat.stream.complete",),
        allows=("chat.stream.*", "chat.n.stream.*", "chat.tools.*", "chat.max-completion-tokens.*"),
        bug="stream-connection-cut",
    ),
    _fault(
        "cut-at-end",
        "wire",
        "The connection ends before the last chunk of the transfer coding.",
        unended(_STREAMS),
        catches=("chat.stream.complete",),
        allows=("*.accepted",),
    ),
    _fault(
        "one-body",
        "semantics",
        "`stream: true` is not looked at.",
        ask_without("stream", "stream_options"),
        catches=("chat.stream.events",),
        bug="stream-true-returns-json",
    ),
    _fault(
        "json-lines",
        "wire",
        "A stream is bare lines of JSON.",
        raw(every, lambda data: data.removeprefix(b"data: ").rstrip() + b"\n"),
        dropped(of("done")),
        catches=("chat.stream.events",),
        bug="sse-framing",
    ),
    _fault(
        "content-type-json",
        "headers",
        "A stream is announced as application/json.",
        with_header(_STREAMS, b"content-type", b"application/json"),
        catches=("chat.stream.content-type",),
        bug="content-type-wrong",
    ),
    _fault(
        "content-type-plain",
        "headers",
        "A stream is announced as text/plain.",
        with_header(_STREAMS, b"content-type", b"text/plain; charset=utf-8"),
        catches=("chat.stream.content-type",),
        bug="content-type-wrong",
    ),
    _fault(
        "content-type-absent",
        "headers",
        "A stream has no content-type.",
        without_header(_STREAMS, b"content-type"),
        catches=("chat.stream.content-type",),
        bug="content-type-wrong",
    ),
    _fault(
        "cache-control-absent",
        "headers",
        "A stream does not say that it must not be kept.",
        without_header(_STREAMS, b"cache-control"),
        catches=("chat.stream.cache-control",),
        bug="sse-buffering-header-missing",
    ),
    _fault(
        "no-space",
        "wire",
        "`data:` is followed by its value at once.",
        raw(every, lambda data: data.replace(b"data: ", b"data:", 1)),
        catches=("chat.stream.space",),
        bug="sse-no-space-after-colon",
    ),
    _fault(
        "several-lines",
        "wire",
        "A chunk is laid out over several data lines.",
        raw(every, lambda data: data.replace(b',"object"', b',\ndata: "object"', 1)),
        catches=("chat.stream.single-line",),
        bug="sse-framing",
    ),
    _fault(
        "ids",
        "wire",
        "Events have an `id` field.",
        raw(every, lambda data: b"id: 1\n" + data),
        catches=("chat.stream.no-id",),
    ),
    _fault(
        "bom",
        "wire",
        "A stream begins with a byte order mark.",
        prefixed(b"\xef\xbb\xbf", _STREAMS),
        catches=("chat.stream.no-bom",),
        bug="sse-framing",
    ),
    _fault(
        "not-utf8",
        "wire",
        "A character is cut in two at the edge of an event.",
        raw(first("content"), _split_characters),
        catches=("chat.stream.utf8",),
        bug="stream-utf8-split",
    ),
    _fault(
        "last-event-open",
        "wire",
        "The blank line after the terminator is missing.",
        whole_body(lambda data: data.rstrip(b"\n"), _STREAMS),
        catches=("chat.stream.last-event-ended",),
        allows=("chat.stream.done", "chat.tools.stream.done"),
        bug="sse-framing",
    ),
    _fault(
        "blank-lines-lost",
        "wire",
        "Events are divided by a line end only.",
        whole_body(lambda data: data.replace(b"\n\n", b"\n"), _STREAMS),
        catches=("chat.stream.events",),
        bug="sse-framing",
    ),
    _fault(
        "literal-newlines",
        "wire",
        "Line ends are written as a backslash and an n.",
        whole_body(lambda data: data.replace(b"\n\n", b"\\n\\n"), _STREAMS),
        catches=("chat.stream.events",),
        bug="sse-framing",
    ),
    _fault(
        "bare-event-name",
        "wire",
        "An event has a name and no data.",
        before(first("content"), Frame(raw=b"event: ping\n\n")),
        catches=("chat.stream.no-empty-events",),
    ),
    _fault(
        "empty-data",
        "wire",
        "An event has an empty data line.",
        before(first("content"), Frame(raw=b"data: \n\n")),
        catches=("chat.stream.no-empty-events",),
    ),
    _fault(
        "lone-retry",
        "wire",
        "A stream begins with a lone `retry`.",
        before(first("role"), Frame(raw=b"retry: 3000\n\n")),
        catches=("chat.stream.no-empty-events",),
    ),
    _fault(
        "null-data",
        "wire",
        "The data of an event is null.",
        before(first("content"), Frame(text=b"null")),
        catches=("chat.stream.data-json",),
    ),
    _fault(
        "python-data",
        "wire",
        "The data of events is written as Python prints it.",
        text(of("content"), lambda data: data.replace(b'"', b"'").replace(b"null", b"None")),
        catches=("chat.stream.data-json",),
        allows=("chat.stream.text",),
    ),
    _fault(
        "nan",
        "wire",
        "The data of an event has NaN.",
        text(of("role"), lambda data: data.replace(b'"logprobs":null', b'"logprobs":NaN')),
        catches=("chat.stream.data-json",),
        allows=("chat.stream.role", "chat.n.stream.*", "chat.tools.stream.role"),
    ),
    _fault(
        "half-json",
        "wire",
        "An event is cut in two in the middle of its JSON.",
        frames(first("content"), lambda f: (Frame(text=f.data[:40]), Frame(text=f.data[40:]))),
        catches=("chat.stream.data-json",),
        bug="sse-framing",
    ),
    # -- the end --------------------------------------------------------------------------------
    _fault(
        "done-missing",
        "stream",
        "A stream ends without `data: [DONE]`.",
        dropped(of("done")),
        catches=_DONES,
        bug="stream-done-missing",
    ),
    _fault(
        "done-twice",
        "stream",
        "A stream ends with `data: [DONE]` twice.",
        repeated(of("done")),
        catches=_DONES,
    ),
    _fault(
        "done-quoted",
        "stream",
        "The terminator is a JSON string.",
        text(of("done"), b'"[DONE]"'),
        catches=("chat.stream.done", "chat.tools.stream.done", "chat.stream.data-json"),
    ),
    _fault(
        "done-lower",
        "stream",
        "The terminator is `[done]`.",
        text(of("done"), b"[done]"),
        catches=("chat.stream.done-exact",),
        allows=(*_DONES, "chat.stream.data-json"),
        bug="stream-done-missing",
    ),
    _fault(
        "done-bare",
        "stream",
        "The terminator is `DONE`.",
        text(of("done"), b"DONE"),
        catches=("chat.stream.done-exact",),
        allows=(*_DONES, "chat.stream.data-json"),
        bug="stream-done-missing",
    ),
    _fault(
        "done-spaces",
        "stream",
        "The terminator has a space after it.",
        text(of("done"), b"[DONE] "),
        catches=("chat.stream.done-exact",),
    ),
    _fault(
        "done-first",
        "stream",
        "Chunks follow the terminator.",
        rearranged(lambda held: [*held[:-3], held[-1], *held[-3:-1]]),
        catches=("chat.stream.done-last",),
        allows=(
            "chat.stream.finish",
            "chat.stream.usage.*",
            "chat.tools.stream.finish-reason",
            "chat.n.stream.finish",
            "chat.tools.parallel.arguments-json",
        ),
    ),
    _fault(
        "after-done",
        "stream",
        "An event of statistics follows the terminator.",
        after(of("done"), Frame(value={"timings": {"ms": 12}})),
        catches=("chat.stream.done-last",),
    ),
    # -- failures -------------------------------------------------------------------------------
    _fault(
        "error-flat",
        "errors",
        "A failure in a stream is told as `message` at the top level.",
        _after_half(Frame(value={"message": "The model crashed.", "code": 500})),
        catches=("chat.stream.error-frames",),
        allows=("chat.stream.*",),
        bug="stream-error-event-shape",
    ),
    _fault(
        "error-object-error",
        "errors",
        "A failure in a stream is told as an object of the kind `error`.",
        _after_half(Frame(value={"object": "error", "message": "The model crashed.", "code": 500})),
        catches=("chat.stream.error-frames",),
        allows=("chat.stream.*",),
        bug="stream-error-event-shape",
    ),
    _fault(
        "error-text",
        "errors",
        "A failure in a stream is told as `error` with a text.",
        _after_half(Frame(value={"error": "The model crashed."})),
        catches=("chat.stream.error-frames",),
        bug="stream-error-event-shape",
    ),
    _fault(
        "error-named-event",
        "errors",
        "A failure in a stream is an event of the name `error` without `error`.",
        _after_half(Frame(fields=b"event: error\n", value={"message": "The model crashed."})),
        catches=("chat.stream.error-frames",),
        allows=("chat.stream.*",),
        bug="stream-error-event-shape",
    ),
    _fault(
        "error-then-finish",
        "errors",
        "After a failure the stream goes on and claims to be complete.",
        _within(Frame(value={"error": _ERROR})),
        catches=("chat.stream.error-ends",),
        bug="midstream-error-reported-as-success",
    ),
    _fault(
        "error-in-chunk",
        "errors",
        "A chunk with choices carries `error`.",
        values(of("finish"), put("/error", _ERROR)),
        catches=("chat.stream.no-error-key",),
    ),
    _fault(
        "error-silent",
        "stream",
        "A failure ends the stream without a word.",
        frames(lambda frame, number: kind(frame) == "content" and number == 1, lambda _: (), where=_PLAIN),
        rearranged(lambda held: [f for f in held if kind(f) not in ("finish", "done")], where=_PLAIN),
        catches=("chat.stream.done", "chat.stream.finish"),
        bug="midstream-failure-no-error-event",
    ),
    # -- chunks ---------------------------------------------------------------------------------
    _fault(
        "id-varies",
        "stream",
        "Every chunk has an id of its own.",
        _varying("id", lambda n: f"chatcmpl-{n}"),
        catches=("chat.stream.id-constant",),
        bug="response-id-not-unique",
    ),
    _fault(
        "created-varies",
        "stream",
        "Every chunk has a time of its own.",
        _varying("created", lambda n: 1764547200 + n),
        catches=("chat.stream.created-constant",),
    ),
    _fault(
        "model-varies",
        "stream",
        "The model's name changes from chunk to chunk.",
        _varying("model", lambda n: f"m-{n % 2}"),
        catches=("chat.stream.model-constant",),
    ),
    _fault(
        "leading-choices-empty",
        "stream",
        "A stream begins with a chunk without choices.",
        frames(first("role"), lambda f: (f.with_value({**f.value, "choices": []}), f)),
        catches=("chat.stream.leading-choices",),
        bug="choices-null-or-empty",
    ),
    _fault(
        "index-one",
        "stream",
        "The only choice of a stream has the index 1.",
        values(
            lambda f, _: kind(f) != "usage" and f.value is not None,
            put("/choices/*/index", 1),
            where=lacks("n"),
        ),
        catches=("chat.stream.index-zero",),
        allows=("chat.stream.text",),
    ),
    _fault(
        "role-missing",
        "stream",
        "No delta has a role.",
        values(of("role"), take("/choices/*/delta/role")),
        catches=("chat.stream.role", "chat.tools.stream.role", "chat.n.stream.role"),
        bug="stream-role-missing",
    ),
    _fault(
        "role-other",
        "stream",
        "The role of a delta is `model`.",
        values(of("role"), put("/choices/*/delta/role", "model")),
        catches=("chat.stream.role", "chat.tools.stream.role", "chat.n.stream.role"),
    ),
    _fault(
        "role-late",
        "stream",
        "The role comes after the first words.",
        rearranged(lambda held: [held[1], held[0], *held[2:]], where=lacks("n")),
        catches=("chat.stream.role", "chat.tools.stream.role"),
        bug="stream-role-missing",
    ),
    _fault(
        "role-repeated",
        "stream",
        "Every delta carries the role.",
        values(of("content"), _delta(role="assistant")),
        catches=("chat.stream.role-once",),
        allows=("chat.n.stream.role",),
        bug="stream-role-repeated",
    ),
    _fault(
        "tools-role-repeated",
        "stream",
        "Every delta of a call carries the role.",
        values(of("call", "arguments"), _delta(role="assistant")),
        catches=("chat.tools.stream.role",),
        bug="stream-role-repeated",
    ),
    _fault(
        "text-missing",
        "stream",
        "A stream of text carries no text.",
        dropped(of("content")),
        catches=("chat.stream.text",),
        bug="stream-delta-null-content",
    ),
    _fault(
        "text-elsewhere",
        "stream",
        "The words stand under `text`.",
        values(of("content"), lambda d: _renamed(d, "content", "text")),
        catches=("chat.stream.text",),
    ),
    _fault(
        "text-cumulative",
        "stream",
        "Each delta repeats the text so far.",
        _cumulative(),
        catches=("chat.stream.fragments",),
        bug="stream-content-duplicated",
    ),
    _fault(
        "constant-string",
        "stream",
        "Each delta names a constant.",
        values(of("content"), _delta(channel="final")),
        catches=("chat.stream.constant-strings",),
    ),
    _fault(
        "lists-unindexed",
        "stream",
        "Each delta has a list without indexes.",
        values(of("content"), _delta(annotations=[{"type": "note"}])),
        catches=("chat.stream.lists-indexed",),
    ),
    _fault(
        "finish-missing",
        "stream",
        "No choice of a stream has a finish reason.",
        values(of("finish"), put("/choices/*/finish_reason", None)),
        catches=("chat.stream.finish", "chat.n.stream.finish", "chat.tools.stream.finish-reason"),
    ),
    _fault(
        "finish-twice",
        "stream",
        "The last chunk of a choice comes twice.",
        repeated(of("finish")),
        catches=("chat.stream.finish-once", "chat.n.stream.finish"),
    ),
    _fault(
        "finish-every",
        "stream",
        "Every chunk has the finish reason.",
        values(of("content"), put("/choices/*/finish_reason", "stop"), where=_PLAIN),
        catches=("chat.stream.finish-once", "chat.stream.after-finish"),
    ),
    _fault(
        "finish-invented",
        "stream",
        "A stream ends with `eos`.",
        values(of("finish"), put("/choices/*/finish_reason", "eos"), where=_PLAIN),
        catches=("chat.stream.finish-enum",),
    ),
    _fault(
        "finish-empty",
        "stream",
        "The finish reason is an empty text.",
        values(of("finish"), put("/choices/*/finish_reason", ""), where=_PLAIN),
        catches=("chat.stream.finish",),
    ),
    _fault(
        "after-finish",
        "stream",
        "The finish reason overtakes the last words.",
        rearranged(_finish_first, where=_PLAIN),
        catches=("chat.stream.after-finish",),
    ),
    # -- usage ----------------------------------------------------------------------------------
    _fault(
        "usage-unasked",
        "stream",
        "A usage chunk is sent to all.",
        ask_with(both(has("stream"), lacks("stream_options")), stream_options={"include_usage": True}),
        catches=("chat.stream.usage-unasked",),
        bug="usage-chunk-unrequested",
    ),
    _fault(
        "usage-ignored",
        "semantics",
        "`include_usage` is not looked at.",
        ask_without("stream_options"),
        catches=("chat.stream.usage.present",),
        bug="stream-usage-ignored",
    ),
    _fault(
        "usage-early",
        "stream",
        "The usage comes before the last words.",
        rearranged(_usage_before_finish, where=_USAGE),
        catches=("chat.stream.usage.last",),
        bug="usage-chunk-not-last",
    ),
    _fault(
        "usage-on-finish",
        "stream",
        "The usage rides on the last chunk that has a choice.",
        rearranged(_usage_onto_finish, where=_USAGE),
        catches=("chat.stream.usage.empty-choices",),
        bug="usage-on-choice-chunk",
    ),
    _fault(
        "usage-without-choices",
        "stream",
        "The usage chunk has no `choices`.",
        values(of("usage"), take("/choices"), where=_USAGE),
        catches=("chat.stream.usage.empty-choices", "chat.stream.choices-array"),
        bug="usage-chunk-choices-missing",
    ),
    _fault(
        "usage-text",
        "stream",
        "The counts of a usage chunk are texts.",
        values(of("usage"), put("/usage/prompt_tokens", "20"), where=_USAGE),
        catches=("chat.stream.usage.integers",),
    ),
    _fault(
        "usage-null",
        "stream",
        "A count of the usage chunk is null.",
        values(of("usage"), put("/usage/completion_tokens", None), where=_USAGE),
        catches=("chat.stream.usage.integers",),
        bug="usage-field-null-or-missing",
    ),
    _fault(
        "usage-total",
        "stream",
        "The total of a usage chunk is not the sum.",
        values(of("usage"), put("/usage/total_tokens", lambda n: n + 1), where=_USAGE),
        catches=("chat.stream.usage.total",),
        bug="usage-inconsistent-counts",
    ),
    _fault(
        "usage-prompt-differs",
        "stream",
        "Streams count one prompt token more.",
        values(of("usage"), lambda d: _more_prompt(d), where=_USAGE),
        catches=("chat.stream.usage.prompt-agrees",),
        allows=("billing.stream.*",),
        bug="usage-inconsistent-counts",
    ),
)
