"""Webhooks: only what is signed, fresh and about a task counts, and each is matched to its task."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import gevent  # type: ignore[import-untyped]
import pytest
from wiremark_loadtests.client.webhooks import Delivery, Hooks, Notice, Refused, read, secret_of

NOW = 1_800_000_000
KEYS = {"default": "llm_one", "restricted": "llm_two"}
SECRETS = {role: secret_of(key) for role, key in KEYS.items()}


def _delivery(task: str = "t1", status: str = "completed", key: str = "llm_one", **changes: Any) -> Delivery:
    told = {"type": f"task.{status}", "data": {"task_id": task, "status": status}} | changes
    body = json.dumps(told).encode()
    signed = b"m1.%d." % NOW + body
    digest = base64.b64encode(hmac.new(secret_of(key), signed, hashlib.sha256).digest()).decode()
    return Delivery("m1", str(NOW), f"v1,AAAA v1,{digest}", body)


def test_the_secret_is_derived_from_the_key() -> None:
    inner = hashlib.sha256(b"llm_one").digest()
    assert secret_of("llm_one") == hmac.new(inner, b"wiremark webhook", hashlib.sha256).digest()


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_a_signed_webhook_names_its_task_and_its_key(status: str) -> None:
    assert read(_delivery(status=status), SECRETS, NOW) == ("t1", Notice("default", status))
    assert read(_delivery(key="llm_two"), SECRETS, NOW + 299) == ("t1", Notice("restricted", "completed"))


BAD: dict[str, tuple[str, Delivery]] = {
    "another key": ("webhook:bad-signature", _delivery(key="llm_three")),
    "another body": ("webhook:bad-signature", replace(_delivery(), body=b"{}")),
    "another id": ("webhook:bad-signature", replace(_delivery(), id="m2")),
    "no signature": ("webhook:bad-signature", replace(_delivery(), signatures="")),
    "old": ("webhook:stale", replace(_delivery(), timestamp=str(NOW - 301))),
    "no time": ("webhook:stale", replace(_delivery(), timestamp="soon")),
    "another type": ("webhook:bad-body", _delivery(type="task.eaten")),
    "no task": ("webhook:bad-body", _delivery(data={})),
    "another status than the type": (
        "webhook:bad-body",
        _delivery(data={"task_id": "t1", "status": "failed"}),
    ),
    "no object": ("webhook:bad-body", _delivery(data="t1")),
}


@pytest.mark.parametrize("case", BAD)
def test_what_proves_nothing_is_refused(case: str) -> None:
    error, delivery = BAD[case]
    with pytest.raises(Refused, match=f"^{error}$"):
        read(delivery, SECRETS, NOW)


def _hooks() -> Hooks:
    return Hooks(("127.0.0.1", 0), KEYS, lambda: NOW)


def test_a_webhook_may_come_before_anybody_waits_and_again() -> None:
    hooks = _hooks()
    assert hooks.take(_delivery()) == "204 No Content"
    assert hooks.take(_delivery()) == "204 No Content"
    assert hooks.wait("t1", "default", 5) == "completed"
    assert hooks.wait("t2", "default", 0.01) is None
    assert hooks.close() == {}


def test_what_cannot_be_is_counted() -> None:
    hooks = _hooks()
    hooks.take(_delivery())
    hooks.take(_delivery(status="failed"))
    hooks.take(replace(_delivery(), signatures=""))
    assert hooks.wait("t1", "restricted", 5) == "completed"
    for stranger in ("t7", "t8"):
        hooks.take(_delivery(stranger))
    hooks.lost()
    assert hooks.close() == {
        "webhook:contradiction": 1,
        "webhook:bad-signature": 1,
        "webhook:other-key": 1,
        "webhook:unknown-task": 1,
    }


def test_it_listens_and_refuses_everything_else() -> None:
    hooks = _hooks()
    threads = gevent.get_hub().threadpool
    sent = _delivery()
    named = {"webhook-id": sent.id, "webhook-timestamp": sent.timestamp, "webhook-signature": sent.signatures}

    def status(url: str, body: bytes | None) -> int:
        try:
            with urlopen(Request(url, body, named), timeout=10) as answer:
                return int(answer.status)
        except HTTPError as error:
            with error:
                return error.code

    assert threads.spawn(status, hooks.url, sent.body).get(10) == 204
    assert threads.spawn(status, hooks.url, b"{}").get(10) == 401
    assert threads.spawn(status, f"{hooks.origin}/no-such-image.png", None).get(10) == 404
    assert threads.spawn(status, hooks.url, b"x" * 65537).get(10) == 413
    assert hooks.wait("t1", "default", 5) == "completed"
    hooks.close()
