"""Probes of images made as tasks: asked for, looked after a few times, and asked for in ways not allowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiremark_conformance.evidence import Evidence
from wiremark_conformance.outcome import NotPromised, NotTestable
from wiremark_conformance.probes.billing import PAGE
from wiremark_conformance.probes.chat import REMOTE_IMAGE
from wiremark_conformance.probes.table import Draft, Drafter, Probe, ProbeContext, path

PAUSES = (0.2, 0.8, 3.0)  # seconds before each look at a task
LOOKS = len(PAUSES)
_PROMPT = "A cat wearing a space suit"
NO_TASK = "media_wiremark_no_such_task"


def image_model(context: ProbeContext) -> str:
    found = next((m.id for m in context.target.contract.models if "images" in m.formats), None)
    if found is None:
        raise NotPromised("the contract lists no model that makes images")
    return found


def _submit(**more: Any) -> Drafter:
    def draft(context: ProbeContext) -> Draft:
        body = {"model": image_model(context), "prompt": _PROMPT, **more}
        return Draft("POST", path(context, "images.create"), body)

    return draft


def _no_prompt(context: ProbeContext) -> Draft:
    return Draft("POST", path(context, "images.create"), {"model": image_model(context)})


def _look(submitted: str) -> Drafter:
    def draft(context: ProbeContext) -> Draft:
        view = Evidence(context.target, context.exchanges).view(submitted)
        task = view.object.get("task_id") if view is not None and view.succeeded else None
        if not isinstance(task, str) or not task:
            raise NotTestable(f"{submitted} gave no task")
        return Draft("GET", path(context, "tasks.get", task=task))

    return draft


def _looks(name: str, submitted: str) -> tuple[Probe, ...]:
    """The same task again and again: one after the other."""
    return tuple(
        Probe(
            f"{name}.{number}",
            _look(submitted),
            needs=(submitted if number == 1 else f"{name}.{number - 1}", submitted),
            capability="media",
            pause=pause,
        )
        for number, pause in enumerate(PAUSES, 1)
    )


# What is wrong with a request, and with what.
WRONG: Mapping[str, Drafter] = {
    "no-prompt": _no_prompt,
    "size": _submit(size="7:1"),
    "resolution": _submit(resolution="8k"),
    "square-4k": _submit(size="1:1", resolution="4k"),
    "two": _submit(n=2),
    "references": _submit(image_urls=[REMOTE_IMAGE] * 17),
    "webhook-loopback": _submit(webhook_url="http://127.0.0.1:9/hook"),
    "webhook-metadata": _submit(webhook_url="http://169.254.169.254/latest/meta-data/"),
    "webhook-scheme": _submit(webhook_url="file:///etc/hostname"),
}

TABLE = (
    Probe("media.submit", _submit(size="16:9", resolution="1k", n=1), capability="media"),
    Probe("media.4k", _submit(size="21:9", resolution="4k"), capability="media"),
    Probe("media.unreachable", _submit(image_urls=[REMOTE_IMAGE]), capability="media"),
    *_looks("media.task", "media.submit"),
    *_looks("media.failed", "media.unreachable"),
    *(Probe(f"media.wrong.{name}", draft, capability="media") for name, draft in WRONG.items()),
    Probe("media.no-task", lambda c: Draft("GET", path(c, "tasks.get", task=NO_TASK)), capability="media"),
    Probe(
        "media.usage",
        lambda c: Draft("GET", f"{path(c, 'usage.list')}?limit={PAGE}"),
        needs=(f"media.task.{LOOKS}", f"media.failed.{LOOKS}"),
        capability="media",
    ),
)
