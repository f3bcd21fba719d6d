"""Images that are made as tasks: asked for, looked at, paid for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiremark_server.faults.change import body, put, refuse, status, take, with_document
from wiremark_server.faults.edit import Ask, Edit, On, Question
from wiremark_server.faults.fault import Fault, Layer, named

_fault = named("media", "banana2")
_CREATE, _TASK, _ROWS = "images.create", "tasks.get", "usage.list"
_MODEL = "gpt-image-2"
_PRICE = 12_000  # µUSD for an image
_LINKS = ("http://127.0.0.1:9/hook", "http://169.254.169.254/latest/meta-data/", "file:///etc/hostname")


def _row(change: Any) -> Edit:
    """Change the rows of images."""

    def apply(document: Any) -> Any:
        for row in document["data"]:
            if row["model"] == _MODEL:
                change(row)
        return document

    return body(apply, _ROWS)


def _unread(name: str) -> Edit:
    """A parameter that is not looked at, nor what goes with it."""

    def change(ask: Ask) -> Ask:
        kept = {key: value for key, value in ask.document.items() if key != name}
        return with_document(ask, {**kept, "prompt": ask.document.get("prompt", "A cat.")})

    where = (lambda ask: name not in ask.document) if name == "prompt" else (lambda ask: name in ask.document)
    return Question(On(_CREATE, where=where), change)


def _hooked(link: str) -> Edit:
    """Webhooks to this address are accepted, and never called."""

    def change(ask: Ask) -> Ask:
        return with_document(ask, {k: v for k, v in ask.document.items() if k != "webhook_url"})

    return Question(On(_CREATE, where=lambda ask: ask.document.get("webhook_url") == link), change)


def _made(document: Any) -> Any:
    """A task that failed is told to be completed."""
    if document.get("status") == "failed":
        document = {k: v for k, v in document.items() if k != "error"}
        document |= {"status": "completed", "result": {"urls": ["https://images.example/none.png"]}}
    return document


def _charge_free(row: Any) -> None:
    if not row["amount_microusd"]:
        row["amount_microusd"] = _PRICE


def _fault_of(name: str, layer: Layer, text: str, edit: Edit, *catches: str) -> Fault:
    return _fault(name, layer, text, edit, catches=catches, allows=("media.*", "billing.*"))


# What is not looked at → the sentence, and the requirement on it.
_UNREAD: Mapping[str, tuple[str, str]] = {
    "prompt": ("An image is made although nobody said of what.", "media.no-prompt.refused"),
    "size": ("Any size is accepted.", "media.size.refused"),
    "resolution": ("Any resolution is accepted.", "media.resolution.refused"),
    "n": ("One image is made, however many are asked for.", "media.two.refused"),
    "image_urls": ("Any number of reference images is accepted.", "media.references.refused"),
}

TABLE: tuple[Fault, ...] = (
    _fault_of(
        "status-200",
        "semantics",
        "A task is accepted with 200.",
        status(On(_CREATE, "answer"), 200),
        "media.accepted",
    ),
    _fault_of(
        "charge-number",
        "shape",
        "The charge is a number.",
        body(put("/charge", 0.012), _CREATE),
        "media.charge-told",
    ),
    _fault_of(
        "charge-untrue",
        "ledger",
        "The charge told is not the price.",
        body(put("/charge", "0.02"), _CREATE),
        "media.charge-told",
    ),
    _fault_of(
        "task-absent",
        "semantics",
        "Tasks cannot be looked at.",
        refuse(On(_TASK), 404, "Not found.", "not_found"),
        "media.task.accepted",
    ),
    _fault_of(
        "task-status",
        "shape",
        "A task has a status of another word.",
        body(put("/status", "succeeded"), _TASK),
        "media.task.schema",
    ),
    _fault_of(
        "task-other",
        "semantics",
        "Another task is shown than was asked for.",
        body(put("/task_id", "media_0123456789abcdef01234567"), _TASK),
        "media.task.same",
    ),
    _fault_of(
        "task-empty",
        "shape",
        "A completed task has no images.",
        body(put("/result/urls", [], absent_too=False), _TASK),
        "media.task.completed",
    ),
    _fault_of(
        "task-made-up",
        "semantics",
        "A task that failed is told to be completed.",
        body(_made, _TASK),
        "media.task.failed",
    ),
    _fault_of(
        "task-error-absent",
        "errors",
        "A failed task does not say why.",
        body(take("/error"), _TASK),
        "media.task.failed",
    ),
    _fault_of(
        "no-task-400",
        "errors",
        "A task that does not exist is answered with 400.",
        status(On(_TASK, "refusal", status=404), 400),
        "media.no-task",
    ),
    _fault_of(
        "double-charge",
        "ledger",
        "Images are charged twice.",
        _row(put("/amount_microusd", lambda amount: amount * 2)),
        "media.charged",
    ),
    _fault_of(
        "not-refunded",
        "ledger",
        "What a failed image cost stays charged.",
        _row(_charge_free),
        "media.refunded",
    ),
    *(
        _fault_of(f"unread.{name.replace('_', '-')}", "semantics", text, _unread(name), catches)
        for name, (text, catches) in _UNREAD.items()
    ),
    _fault_of(
        "wide-refused",
        "semantics",
        "A wide image in 4k, one of the six that there are, is refused.",
        refuse(On(_CREATE, where=lambda ask: ask.document.get("size") == "21:9")),
        "media.accepted",
    ),
    _fault_of(
        "square-4k",
        "semantics",
        "A square image in 4k is accepted.",
        Question(
            On(_CREATE, where=lambda ask: ask.document.get("size") == "1:1"),
            lambda ask: with_document(ask, {**ask.document, "resolution": "1k"}),
        ),
        "media.square-4k.refused",
    ),
    *(
        _fault_of(
            f"webhook.{name}",
            "policy",
            f"A webhook to {link} is accepted.",
            _hooked(link),
            f"media.webhook-{name}.refused",
        )
        for name, link in zip(("loopback", "metadata", "scheme"), _LINKS, strict=True)
    ),
)
