"""Bodies at the edge of JSON: bad ones answered, good ones refused, any of them not survived."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wiremark_server.faults.change import CHAT, messages, refuse, with_document
from wiremark_server.faults.edit import Ask, Instead, On, Question, Where
from wiremark_server.faults.fault import Fault, named

_fault = named("bodies")
_GOOD = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 8}
_DEEP = b"[" * 1000
_NUL = "\0"


def _broken_text(ask: Ask) -> bool:
    try:
        ask.body.decode()
    except UnicodeDecodeError:
        return True
    return False


def _holds(data: bytes) -> Where:
    return lambda ask: data in ask.body


def _sends(name: bytes, value: bytes) -> Where:
    return lambda ask: value in ask.header(name).lower()


# What is odd about a body → how it is told, and what a sentence says of it.
_BAD: Mapping[str, tuple[Where, str]] = {
    "invalid-utf8": (_broken_text, "is not UTF-8"),
    "deep": (_holds(_DEEP), "is nested very deeply"),
    "huge-number": (_holds(b"1e400"), "holds a number that is too large"),
    "nan": (_holds(b"NaN"), "holds a NaN"),
}
_ODD: Mapping[str, tuple[Where, int, str]] = {
    "gzip": (_sends(b"content-encoding", b"gzip"), 400, "is compressed"),
    "charset": (_sends(b"content-type", b"charset"), 415, "names its character set"),
    "expect": (_sends(b"expect", b"100-continue"), 417, "is announced by `Expect: 100-continue`"),
}


def _as_good(ask: Ask) -> Ask:
    return with_document(ask, {"model": "deepseek-v4-flash", **_GOOD})


def _until_nul(message: Any) -> Any:
    content = message.get("content")
    return {**message, "content": content.partition(_NUL)[0]} if isinstance(content, str) else message


def _cut_at_nul(ask: Ask) -> Ask:
    return with_document(ask, {**ask.document, "messages": [_until_nul(m) for m in messages(ask)]})


def _crash(where: Where) -> Instead:
    return refuse(On(CHAT, where=where), 500, "Internal error.")


def _all() -> Iterator[Fault]:
    for name, (where, says) in _BAD.items():
        yield _fault(
            f"{name}.answered",
            "semantics",
            f"A body that {says} is answered as if it were good.",
            Question(On(CHAT, where=where), _as_good),
            catches=(f"bodies.{name}",),
            allows=("errors.*",),
        )
        yield _fault(
            f"{name}.crash",
            "errors",
            f"A body that {says} is a server error.",
            _crash(where),
            catches=("bodies.settled",),
            allows=("errors.*",),
        )
    for name, (where, status, says) in _ODD.items():
        yield _fault(
            f"{name}.refused",
            "semantics",
            f"A body that {says} is refused with {status}.",
            refuse(On(CHAT, where=where), status),
            catches=(f"bodies.{name}",),
            allows=("errors.*",),
        )
    yield _fault(
        "nul.cut",
        "semantics",
        "A prompt is read as far as the first NUL.",
        Question(On(CHAT, where=_holds(b"\\u0000")), _cut_at_nul),
        catches=("bodies.nul-kept",),
        allows=("billing.*",),
    )


TABLE: tuple[Fault, ...] = tuple(_all())
