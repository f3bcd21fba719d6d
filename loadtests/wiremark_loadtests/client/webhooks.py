"""Receives the webhooks that an endpoint sends when a task has ended, and checks their signatures.

Standard Webhooks: `webhook-signature` holds one or more `v1,BASE64` of an HMAC-SHA256 over the id, the time
and the body. The secret of a key is derived from the key: HMAC-SHA256(SHA-256(key), `wiremark webhook`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from gevent import pywsgi  # type: ignore[import-untyped]
from gevent.event import AsyncResult  # type: ignore[import-untyped]

PATH = "/webhook"
_LARGEST = 65536  # bytes of a body
_TOLERANCE = 300  # seconds between a webhook's time and ours, as Standard Webhooks has it
_STATES = {"task.completed": "completed", "task.failed": "failed"}


class Notice(NamedTuple):
    """What was announced: of which key's task, and whether it is completed or failed."""

    role: str
    status: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook as it came."""

    id: str
    timestamp: str
    signatures: str
    body: bytes


class Refused(ValueError):  # noqa: N818  what it is
    """A webhook that proves nothing; the text is the error class."""


def secret_of(key: str) -> bytes:
    """What the webhooks of an API key are signed with."""
    return hmac.new(hashlib.sha256(key.encode()).digest(), b"wiremark webhook", hashlib.sha256).digest()


def read(delivery: Delivery, secrets: Mapping[str, bytes], now: float) -> tuple[str, Notice]:
    """The task, and what is announced of it; `secrets` by role. Raises Refused."""
    if not delivery.timestamp.isdecimal() or abs(int(delivery.timestamp) - now) > _TOLERANCE:
        raise Refused("webhook:stale")
    signed = f"{delivery.id}.{delivery.timestamp}.".encode() + delivery.body
    role = next((role for role, key in secrets.items() if _is_signed(delivery, signed, key)), None)
    if role is None:
        raise Refused("webhook:bad-signature")
    try:
        document = json.loads(delivery.body.decode())
        status = _STATES[document["type"]]
        task, told = document["data"]["task_id"], document["data"]["status"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Refused("webhook:bad-body") from None
    if not isinstance(task, str) or told != status:
        raise Refused("webhook:bad-body")
    return task, Notice(role, status)


def _is_signed(delivery: Delivery, signed: bytes, key: bytes) -> bool:
    digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(f"v1,{digest}", given) for given in delivery.signatures.split())


class Hooks:
    """Listens for webhooks; users wait here for those of their tasks.

    problems: error class → how often
    """

    def __init__(self, address: tuple[str, int], keys: Mapping[str, str], now: Callable[[], float]) -> None:
        """keys: by role. Raises OSError when nobody can listen there."""
        self.problems: Counter[str] = Counter()
        self._secrets = {role: secret_of(key) for role, key in keys.items()}
        self._now = now
        self._told: dict[str, AsyncResult] = {}
        self._claimed: set[str] = set()
        self._nameless = 0
        self._server = pywsgi.WSGIServer(address, self._serve, log=None, error_log=None)
        self._server.start()
        shown = f"[{address[0]}]" if ":" in address[0] else address[0]
        self.origin = f"http://{shown}:{self._server.server_port}"

    @property
    def url(self) -> str:
        return self.origin + PATH

    def wait(self, task: str, role: str, seconds: float) -> str | None:
        """What was announced of a task of that key; None when nothing was in time."""
        self._claimed.add(task)
        notice: Notice | None = self._of(task).wait(timeout=seconds)
        if notice is None:
            return None
        if notice.role != role:
            self.problems["webhook:other-key"] += 1
        return notice.status

    def lost(self) -> None:
        """A request was sent and its task's name never came: its webhook cannot be matched."""
        self._nameless += 1

    def close(self) -> Counter[str]:
        """Listen no more; the problems, with webhooks of tasks that nobody asked for."""
        self._server.stop()
        strangers = sum(told.ready() and task not in self._claimed for task, told in self._told.items())
        if strangers > self._nameless:
            self.problems["webhook:unknown-task"] += strangers - self._nameless
        return self.problems

    def take(self, delivery: Delivery) -> str:
        """Take a webhook; the status line of the answer."""
        try:
            task, notice = read(delivery, self._secrets, self._now())
        except Refused as refused:
            self.problems[str(refused)] += 1
            return "401 Unauthorized"
        known = self._of(task)
        if not known.ready():
            known.set(notice)
        elif known.get() != notice:  # the same again is what delivering at least once means
            self.problems["webhook:contradiction"] += 1
        return "204 No Content"

    def _of(self, task: str) -> AsyncResult:
        return self._told.setdefault(task, AsyncResult())

    def _serve(self, request: Mapping[str, Any], begin: Callable[..., Any]) -> Iterable[bytes]:
        length = request.get("CONTENT_LENGTH") or "0"
        if request["REQUEST_METHOD"] != "POST" or request["PATH_INFO"] != PATH:
            begin("404 Not Found", [])
        elif not length.isdecimal() or int(length) > _LARGEST:
            begin("413 Content Too Large", [])
        else:
            name, moment, signed = (
                request.get(f"HTTP_WEBHOOK_{part}", "") for part in ("ID", "TIMESTAMP", "SIGNATURE")
            )
            begin(self.take(Delivery(name, moment, signed, request["wsgi.input"].read(int(length)))), [])
        return []
