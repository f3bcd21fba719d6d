"""How answers of Gemini and Messages are put together, told by the verdicts on what they add up to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.conformance.judging import good_gemini as gemini
from tests.conformance.judging import good_messages as messages
from tests.conformance.judging.spoiling import Change, body, inserted, stream, together, usage, without

_PLAIN, _STREAM = "gemini.plain", "gemini.stream"
_JSON, _WHOLE, _TOLD = "messages.json", "messages.plain", "messages.stream"
_CUT, _STOPPED = "messages.tools.cut", "messages.stop.stream"


def _candidates(*candidates: Mapping[str, Any]) -> Change:
    """A stream of one chunk for each candidate, the last with the usage."""
    return stream(_STREAM, *(gemini.response(one) for one in candidates))


def _said(text: str, index: int | None, **more: Any) -> dict[str, Any]:
    found = gemini.candidate(gemini.said(text), **more)
    if index is None:
        del found["index"]
        return found
    return {**found, "index": index}


def _blocks(*texts: str) -> Change:
    return body(_JSON, content=[{"type": "text", "text": text} for text in texts])


def _streamed(probe: str, *events: Any, stop: str = "end_turn") -> Change:
    return stream(probe, *messages.stream(*events, stop=stop)["chunks"])


def _opened(probe: str, *deltas: Mapping[str, Any]) -> Change:
    """A stream of one block of text that begins without a text."""
    return _streamed(probe, messages.block(0, {"type": "text"}, *deltas))


def _piece(**values: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": values}


def _counted(started: Mapping[str, Any], ended: Mapping[str, Any]) -> Change:
    """What the usage of a call that was cut off says at its start and in its end."""

    def apply(world: Any) -> None:
        world.chunks(_CUT)[0]["message"]["usage"] = dict(started)
        world.chunks(_CUT)[-2]["usage"] = dict(ended)

    return together(_streamed(_CUT, messages.call(0, "toolu_1", "Paris")[:2], stop="end_turn"), apply)


def _ended(world: Any, delta: Any) -> None:
    world.chunks(_TOLD)[-2]["delta"] = delta


TABLE: list[tuple[str, Change, str]] = [
    # Gemini
    ("gemini.types", lambda w: w[_PLAIN].body["candidates"][0].update(finishMessage=None), "pass"),
    ("gemini.types", lambda w: w[_PLAIN].body["candidates"][0].update(finishMessage=5), "finding"),
    (
        "gemini.enum.word",
        lambda w: (
            w["gemini.enum"]
            .body["candidates"][0]["content"]
            .update(parts=[gemini.said("Wood"), gemini.said("wind")])
        ),
        "pass",
    ),
    (
        "gemini.max-tokens.honoured",
        without("gemini.max-tokens", "usageMetadata", "candidatesTokenCount"),
        "pass",
    ),
    ("gemini.stream.finish", _candidates(_said("a", 0, finishReason="STOP"), _said("b", 1)), "finding"),
    ("gemini.stream.finish", _candidates(_said("a", None), _said("b", 0, finishReason="STOP")), "pass"),
    ("gemini.stream.finish", _candidates(_said("a", 0), _said("b", None, finishReason="STOP")), "pass"),
    (
        "gemini.stream.finish",
        stream(_STREAM, *gemini.chunks(), {"candidates": None}, {"candidates": "x"}),
        "pass",
    ),
    ("gemini.text", lambda w: w[_PLAIN].body["candidates"][0].update(content={"parts": 5}), "finding"),
    # Messages, whole
    ("messages.json.valid", _blocks('{"city": "Pa', 'ris", "sunny": true}'), "pass"),
    (
        "formats.messages.prompt-tokens",
        usage(_WHOLE, input_tokens=10, cache_creation_input_tokens=4, cache_read_input_tokens=6),
        "pass",
    ),
    ("formats.messages.prompt-tokens", usage(_WHOLE, cache_creation_input_tokens=4), "finding"),
    ("messages.text", body(_WHOLE, content=["x"]), "untestable"),
    ("messages.text", body(_WHOLE, content={"type": "text"}), "untestable"),
    # Messages, streamed
    ("messages.stream.text", inserted(_TOLD, -1, {"type": "error", "error": {}}), "untestable"),
    ("messages.stream.text", lambda w: w.chunks(_TOLD).pop(-2), "pass"),
    ("messages.stream.text", inserted(_TOLD, -2, messages.delta(9, "text_delta", text="x")), "pass"),
    ("messages.stream.stop-reason", lambda w: _ended(w, "x"), "finding"),
    ("messages.tools.stream.cut", _counted({"input_tokens": 20, "output_tokens": 9}, {}), "untestable"),
    ("messages.tools.stream.cut", _counted({"input_tokens": 20}, {"output_tokens": 9}), "finding"),
    ("messages.stream.text", _opened(_TOLD, _piece(type="text_delta", text="")), "finding"),
    ("messages.stream.text", _opened(_TOLD, _piece(type="text_delta", text="1")), "pass"),
    ("messages.stop.reason", _opened(_STOPPED, _piece(type="text_delta", text="1 2 3 4 5 6 ")), "finding"),
    ("messages.stop.reason", _opened(_STOPPED, _piece(type="text_delta", text=7)), "pass"),
    ("messages.stop.reason", _opened(_STOPPED, _piece(type="input_json_delta", partial_json=7)), "pass"),
    ("messages.stop.reason", _opened(_STOPPED, _piece(type="other", text="1 2 3 4 5 6 ")), "pass"),
]
