"""Recorded exchanges as what checks ask for: parsed once, typed, cached.

Nothing here judges. An accessor that finds nothing to give raises NotTestable: that the thing is
missing is another check's finding.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import takewhile
from typing import Any, NoReturn
from urllib.parse import unquote

from wiremark_conformance import sse
from wiremark_conformance.content import ContentError
from wiremark_conformance.exchange import Exchange
from wiremark_conformance.outcome import NotPromised, NotTestable
from wiremark_conformance.target import Target

DONE = "[DONE]"
MAX_DEPTH = 256  # levels of JSON; nothing in use comes near
_TOO_DEEP = "nested too deeply to be read"


class Evidence:
    """The exchanges of one run against one target.

    absent: why probes were not made, as far as somebody has asked
    """

    def __init__(self, target: Target, exchanges: Mapping[str, Exchange]) -> None:
        self.target = target
        self.exchanges = exchanges
        self.absent: dict[str, NotPromised | NotTestable] = {}
        self._views: dict[str, View] = {}
        self._declared: dict[str | None, bool] = {}

    def view(self, probe: str) -> View | None:
        """The probe's exchange as a view, or None when the probe was not made."""
        if probe not in self._views:
            if probe not in self.exchanges:
                return None
            self._views[probe] = View(self, self.exchanges[probe])
        return self._views[probe]

    def declares(self, capability: str | None) -> bool:
        """What the target says of the capability, asked once."""
        if capability not in self._declared:
            self._declared[capability] = self.target.declares(capability)
        return self._declared[capability]

    def made(self) -> tuple[View, ...]:
        """All exchanges, in the order of probes."""
        return tuple(view for probe in self.exchanges if (view := self.view(probe)) is not None)


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of a stream as a chat client sees it.

    text:   its data
    value:  the JSON value of the data; None for [DONE] and for what is not JSON
    defect: why the data is not JSON, or ""
    """

    event: sse.Event
    text: str
    value: Any
    defect: str = ""

    @property
    def is_done(self) -> bool:
        """Ends the stream for a client that tests for a prefix, as openai-python does."""
        return self.text.startswith(DONE)

    @property
    def error(self) -> Any:
        """The truthy `error` of the event, else None: on it official clients abort."""
        return (self.value.get("error") or None) if isinstance(self.value, dict) else None


@dataclass(slots=True)
class Call:
    """A streamed tool call put together by the rules that clients share: first identity wins.

    fragments: every delta of this call, in order
    """

    index: Any
    id: Any = None
    type: Any = None
    name: Any = None
    arguments: str = ""
    fragments: list[Mapping[str, Any]] = field(default_factory=list)


def _refuse(token: str) -> NoReturn:
    raise ValueError(f"{token} is not JSON")


_decode = json.JSONDecoder(parse_constant=_refuse).decode


def parse_json(text: str) -> tuple[Any, str]:
    """The value and "", or None and why it cannot be read. NaN, Infinity and -Infinity are not JSON.

    What is nested more than MAX_DEPTH levels is not read: recursive readers, ours among them, end there.
    """
    try:
        value = _decode(text)
    except RecursionError:
        return None, _TOO_DEEP
    except ValueError as error:
        return None, str(error)
    # Brackets within texts count too, so this only decides whether the walk is needed.
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth_exceeds(value):
        return None, _TOO_DEEP
    return value, ""


def _depth_exceeds(value: Any) -> bool:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        children = (node.values() if isinstance(node, dict) else node for node in level)
        level = [below for nodes in children for below in nodes if isinstance(below, dict | list)]
        if not level:
            return False
    return True


def repeated_name(text: str) -> str | None:
    """The first name that stands twice in one object of a JSON text; None when there is none."""
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            found.append(next(name for name in names if names.count(name) > 1))

    try:
        json.loads(text, object_pairs_hook=look)
    except (ValueError, RecursionError):
        return None
    return found[0] if found else None


def model_in_path(target: str) -> str | None:
    """The model in a path such as `/v1beta/models/m:generateContent`; None when it names none."""
    _, found, rest = target.partition("?")[0].rpartition("/models/")
    return unquote(rest.rpartition(":")[0] or rest) if found else None


class View:
    """One exchange, looked at."""

    def __init__(self, evidence: Evidence, exchange: Exchange) -> None:
        self.evidence = evidence
        self.exchange = exchange
        self.target = evidence.target
        self.status: int | None = exchange.status
        self.succeeded: bool = self.status is not None and 200 <= self.status < 300

    @property
    def declined(self) -> bool:
        """Whether the answer is a 4xx."""
        return self.status is not None and 400 <= self.status < 500

    # -- head ----------------------------------------------------------------------------------

    @property
    def probe(self) -> str:
        return self.exchange.probe

    @cached_property
    def asked(self) -> Mapping[str, Any]:
        """The body of the request; empty when it was not a JSON object."""
        value, _ = parse_json(self.exchange.request.body.decode("utf-8", "replace"))
        return value if isinstance(value, dict) else {}

    @property
    def asks_stream(self) -> bool:
        """Whether a stream was asked for, in the body, be it in the wrong type, or in the address."""
        target = self.exchange.request.target
        return bool(self.asked.get("stream")) or ":streamGenerateContent" in target or "stream=true" in target

    @property
    def asked_model(self) -> str:
        """The model that the request names, in its body or in its path."""
        return str(self.asked.get("model") or model_in_path(self.exchange.request.target) or "")

    @property
    def status_line(self) -> str:
        """The status as a sentence names it."""
        return f"{self.status} {self.exchange.reason}".strip() if self.status else "nothing"

    def header(self, name: str) -> str | None:
        return self.exchange.header(name)

    def header_text(self, name: str) -> str:
        """The value of a header in lower case; "" when there is none."""
        return (self.header(name) or "").strip().lower()

    @property
    def media_type(self) -> str:
        """The media type without parameters, in lower case; "" when there is no content-type."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    # -- body as JSON --------------------------------------------------------------------------

    @cached_property
    def _text(self) -> tuple[str, str]:
        try:
            return self.exchange.content.decode("utf-8"), ""
        except (ContentError, UnicodeDecodeError) as error:
            return "", str(error)

    @cached_property
    def _json(self) -> tuple[Any, str]:
        text, defect = self._text
        if defect:
            return None, defect
        return parse_json(text) if text.strip() else (None, "the body is empty")

    @property
    def text(self) -> str:
        """The body as text; "" when it is not UTF-8 or not what its content-encoding says."""
        return self._text[0]

    @property
    def json_defect(self) -> str:
        """Why the body is not one JSON value; "" when it is."""
        return self._json[1]

    @property
    def value(self) -> Any:
        """The body's JSON value; None when it is not JSON."""
        return self._json[0]

    @property
    def object(self) -> Mapping[str, Any]:
        """The body as a JSON object."""
        value, defect = self._json
        if defect:
            raise NotTestable(f"the body of {self.probe} is not JSON: {defect}")
        if not isinstance(value, dict):
            raise NotTestable(f"the body of {self.probe} is not a JSON object")
        return value

    @property
    def error(self) -> Any:
        """The value of `error` in the body; None when there is none or the body is not an object."""
        value = self._json[0]
        return value.get("error") if isinstance(value, dict) else None

    @property
    def envelope(self) -> Mapping[str, Any]:
        """The `error` object of a refusal."""
        if self.status is None or self.status < 400:
            raise NotTestable(f"{self.probe} was answered {self.status_line}, which is no error")
        if not isinstance(self.error, dict):
            raise NotTestable(f"the error of {self.probe} has no `error` object")
        return self.error

    @property
    def error_text(self) -> str:
        """The message of the error envelope in brackets, or ""; for sentences."""
        message = self.error.get("message") if isinstance(self.error, dict) else None
        return f" ({message[:160]})" if isinstance(message, str) else ""

    @property
    def refused_honestly(self) -> bool:
        """A 4xx or 501: the request was understood well enough to be declined. Whether the body says
        so in the agreed form is a question of its own."""
        return self.status == 501 or self.declined

    # -- body as a whole chat answer -----------------------------------------------------------

    @property
    def choices(self) -> list[Mapping[str, Any]]:
        """The choices of a whole answer; at least one."""
        choices = self.object.get("choices")
        if not isinstance(choices, list) or not choices or not all(isinstance(c, dict) for c in choices):
            raise NotTestable(f"the answer of {self.probe} has no choices")
        return choices

    @property
    def message(self) -> Mapping[str, Any]:
        """The message of the first choice."""
        message = self.choices[0].get("message")
        if not isinstance(message, dict):
            raise NotTestable(f"the answer of {self.probe} has no message")
        return message

    @property
    def content(self) -> str:
        """The text of the first choice; "" when it is null or absent."""
        content = self.message.get("content")
        if content is not None and not isinstance(content, str):
            raise NotTestable(f"the content of {self.probe} is not text")
        return content or ""

    @property
    def usage(self) -> Mapping[str, Any]:
        """The usage of a whole answer, or the last one that a stream gave."""
        usages = (
            [chunk.get("usage") for chunk in self.chunks] if self.is_stream else [self.object.get("usage")]
        )
        found = [usage for usage in usages if isinstance(usage, dict)]
        if not found:
            raise NotTestable(f"the answer of {self.probe} has no usage")
        return found[-1]

    def count(self, name: str) -> int:
        """A token count of the usage."""
        value = self.usage.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise NotTestable(f"the usage of {self.probe} has no integer {name}")
        return value

    @property
    def tool_calls(self) -> list[Mapping[str, Any]]:
        """The tool calls of a whole answer; at least one."""
        calls = self.message.get("tool_calls")
        if not isinstance(calls, list) or not calls or not all(isinstance(call, dict) for call in calls):
            raise NotTestable(f"the answer of {self.probe} calls no tool")
        return calls

    # -- body as a stream ----------------------------------------------------------------------

    @cached_property
    def stream(self) -> sse.EventStream:
        return sse.read(self.exchange.parts)

    @cached_property
    def is_stream(self) -> bool:
        """Whether the body is made of events at all, whatever its content-type says."""
        return self.succeeded and any(event.data is not None for event in self.stream.events)

    @cached_property
    def frames(self) -> tuple[Frame, ...]:
        """The events that carry data, up to and including what follows [DONE]."""
        return tuple(_frame(event) for event in self.stream.events if event.data)

    @cached_property
    def before_done(self) -> tuple[Frame, ...]:
        """The frames that a client reads: those before [DONE]."""
        return tuple(takewhile(lambda frame: not frame.is_done, self.frames))

    @cached_property
    def error_frames(self) -> tuple[Frame, ...]:
        """Frames by which the server reports a failure in the agreed form: `error`, no choices."""
        return tuple(f for f in self.before_done if f.error is not None and "choices" not in f.value)

    @cached_property
    def chunks(self) -> tuple[Mapping[str, Any], ...]:
        """The JSON objects of the stream that do not report an error."""
        errors = {id(frame) for frame in self.error_frames}
        return tuple(f.value for f in self.before_done if isinstance(f.value, dict) and id(f) not in errors)

    @cached_property
    def chunk_choices(self) -> tuple[Mapping[str, Any], ...]:
        """The choices of all chunks that have them, in order of arrival."""
        return tuple(
            choice
            for chunk in self.chunks
            if isinstance(chunk.get("choices"), list)
            for choice in chunk["choices"]
            if isinstance(choice, dict)
        )

    @cached_property
    def deltas(self) -> tuple[tuple[int, Mapping[str, Any]], ...]:
        """Index of the choice and delta, in order of arrival; a missing index counts as 0."""
        return tuple(
            (choice["index"] if isinstance(choice.get("index"), int) else 0, choice["delta"])
            for choice in self.chunk_choices
            if isinstance(choice.get("delta"), dict)
        )

    def streamed_text(self, choice: int = 0, key: str = "content") -> str:
        """The fragments of one string of a choice, joined."""
        values = (delta.get(key) for index, delta in self.deltas if index == choice)
        return "".join(value for value in values if isinstance(value, str))

    @cached_property
    def finish_reasons(self) -> dict[int, list[Any]]:
        """The finish reasons that are not null, per index of a choice that the stream showed."""
        found: dict[int, list[Any]] = {}
        for choice in self.chunk_choices:
            index = choice["index"] if isinstance(choice.get("index"), int) else 0
            reasons = found.setdefault(index, [])
            if choice.get("finish_reason"):
                reasons.append(choice["finish_reason"])
        return found

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """The streamed tool calls, in order of first appearance; at least one."""
        found: dict[tuple[int, Any], Call] = {}
        for choice, delta in self.deltas:
            for piece in tool_pieces(delta):
                index = piece.get("index")
                key = (choice, index if isinstance(index, int) else None)
                _add(found.setdefault(key, Call(index)), piece)
        if not found:
            raise NotTestable(f"the stream of {self.probe} calls no tool")
        return tuple(found.values())


def tool_pieces(delta: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The pieces of tool calls in a delta; none when they are no list of objects."""
    pieces = delta.get("tool_calls")
    return [piece for piece in pieces if isinstance(piece, dict)] if isinstance(pieces, list) else []


def _frame(event: sse.Event) -> Frame:
    text = event.data or ""
    if text.startswith(DONE):
        return Frame(event, text, None)
    value, defect = parse_json(text)
    return Frame(event, text, value, defect)


def _add(call: Call, entry: Mapping[str, Any]) -> None:
    call.fragments.append(entry)
    function = entry.get("function")
    function = function if isinstance(function, dict) else {}
    call.id = call.id or entry.get("id")
    call.type = call.type or entry.get("type")
    call.name = call.name or function.get("name")
    if isinstance(function.get("arguments"), str):
        call.arguments += function["arguments"]
