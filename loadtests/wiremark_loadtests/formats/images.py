"""Images that are made as tasks: the answer names a task, and what becomes of it is told later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wiremark_loadtests.formats.base import Ask, Broken, Tokens


class Images:
    headers: tuple[str, ...] = ()
    stream_query = ""

    def operation(self, *, stream: bool) -> str:  # noqa: ARG002  never streamed
        return "images.create"

    def body(self, ask: Ask) -> dict[str, Any]:
        body: dict[str, Any] = {"model": ask.model, "prompt": ask.prompt}
        if ask.webhook is not None:
            body["webhook_url"] = ask.webhook
        if ask.unreachable is not None:
            body["image_urls"] = [ask.unreachable]
        return body

    def contents(self, payloads: list[bytes]) -> list[bytes]:  # noqa: ARG002  never streamed
        raise Broken("broken-stream:tasks-do-not-stream")

    def usage(self, payloads: Sequence[bytes]) -> Tokens | None:  # noqa: ARG002  never streamed
        return None

    def bears_token(self, event: Mapping[str, Any]) -> bool:  # noqa: ARG002  never streamed
        return False

    def check(self, payloads: Sequence[bytes]) -> None:
        """Never streamed."""

    def glance(self, body: bytes) -> Tokens | None:  # noqa: ARG002  always decoded
        return None

    def plain(self, document: Mapping[str, Any]) -> tuple[Tokens | None, str]:
        """A task is no tokens: it has a price of its own."""
        return ((0, 0), "") if task_of(document) else (None, "broken-answer:no-task")


def task_of(document: Mapping[str, Any]) -> str:
    """The id of the task that an answer names; "" when it names none."""
    told = document.get("task_id")
    return told if isinstance(told, str) else ""
