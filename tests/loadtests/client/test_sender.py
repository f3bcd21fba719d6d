"""One user's requests: what is told of each, and which are sent again."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from wiremark_loadtests.bill.receipts import Outcome
from wiremark_loadtests.client.backlog import Backlog
from wiremark_loadtests.client.sender import Sender, Steps
from wiremark_loadtests.client.telling import Sent
from wiremark_loadtests.client.wire import ResponseReader
from wiremark_loadtests.settings import Given, resolve

KEY = "hermes_pk_made_up"
ENTRY = """\
wiremark: scenario/1
name: mine
title: Mine
mix:
  - {name: a, weight: 1, prompt_words: [2, 4], max_tokens: 8"""
GIVEN = Given("", contract="hermes-tokens", api_key=KEY, seed=1)


def _send(
    gateway: Any, folder: Path, entry: str, times: int = 1, backlog: Backlog | None = None
) -> list[Sent]:
    path = folder / "mine.yaml"
    path.write_text(f"{ENTRY}, {entry}}}\n")
    settings = resolve(replace(GIVEN, base_url=gateway.base_url, scenario=str(path)), {})
    sent: list[Sent] = []
    begun: list[None] = []
    over: list[None] = []
    steps = Steps(lambda: begun.append(None), lambda: over.append(None), sent.append)
    sender = Sender(settings, "0.0", steps, backlog=backlog)
    for _ in range(times):
        sender.send(None, None)
    sender.close()
    assert len(begun) == len(over) == len(sent) + (0 if backlog is None else len(backlog))
    return sent


def test_a_receipt_says_what_was_told(gateway: Any, tmp_path: Path) -> None:
    (sent,) = _send(gateway, tmp_path, "stream: true")
    receipt = sent.receipt
    assert (receipt.request_id, receipt.outcome, receipt.tokens) == ("req-1", Outcome.OK, (11, 3))
    assert receipt.sent_ms <= receipt.at_ms
    assert receipt.ceiling is not None
    assert receipt.ceiling[1] == 8
    assert sent.at.due == sent.at.sent <= (sent.at.first_byte or 0) <= sent.at.ended


def test_a_refusal_that_may_pass_is_tried_again_and_no_other(gateway: Any, tmp_path: Path) -> None:
    gateway.status = 503
    tried = _send(gateway, tmp_path, "stream: false, retry: {attempts: 3, idempotent: true}")
    assert [sent.is_retry for sent in tried] == [False, True, True]
    assert len({sent.planned.body for sent in tried}) == 1
    gateway.status = 400
    assert len(_send(gateway, tmp_path, "stream: false, retry: {attempts: 3}")) == 1


def test_a_client_that_hangs_up_asks_again(gateway: Any, tmp_path: Path) -> None:
    tried = _send(gateway, tmp_path, "stream: true, cut: [sent], retry: {attempts: 2}")
    assert [sent.receipt.outcome for sent in tried] == [Outcome.CUT, Outcome.CUT]
    assert all(sent.receipt.sent and not sent.answer.error for sent in tried)


def test_a_conversation_sends_what_was_said(gateway: Any, tmp_path: Path) -> None:
    _send(gateway, tmp_path, "stream: true, turns: 3", times=4)
    roles = [[message["role"] for message in body["messages"]] for body in gateway.bodies]
    assert roles == [["user"], ["user", "assistant", "user"], ["user", "assistant"] * 2 + ["user"], ["user"]]
    assert gateway.bodies[1]["messages"][1]["content"] == "one two three"


def test_every_request_may_have_a_connection_of_its_own(gateway: Any, tmp_path: Path) -> None:
    sent = _send(gateway, tmp_path, "stream: false, reconnect: true", times=3)
    assert [one.receipt.outcome for one in sent] == [Outcome.OK] * 3


def test_an_answer_leaves_nothing_to_the_garbage_collector(gateway: Any, tmp_path: Path) -> None:
    """Collections are rare while a load runs, so that what waits for them would pile up."""
    _send(gateway, tmp_path, "stream: true")
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        _send(gateway, tmp_path, "stream: true", times=3)
        _send(gateway, tmp_path, "stream: true, cut: [head]", times=3)
        gc.collect()
        assert [kept for kept in gc.garbage if isinstance(kept, ResponseReader)] == []
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


def test_whole_answers_wait_and_the_user_goes_on(gateway: Any, tmp_path: Path) -> None:
    backlog = Backlog()
    sent = _send(gateway, tmp_path, "stream: true", times=3, backlog=backlog)
    assert backlog  # the last one at least: nobody had time for it
    backlog.finish()
    assert [(one.receipt.request_id, one.receipt.tokens) for one in sent] == [
        (f"req-{number}", (11, 3)) for number in (1, 2, 3)
    ]
    assert all(one.at.ended // 1_000_000 <= one.receipt.at_ms + 1 for one in sent)


@pytest.mark.parametrize("entry", ["stream: true, turns: 3", "stream: false, retry: {attempts: 2}"])
def test_an_answer_that_decides_what_comes_next_does_not_wait(
    gateway: Any, tmp_path: Path, entry: str
) -> None:
    assert len(_send(gateway, tmp_path, entry, times=2, backlog=Backlog())) == 2


def test_a_refusal_is_told_at_once(gateway: Any, tmp_path: Path) -> None:
    gateway.status = 503
    (sent,) = _send(gateway, tmp_path, "stream: false", backlog=Backlog())
    assert sent.receipt.status == 503
