"""Images that are made as tasks: the answer names a task, and what becomes of it is told later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiremark_loadtests.formats.base import Ask, Tokens
from wiremark_loadtests.formats.unstreamed import Unstreamed


class Images(Unstreamed):
    named = "images.create"
    what = "tasks"

    def body(self, ask: Ask) -> dict[str, Any]:
        body: dict[str, Any] = {"model": ask.model, "prompt": ask.prompt}
        if ask.webhook is not None:
            body["webhook_url"] = ask.webhook
        if ask.unreachable is not None:
            body["image_urls"] = [ask.unreachable]
        return body

    def plain(self, document: Mapping[str, Any]) -> tuple[Tokens | None, str]:
        """A task is no tokens: it has a price of its own."""
        return ((0, 0), "") if task_of(document) else (None, "broken-answer:no-task")


def task_of(document: Mapping[str, Any]) -> str:
    """The id of the task that an answer names; "" when it names none."""
    told = document.get("task_id")
    return told if isinstance(told, str) else ""
