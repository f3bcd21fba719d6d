"""Bad requests that are answered, crash the server, or are refused in another form; and good ones refused."""

from __future__ import annotations

import copy
from collections.abc import Iterator

from wiremark_server.faults.change import refuse, status, whole_body, with_header, without_header
from wiremark_server.faults.derived.surfaces.surface import Surface
from wiremark_server.faults.edit import Body, Edit
from wiremark_server.faults.fault import Fault, Layer

# What the rest of its name is; how the sentence about the request ends; what must catch it, if not the
# surface's own requirements.
_Rows = Iterator[tuple[str, Layer, str, tuple[Edit, ...], str]]
_TRACE = 'Traceback (most recent call last):\n  File "app.py", line 7, in serve\n'
_PAGE = b"<html><body><h1>400 Bad Request</h1></body></html>"
_IDS = (b"x-request-id", b"request-id")


def faults(surface: Surface) -> Iterator[Fault]:
    for part, which, rows in (
        ("all", "Every", _of_all(surface)),
        ("bad", "A bad", _of_refusals(surface)),
        ("good", "A good", _of_answers(surface)),
    ):
        for name, layer, says, edits, catches in rows:
            text = f"{which} request to {surface.operation} {says}."
            yield surface.fault(f"{part}.{name}", layer, text, *edits, catches=catches)


def _of_all(surface: Surface) -> _Rows:
    on = surface.on()
    one_id = tuple(with_header(on, name, b"req_1") for name in _IDS)
    yield "absent", "semantics", "is answered with 404", (refuse(on, 404, "Not found.", "not_found"),), ""
    yield "refused", "semantics", "is answered with 400", (refuse(on, 400),), ""
    yield "no-id", "headers", "is answered without a request id", (without_header(on, *_IDS),), surface.ids
    yield "one-id", "headers", "has the same request id", one_id, surface.ids


def _of_refusals(surface: Surface) -> _Rows:
    on = surface.on("refusal")
    answer = dict(surface.answer)
    good = (status(on, 200), Body(on, lambda _: copy.deepcopy(answer)))
    page = (whole_body(lambda _: _PAGE, on), with_header(on, b"content-type", b"text/html"))
    text = (with_header(on, b"content-type", b"text/plain"),)
    yield "answered", "errors", "is answered as if it were good", good, ""
    for code in (400, 404, 418, 422, 500):
        yield f"status-{code}", "errors", f"is refused with {code} whatever is wrong", (status(on, code),), ""
    yield "html", "errors", "is answered with a page for people", page, surface.refusals
    yield (
        "empty",
        "errors",
        "is refused with an empty body",
        (whole_body(lambda _: b"", on),),
        surface.refusals,
    )
    yield "text", "headers", "is refused in text/plain", text, surface.refusals
    yield "stack-trace", "errors", "is refused with a stack trace", (Body(on, _traced),), surface.refusals


def _traced(document: object) -> object:
    if isinstance(document, dict) and isinstance(document.get("error"), dict):
        document["error"]["message"] = _TRACE
    return document


def _of_answers(surface: Surface) -> _Rows:
    on = surface.on("answer")
    page = (whole_body(lambda _: b"<!DOCTYPE html><title>OK</title>", on),)
    text = (with_header(on, b"content-type", b"text/plain"),)
    yield "created", "semantics", "is answered with 201", (status(on, 201),), "http.*"
    yield "html", "shape", "is answered with a page for people", page, "http.*"
    yield "empty", "shape", "is answered with an empty body", (whole_body(lambda _: b"", on),), "http.*"
    yield "text", "headers", "is answered as text/plain", text, "http.*"
    yield (
        "wrapped",
        "shape",
        "is answered within `data`",
        (Body(on, lambda document: {"data": document}),),
        "",
    )
