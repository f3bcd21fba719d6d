"""An endpoint with several formats, each model in its own; and usage as a table for spreadsheets."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from wiremark_server.faults.change import body, refuse, whole_body, with_document, with_header
from wiremark_server.faults.edit import Ask, Edit, On, Question
from wiremark_server.faults.fault import Fault, Layer, named

_fault = named("surfaces", "banana2")
_for_agents = named("surfaces", "agents")
_ledger = named("ledger", "banana2")
_EXPORT = "usage.export"


@dataclass(frozen=True, slots=True)
class _Face:
    """One format. model: one that is served in it; lists: the operation that lists its models, "" for none"""

    operation: str
    streaming: str
    model: str
    lists: str = ""


_FACES: Mapping[str, _Face] = {
    "chat": _Face("chat.create", "chat.create", "gpt-4o", "models.list"),
    "responses": _Face("responses.create", "responses.create", "gpt-5.4", "models.list.responses"),
    "messages": _Face("messages.create", "messages.create", "claude-sonnet-4-6", "models.list.messages"),
    "gemini": _Face("gemini.generate", "gemini.stream", "gemini-2.5-flash"),
}


def _streams(ask: Ask) -> bool:
    return bool(ask.document.get("stream"))


def _whole(ask: Ask) -> Ask:
    """A stream that is answered whole."""
    asked = with_document(ask, {name: value for name, value in ask.document.items() if name != "stream"})
    return dataclasses.replace(asked, path=ask.path.replace(":streamGenerateContent", ":generateContent"))


def _own(face: _Face) -> Edit:
    """Whatever model is asked for, one that is served in the format answers."""

    def change(ask: Ask) -> Ask:
        if face.operation != "gemini.generate":
            return with_document(ask, {**ask.document, "model": face.model})
        before, mark, after = ask.path.partition("/models/")
        return dataclasses.replace(ask, path=f"{before}{mark}{face.model}:{after.partition(':')[2]}")

    return Question(On(face.operation, where=lambda ask: bool(ask.document)), change)


def _forgetting(document: object) -> object:
    """The first model of a list is left out."""
    if isinstance(document, dict) and isinstance(document.get("data"), list):
        document["data"] = document["data"][1:]
    return document


def _of(form: str, face: _Face) -> tuple[Fault, ...]:
    def fault(name: str, layer: Layer, text: str, edit: Edit, catches: str) -> Fault:
        near = ("*",)  # everything that is asked in this format is asked here
        return _fault(
            f"{form}.{name}", layer, text, edit, catches=(f"surfaces.{form}.{catches}",), allows=near
        )

    found = [
        fault(
            "absent",
            "semantics",
            f"There is no route for whole answers of the format {form}.",
            refuse(On(face.operation, where=lambda ask: not _streams(ask)), 404, "Not found.", "not_found"),
            "served",
        ),
        fault(
            "streamed-whole",
            "stream",
            f"A stream of the format {form} is answered as one document.",
            Question(On(face.streaming, where=lambda ask: _streams(ask) or form == "gemini"), _whole),
            "streamed",
        ),
        fault(
            "any-model",
            "semantics",
            f"Models of other formats are answered in the format {form} by another model.",
            _own(face),
            "own-models",
        ),
    ]
    unkeyed = On(face.operation, where=lambda ask: not ask.header(b"authorization"))
    found.append(
        fault(
            "bearer-only",
            "policy",
            f"In the format {form} a key is looked for in `Authorization` alone.",
            refuse(unkeyed, 401, "Give a key.", "missing_api_key"),
            "keys",
        )
    )
    if face.lists:
        listed = body(_forgetting, face.lists)
        text = f"The first model of the format {form} is not listed."
        found.append(fault("unlisted", "semantics", text, listed, "listed"))
    return tuple(found)


# A format, and a part of the path below which agents look for it.
_PREFIXED = (
    ("chat", "/v1/chat/"),
    ("messages", "/llm-api/v1/messages"),
    ("messages", "/anthropic/v1/messages"),
    ("gemini", "/v1beta/models/"),
    ("gemini", "/v1/models/"),
)


def _unprefixed(form: str, path: str) -> Fault:
    operation = _FACES[form].operation
    edit = refuse(On(operation, where=lambda ask: path in ask.path), 404, "Not found.", "not_found")
    text = f"Nothing of the format {form} is served at {path}."
    name = f"{form}.unprefixed.{path.strip('/').replace('/', '-')}"
    return _for_agents(name, "semantics", text, edit, catches=(f"surfaces.{form}.prefixes",), allows=("*",))


def _budget(ask: Ask) -> Ask:
    return with_document(ask, {**ask.document, "max_tokens": 64})


TABLE: tuple[Fault, ...] = (
    *(fault for form, face in _FACES.items() for fault in _of(form, face)),
    _fault(
        "messages.budget-guessed",
        "semantics",
        "A message without `max_tokens` is answered within a budget that nobody asked for.",
        Question(On("messages.create", where=lambda ask: "max_tokens" not in ask.document), _budget),
        catches=("surfaces.messages.budget-required",),
        allows=("messages.*",),
    ),
    _fault(
        "messages.auxiliary-absent",
        "semantics",
        "There is no Chat at `/v1`, where agents look for it that use Messages below `/anthropic`.",
        refuse(On("chat.create"), 404, "Not found.", "not_found"),
        catches=("surfaces.messages.auxiliary",),
        allows=("*",),
    ),
    *(_unprefixed(form, path) for form, path in _PREFIXED),
    _ledger(
        "export-absent",
        "semantics",
        "There is no table of the usage.",
        refuse(On(_EXPORT), 404, "Not found.", "not_found"),
        catches=("billing.export.accepted",),
    ),
    _ledger(
        "export-type",
        "headers",
        "The table of the usage is said to be plain text.",
        with_header(On(_EXPORT, "answer"), b"content-type", b"text/plain"),
        catches=("billing.export.rows",),
    ),
    _ledger(
        "export-empty",
        "ledger",
        "The table of the usage has a heading and no rows.",
        whole_body(lambda data: data.partition(b"\n")[0] + b"\n", On(_EXPORT, "answer")),
        catches=("billing.export.rows",),
    ),
)
