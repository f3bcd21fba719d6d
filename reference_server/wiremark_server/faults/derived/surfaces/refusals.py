"""Bad requests that are answered, crash the server, or are refused in another form; and good ones refused."""

from __future__ import annotations

import copy
from collections.abc import Iterator

from wiremark_server.faults.change import refuse, status, whole_body, with_header, without_header
from wiremark_server.faults.derived.surfaces.surface import Surface
from wiremark_server.faults.edit import Body, Edit
from wiremark_server.faults.fault import Fault, Layer

_TRACE = 'Traceback (most recent call last):\n  File "app.py", line 7, in serve\n'


def faults(surface: Surface) -> Iterator[Fault]:
    what = surface.operation
    for name, layer, says, edits in _of_all(surface):
        yield surface.fault(f"all.{name}", layer, f"Every request to {what} {says}.", *edits)
    for name, layer, says, edits in _of_refusals(surface):
        yield surface.fault(f"bad.{name}", layer, f"A bad request to {what} {says}.", *edits)
    for name, layer, says, edits in _of_answers(surface):
        yield surface.fault(f"good.{name}", layer, f"A good request to {what} {says}.", *edits)


_Rows = Iterator[tuple[str, Layer, str, tuple[Edit, ...]]]


def _of_all(surface: Surface) -> _Rows:
    on = surface.on()
    yield "absent", "semantics", "is answered with 404", (refuse(on, 404, "Not found.", "not_found"),)
    yield "refused", "semantics", "is answered with 400", (refuse(on, 400),)
    yield "no-id", "headers", "is answered without a request id", (without_header(on, *_IDS),)
    yield "one-id", "headers", "has the same request id", tuple(with_header(on, n, b"req_1") for n in _IDS)


_IDS = (b"x-request-id", b"request-id")


def _of_refusals(surface: Surface) -> _Rows:
    on = surface.on("refusal")
    answer = dict(surface.answer)
    yield (
        "answered",
        "errors",
        "is answered as if it were good",
        (status(on, 200), Body(on, lambda _: copy.deepcopy(answer))),
    )
    for code in (400, 404, 418, 422, 500):
        yield f"status-{code}", "errors", f"is refused with {code} whatever is wrong", (status(on, code),)
    yield (
        "html",
        "errors",
        "is answered with a page for people",
        (
            whole_body(lambda _: b"<html><body><h1>400 Bad Request</h1></body></html>", on),
            with_header(on, b"content-type", b"text/html"),
        ),
    )
    yield "empty", "errors", "is refused with an empty body", (whole_body(lambda _: b"", on),)
    yield "text", "headers", "is refused in text/plain", (with_header(on, b"content-type", b"text/plain"),)
    yield (
        "stack-trace",
        "errors",
        "is refused with a stack trace",
        (Body(on, _traced),),
    )
    yield "no-retry-after", "headers", "is told no time", (without_header(on, b"retry-after"),)
    yield (
        "retry-late",
        "headers",
        "may come back in a day",
        (with_header(on, b"retry-after", b"86400"),),
    )
    yield (
        "retry-odd",
        "headers",
        "may come back soon, in words",
        (with_header(on, b"retry-after", b"soon"),),
    )
    yield "no-allow", "headers", "is not told what is allowed", (without_header(on, b"allow"),)


def _traced(document: object) -> object:
    if isinstance(document, dict) and isinstance(document.get("error"), dict):
        document["error"]["message"] = _TRACE
    return document


def _of_answers(surface: Surface) -> _Rows:
    on = surface.on("answer")
    yield "created", "semantics", "is answered with 201", (status(on, 201),)
    yield (
        "html",
        "shape",
        "is answered with a page for people",
        (whole_body(lambda _: b"<!DOCTYPE html><title>OK</title>", on),),
    )
    yield "empty", "shape", "is answered with an empty body", (whole_body(lambda _: b"", on),)
    yield "text", "headers", "is answered as text/plain", (with_header(on, b"content-type", b"text/plain"),)
    yield "array", "shape", "is answered with an array", (Body(on, lambda document: [document]),)
    yield "wrapped", "shape", "is answered within `data`", (Body(on, lambda document: {"data": document}),)
